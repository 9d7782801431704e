"""The wire as a process: its start, its log, its signals, its end."""

import json
import re
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.ports import unused_port
from tests.system.conftest import Start
from tests.system.running import (
    FAULTWIRE,
    PATIENCE_S,
    Answer,
    Client,
    Running,
    get,
    listening,
    port_of,
    refuses,
    run,
    until,
)

PORTS = ("--listen", "0", "--control", "0")


class RunningWire:
    """A running wire, once it says where it listens."""

    def __init__(self, process: Running) -> None:
        self.process = process
        self.line = process.wait_for("listening")
        self.url = process.url()
        found = re.search(r'control(?:=|":")(http://[^\s"]+)', self.line)
        assert found, self.line
        self.control = found[1]

    def ask(self, target: str) -> Answer:
        """One request to the control API."""
        with Client(self.control) as client:
            client.sock.sendall(f"GET {target} HTTP/1.1\r\n".encode())
            client.sock.sendall(f"Host: {self.control.partition('//')[2]}\r\n\r\n".encode())
            return client.answer()


@pytest.fixture
def a(start: Start) -> str:
    """The URL of a running Service A."""
    return start("service-a", "--port", "0").url()


def test_the_wire_says_where_it_listens_and_passes_everything_on(start: Start, a: str) -> None:
    wire = RunningWire(start("wire", *PORTS, "--to", a))
    assert get(wire.url, "/echo?msg=hi").body == '{"echo":"hi"}'
    assert f" INFO service=wire event=listening url={wire.url} to={a} control=" in wire.line
    line = wire.process.wait_for("endpoint=/echo")
    assert re.search(
        r" INFO service=wire endpoint=/echo status=ok latency_ms=\d+ http_status=200 "
        r"connection=\d+ place=1 method=GET response_bytes=\d+",
        line,
    )
    assert wire.ask("/readyz").body == '{"status":"ok"}'


def test_in_json_the_wire_says_the_same(start: Start, a: str) -> None:
    wire = RunningWire(start("wire", *PORTS, "--to", a, env={"FAULTWIRE_LOG_FORMAT": "json"}))
    get(wire.url, "/foo")
    line = json.loads(wire.process.wait_for("/foo"))
    assert (line["service"], line["status"], line["http_status"]) == ("wire", "error", 500)


def test_a_fault_shows_in_the_answer_the_log_and_the_ledger(start: Start, a: str) -> None:
    wire = RunningWire(start("wire", *PORTS, "--to", a))
    assert run("break", "status", "--code", "503", "--control", wire.control).returncode == 0
    answer = get(wire.url, "/echo?msg=hi")
    assert answer.status == 503
    assert "x-fault: status" in answer.head.lower()
    line = wire.process.wait_for("endpoint=/echo")
    assert " WARNING service=wire endpoint=/echo status=error fault=status latency_ms=" in line
    (record,) = json.loads(wire.ask("/ledger?fault=status").body)["records"]
    assert (record["method"], record["target"], record["status"]) == ("GET", "/echo?msg=hi", 503)


def test_the_wire_refuses_while_its_upstream_does(start: Start) -> None:
    port = str(unused_port())
    wire = RunningWire(start("wire", *PORTS, "--to", f"http://127.0.0.1:{port}"))
    assert refuses(wire.url)
    assert wire.ask("/readyz").status == 200
    a = start("service-a", "--port", port)
    until(lambda: not refuses(wire.url), "the wire listens")
    assert get(wire.url, "/health").status == 200
    a.signal(signal.SIGINT)
    a.exit_status()
    until(lambda: refuses(wire.url), "the wire refuses again")


# How it is refused.


@pytest.mark.parametrize("flag", ["--listen", "--control"])
def test_a_taken_port_is_one_clear_line_and_status_2(flag: str) -> None:
    with listening() as sock:
        port = str(port_of(sock))
        done = run("wire", *PORTS, flag, port)
    assert done.returncode == 2
    assert done.stderr == (
        f"faultwire wire: port {port} on 127.0.0.1 is taken: "
        f"stop what uses it, or choose another with {flag}\n"
    )


@pytest.mark.parametrize("control", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.com:0"])
def test_a_control_api_that_others_can_reach_needs_a_token(control: str) -> None:
    done = run("wire", "--listen", "0", "--control", control)
    assert done.returncode == 2
    assert done.stderr.startswith(f"faultwire wire: --control {control} is open to other machines")
    assert done.stderr.count("\n") == 1


def test_with_a_token_it_may_listen_anywhere(start: Start, a: str) -> None:
    env = {"FAULTWIRE_CONTROL_TOKEN": "s3cret-token"}
    flags = ("--listen", "0", "--control", "0.0.0.0:0", "--to", a)
    wire = RunningWire(start("wire", *flags, env=env))
    at = f"127.0.0.1:{wire.control.rpartition(':')[2]}"
    assert get(f"http://{at}", "/readyz").status == 200
    assert get(f"http://{at}", "/faults").status == 401
    done = run("break", "hang", "--control", at)
    assert (done.returncode, done.stderr) == (
        1,
        "faultwire break hang: Send the control token: Authorization: Bearer TOKEN\n",
    )
    assert run("break", "hang", "--control", at, env=env).returncode == 0
    assert run("mend", "--control", at, env=env).stdout == "Mended: hang\n"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--listen", "x"), "--listen is 'x': expected [HOST:]PORT"),
        (("--listen", "::1:80"), "--listen is '::1:80': expected [HOST:]PORT"),
        (("--listen", "70000"), "--listen is '70000': expected a whole number from 0 to 65535"),
        (("--listen", "8084"), "--listen and --control are both 127.0.0.1:8084: choose two"),
        (("--listen", "9", "--to", "http://localhost:9"), "the wire would lead to itself"),
        (("--listen", "80", "--to", "http://127.0.0.1"), "the wire would lead to itself"),
        (("--to", "ftp://a"), "--to is 'ftp://a': expected a URL without a path"),
        (("--to", "http://a/b"), "--to is 'http://a/b': expected a URL without a path"),
        (("--control-token", "short"), "--control-token is 'short': expected 8 to 512 visible"),
        (("--cert", "c.pem"), "--cert and --key belong together: give both or neither"),
        (("--cert", "/no", "--key", "/no"), "/no"),
        (("--to", "https://a", "--ca", "/no.pem"), "/no.pem"),
        (("--seed", "-1"), "--seed is '-1': expected a whole number"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(flags: tuple[str, ...], said: str) -> None:
    done = run("wire", *flags)
    assert done.returncode == 2
    assert done.stderr.startswith("faultwire wire: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_environment_configures_the_wire(start: Start, a: str) -> None:
    port = str(unused_port())
    env = {
        "FAULTWIRE_WIRE_LISTEN": f"[::1]:{port}" if socket.has_ipv6 else port,
        "FAULTWIRE_WIRE_TO": a,
        "FAULTWIRE_WIRE_CONTROL": "0",
    }
    wire = RunningWire(start("wire", env=env))
    assert wire.url.endswith(f":{port}")
    assert get(wire.url, "/health").status == 200


# How it ends.


class Holding:
    """An upstream that takes a request and answers when the test says so.

    The wire also connects to look whether it is there, without a request.
    """

    def __init__(self, sock: socket.socket, stack: ExitStack) -> None:
        self._sock = sock
        self._stack = stack
        self.url = f"http://127.0.0.1:{port_of(sock)}"

    def wait_for_request(self) -> None:
        """Return when the request is here."""
        while True:
            self._connection = self._stack.enter_context(self._sock.accept()[0])
            self._connection.settimeout(PATIENCE_S)
            if b"GET " in self._connection.recv(65536):
                return
            self._connection.close()

    def answer(self) -> None:
        self._connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nheld")


class InFlight:
    """A wire that carries one request, whose answer the upstream holds back."""

    def __init__(self, start: Start, upstream: Holding, *flags: str) -> None:
        self.wire = RunningWire(start("wire", *PORTS, "--to", upstream.url, *flags))
        self.client = Client(self.wire.url)
        self.client.begin("/held")
        self.client.sock.sendall(b"\r\n")
        upstream.wait_for_request()


@pytest.fixture
def in_flight(start: Start) -> Iterator["Begin"]:
    """`in_flight("--flag", …)` starts such a wire."""
    with listening() as sock, ExitStack() as stack:
        holding = Holding(sock, stack)

        def begin(*flags: str) -> tuple[InFlight, Holding]:
            flight = InFlight(start, holding, *flags)
            stack.enter_context(flight.client)
            return flight, holding

        yield begin


Begin = Callable[..., tuple[InFlight, Holding]]


def test_sigterm_drains_the_wire(in_flight: Begin) -> None:
    flight, holding = in_flight("--drain-grace", "500ms")
    wire = flight.wire
    wire.process.signal(signal.SIGTERM)
    wire.process.wait_for("event=draining")
    assert wire.ask("/readyz").status == 503
    assert wire.ask("/livez").status == 200
    until(lambda: refuses(wire.url), "new connections are refused")
    holding.answer()
    assert flight.client.answer().body == "held"
    assert flight.client.ended()
    assert wire.process.exit_status() == 0
    assert wire.process.lines[-1].endswith("INFO service=wire event=stopped")


def test_a_drain_ends_in_time_and_says_what_it_cut(in_flight: Begin) -> None:
    flight, _ = in_flight("--drain-grace", "0", "--drain-timeout", "100ms")
    flight.wire.process.signal(signal.SIGTERM)
    assert flight.wire.process.exit_status() == 0
    last = flight.wire.process.lines[-1]
    assert "WARNING service=wire event=stopped connections_cut=1" in last
    assert flight.client.ended()


def test_a_second_signal_ends_the_wire_at_once(in_flight: Begin) -> None:
    flight, _ = in_flight("--drain-timeout", "1m")
    flight.wire.process.signal(signal.SIGINT)
    flight.wire.process.wait_for("event=draining")
    flight.wire.process.signal(signal.SIGTERM)
    assert flight.wire.process.exit_status() == 128 + signal.SIGTERM


def test_a_request_that_hangs_in_a_fault_does_not_hold_up_the_end(start: Start, a: str) -> None:
    wire = RunningWire(start("wire", *PORTS, "--to", a, "--drain-timeout", "100ms"))
    assert run("break", "hang", "--control", wire.control).returncode == 0
    with Client(wire.url) as client:
        client.sock.sendall(b"GET /echo?msg=hi HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: json.loads(wire.ask("/ledger?open=true").body)["records"], "it hangs")
        wire.process.signal(signal.SIGINT)
        assert wire.process.exit_status() == 0
        assert client.ended()


def test_the_end_of_standard_input_ends_a_wire_that_was_asked_to(start: Start, a: str) -> None:
    process = start("wire", *PORTS, "--to", a, "--until-eof")
    process.wait_for("listening")
    assert process.process.stdin is not None
    process.process.stdin.close()
    assert process.exit_status() == 0


def test_a_request_that_is_still_arriving_is_answered_in_a_drain(start: Start, a: str) -> None:
    process = start("wire", *PORTS, "--to", a, "--drain-grace", "0")
    wire = RunningWire(process)
    with Client(wire.url) as client:
        client.begin("/echo?msg=late")
        until(lambda: get(wire.url, "/health").status == 200, "the first half has arrived")
        process.signal(signal.SIGTERM)
        process.wait_for("event=draining")
        until(lambda: refuses(wire.url), "new connections are refused")
        assert client.finish().body == '{"echo":"late"}'
    assert process.exit_status() == 0


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads /proc")
def test_the_limit_of_open_files_bounds_connections(start: Start, a: str) -> None:
    shell = ("sh", "-c", 'ulimit -Sn 100; ulimit -Hn 520; exec "$@"', "sh", *FAULTWIRE)
    process = start("wire", *PORTS, "--to", a, command=shell)
    process.wait_for("listening")
    assert (
        " WARNING service=wire event=connections_capped most=100 descriptors=520"
        in process.lines[0]
    )


def test_a_wire_to_a_port_where_nobody_listens_says_why_it_refuses(start: Start) -> None:
    nobody = f"http://127.0.0.1:{unused_port()}"
    process = start("wire", *PORTS, "--to", nobody)
    line = process.wait_for("event=upstream_refuses")
    assert line.endswith(
        f' WARNING service=wire event=upstream_refuses to={nobody} wire="refuses, too"'
    )
