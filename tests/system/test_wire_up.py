"""`faultwire up` with the wire between its services: breaking it is what there is to see."""

import json
import os
import re
import signal
from pathlib import Path

import pytest

from tests.system.conftest import Start
from tests.system.running import Running, alive, children, get, listening, port_of, run, until

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="watches /proc")

PORTS = (
    *("--a-port", "0", "--b-port", "0", "--wire", "0", "--control", "0"),
    *("--console-port", "0"),
)
UP = ("up", *PORTS, "--drain-grace", "0")
CALL = "/call-echo?msg=hello"


class Up:
    """A running system, once it says that it is ready."""

    def __init__(self, process: Running) -> None:
        self.process = process
        where = process.wait_for_said("Service A on")
        self.a_url, self.wire_url, self.control, self.b_url = re.findall(
            r"http://[0-9.]+:[0-9]+", where
        )
        self.a_pid = int(process.wait_for_said("(kill ").partition("(kill ")[2].partition(")")[0])

    def faultwire(self, *words: str) -> None:
        assert run(*words, "--control", self.control).returncode == 0


def test_b_calls_a_over_the_wire(start: Start) -> None:
    up = Up(start(*UP, env={"PYTHONIOENCODING": "utf-8"}))
    assert get(up.b_url, CALL).body == '{"service_b":"ok","service_a":{"echo":"hello"}}'
    line = up.process.wait_for("service=wire endpoint=/echo ")
    assert re.match(r"wire │ \d{4}-.* INFO service=wire endpoint=/echo status=ok ", line)
    assert re.match(r"A    │ ", up.process.wait_for("service=A endpoint=/echo "))


def test_up_says_what_to_try_and_it_works(start: Start) -> None:
    up = Up(start(*UP))
    assert up.process.wait_for_said("Ctrl+C stops all")
    tried = up.process.wait_for_said("Try: ")
    assert f'curl -i "{up.b_url}{CALL}"' in tried
    command = re.search(r"faultwire (break latency --delay 2s --control \S+?),", tried)
    assert command
    assert run(*command[1].split()).returncode == 0
    answer = get(up.b_url, CALL)
    assert answer.status == 503
    assert '"kind":"response_timeout"' in answer.body
    assert "fault=latency" in up.process.wait_for("service=wire endpoint=/echo ")
    up.faultwire("mend")
    assert get(up.b_url, CALL).status == 200


def test_on_the_default_port_the_command_to_try_needs_no_address() -> None:
    from faultwire.lab.plan import Plan  # noqa: PLC0415
    from faultwire.settings import DEFAULT_CONTROL  # noqa: PLC0415

    plan = Plan("wire", (), "127.0.0.1", 8082, DEFAULT_CONTROL)
    assert plan.breaking == "faultwire break latency --delay 2s"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (("status", "--code", "500"), "upstream_status"),
        (("reset", "--after", "0"), "connection_reset"),
        (("empty_response",), "empty_response"),
        (("truncate",), "response_truncated"),
        (("invalid_json",), "response_invalid"),
        (("refuse",), "connection_refused"),
    ],
)
def test_what_breaks_on_the_wire_is_what_b_says(
    start: Start, fault: tuple[str, ...], kind: str
) -> None:
    up = Up(start(*UP))
    up.faultwire("break", *fault)
    os.kill(up.a_pid, 0)
    answer = get(up.b_url, CALL)
    assert answer.status == 503
    assert json.loads(answer.body)["kind"] == kind
    up.faultwire("mend")
    until(lambda: get(up.b_url, CALL).status == 200, "B serves again")


def test_a_that_is_killed_is_refused_behind_the_wire_as_before_it(start: Start) -> None:
    up = Up(start(*UP))
    assert get(up.b_url, CALL).status == 200
    os.kill(up.a_pid, signal.SIGKILL)
    assert up.process.wait_for("A died")
    assert "wire and B go on." in up.process.wait_for("To start it again")
    until(lambda: "connection_refused" in get(up.b_url, CALL).body, "B sees a refusal")
    again = up.process.wait_for("To start it again").partition("faultwire ")[2].split()
    assert start(*again).url() == up.a_url
    until(lambda: get(up.b_url, CALL).status == 200, "B serves again")


@pytest.mark.parametrize("flag", ["--a-port", "--b-port", "--console-port", "--wire", "--control"])
def test_a_taken_port_is_one_clear_line_and_nothing_starts(flag: str) -> None:
    with listening() as sock:
        port = port_of(sock)
        done = run(*UP, flag, str(port))
    assert done.returncode == 2
    assert done.stderr == (
        f"faultwire up: port {port} on 127.0.0.1 is taken: "
        f"stop what uses it, or choose another with {flag}\n"
    )
    assert not done.stdout


def test_direct_leaves_the_wire_out(start: Start) -> None:
    process = start("up", "--direct", *PORTS)
    assert "wire" not in process.wait_for_said("Service A on")
    assert process.wait_for_said("Ctrl+C stops both")
    assert len(children(process.pid)) == 2


def test_ctrl_c_stops_all_three_cleanly(start: Start) -> None:
    up = Up(start(*UP))
    pids = children(up.process.pid)
    assert len(pids) == 3
    up.process.signal(signal.SIGINT)
    assert up.process.exit_status() == 0
    assert not [pid for pid in pids if alive(pid)]
    assert sum("event=stopped" in line for line in up.process.lines) == 3
    assert not [line for line in up.process.lines if "died" in line or "Traceback" in line]
