"""B's routes, methods and answers, with the real A behind it."""

import threading

import pytest

from faultwire.contracts import CONTRACTS
from faultwire.http.message import BadRequest
from tests.ports import unused_port
from tests.socket.pair import pair, service_b
from tests.socket.serving import NewLoop, get
from tests.socket.upstreams import (
    Peer,
    Upstream,
    answers,
    answers_once,
    chunked,
    head,
    ok,
    stalls,
)

PASSED_ON = [name for name, contract in CONTRACTS.items() if not contract.REQUIRES_MSG]
REQUIRED = [name for name, contract in CONTRACTS.items() if contract.REQUIRES_MSG]


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_pair_echoes(new_loop: NewLoop, contract: str) -> None:
    with pair(new_loop, contract=contract) as (_, b):
        answer = b.echo()
    combined = {"service_b": "ok", "service_a": {"echo": "hello"}}
    if contract == "detailed":
        combined = {"msg": "hello", "echo_response": {"echo": "hello"}}
    assert (answer.status, answer.json) == (200, combined)
    assert "proxy-status" not in answer.headers


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_pair_s_foo_fails(new_loop: NewLoop, contract: str) -> None:
    with pair(new_loop, contract=contract) as (a, b):
        assert a.get("/foo").status == 500
        assert b.get("/call-foo").status == 503
        assert b.echo().status == 200


def test_whoever_is_one_too_many_is_told_when_to_come_back(new_loop: NewLoop) -> None:
    refused = BadRequest(503, "Too many connections")
    with pair(new_loop) as services:
        for running in services:
            response = running.server.call(running.service.refusal, refused)
            assert b"Retry-After: 1\r\n" in response.headers


@pytest.mark.parametrize("contract", REQUIRED)
@pytest.mark.parametrize("query", ["", "?", "?msg", "?msg=", "?msg=&msg=x", "?x=y", "?MSG=x"])
def test_a_missing_message_is_a_400_without_a_call(
    new_loop: NewLoop, contract: str, query: str
) -> None:
    with Upstream(answers(ok())) as upstream:
        with service_b(new_loop, upstream.url, contract=contract) as b:
            answer = b.get(f"/call-echo{query}")
        assert (answer.status, answer.json) == (400, {"error": "Missing 'msg' parameter"})
        assert upstream.connections == 0


@pytest.mark.parametrize("contract", PASSED_ON)
@pytest.mark.parametrize("query", ["", "?msg", "?msg=", "?x=y"])
def test_a_missing_message_is_passed_on_as_an_empty_one(
    new_loop: NewLoop, contract: str, query: str
) -> None:
    with pair(new_loop, contract=contract) as (_, b):
        answer = b.get(f"/call-echo{query}")
    assert (answer.status, answer.json["service_a"]) == (200, {"echo": ""})


@pytest.mark.parametrize("query", ["?msg=%", "?msg=%zz", "?msg=%ff", "?msg=%c3%28", "?%zz=1&msg=x"])
def test_a_message_that_is_not_percent_encoded_utf_8_is_a_400(
    new_loop: NewLoop, query: str
) -> None:
    with Upstream(answers(ok())) as upstream, service_b(new_loop, upstream.url) as b:
        answer = b.get(f"/call-echo{query}")
        assert answer.status == 400
        assert upstream.connections == 0


@pytest.mark.parametrize("path", ["/call-echo?msg=hello", "/health", "/readyz", "/call-foo"])
def test_head_is_answered_as_get_without_the_body(new_loop: NewLoop, path: str) -> None:
    with pair(new_loop) as (_, b):
        got = b.get(path, "X-Request-ID: abc")
        headed = b.server.ask(get(path, "X-Request-ID: abc").replace(b"GET", b"HEAD"))
    assert (headed.status, headed.body) == (got.status, b"")
    kept = {name: value for name, value in got.headers.items() if name != "date"}
    assert headed.headers | kept == headed.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("path", ["/call-echo?msg=hello", "/call-foo", "/health"])
def test_another_method_is_a_405_that_says_which_are_allowed(
    new_loop: NewLoop, method: str, path: str
) -> None:
    with Upstream(answers(ok())) as upstream, service_b(new_loop, upstream.url) as b:
        answer = b.server.ask(get(path).replace(b"GET", method.encode()))
        assert upstream.connections == 0
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.json["error"]


@pytest.mark.parametrize("path", ["/", "/call-echo/", "/CALL-ECHO", "/echo", "/call-foo2", "/%00"])
def test_an_unknown_path_is_a_404_in_json(new_loop: NewLoop, path: str) -> None:
    with service_b(new_loop, f"http://127.0.0.1:{unused_port()}") as b:
        answer = b.get(path)
    assert (answer.status, answer.json) == (404, {"error": "Not found"})


def test_b_is_healthy_while_a_is_down(new_loop: NewLoop) -> None:
    with service_b(new_loop, f"http://127.0.0.1:{unused_port()}") as b:
        assert b.echo().status == 503
        for path in ("/health", "/livez", "/readyz", "/healthz"):
            assert b.get(path).json == {"status": "ok"}


def test_the_request_id_goes_to_a_and_comes_back(new_loop: NewLoop) -> None:
    with Upstream(answers(ok())) as upstream, service_b(new_loop, upstream.url) as b:
        assert b.echo("X-Request-ID: mine-1").headers["x-request-id"] == "mine-1"
        made = b.echo("X-Request-ID: not sane").headers["x-request-id"]
        first, second = upstream.requests
    assert b"\r\nX-Request-ID: mine-1" in first
    assert f"\r\nX-Request-ID: {made}".encode() in second


def test_the_path_of_the_upstream_s_url_comes_first(new_loop: NewLoop) -> None:
    with Upstream(answers(ok())) as upstream:
        with service_b(new_loop, f"{upstream.url}/base/") as b:
            assert b.echo().status == 200
        line, host, *_ = upstream.requests[0].split(b"\r\n")
        assert line == b"GET /base/echo?msg=hello HTTP/1.1"
        assert host == b"Host: 127.0.0.1:%d" % upstream.port


GOOD = {
    "chunks": head(
        b"HTTP/1.1 200 OK", b"Content-Type: application/json", b"Transfer-Encoding: chunked"
    )
    + chunked(b'{"echo":', b'"hello"}'),
    "interim answers": head(b"HTTP/1.1 100 Continue") * 3 + ok(),
    "a parameter and capitals": ok().replace(
        b"application/json", b"Application/JSON; charset=utf-8"
    ),
    "a structured suffix": ok().replace(b"application/json", b"application/vnd.echo+json"),
    "blanks and more members": ok(b' {"echo" : "hello", "more": [null, 1.5, {"x": true}]} \r\n'),
    "201": ok(status=b"201 Created"),
}


@pytest.mark.parametrize("answer", GOOD.values(), ids=GOOD)
def test_b_takes_a_good_answer_in_any_form(new_loop: NewLoop, answer: bytes) -> None:
    with Upstream(answers(answer)) as upstream, service_b(new_loop, upstream.url) as b:
        assert [b.echo().json["service_a"]["echo"] for _ in range(2)] == ["hello", "hello"]
        assert upstream.connections == 1


def test_b_takes_an_answer_of_http_1_0(new_loop: NewLoop) -> None:
    answer = b'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{"echo":"hello"}'
    with Upstream(answers_once(answer)) as upstream, service_b(new_loop, upstream.url) as b:
        assert [b.echo().status for _ in range(2)] == [200, 200]
        assert upstream.connections == 2


def test_pipelined_requests_are_answered_in_order(new_loop: NewLoop) -> None:
    with pair(new_loop) as (_, b):
        client = b.server.connect()
        client.send(b"".join(get(f"/call-echo?msg={n}") for n in range(50)))
        echoes = [client.answer().json["service_a"]["echo"] for _ in range(50)]
    assert echoes == [str(n) for n in range(50)]


# A client that leaves. (One that only says that it sends no more, by FIN, is still answered.)


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"])
def test_a_client_that_leaves_aborts_the_call_and_is_logged_as_499(
    new_loop: NewLoop, begun: bytes
) -> None:
    with Upstream(stalls(begun), answers(ok())) as upstream, service_b(new_loop, upstream.url) as b:
        client = b.server.connect()
        client.send(get("/call-echo?msg=hello", "X-Request-ID: abc"))
        upstream.wait_for(requests=1)
        client.reset()
        upstream.wait_for(over=1)
        line = b.wait_for_line("request_id=abc")
        assert b.echo().status == 200, "and the next call has a connection of its own"
        b.server.wait_until(lambda: len(b.pool._open) == 1)
    assert "http_status=499" in line.split(" ")
    assert "error=ClientDisconnected" in line.split(" ")


def test_a_client_that_leaves_while_b_waits_for_a_connection(new_loop: NewLoop) -> None:
    may_answer = threading.Event()

    def script(peer: Peer) -> None:
        while True:
            peer.request()
            peer.wait(may_answer)
            peer.send(ok())

    flags = {"upstream_connections": "1"}
    with Upstream(script) as upstream, service_b(new_loop, upstream.url, **flags) as b:
        first, second, third = (b.server.connect() for _ in range(3))
        first.send(get("/call-echo?msg=hello"))
        upstream.wait_for(requests=1)
        second.send(get("/call-echo?msg=hello", "X-Request-ID: abc"))
        b.server.wait_until(lambda: len(b.pool._waiting) == 1)
        third.send(get("/call-echo?msg=hello"))
        b.server.wait_until(lambda: len(b.pool._waiting) == 2)
        second.reset()
        assert "http_status=499" in b.wait_for_line("request_id=abc")
        may_answer.set()
        assert (first.answer().status, third.answer().status) == (200, 200)
        assert (upstream.connections, len(upstream.requests)) == (1, 2)


def test_b_says_that_all_connections_were_busy(new_loop: NewLoop) -> None:
    may_answer = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.wait(may_answer)

    flags = {"upstream_connections": "1", "timeout_s": "200ms"}
    with Upstream(script) as upstream, service_b(new_loop, upstream.url, **flags) as b:
        first, second = b.server.connect(), b.server.connect()
        first.send(get("/call-echo?msg=hello"))
        upstream.wait_for(requests=1)
        second.send(get("/call-echo?msg=hello"))
        kinds = {client.answer().json["kind"] for client in (first, second)}
        may_answer.set()
    assert kinds <= {"response_timeout", "deadline_exceeded", "connect_timeout"}
    assert "response_timeout" in kinds


@pytest.mark.parametrize("status", [400, 414, 501, 505])
def test_what_is_not_acceptable_http_is_the_clients_mistake_and_logged_with_the_reason(
    new_loop: NewLoop, status: int
) -> None:
    with service_b(new_loop, f"http://127.0.0.1:{unused_port()}") as b:
        b.server.call(b.service.refusal, BadRequest(status, "It is so"))
        line = b.wait_for_line("endpoint=-")
        assert line.startswith("INFO service=B ")
        assert f" error=ClientError:{status} http_status={status} " in line
        assert line.endswith(' details="It is so"')
