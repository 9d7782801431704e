"""`faultwire up`: both services under one roof, for people to watch one of them die."""

import os
import re
import signal
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.ports import unused_port
from tests.system.conftest import Start
from tests.system.running import (
    PATIENCE_S,
    Client,
    Running,
    alive,
    children,
    get,
    listening,
    port_of,
    run,
    until,
)

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="watches /proc")

PORTS = ("--a-port", "0", "--b-port", "0", "--console-port", "0")
UP = ("up", "--direct", *PORTS, "--drain-grace", "0")
CALL = "/call-echo?msg=hello"


class Up:
    """A running pair, once it says that it is ready."""

    def __init__(self, process: Running) -> None:
        self.process = process
        where = process.wait_for_said("Service A on")
        self.a_url, self.b_url = re.findall(r"http://[0-9.:]+", where)
        self.a_pid = int(process.wait_for_said("(kill ").partition("(kill ")[2].partition(")")[0])
        self.b_pid = next(pid for pid in children(process.pid) if b"service-b" in command_of(pid))


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # a browser, which has ended
        return b""


def test_up_is_ready_when_it_says_so_and_says_it_in_three_lines(start: Start) -> None:
    up = Up(start(*UP))
    assert get(up.a_url, "/readyz").status == 200
    assert get(up.b_url, CALL).body == '{"service_b":"ok","service_a":{"echo":"hello"}}'
    where, watch, trying = up.process.said
    assert f"Service B on {up.b_url}" in where
    page = re.fullmatch(r"Open (\S+) to watch it, .*\. Ctrl\+C stops both", watch)
    assert page
    with urlopen(page[1], timeout=PATIENCE_S) as answer:  # noqa: S310  our own page
        assert b"<title>Faultwire console</title>" in answer.read()
    assert f'curl -i "{up.b_url}{CALL}"' in trying


_WITHOUT_PYTHON = (
    "import sys; from faultwire.cli import main; "
    "sys.executable += '-that-is-gone'; sys.argv[0] = 'faultwire'; main()"
)


def test_what_cannot_be_started_is_said_in_a_line() -> None:
    with Running(*UP, command=(sys.executable, "-c", _WITHOUT_PYTHON)) as process:
        assert process.exit_status() == 1
        assert len(process.lines) == 1
        assert re.search("A cannot be started: .* No such file .*; stopping.", process.lines[0])


def test_without_the_console_nothing_serves_a_page(start: Start) -> None:
    up = Up(start("up", "--direct", "--no-console", *PORTS))
    assert [line for line in up.process.said if "Ctrl+C" in line] == ["Ctrl+C stops both"]
    assert "http" not in up.process.said[1]


def test_open_shows_the_page_in_a_browser(start: Start, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {asked}.new; mv {asked}.new {asked}\n')
    browser.chmod(0o755)
    up = Up(start(*UP, "--open", env={"BROWSER": f"{browser} %s"}))
    until(asked.exists, "the browser is asked")
    assert f"Open {asked.read_text().strip()} " in up.process.said[1]


def test_a_policy_for_b_is_read_before_anything_starts() -> None:
    done = run(*UP, "--policy", "luck")
    assert done.returncode == 2
    assert done.stderr.startswith("faultwire up: --policy is 'luck': expected ")


def test_a_page_that_is_not_served_cannot_be_opened() -> None:
    done = run("up", "--no-console", "--open")
    assert done.returncode == 2
    assert "--open and --no-console exclude each other" in done.stderr


def test_the_lines_of_both_stand_behind_their_names_without_colour(start: Start) -> None:
    up = Up(start(*UP, env={"PYTHONIOENCODING": "utf-8"}))
    get(up.b_url, CALL)
    assert re.match(r"A │ \d{4}-.* INFO service=A", up.process.wait_for("endpoint=/echo "))
    assert re.match(r"B │ \d{4}-.* INFO service=B", up.process.wait_for("endpoint=/call-echo "))


def test_force_color_colours_the_names(start: Start) -> None:
    up = Up(start(*UP, env={"FORCE_COLOR": "1", "PYTHONIOENCODING": "ascii"}))
    assert up.process.wait_for("service=A event=listening").startswith("\x1b[36mA |\x1b[0m ")


def test_flags_reach_both_services(start: Start) -> None:
    up = Up(start(*UP, "--contract", "detailed", "--timeout", "70ms", "--workers", "2"))
    os.kill(up.a_pid, signal.SIGSTOP)
    for worker in children(up.a_pid):
        os.kill(worker, signal.SIGSTOP)
    assert "Timeout calling Service A after 0.07s" in get(up.b_url, CALL).body
    assert len(children(up.b_pid)) == 2


def test_a_that_is_killed_is_reported_while_b_goes_on_and_a_can_be_started_again(
    start: Start,
) -> None:
    up = Up(start(*UP))
    os.kill(up.a_pid, signal.SIGKILL)
    assert up.process.wait_for("A died") == "A died: killed by signal 9 (SIGKILL)"
    answer = get(up.b_url, CALL)
    assert answer.status == 503
    assert '"kind":"connection_refused"' in answer.body
    assert get(up.b_url, "/health").status == 200

    again = up.process.wait_for("To start it again")
    command = again.partition("faultwire ")[2].split()
    assert command[0] == "service-a"
    assert start(*command).url() == up.a_url
    assert get(up.b_url, CALL).status == 200


def test_what_to_type_can_be_typed_where_no_shell_finds_faultwire(start: Start) -> None:
    here = str(Path(sys.executable).with_name("faultwire"))
    up = Up(start(*UP, command=(here,), env={"PATH": "/usr/bin:/bin"}))
    os.kill(up.a_pid, signal.SIGKILL)
    assert f" in a second terminal: {here} service-a " in up.process.wait_for("To start it again")


def test_up_ends_with_status_1_when_nothing_runs_any_more(start: Start) -> None:
    up = Up(start(*UP, "--no-console"))
    os.kill(up.b_pid, signal.SIGTERM)
    assert up.process.wait_for("B ended") == "B ended: exit status 0: it was told to stop"
    os.kill(up.a_pid, signal.SIGKILL)
    assert up.process.exit_status() == 1
    assert up.process.lines[-1] == "Nothing runs any more."


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_cleanly(start: Start, number: int) -> None:
    up = Up(start(*UP))
    up.process.signal(number)
    assert up.process.exit_status() == 0
    assert not alive(up.a_pid)
    assert not alive(up.b_pid)
    assert sum("event=stopped" in line for line in up.process.lines) == 2
    assert not [line for line in up.process.lines if "died" in line or "Traceback" in line]


def test_ctrl_c_ends_what_is_frozen(start: Start) -> None:
    up = Up(start(*UP))
    os.kill(up.a_pid, signal.SIGSTOP)
    up.process.signal(signal.SIGINT)
    assert up.process.exit_status() == 0
    assert not alive(up.a_pid)


def test_ctrl_c_lets_requests_in_flight_finish(start: Start) -> None:
    up = Up(start(*UP))
    with Client(up.a_url) as client:
        client.begin("/echo?msg=late")
        assert get(up.a_url, "/health").status == 200
        os.killpg(up.process.pid, signal.SIGINT)
        up.process.wait_for("event=draining", times=2)
        assert client.finish().body == '{"echo":"late"}'
    assert up.process.exit_status() == 0


def test_a_second_ctrl_c_kills_at_once(start: Start) -> None:
    up = Up(start(*UP, "--drain-timeout", "1m", "--workers", "2"))
    workers = [*children(up.a_pid), *children(up.b_pid)]
    assert len(workers) == 4
    with Client(up.a_url) as client:
        client.begin("/echo?msg=never")
        assert get(up.a_url, "/health").status == 200
        up.process.signal(signal.SIGINT)
        up.process.wait_for("event=draining", times=4)
        up.process.insist(signal.SIGINT)
        assert up.process.exit_status() == 130
    pids = [up.a_pid, up.b_pid, *workers]
    until(lambda: not any(map(alive, pids)), "all have ended")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_nothing_outlives_an_up_that_is_killed(start: Start, workers: str) -> None:
    up = Up(start(*UP, "--workers", workers))
    pids = [pid for child in (up.a_pid, up.b_pid) for pid in (child, *children(child))]
    up.process.signal(signal.SIGKILL)
    until(lambda: not any(map(alive, pids)), "the services end")


def test_ctrl_c_during_the_start_leaves_nothing_behind(start: Start) -> None:
    process = start(*UP)
    until(lambda: len(children(process.pid)) == 2, "both services have been started")
    pids = children(process.pid)
    process.signal(signal.SIGINT)
    process.exit_status()
    until(lambda: not any(map(alive, pids)), "the services end")
    assert "Traceback" not in "\n".join(process.lines)


SYSTEM_OF_ONE = """
import asyncio, sys
from faultwire.lab import system
from faultwire.lab.plan import Plan
from faultwire.lab.screen import Screen
from faultwire.services.stopping import StopRequest

system._READY_WITHIN_S = float(sys.argv[3])
plan = Plan("A", ["service-a", "--port", sys.argv[1]], "127.0.0.1", int(sys.argv[2]))
screen = Screen("A", colour=False, bar="|")
sys.exit(asyncio.run(system.System([plan], screen, StopRequest(), 1.0).run()))
"""


def test_a_service_that_is_not_ready_in_time_ends_up(start: Start) -> None:
    elsewhere = str(unused_port())
    process = start("0", elsewhere, "0.2", command=(sys.executable, "-c", SYSTEM_OF_ONE))
    assert process.exit_status() == 1
    assert process.wait_for("Not ready after 0.2 s; stopping.")
    assert not process.said


def test_a_service_that_cannot_start_ends_up_with_its_reason(start: Start) -> None:
    with listening() as sock:
        taken = str(port_of(sock))
        process = start(taken, "1", "10", command=(sys.executable, "-c", SYSTEM_OF_ONE))
        assert process.exit_status() == 1
    reason = process.wait_for("is taken")
    assert reason.startswith(f"A | faultwire service-a: port {taken} on 127.0.0.1 is taken")
    assert process.wait_for("did not start") == (
        "A did not start: exit status 2: it cannot run like this; its last line says why"
    )
    assert not process.said


def test_an_upstream_in_the_environment_does_not_mislead_b(start: Start) -> None:
    up = Up(start(*UP, env={"SERVICE_A_URL": f"http://127.0.0.1:{unused_port()}"}))
    assert get(up.b_url, CALL).status == 200
