"""B answers every failure of A in time, names it in body, field and log, and lives on."""

import gc
import json
import re
from bisect import bisect
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from time import perf_counter
from typing import NamedTuple, Self

import msgspec
import pytest

from faultwire.contracts import CONTRACTS
from faultwire.failures import MEANINGS, Failure, FailureKind, Family, Phase
from tests.ports import unused_port
from tests.socket.pair import TIMEOUT, Running, service_b
from tests.socket.serving import NewLoop, get
from tests.socket.upstreams import (
    FullBacklog,
    Peer,
    Script,
    Upstream,
    answers,
    answers_once,
    chunked,
    drips,
    head,
    ok,
    resets,
    stalls,
)

OK = b"HTTP/1.1 200 OK"
CHUNKED = b"Transfer-Encoding: chunked"
JSON = b"Content-Type: application/json"
SHORT = "300ms"


class Nobody:
    """An upstream that is not there."""

    def __enter__(self) -> Self:
        self.url = f"http://127.0.0.1:{unused_port()}"
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Nowhere(Nobody):
    """One whose name does not resolve: no label may be empty."""

    def __enter__(self) -> Self:
        self.url = "http://a..invalid:8080"
        return self


class Case(NamedTuple):
    """A failure of A, and what B must make of it."""

    upstream: Callable[[], AbstractContextManager[Nobody | Upstream | FullBacklog]]
    kind: FailureKind
    phase: Phase | None = None
    status: int | None = None
    timeout: str = TIMEOUT


def scripted(script: Script) -> Callable[[], Upstream]:
    return lambda: Upstream(script)


def typed(content_type: bytes, body: bytes = b'{"echo":"hello"}') -> bytes:
    fields = head(OK, b"Content-Type: " + content_type, b"Content-Length: %d" % len(body))
    return fields + body


K = FailureKind
INVALID = K.RESPONSE_INVALID
CASES = {
    "refused": Case(Nobody, K.CONNECTION_REFUSED, Phase.CONNECT),
    "no such name": Case(Nowhere, K.DNS_ERROR, Phase.CONNECT),
    "no handshake": Case(FullBacklog, K.CONNECT_TIMEOUT, Phase.CONNECT, timeout=SHORT),
    "reset": Case(scripted(resets()), K.CONNECTION_RESET, Phase.FIRST_BYTE),
    "empty": Case(scripted(answers_once()), K.EMPTY_RESPONSE, Phase.FIRST_BYTE),
    "hangs": Case(scripted(stalls()), K.RESPONSE_TIMEOUT, Phase.FIRST_BYTE, timeout=SHORT),
    "hangs in the head": Case(
        scripted(stalls(OK)), K.RESPONSE_TIMEOUT, Phase.HEADERS, timeout=SHORT
    ),
    "hangs in the body": Case(
        scripted(stalls(ok()[:-1])), K.RESPONSE_TIMEOUT, Phase.BODY, timeout=SHORT
    ),
    "drips the head": Case(
        scripted(drips(OK + b"\r\n", b"A: b\r\n")),
        K.RESPONSE_TIMEOUT,
        Phase.HEADERS,
        timeout=SHORT,
    ),
    "drips the body": Case(
        scripted(drips(head(OK, JSON, CHUNKED), b"1\r\nx\r\n")),
        K.RESPONSE_TIMEOUT,
        Phase.BODY,
        timeout=SHORT,
    ),
    "cut in the head": Case(scripted(answers_once(OK)), K.RESPONSE_TRUNCATED, Phase.HEADERS),
    "cut in the body": Case(scripted(answers_once(ok()[:-1])), K.RESPONSE_TRUNCATED, Phase.BODY),
    "garbage": Case(scripted(answers(b"\0garbage")), K.RESPONSE_MALFORMED, Phase.HEADERS),
    "a bad chunk": Case(
        scripted(answers(head(OK, JSON, CHUNKED) + b"zz\r\n")), K.RESPONSE_MALFORMED, Phase.BODY
    ),
    "huge headers": Case(
        scripted(answers(head(OK, b"X: " + b"x" * 40_000))), K.RESPONSE_TOO_LARGE, Phase.HEADERS
    ),
    "a huge body": Case(
        scripted(answers(head(OK, JSON, b"Content-Length: 1048577"))),
        K.RESPONSE_TOO_LARGE,
        Phase.BODY,
    ),
    "a huge body in chunks": Case(
        scripted(answers(head(OK, JSON, CHUNKED) + chunked(b"x" * 1_048_577))),
        K.RESPONSE_TOO_LARGE,
        Phase.BODY,
    ),
    "not in its coding": Case(
        scripted(answers(ok(b"{}", b"Content-Encoding: gzip"))), INVALID, Phase.BODY
    ),
    "half of a JSON": Case(scripted(answers(ok(b'{"echo":"hel'))), INVALID, status=200),
    "not UTF-8": Case(scripted(answers(ok(b'{"echo":"\xff"}'))), INVALID, status=200),
    "deep JSON": Case(scripted(answers(ok(b"[" * 100_000))), INVALID, status=200),
    "no body": Case(scripted(answers(ok(b""))), INVALID, status=200),
    "an array": Case(scripted(answers(ok(b'["hello"]'))), INVALID, status=200),
    "no echo": Case(scripted(answers(ok(b'{"message":"hello"}'))), INVALID, status=200),
    "an echo that is no text": Case(scripted(answers(ok(b'{"echo":5}'))), INVALID, status=200),
    "another's echo": Case(scripted(answers(ok(b'{"echo":"hullo"}'))), INVALID, status=200),
    "HTML": Case(scripted(answers(typed(b"text/html"))), INVALID, status=200),
    "no type": Case(scripted(answers(head(OK, b"Content-Length: 2") + b"{}")), INVALID, status=200),
    "204": Case(scripted(answers(head(b"HTTP/1.1 204 No Content"))), INVALID, status=204),
    **{
        f"{status}": Case(
            scripted(answers(ok(status=b"%d Hm" % status))), K.UPSTREAM_STATUS, status=status
        )
        for status in (300, 301, 304, 400, 404, 408, 418, 429, 500, 502, 503, 504, 599, 999)
        if status != 304
    },
    "304": Case(scripted(answers(head(b"HTTP/1.1 304 Hm"))), K.UPSTREAM_STATUS, status=304),
}


PARTICULAR_ERRORS: dict[tuple[FailureKind, Phase | None], str] = {
    (K.RESPONSE_TOO_LARGE, Phase.HEADERS): "http_response_header_section_size",
    (K.RESPONSE_MALFORMED, Phase.BODY): "http_response_transfer_coding",
    (INVALID, Phase.BODY): "http_response_content_coding",
}


def some(*names: str) -> pytest.MarkDecorator:
    """A few cases: the rest has been seen above."""
    return pytest.mark.parametrize("case", [CASES[name] for name in names], ids=names)


FAMILY_ERRORS = {
    Family.UNAVAILABLE: "Service A unavailable",
    Family.TIMEOUT: "Service A timeout",
    Family.ERROR: "Service A returned error",
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_failure_is_named_in_body_field_and_log_and_b_lives_on(
    new_loop: NewLoop, case: Case
) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(case.upstream()).url
        b = stack.enter_context(service_b(new_loop, url, timeout_s=case.timeout))
        started = perf_counter()
        answer = b.echo("X-Request-ID: abc")
        took_s = perf_counter() - started
        assert b.is_well()
        line = b.log_lines()[0]
    meaning = MEANINGS[case.kind]
    body = answer.json
    details = body.pop("details")
    assert (answer.status, body) == (
        503,
        {
            "service_b": "ok",
            "service_a": "unavailable",
            "error": FAMILY_ERRORS[meaning.family],
            "kind": case.kind,
            "http_status": meaning.accurate_status,
            "attempts": 1,
            "request_id": "abc",
        },
    )
    assert details
    assert_proxy_status(answer.headers["proxy-status"], case, url)
    assert_line(line, case)
    assert took_s < (1.5 if case.timeout == SHORT else 5)


@pytest.mark.parametrize("policy", ["none", "retry(attempts=2,base=1ms)"], ids=["one", "two"])
@some("refused", "no such name", "reset", "cut in the body", "half of a JSON", "deep JSON", "500")
def test_a_failure_does_not_outlive_its_request(new_loop: NewLoop, case: Case, policy: str) -> None:
    """By its frames it would hold the connection too: 5 kB for each answer that was no JSON."""
    with ExitStack() as stack:
        url = stack.enter_context(case.upstream()).url
        b = stack.enter_context(b_with(new_loop, url, case, policy=policy))
        before = failures()
        for _ in range(3):
            assert b.echo().json["kind"] == case.kind
        assert b.get("/metrics").status == 200  # until then the metrics hold what they will count
        b.server.wait_until(lambda: failures() <= before)


def failures() -> int:
    gc.collect()
    return sum(isinstance(thing, Failure) for thing in gc.get_objects())


def b_with(
    new_loop: NewLoop, url: str, case: Case, **flags: str
) -> AbstractContextManager[Running]:
    return service_b(new_loop, url, timeout_s=case.timeout, **flags)


def assert_proxy_status(field: str, case: Case, url: str) -> None:
    who, *parameters = re.split(r"; (?=[a-z-]+=)", field)
    said = dict(parameter.split("=", 1) for parameter in parameters)
    assert who == "service-b"
    assert said["next-hop"] == f'"{url.removeprefix("http://")}"'
    error = PARTICULAR_ERRORS.get((case.kind, case.phase)) or MEANINGS[case.kind].proxy_status
    assert said.get("error") == error
    assert said.get("received-status") == (str(case.status) if case.status else None)


def assert_line(line: str, case: Case) -> None:
    meaning = MEANINGS[case.kind]
    error = f"HTTPError:{case.status}" if case.kind is K.UPSTREAM_STATUS else meaning.error_name
    assert line.startswith(
        f"ERROR service=B endpoint=/call-echo status={meaning.family} latency_ms="
    )
    words = line.split(" ")
    for word in (
        f"error={error}",
        "http_status=503",
        f"kind={case.kind}",
        "attempts=1",
        "request_id=abc",
    ):
        assert word in words
    assert (f"phase={case.phase}" in words) is (case.phase is not None)


FAMILIES = some("refused", "hangs", "500", "HTML")


@FAMILIES
def test_an_accurate_status_is_the_gateway_s(new_loop: NewLoop, case: Case) -> None:
    with case.upstream() as a, b_with(new_loop, a.url, case, status="accurate") as b:
        answer = b.echo()
        assert b.is_well()
    assert answer.status == MEANINGS[case.kind].accurate_status == answer.json["http_status"]


@FAMILIES
@pytest.mark.parametrize("accurate", [True, False])
def test_whoever_prefers_problem_json_gets_it(
    new_loop: NewLoop, case: Case, accurate: bool
) -> None:
    status = "accurate" if accurate else "contract"
    with case.upstream() as a, b_with(new_loop, a.url, case, status=status) as b:
        answer = b.echo("Accept: application/problem+json")
    problem = json.loads(answer.body)
    meaning = MEANINGS[case.kind]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status == problem["status"] == (meaning.accurate_status if accurate else 503)
    assert problem["type"] == f"urn:faultwire:failure:{case.kind}"
    assert problem["title"] == FAMILY_ERRORS[meaning.family]
    assert problem["instance"] == "/call-echo"
    assert problem["kind"] == case.kind
    assert "proxy-status" in answer.headers


MOST_DEPTH = 1 << 20


def is_read(json: bytes) -> bool:
    """Whether it is not nested too deep for this Python: 1,000 for 3.11, ten times that later."""
    try:
        msgspec.json.decode(json)
    except RecursionError:
        return False
    return True


@pytest.mark.parametrize("policy", ["none", "deadline"])
@pytest.mark.parametrize(("left", "right"), [(b"[", b"]"), (b'{"a":', b"}")], ids=["[", "{"])
def test_json_that_can_just_be_read_can_be_combined_or_is_invalid(
    new_loop: NewLoop, left: bytes, right: bytes, policy: str
) -> None:
    """It is nested deeper within B's answer than it was in A's, and Python has a limit."""

    def nested(depth: int) -> bytes:
        return b'{"echo":"hello","deep":%b1%b}' % (left * depth, right * depth)

    limit = bisect(range(MOST_DEPTH), False, key=lambda depth: not is_read(nested(depth)))
    assert limit < MOST_DEPTH
    depths = range(limit - 100, limit + 100)  # it depends on who is above on the stack, too
    with (
        Upstream(answers(*(ok(nested(depth)) for depth in depths))) as upstream,
        service_b(new_loop, upstream.url, policy=policy) as b,
    ):
        statuses = [b.get("/call-echo?msg=hello").status for _ in depths]
    assert set(statuses) == {200, 503}


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("Application/Problem+JSON", True),
        ("text/html;q=0.9, application/problem+json;q=0.5", True),
        ("application/json, */*", False),
        ("application/problem+json;q=0", False),
        ("application/problem+jsonp", False),
    ],
)
def test_problem_json_is_a_media_range_of_the_accept_field(
    new_loop: NewLoop, accept: str, wanted: bool
) -> None:
    case = CASES["refused"]
    with case.upstream() as a, b_with(new_loop, a.url, case) as b:
        answer = b.echo(f"Accept: {accept}")
    expected = "application/problem+json" if wanted else "application/json"
    assert answer.headers["content-type"] == expected


Body = dict[str, object]


def unavailable(error: str, **more: object) -> Body:
    return {"service_b": "ok", "service_a": "unavailable", "error": error, **more}


def detailed(details: str) -> Body:
    return {"error": "Service A unavailable", "details": details}


WHAT_EACH_CONTRACT_SAYS: dict[str, dict[str, Callable[[str], Body]]] = {
    "classified": {
        "refused": lambda _: {"error": "Service A unavailable"},
        "hangs": lambda _: {"error": "Service A timeout"},
        "500": lambda _: {"error": "Service A returned error"},
    },
    "passthrough": {
        "refused": lambda a: unavailable(f"[Errno 111] Connection refused: {a}"),
        "hangs": lambda a: unavailable(f"{a} did not answer in 0.3 s (waiting for the first byte)"),
        "500": lambda a: unavailable(f"HTTP 500 Internal Server Error from http://{a}/echo"),
    },
    "detailed": {
        "refused": lambda a: detailed(f"Connection error: [Errno 111] Connection refused: {a}"),
        "hangs": lambda _: detailed("Timeout calling Service A after 0.3s"),
        "500": lambda a: detailed(
            f"Request error: HTTP 500 Internal Server Error from http://{a}/echo"
        ),
    },
    "gateway": {
        "refused": lambda _: unavailable("timeout", http_status=504),
        "hangs": lambda _: unavailable("timeout", http_status=504),
    },
}


@pytest.mark.parametrize(
    ("contract", "name"),
    [(contract, name) for contract, said in WHAT_EACH_CONTRACT_SAYS.items() for name in said],
)
def test_each_contract_has_its_own_body(new_loop: NewLoop, contract: str, name: str) -> None:
    case = CASES[name]
    with case.upstream() as upstream:
        url = upstream.url
        with service_b(new_loop, url, timeout_s=case.timeout, contract=contract) as b:
            answer = b.echo("Accept: application/problem+json")
            assert b.is_well()
    expected = WHAT_EACH_CONTRACT_SAYS[contract][name](url.removeprefix("http://"))
    assert (answer.status, answer.json) == (503, expected)
    assert_proxy_status(answer.headers["proxy-status"], case, url)


def test_the_gateway_contract_hands_on_a_s_status(new_loop: NewLoop) -> None:
    case = CASES["500"]
    with case.upstream() as a, b_with(new_loop, a.url, case, contract="gateway") as b:
        answer = b.echo()
    assert (answer.status, answer.json["http_status"]) == (503, 500)
    assert "500" in answer.json["error"]


@pytest.mark.parametrize("contract", CONTRACTS)
def test_call_foo_says_that_a_returned_an_error(new_loop: NewLoop, contract: str) -> None:
    with Upstream(answers(ok(status=b"500 Internal Server Error"))) as upstream:
        with service_b(new_loop, upstream.url, contract=contract) as b:
            answer = b.get("/call-foo")
            assert b.is_well()
        assert upstream.requests[0].startswith(b"GET /foo HTTP/1.1\r\n")
    assert answer.status == 503
    if contract in ("unified", "classified"):
        assert answer.json["error"] == "Service A returned error"


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_failure_is_a_503_in_json_under_every_contract(
    new_loop: NewLoop, contract: str
) -> None:
    broken = [case for case in CASES.values() if case.timeout != SHORT]
    for case in broken:
        with case.upstream() as upstream, service_b(new_loop, upstream.url, contract=contract) as b:
            answer = b.echo()
            assert answer.status == 503
            assert answer.json["error"]
            assert_proxy_status(answer.headers["proxy-status"], case, upstream.url)


def test_b_recovers_as_soon_as_a_does(new_loop: NewLoop) -> None:
    scripts = [Peer.reset, stalls(), resets(), answers(b"garbage"), answers(ok())]
    with Upstream(*scripts) as upstream, service_b(new_loop, upstream.url, timeout_s=SHORT) as b:
        kinds = [b.echo().json.get("kind") for _ in range(6)]
    reset, timed_out, malformed = K.CONNECTION_RESET, K.RESPONSE_TIMEOUT, K.RESPONSE_MALFORMED
    assert kinds == [reset, timed_out, reset, malformed, None, None]


def test_b_names_two_attempts_where_a_replay_has_failed(new_loop: NewLoop) -> None:
    def answers_then_resets(peer: Peer) -> None:
        peer.request()
        peer.send(ok())
        peer.request()
        peer.reset()

    scripts = [answers_then_resets, resets()]
    with Upstream(*scripts) as upstream, service_b(new_loop, upstream.url) as b:
        assert b.echo().status == 200
        answer = b.echo()
        assert upstream.connections == 2
    assert (answer.json["kind"], answer.json["attempts"]) == (K.CONNECTION_RESET, 2)


def test_b_hides_a_stale_connection(new_loop: NewLoop) -> None:
    def answers_then_resets(peer: Peer) -> None:
        peer.request()
        peer.send(ok())
        peer.request()
        peer.reset()

    scripts = [answers_then_resets, answers(ok())]
    with Upstream(*scripts) as upstream, service_b(new_loop, upstream.url) as b:
        assert [b.echo().status for _ in range(3)] == [200] * 3
        assert [line.split("attempts=")[1][0] for line in b.log_lines()] == ["1", "2", "1"]


def test_while_a_hangs_b_s_health_answers_and_all_is_over_at_the_deadline(
    new_loop: NewLoop,
) -> None:
    with Upstream(stalls()) as upstream, service_b(new_loop, upstream.url, timeout_s="1s") as b:
        clients = [b.server.connect() for _ in range(100)]
        for client in clients:
            client.send(get("/call-echo?msg=hello"))
        started = perf_counter()
        assert b.is_well()
        assert perf_counter() - started < 0.9
        kinds = {client.answer().json["kind"] for client in clients}
        assert kinds == {K.RESPONSE_TIMEOUT}
        b.server.wait_until(lambda: not b.pool._open)
