"""The console's own server: who may use it, and what it refuses."""

import http.client
import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from faultwire.contracts import CONTRACTS
from tests.system.running import PATIENCE_S, Running, alive, descendants, frozen, get, until

_PORTS = ("a-port", "b-port", "wire", "control", "console-port")
UP = ("up", *(word for name in _PORTS for word in (f"--{name}", "0")), "--drain-grace", "0")
TYPED = {"Content-Type": "application/json"}


class Answer(NamedTuple):
    """A response of the console."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> str:
        error: str = json.loads(self.body)["error"]
        return error


class Console:
    """Asks the console of a running `faultwire up`."""

    def __init__(self, process: Running) -> None:
        self.url = process.wait_for_said("Open ").split()[1]
        self.authority = urlsplit(self.url).netloc

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.authority, timeout=PATIENCE_S)

    def snapshot(self) -> dict[str, Any]:
        """What a page is told first."""
        with closing(self.connection()) as connection:
            connection.request("GET", "/events")
            answer = connection.getresponse()
            lines = [answer.readline() for _ in range(4)]
        assert lines[2] == b"event: snapshot\n"
        snapshot: dict[str, Any] = json.loads(lines[3].removeprefix(b"data: "))
        return snapshot

    def wait_for(self, state: str) -> None:
        """Return when every service is in this state, as a page is told."""
        self.wait_until(lambda services: {one["state"] for one in services.values()} == {state})

    def wait_until(self, fits: Callable[[dict[str, Any]], object]) -> None:
        """Return when a page is told of services, by their names, that fit."""
        self.wait_until_state(
            lambda state: fits({each["name"]: each for each in state["services"]})
        )

    def wait_until_state(self, fits: Callable[[dict[str, Any]], object]) -> None:
        """Return when a page is told of a state that fits."""
        end = monotonic() + PATIENCE_S
        with closing(self.connection()) as connection:
            connection.request("GET", "/events")
            answer = connection.getresponse()
            while (line := answer.readline()) and monotonic() < end:
                told = json.loads(line[6:]) if line.startswith(b"data: ") else {}
                if "state" in told and fits(told["state"]):
                    return
        raise AssertionError("a page was never told of a state that fits")

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] = TYPED
    ) -> Answer:
        with closing(self.connection()) as connection:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, dict(headers))
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Running(*UP) as process:
        yield Console(process)


@pytest.fixture(scope="module")
def direct() -> Iterator[Console]:
    with Running(
        *("up", "--direct", "--a-port", "0", "--b-port", "0", "--console-port", "0"),
        *("--drain-grace", "0"),
    ) as process:
        yield Console(process)


def test_the_page_allows_no_script_but_its_own_files(console: Console) -> None:
    answer = console.ask("GET", "/")
    assert answer.status == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_browser_that_has_a_file_is_not_sent_it_again(console: Console) -> None:
    tag = console.ask("GET", "/js/main.js").headers["ETag"]
    assert console.ask("GET", "/js/main.js", headers={"If-None-Match": tag}).status == 304


def test_the_licence_of_what_others_wrote_lies_beside_it(console: Console) -> None:
    assert b"MIT License" in console.ask("GET", "/vendor/uplot-LICENSE.txt").body


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "attacker.example"}, 421),
        ({"Host": "attacker.example:8083"}, 421),
        ({"Origin": "http://attacker.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/events"), ("POST", "/service")]
)
def test_other_hosts_and_other_origins_are_refused(
    console: Console, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    body = {"name": "A", "action": "kill"} if method == "POST" else None
    answer = console.ask(method, path, body, {**TYPED, **headers})
    assert answer.status == status
    assert "this console" in answer.error


def test_a_page_of_another_site_may_not_watch(console: Console) -> None:
    assert console.ask("GET", "/events", headers={"Sec-Fetch-Site": "cross-site"}).status == 403


@pytest.mark.parametrize("path", ["/", "/events", "/catalogue"])
def test_what_is_read_says_which_methods_read_it(console: Console, path: str) -> None:
    answer = console.ask("POST", path, {}, TYPED)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/break", "/mend", "/service", "/traffic", "/check"])
def test_state_is_changed_by_post_of_json_only(console: Console, path: str) -> None:
    for method in ("GET", "PUT"):
        answer = console.ask(method, path, {})
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert console.ask("POST", path, {}, {"Content-Type": "text/plain"}).status == 415
    assert console.ask("POST", path, []).status == 400


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/service", {"name": "C", "action": "stop"}, "name is one of A, wire, B"),
        ("/service", {"name": "A", "action": "dance"}, "action one of start"),
        ("/service", {"name": "B", "action": "restart", "upstream": "moon"}, "upstream is one of"),
        ("/service", {"name": "B", "action": "restart", "policy": "luck"}, "--policy is 'luck'"),
        ("/service", {"name": "A", "action": "restart", "work": "long"}, "--work is 'long'"),
        ("/traffic", {}, "either a rate or a count"),
        ("/traffic", {"rate": 1e9}, "rate goes up to 2000"),
        ("/traffic", {"count": 501}, "count up to 500"),
        ("/traffic", {"rate": 1, "for_s": 0}, "for_s must be above 0"),
        ("/traffic", {"rate": 1, "speed": 2}, "unknown field"),
        ("/traffic", {"count": 1, "route": "../x"}, "route is one of"),
        ("/mend", {"name": 7}, "name must be the name of a fault"),
        ("/break", {"fault": "gremlins"}, "There is no fault 'gremlins'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_one_sentence(
    console: Console, path: str, body: dict[str, Any], said: str
) -> None:
    answer = console.ask("POST", path, body)
    assert answer.status == 400
    assert said in answer.error


def test_what_cannot_be_done_now_is_a_conflict(console: Console) -> None:
    answer = console.ask("POST", "/service", {"name": "A", "action": "start"})
    assert (answer.status, answer.error) == (409, "A runs already")
    assert console.ask("GET", "/check/report").status == 409
    assert console.ask("GET", "/check/report?format=html").status == 409
    assert console.ask("GET", "/check/report?format=pdf").status == 400
    assert console.ask("POST", "/mend", {"name": "nothing"}).status == 404
    assert console.ask("GET", "/request?id=unknown").status == 404
    assert console.ask("GET", "/nothing").status == 404


def test_the_stream_begins_with_all_there_is_to_know(console: Console) -> None:
    with closing(console.connection()) as connection:
        connection.request("GET", "/events")
        assert connection.getresponse().getheader("Content-Type") == "text/event-stream"
    snapshot = console.snapshot()
    names = [each["name"] for each in snapshot["state"]["services"]]
    assert names == ["A", "wire", "B"]
    assert {each["state"] for each in snapshot["state"]["services"]} == {"up"}


def test_a_check_that_is_stopped_before_it_has_begun_is_stopped(console: Console) -> None:
    assert console.ask("POST", "/check", {"group": "deadline"}).status == 200
    assert console.ask("POST", "/check", {"stop": True}).status == 200
    console.wait_until_state(lambda state: state["check"]["state"] != "running")
    assert console.snapshot()["state"]["check"]["state"] == "stopped"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="watches /proc")
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_a_check_that_runs_and_all_that_it_has_started(times: int) -> None:
    with Running(*UP) as process:
        console = Console(process)
        before = len(descendants(process.pid))
        assert console.ask("POST", "/check", {"group": "deadline"}).status == 200
        until(lambda: len(descendants(process.pid)) > before + 1, "the check has started its pair")
        pids = descendants(process.pid)
        process.signal(signal.SIGINT)
        if times == 2:
            process.wait_for("event=draining")
            process.signal(signal.SIGINT)
        assert process.exit_status() in (0, 130)
    until(lambda: not any(map(alive, pids)), "all have ended")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="watches /proc")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_is_frozen_does_not_outlive_an_up_that_is_killed(workers: str) -> None:
    with Running(*UP, "--workers", workers) as process:
        console = Console(process)
        for name in ("A", "wire", "B"):
            assert console.ask("POST", "/service", {"name": name, "action": "pause"}).status == 200
        pids = descendants(process.pid)
        assert len(pids) == (3 if workers == "1" else 7)
        until(lambda: all(map(frozen, pids)), "all are frozen")
        process.signal(signal.SIGKILL)
        try:
            until(lambda: not any(map(alive, pids)), "all have ended")
        finally:
            for pid in filter(alive, pids):
                os.kill(pid, signal.SIGKILL)


# What the services' own metrics tell.


def test_what_is_in_flight_is_what_the_services_say() -> None:
    with Running(*UP, "--timeout", "10s") as process:
        console = Console(process)
        console.wait_until(lambda told: told["A"]["in_flight"] == told["B"]["in_flight"] == 0)
        assert console.ask("POST", "/service", {"name": "A", "action": "pause"}).status == 200
        assert console.ask("POST", "/traffic", {"count": 7}).status == 200
        console.wait_until(lambda told: told["B"]["in_flight"] == 7)
        console.wait_until(lambda told: told["A"]["in_flight"] is None)
        assert console.ask("POST", "/service", {"name": "A", "action": "resume"}).status == 200
        console.wait_until(lambda told: told["A"]["in_flight"] == told["B"]["in_flight"] == 0)


def test_what_does_not_answer_is_unknown() -> None:
    with Running(*UP, "--policy", "breaker") as process:
        console = Console(process)

        def do(action: str) -> None:
            assert console.ask("POST", "/service", {"name": "B", "action": action}).status == 200

        console.wait_until(lambda told: told["B"]["breaker"] == "closed")
        do("pause")
        console.wait_until(lambda told: told["B"]["breaker"] == "unknown")
        do("resume")
        console.wait_until(lambda told: told["B"]["breaker"] == "closed")
        do("kill")
        console.wait_until(lambda told: told["B"]["breaker"] == "")
        console.wait_until(lambda told: told["B"]["in_flight"] is None)


def test_a_paused_wire_does_not_hold_up_what_is_told_of_a_request(console: Console) -> None:
    (b,) = (one for one in console.snapshot()["state"]["services"] if one["name"] == "B")
    head = get(b["url"], "/call-echo?msg=x").head
    told = f"/request?id={head.partition('X-Request-ID: ')[2].split()[0]}"
    until(lambda: console.ask("GET", told).status == 200, "the console has heard of it")
    assert console.ask("POST", "/service", {"name": "wire", "action": "pause"}).status == 200
    began = monotonic()
    assert console.ask("GET", told).status == 200
    assert monotonic() - began < 1.5  # the wire would be given two seconds
    assert console.ask("POST", "/service", {"name": "wire", "action": "resume"}).status == 200
    console.wait_for("up")


@pytest.mark.parametrize("contract", sorted(CONTRACTS))
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_consoles_own_asking_is_not_shown_and_that_of_others_is(
    contract: str, log_format: str
) -> None:
    more = ("--contract", contract, "--log-format", log_format)
    with Running(*UP, *more) as process:
        console = Console(process)
        console.wait_until(lambda told: told["A"]["in_flight"] == told["B"]["in_flight"] == 0)
        for service in console.snapshot()["state"]["services"]:
            if service["name"] != "wire":
                assert get(service["url"], "/metrics").status == 200
        process.wait_for("/metrics", times=2)
        console.wait_until(lambda _: True)
        process.signal(signal.SIGINT)
        process.exit_status()
        assert sum("/metrics" in line for line in process.lines) == 2


def test_what_is_asked_of_a_system_that_has_died_is_answered(console: Console) -> None:
    for name in ("B", "wire", "A"):
        assert console.ask("POST", "/service", {"name": name, "action": "kill"}).status == 200
    console.wait_for("down")
    assert console.ask("POST", "/service", {"name": "B", "action": "pause"}).status == 409
    assert console.ask("POST", "/break", {"fault": "latency"}).status == 502
    for name in ("A", "wire", "B"):
        assert console.ask("POST", "/service", {"name": name, "action": "start"}).status == 200
    console.wait_for("up")


def test_without_a_wire_nothing_can_be_broken(direct: Console) -> None:
    answer = direct.ask("POST", "/break", {"fault": "latency"})
    assert answer.status == 409
    assert "--direct" in answer.error


def test_many_pages_may_watch_but_not_any_number(direct: Console) -> None:
    connections = [direct.connection() for _ in range(33)]
    try:
        statuses = []
        for connection in connections:
            connection.request("GET", "/events")
            statuses.append(connection.getresponse().status)
    finally:
        for connection in connections:
            connection.close()
    assert statuses == [200] * 32 + [503]
