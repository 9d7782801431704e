"""What A does to a kept connection is no client's problem: through B, as it runs."""

import threading
from collections.abc import Callable

import pytest

from tests.socket.pair import service_b
from tests.socket.serving import NewLoop, get
from tests.socket.upstreams import Peer, Upstream, answers, head, ok

TIMED_OUT = head(b"HTTP/1.1 408 Request Timeout", b"Content-Length: 0", b"Connection: close")


def says_408(peer: Peer) -> None:
    peer.send(TIMED_OUT)
    peer.close()


LEAVING: dict[str, Callable[[Peer], None]] = {
    "FIN": Peer.close,
    "RST": Peer.reset,
    "408": says_408,
}


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
def test_none_of_1000_requests_fails_while_a_closes_each_connection_after_its_answer(
    new_loop: NewLoop, leave: Callable[[Peer], None]
) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(ok())
        leave(peer)

    with Upstream(script) as upstream, service_b(new_loop, upstream.url) as b:
        client = b.server.connect()
        for _ in range(20):
            client.send(get("/call-echo?msg=hello") * 50)  # B calls in the moment of an answer
            assert [client.answer().status for _ in range(50)] == [200] * 50
        lines = [line for line in b.log_lines() if "endpoint=/call-echo" in line]
    assert len(lines) == 1000
    assert any("attempts=2" in line for line in lines), "it has raced"


def test_an_answer_that_comes_unasked_just_before_a_request_is_not_taken_for_its_own(
    new_loop: NewLoop,
) -> None:
    """Both are there when B's loop looks, the request first: nothing but the echo tells."""
    busy, may_speak, spoken = threading.Event(), threading.Event(), threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(ok())
        peer.wait(may_speak)
        peer.send(ok(b'{"echo":"other"}'))
        spoken.set()
        peer.wait_until_gone()

    def keep_busy() -> None:
        busy.set()
        spoken.wait(10)

    with Upstream(script, answers(ok())) as upstream, service_b(new_loop, upstream.url) as b:
        client = b.server.connect()
        client.send(get("/call-echo?msg=hello"))
        assert client.answer().status == 200
        stalled = threading.Thread(target=b.server.call, args=(keep_busy,))
        stalled.start()
        busy.wait(10)
        client.send(get("/call-echo?msg=hello"))
        may_speak.set()
        stalled.join()
        answer = client.answer()
    assert answer.status == 200 or answer.json["kind"] == "response_invalid"


@pytest.mark.parametrize("policy", ["none", "deadline"])
def test_a_connection_that_gave_the_answer_to_another_request_gives_no_further_one(
    new_loop: NewLoop, policy: str
) -> None:
    """It would be one answer behind for good, and who asks for no echo would take another's."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(ok(b'{"echo":"one"}'))
        peer.request()
        peer.send(ok(b'{"echo":"too much"}'))
        peer.request()
        peer.send(ok(b'{"echo":"two"}'))
        peer.wait_until_gone()

    failing = answers(ok(status=b"500 Internal Server Error"))
    with (
        Upstream(script, failing) as upstream,
        service_b(new_loop, upstream.url, policy=policy) as b,
    ):
        assert b.get("/call-echo?msg=one").status == 200
        assert b.get("/call-echo?msg=two").json["kind"] == "response_invalid"
        assert b.get("/call-foo").json["kind"] == "upstream_status"
        assert upstream.connections == 2


@pytest.mark.parametrize("left_over", [ok(b'{"echo":"other"}'), b"HTTP/1.1 200", b"garbage\r\n"])
def test_what_a_says_too_much_reaches_no_other_client(new_loop: NewLoop, left_over: bytes) -> None:
    def script(peer: Peer) -> None:
        number = peer.request().split(b"msg=")[1].split(b" ")[0]
        peer.send(ok(b'{"echo":"%b"}' % number) + left_over)
        peer.wait_until_gone()

    with Upstream(script) as upstream, service_b(new_loop, upstream.url) as b:
        client = b.server.connect()
        client.send(b"".join(get(f"/call-echo?msg={n}") for n in range(50)))
        echoes = [client.answer().json["service_a"]["echo"] for _ in range(50)]
        assert upstream.connections == 50
    assert echoes == [str(n) for n in range(50)]
