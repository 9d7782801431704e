"""What B counts is what its clients saw, exactly, however many ask at once."""

import asyncio
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

import pytest

from faultwire.contracts import CONTRACTS
from faultwire.http.server import State
from faultwire.services import application
from faultwire.services.service_a import ServiceA
from faultwire.services.service_b import ServiceB
from tests.ports import unused_port
from tests.socket.pair import Running, pair, service_a, service_b
from tests.socket.serving import NewLoop, Server, get

CONNECTIONS = 64
TARGETS = ("/call-echo?msg=hello", "/call-foo", "/call-echo", "/health", "/nothing")
ROUNDS = 6


def ask_in_turns(server: Server, first: int) -> Counter[tuple[str, int]]:
    """One client's requests: every target `ROUNDS` times, each in a packet of its own."""
    seen: Counter[tuple[str, int]] = Counter()
    client = server.connect()
    for n in range(first, first + ROUNDS * len(TARGETS)):
        target = TARGETS[n % len(TARGETS)]
        client.send(get(target))
        seen[target.partition("?")[0], client.answer().status] += 1
    return seen


def counted(text: str, family: str, *labels: str) -> Counter[tuple[str, ...]]:
    """The counts of a histogram by these labels, from the exposition."""
    found: Counter[tuple[str, ...]] = Counter()
    for line in text.splitlines():
        if line.startswith(f"{family}_count{{"):
            said, _, count = line.partition("{")[2].rpartition("} ")
            values = dict(pair.split("=", 1) for pair in said.split(","))
            found[tuple(values[label].strip('"') for label in labels)] += int(float(count))
    return found


def exposition(b: Running) -> str:
    return b.get("/metrics").body.decode()


def test_counters_are_exact_under_64_connections(new_loop: NewLoop) -> None:
    with pair(new_loop) as (_, b):
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            seen = sum(
                pool.map(lambda n: ask_in_turns(b.server, n), range(CONNECTIONS)),
                Counter[tuple[str, int]](),
            )
        text = exposition(b)
        lines = b.log_lines()
    assert seen.total() == CONNECTIONS * ROUNDS * len(TARGETS)
    server = "http_server_request_duration_seconds"
    expected = Counter(
        {
            ("" if path == "/nothing" else path, str(status)): count
            for (path, status), count in seen.items()
        }
    )
    assert counted(text, server, "http_route", "http_response_status_code") == expected
    each = CONNECTIONS * ROUNDS
    client = "http_client_request_duration_seconds"
    assert counted(text, client, "http_response_status_code", "error_type") == {
        ("200", ""): each,
        ("500", "upstream_status"): each,
    }
    (attempts,) = (line for line in text.splitlines() if "upstream_attempts_total{" in line)
    assert attempts.endswith(f"}} {2.0 * each}")
    assert "http_server_active_requests 1.0" in text, "the scrape itself"
    assert sum("endpoint=" in line for line in lines) == seen.total() + 1


def test_a_scraper_that_leaves_is_logged_and_counted_no_more(new_loop: NewLoop) -> None:
    may_go_on = threading.Event()

    async def keep_all_threads_busy() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(64):
            loop.run_in_executor(None, may_go_on.wait, 10)

    with service_b(new_loop, f"http://127.0.0.1:{unused_port()}") as b:
        b.server.run(keep_all_threads_busy())
        client = b.server.connect()
        client.send(get("/metrics"))
        connection = b.server.the_connection()
        b.server.wait_until(lambda: connection.state is State.BUSY)
        client.reset()
        b.server.wait_until_gone()
        may_go_on.set()
        assert "http_server_active_requests 1.0" in exposition(b)
        assert "endpoint=/metrics" in b.wait_for_line("http_status=499")


@pytest.mark.parametrize("policy", ["none", "deadline"])
def test_a_defect_of_ours_behind_a_call_is_a_500_that_is_logged_and_counted(
    new_loop: NewLoop, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(msg: str, answer: object) -> bytes:
        raise ZeroDivisionError(msg, answer)

    with pair(new_loop, policy=policy) as (_, b):
        monkeypatch.setattr(CONTRACTS["unified"], "success", defect)
        answer = b.echo("X-Request-ID: id-1")
        assert (answer.status, answer.json) == (500, {"error": "Internal Server Error"})
        assert "ZeroDivisionError: (" in b.wait_for_line("event=unexpected_error")
        assert "error=ServerError:500" in b.wait_for_line("request_id=id-1")
        assert "http_server_active_requests 1.0" in exposition(b)
        assert b.is_well()


def broken(*_: object) -> NoReturn:
    raise ZeroDivisionError


def told_of_its_defect(service: Running, target: str) -> None:
    """One answer, one line and one count, all of the request that was sent."""
    answer = service.get(target, "X-Request-ID: id-1")
    assert (answer.status, answer.json) == (500, {"error": "Internal Server Error"})
    assert answer.headers["x-request-id"] == "id-1"
    assert "ZeroDivisionError" in service.wait_for_line("event=unexpected_error")
    line = service.wait_for_line("request_id=id-1")
    assert line.startswith(
        f"ERROR service={service.service.name} endpoint={target.partition('?')[0]} "
    )
    assert " http_status=500 " in line
    assert sum("request_id=" in line for line in service.log_lines()) == 1
    assert service.service._metrics.snapshot().active_requests == 0


def test_a_defect_while_a_works_is_told_of_the_request_that_met_it(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ServiceA, "_worked", broken)
    with service_a(new_loop, work_s="1ms") as a:
        told_of_its_defect(a, "/echo?msg=hello")


def test_a_defect_behind_a_call_under_policies_is_told_of_the_request_that_met_it(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ServiceB, "_failed", broken)
    upstream = f"http://127.0.0.1:{unused_port()}"
    with service_b(new_loop, upstream, policy="deadline") as b:
        told_of_its_defect(b, "/call-echo?msg=hello")


def test_a_defect_of_the_exposition_is_told_of_the_request_that_met_it(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "_expose", broken)
    with service_a(new_loop) as a:
        told_of_its_defect(a, "/metrics")


def test_a_call_that_ends_before_it_has_begun_is_answered_and_counted_once(
    new_loop: NewLoop,
) -> None:
    with service_b(new_loop, f"http://127.0.0.1:{unused_port()}") as b:
        b.server.run(b.service.close())
        assert b.echo().status == 500
        b.server.take_problem()
        text = exposition(b)
        assert "http_server_active_requests 1.0" in text
        server = "http_server_request_duration_seconds"
        assert counted(text, server, "http_response_status_code")["499",] == 1
