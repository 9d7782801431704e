"""One service as one process: its start, its signals, its end."""

import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from time import perf_counter

import pytest

from tests.ports import unused_port
from tests.system.conftest import Hammer, HoldingUpstream, Start
from tests.system.running import (
    FAULTWIRE,
    Client,
    get,
    listening,
    port_of,
    refuses,
    run,
    until,
)

HELD = ("--timeout", "60s")
"""B waits for an upstream that takes its time."""


@pytest.fixture
def b_in_flight(start: Start, upstream: HoldingUpstream) -> Iterator["InFlight"]:
    """A Service B that has one request in flight, once that has begun."""
    with ExitStack() as stack:
        yield InFlight(start, upstream, stack)


class InFlight:
    """A Service B, and a client whose answer the upstream holds back."""

    def __init__(self, start: Start, upstream: HoldingUpstream, stack: ExitStack) -> None:
        self._start = start
        self._stack = stack
        self.upstream = upstream

    def begin(self, *flags: str) -> None:
        self.b = self._start(
            "service-b", "--port", "0", "--upstream", self.upstream.url, *HELD, *flags
        )
        self.url = self.b.url()
        self.client = self._stack.enter_context(Client(self.url))
        self.client.send("/call-echo?msg=held")
        self.upstream.wait_for_requests()


@pytest.mark.parametrize("service", ["service-a", "service-b"])
def test_a_service_says_where_it_listens_and_answers_there(start: Start, service: str) -> None:
    process = start(service, "--port", "0")
    assert get(process.url(), "/health").status == 200
    name = service[-1].upper()
    assert f"INFO service={name} event=listening url={process.url()}" in process.lines[0]


def test_in_json_a_service_says_the_same(start: Start) -> None:
    process = start("service-a", "--port", "0", "--log-format", "json")
    url = process.url()
    line = json.loads(process.lines[0])
    assert line.pop("ts")
    assert line == {"level": "INFO", "service": "A", "event": "listening", "url": url}


def test_the_environment_configures_a_service_and_a_flag_wins(start: Start) -> None:
    port = str(unused_port())
    env = {"FAULTWIRE_A_PORT": port, "FAULTWIRE_LOG_FORMAT": "json", "FAULTWIRE_B_PORT": "tcp://x"}
    process = start("service-a", "--log-format", "text", env=env)
    assert process.url() == f"http://127.0.0.1:{port}"
    assert " INFO service=A event=listening" in process.lines[0]


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_a_service_listens_on_ipv6(start: Start, host: str) -> None:
    process = start("service-a", "--port", "0", "--host", host)
    assert process.url().startswith("http://[::1]:")
    assert get(process.url(), "/health").status == 200


def test_localhost_is_where_ipv4_clients_look(start: Start) -> None:
    assert start("service-a", "--port", "0", "--host", "localhost").url().startswith("http://127.")


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("service", ["service-a", "service-b"])
def test_a_taken_port_is_one_clear_line_and_status_2(service: str, workers: str) -> None:
    with listening() as sock:
        port = port_of(sock)
        done = run(service, "--port", str(port), "--workers", workers)
    assert done.returncode == 2
    assert done.stderr == (
        f"faultwire {service}: port {port} on 127.0.0.1 is taken: "
        "stop what uses it, or choose another with --port\n"
    )


def test_two_instances_with_workers_do_not_share_a_port(start: Start) -> None:
    port = start("service-a", "--port", "0", "--workers", "2").url().rpartition(":")[2]
    assert run("service-a", "--port", port, "--workers", "2").returncode == 2
    assert run("service-a", "--port", port).returncode == 2


@pytest.mark.parametrize("host", ["203.0.113.9", "no-such-host.invalid"])
def test_an_address_that_is_not_ours_is_one_clear_line_and_status_2(host: str) -> None:
    done = run("service-a", "--port", "0", "--host", host)
    assert done.returncode == 2
    assert done.stderr.startswith(f"faultwire service-a: {host} is not ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_ends_a_service_cleanly_and_without_grace(start: Start, number: int) -> None:
    process = start("service-a", "--port", "0", "--drain-grace", "1m")
    process.url()
    process.signal(number)
    assert process.exit_status() == 0
    assert "event=stopped" in process.lines[-1]


def test_a_service_started_with_nohup_outlives_its_terminal(start: Start) -> None:
    shell = ("sh", "-c", 'trap "" HUP; exec "$@"', "sh", *FAULTWIRE)
    process = start("service-a", "--port", "0", command=shell)
    url = process.url()
    process.signal(signal.SIGHUP)
    assert get(url, "/health").status == 200
    process.signal(signal.SIGTERM)
    assert "reason=SIGTERM" in process.wait_for("draining")


def test_sigterm_drains(b_in_flight: InFlight) -> None:
    b_in_flight.begin("--drain-grace", "500ms")
    b, url = b_in_flight.b, b_in_flight.url
    b.signal(signal.SIGTERM)
    b.wait_for("event=draining")
    assert get(url, "/readyz").status == 503
    assert get(url, "/livez").status == 200
    assert get(url, "/health").status == 200

    until(lambda: refuses(url), "new connections are refused")
    b_in_flight.upstream.answer("held")
    answer = b_in_flight.client.answer()
    assert answer.status == 200
    assert '"held"' in answer.body
    assert answer.closes
    assert b_in_flight.client.ended()
    b_in_flight.client.close()
    assert b.exit_status() == 0
    assert b.lines[-1].endswith("INFO service=B event=stopped")


def test_a_request_that_is_still_arriving_is_answered_in_a_drain(start: Start) -> None:
    a = start("service-a", "--port", "0", "--drain-grace", "0")
    url = a.url()
    with Client(url) as client:
        client.begin("/echo?msg=late")
        until(lambda: get(url, "/health").status == 200, "the first half has arrived")
        a.signal(signal.SIGTERM)
        a.wait_for("event=draining")
        until(lambda: refuses(url), "new connections are refused")
        assert client.finish().body == '{"echo":"late"}'
    assert a.exit_status() == 0


def test_a_drain_ends_in_time_and_says_what_it_cut(b_in_flight: InFlight) -> None:
    b_in_flight.begin("--drain-grace", "0", "--drain-timeout", "100ms")
    b_in_flight.b.signal(signal.SIGTERM)
    assert b_in_flight.b.exit_status() == 0
    cut_off = b_in_flight.b.lines[-2]
    assert "error=ServerError:503 http_status=503" in cut_off
    assert 'details="Cut off: the time for the drain was over"' in cut_off
    assert "WARNING service=B event=stopped connections_cut=1" in b_in_flight.b.lines[-1]
    assert b_in_flight.client.ended()


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_a_service_at_once(
    b_in_flight: InFlight, first: int, second: int
) -> None:
    b_in_flight.begin("--drain-timeout", "1m")
    b_in_flight.b.signal(first)
    b_in_flight.b.wait_for("event=draining")
    b_in_flight.b.insist(second)
    assert b_in_flight.b.exit_status() == 128 + second


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_that_comes_twice_at_once_is_one_wish(start: Start, workers: str) -> None:
    """`timeout` sends it to the process, and then to its group."""
    at_once = 0
    while at_once < 5:
        process = start("service-a", "--port", "0", "--workers", workers, "--drain-grace", "200ms")
        process.url()
        began = perf_counter()
        while perf_counter() - began < 0.01:
            os.kill(process.pid, signal.SIGTERM)
        was_at_once = perf_counter() - began < 0.03  # this test may have been interrupted
        status = process.exit_status()
        assert status == 0 or not was_at_once
        at_once += was_at_once


def test_no_request_fails_while_a_service_drains(start: Start, hammer: Hammer) -> None:
    a = start("service-a", "--port", "0", "--drain-grace", "300ms")
    hammer.start(a.url())
    a.signal(signal.SIGTERM)
    assert a.exit_status() == 0
    hammer.expect_clean_end()


def test_the_end_of_standard_input_ends_a_service_that_was_asked_to(start: Start) -> None:
    process = start("service-a", "--port", "0", "--until-eof", "--drain-grace", "1m")
    process.url()
    assert process.process.stdin is not None
    process.process.stdin.close()
    assert process.exit_status() == 0
    assert "reason=EOF" in process.wait_for("event=draining")


def test_the_end_of_standard_input_is_nothing_to_a_service_otherwise(start: Start) -> None:
    process = start("service-a", "--port", "0")
    url = process.url()
    assert process.process.stdin is not None
    process.process.stdin.close()
    assert get(url, "/health").status == 200


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("closed", ["2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_a_service_works_without_standard_streams(start: Start, closed: str, workers: str) -> None:
    port = str(unused_port())
    shell = ("sh", "-c", f'exec "$@" {closed}', "sh", *FAULTWIRE)
    process = start("service-a", "--port", port, "--workers", workers, command=shell)
    url = f"http://127.0.0.1:{port}"
    until(lambda: not refuses(url), "it listens")
    assert get(url, "/echo?msg=hi").status == 200
    process.signal(signal.SIGINT)
    assert process.exit_status() == 0


def test_a_service_works_when_the_reader_of_its_log_has_gone(start: Start) -> None:
    shell = ("sh", "-c", 'exec "$@" 2>&1 >/dev/null | head -n 1 >&2; cat', "sh", *FAULTWIRE)
    process = start("service-a", "--port", "0", "--until-eof", command=shell)
    url = process.url()
    for _ in range(3):
        assert get(url, "/echo?msg=hi").status == 200


def test_the_limit_of_open_files_is_raised_and_bounds_connections(start: Start) -> None:
    shell = ("sh", "-c", 'ulimit -Sn 100; ulimit -Hn 300; exec "$@"', "sh", *FAULTWIRE)
    process = start("service-a", "--port", "0", command=shell)
    url = process.url()
    assert "event=connections_capped most=236 descriptors=300" in process.lines[0]
    assert get(url, "/health").status == 200
    if hasattr(resource, "prlimit"):
        assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE) == (300, 300)


def test_a_service_runs_and_drains_on_the_standard_event_loop(start: Start) -> None:
    script = "import sys; sys.modules['uvloop'] = None; from faultwire.cli import main; main()"
    process = start("service-a", "--port", "0", command=(sys.executable, "-c", script))
    url = process.url()
    assert get(url, "/echo?msg=hi").status == 200
    with Client(url) as client:
        client.begin("/echo?msg=late")
        until(lambda: get(url, "/health").status == 200, "the first half has arrived")
        process.signal(signal.SIGINT)
        process.wait_for("event=draining")
        assert client.finish().status == 200
    assert process.exit_status() == 0
    assert not [line for line in process.lines if "Traceback" in line]


def test_what_nobody_caught_is_one_line_and_the_service_goes_on(start: Start) -> None:
    script = (
        "import asyncio, faultwire.services.service_a as a\n"
        "async def start(self): asyncio.get_running_loop().call_soon(lambda: 1 / 0)\n"
        "a.ServiceA.start = start\n"
        "from faultwire.cli import main; main()"
    )
    process = start("service-a", "--port", "0", command=(sys.executable, "-c", script))
    line = process.wait_for("event=unexpected_error")
    assert line.endswith('error="ZeroDivisionError: division by zero" at=<string>:2')
    assert get(process.url(), "/health").status == 200


def test_the_end_does_not_wait_for_a_resolver_that_hangs(start: Start) -> None:
    script = (
        "import socket, sys, threading\n"
        "resolve = socket.getaddrinfo\n"
        "def hang(host, *more, **flags):\n"
        "    return threading.Event().wait() if host == 'slow' else resolve(host, *more, **flags)\n"
        "socket.getaddrinfo = hang\n"
        "from faultwire.cli import main; main()"
    )
    flags = ("--port", "0", "--upstream", "http://slow", "--timeout", "50ms")
    process = start("service-b", *flags, command=(sys.executable, "-c", script))
    assert '"kind":"dns_error"' in get(process.url(), "/call-echo?msg=hi").body
    process.signal(signal.SIGINT)
    assert process.exit_status() == 0


def test_a_service_that_a_script_has_started_in_the_background_obeys_sigint(start: Start) -> None:
    """A shell without job control starts such a process with SIGINT ignored."""
    ignoring = ("sh", "-c", 'trap "" INT; exec "$@"', "sh", *FAULTWIRE)
    process = start("service-a", "--port", "0", command=ignoring)
    process.url()
    process.signal(signal.SIGINT)
    assert process.exit_status() == 0
