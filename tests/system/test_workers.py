"""Several processes on one port: all serve, the dead are replaced, and all end together."""

import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.system.conftest import Hammer, HoldingUpstream, Start
from tests.system.running import Client, Running, alive, children, get, refuses, until

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="watches /proc")

WORKERS = ("service-a", "--port", "0", "--workers", "2")
CLIENTS = 64


def workers_of(process: Running) -> list[int]:
    """The process ids of both workers, once both are there and serve."""
    process.wait_for("event=worker_started", times=2)
    url = process.url()
    assert get(url, "/health").status == 200
    return children(process.pid)


def sockets_of(pid: int) -> int:
    """How many sockets a process holds open."""
    links = Path(f"/proc/{pid}/fd").iterdir()
    return sum(str(link.readlink()).startswith("socket:") for link in links)


def test_connections_are_spread_over_all_workers(start: Start) -> None:
    process = start(*WORKERS)
    first, second = workers_of(process)
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            client = stack.enter_context(Client(process.url()))
            assert client.get("/echo?msg=hi").status == 200
        mine = [sockets_of(first), sockets_of(second)]
        assert sum(mine) >= CLIENTS
        assert min(mine) > CLIENTS // 8


def test_a_killed_worker_is_reported_and_replaced_at_once(start: Start) -> None:
    process = start(*WORKERS)
    victim, other = workers_of(process)
    os.kill(victim, signal.SIGKILL)
    line = process.wait_for("event=worker_died")
    assert f" pid={victim} signal=SIGKILL restart_in_ms=0" in line
    process.wait_for("event=worker_started", times=3)
    assert other in children(process.pid)
    assert len(children(process.pid)) == 2
    for _ in range(20):
        assert get(process.url(), "/echo?msg=hi").status == 200


@pytest.mark.skipif(not hasattr(signal, "SIGRTMIN"), reason="has no real-time signals")
def test_a_worker_that_a_signal_without_a_name_ends_is_replaced(start: Start) -> None:
    process = start(*WORKERS)
    victim, _ = workers_of(process)
    os.kill(victim, signal.SIGRTMIN + 6)
    assert f" signal={signal.SIGRTMIN + 6} restart_in_ms=0" in process.wait_for("worker_died")
    process.wait_for("event=worker_started", times=3)
    assert get(process.url(), "/health").status == 200


def test_a_connection_in_a_dead_workers_queue_is_served_by_its_successor(start: Start) -> None:
    process = start(*WORKERS)
    pids = workers_of(process)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    with ExitStack() as stack:
        waiting = [stack.enter_context(Client(process.url())) for _ in range(8)]
        for client in waiting:
            client.send("/echo?msg=kept")
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        assert [client.answer().status for client in waiting] == [200] * 8


def test_a_worker_told_to_end_is_replaced(start: Start) -> None:
    process = start(*WORKERS, "--drain-grace", "0")
    victim = workers_of(process)[0]
    os.kill(victim, signal.SIGTERM)
    assert f" pid={victim} status=0" in process.wait_for("event=worker_died")
    process.wait_for("event=worker_started", times=3)


def test_sigterm_drains_every_worker(start: Start, hammer: Hammer) -> None:
    process = start(*WORKERS, "--drain-grace", "300ms")
    pids = workers_of(process)
    hammer.start(process.url())
    process.signal(signal.SIGTERM)
    process.wait_for("event=draining", times=2)
    assert get(process.url(), "/readyz").status == 503
    assert get(process.url(), "/livez").status == 200
    hammer.expect_clean_end()
    assert process.exit_status() == 0
    assert not any(map(alive, pids))
    assert sum("event=stopped" in line for line in process.lines) == 2
    assert not [line for line in process.lines if "worker_died" in line]


def test_ctrl_c_of_a_terminal_reaches_all_and_still_drains(
    start: Start, upstream: HoldingUpstream
) -> None:
    """The workers hear it twice: from the terminal and from their parent."""
    flags = ("--upstream", upstream.url, "--timeout", "1m", "--drain-grace", "1m")
    process = start("service-b", *WORKERS[1:], *flags)
    workers_of(process)
    url = process.url()
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(url)) for _ in range(8)]
        for client in clients:
            client.send("/call-echo?msg=held")
        upstream.wait_for_requests(len(clients))
        os.killpg(process.pid, signal.SIGINT)
        process.wait_for("event=draining", times=2)
        until(lambda: refuses(url), "new connections are refused")
        upstream.answer("held")
        assert [client.answer().status for client in clients] == [200] * 8
    assert process.exit_status() == 0


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_kills_all_at_once(start: Start, second: int) -> None:
    process = start(*WORKERS, "--drain-timeout", "1m")
    pids = workers_of(process)
    with Client(process.url()) as client:
        client.begin("/echo?msg=never")
        assert get(process.url(), "/health").status == 200
        process.signal(signal.SIGINT)
        process.wait_for("event=draining", times=2)
        process.insist(second)
        assert process.exit_status() in (128 + second, -second)  # -: even while Python ended
    assert not any(map(alive, pids))


def test_workers_do_not_outlive_a_parent_that_is_killed(start: Start) -> None:
    process = start(*WORKERS)
    pids = workers_of(process)
    process.signal(signal.SIGKILL)
    until(lambda: not any(map(alive, pids)), "the workers end")
    assert refuses(process.url())


def test_the_end_of_standard_input_ends_all_workers_that_were_asked_to(start: Start) -> None:
    process = start(*WORKERS, "--until-eof")
    pids = workers_of(process)
    assert process.process.stdin is not None
    process.process.stdin.close()
    assert process.exit_status() == 0
    assert not any(map(alive, pids))


def test_a_worker_that_keeps_dying_is_started_later_and_later(start: Start) -> None:
    script = (
        "import sys, faultwire.services.service_a as a\n"
        "async def fail(self): raise RuntimeError\n"
        "a.ServiceA.start = fail\n"
        "from faultwire.cli import main; main()"
    )
    process = start(*WORKERS, command=(sys.executable, "-c", script))
    for delay_ms in (0, 100, 200):
        process.wait_for(f" status=1 restart_in_ms={delay_ms}")
    process.signal(signal.SIGINT)
    assert process.exit_status() == 0


def test_a_worker_that_does_not_end_in_time_is_killed(start: Start) -> None:
    process = start(*WORKERS, "--drain-timeout", "0")
    stuck = workers_of(process)[0]
    os.kill(stuck, signal.SIGSTOP)
    process.signal(signal.SIGINT)
    assert process.exit_status() == 0
    assert not alive(stuck)


def test_a_worker_that_cannot_be_forked_is_tried_again(start: Start) -> None:
    script = (
        "import os, faultwire.services.workers as workers\n"
        "fork, failed = os.fork, []\n"
        "def fork_later():\n"
        "    if failed: return fork()\n"
        "    failed.append(1)\n"
        "    raise BlockingIOError(11, 'Resource temporarily unavailable')\n"
        "os.fork, workers._LONGEST_DELAY_S = fork_later, 0.05\n"
        "from faultwire.cli import main; main()"
    )
    process = start(*WORKERS, command=(sys.executable, "-c", script))
    assert "temporarily unavailable" in process.wait_for("event=worker_not_started worker=1")
    assert len(workers_of(process)) == 2


def test_workers_without_fork_are_refused_in_one_line(start: Start) -> None:
    script = "import os; del os.fork; from faultwire.cli import main; main()"
    process = start(*WORKERS, command=(sys.executable, "-c", script))
    assert process.exit_status() == 2
    (line,) = process.lines
    assert line.endswith("--workers above 1 needs a system that can fork; use --workers 1")
