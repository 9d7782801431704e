"""Faults of answers that stream, that end with their connection, or that leave HTTP."""

import pytest

from tests.socket.broken import BODY, BY_FIN, BY_RST, pair, taken_apart
from tests.socket.serving import NewLoop
from tests.socket.upstreams import Peer, Script, answers, answers_once, head, ok, stalls
from tests.socket.wires import GET

STREAM = head(b"HTTP/1.1 200 OK", b"Content-Type: text/event-stream")
MARKED = STREAM[:-2] + b"X-Fault: cut\r\n\r\n"
EVENT = b"data: 1\n\n"
CONNECT = b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"
UPGRADE = GET.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
SWITCHING = head(b"HTTP/1.1 101 Switching Protocols", b"Connection: Upgrade", b"Upgrade: websocket")
CONNECTED = head(b"HTTP/1.1 200 Connected", b"Content-Length: 0")
LEAVING = {"upgrade": (UPGRADE, SWITCHING), "CONNECT": (CONNECT, CONNECTED)}
OF_BODIES: dict[str, dict[str, int]] = {
    "endless_body": {},
    "malformed_chunk": {},
    "huge_body": {"size_bytes": 50},
    "compression_bomb": {"size_bytes": 50},
    "invalid_json": {},
    "wrong_shape": {},
    "surplus": {},
    "corrupt": {},
}


@pytest.mark.parametrize(
    ("fault", "attributes", "said", "arrives", "how"),
    [
        ("reset", {}, STREAM + EVENT, MARKED + b"d", BY_RST),
        ("reset", {"after_bytes": 0}, STREAM, b"", BY_RST),
        ("reset", {"after_bytes": 20}, STREAM, MARKED[:20], BY_RST),
        ("reset", {"after_bytes": len(MARKED) + 3}, STREAM + EVENT, MARKED + b"dat", BY_RST),
        ("truncate", {"answer_bytes": 0}, STREAM, b"", BY_FIN),
        ("truncate", {"answer_bytes": 20}, STREAM, MARKED[:20], BY_FIN),
        ("truncate", {"at_bytes": 0}, STREAM, MARKED, BY_FIN),
        ("truncate", {"at_bytes": 3}, STREAM + EVENT, MARKED + b"dat", BY_FIN),
    ],
)
def test_a_cut_does_not_wait_for_what_it_does_not_send(
    new_loop: NewLoop,
    *,
    fault: str,
    attributes: dict[str, int],
    said: bytes,
    arrives: bytes,
    how: str,
) -> None:
    with pair(new_loop, stalls(said)) as (wire, _):
        wire.breaks(fault, name="cut", **attributes)
        caller = wire.connect()
        caller.send(GET)
        assert caller.rest() == (arrives, how)


@pytest.mark.parametrize(
    "real",
    [ok(BODY, b"Connection: close"), head(b"HTTP/1.1 200 OK") + BODY],
    ids=["announced", "without a length"],
)
@pytest.mark.parametrize(
    ("fault", "attributes"),
    [
        ("status", {}),
        ("redirect", {}),
        ("huge_body", {"size_bytes": 50}),
        ("compression_bomb", {"size_bytes": 50}),
        ("invalid_json", {}),
        ("wrong_shape", {}),
        ("corrupt", {}),
        ("surplus", {}),
    ],
)
def test_a_connection_that_ends_behind_the_real_answer_is_announced_to_end(
    new_loop: NewLoop, fault: str, attributes: dict[str, object], real: bytes
) -> None:
    with pair(new_loop, answers_once(real)) as (wire, _):
        wire.breaks(fault, **attributes)
        caller = wire.connect()
        caller.send(GET)
        assert taken_apart(caller.head()).fields["connection"] == "close"
        assert caller.rest()[1] == BY_FIN


def test_a_stale_answer_is_the_last_of_its_connection_if_the_real_one_is(
    new_loop: NewLoop,
) -> None:
    real = ok(b"second", b"Connection: close")
    with pair(new_loop, answers(ok(b"first")), answers_once(real)) as (wire, _):
        wire.breaks("stale_answer")
        caller = wire.connect()
        caller.send(GET)
        assert taken_apart(caller.answer()).body == b"first"
        caller = wire.connect()
        caller.send(GET)
        data, saw = caller.rest()
        found = taken_apart(data)
        assert (found.body, found.fields["connection"], saw) == (b"first", "close", BY_FIN)


@pytest.mark.parametrize(
    "said",
    [GET.replace(b"\r\n", b"\n"), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\r\n\r\n"],
    ids=["a bare LF", "HTTP/2", "TLS"],
)
def test_what_is_not_http_1_is_neither_broken_nor_recorded(new_loop: NewLoop, said: bytes) -> None:
    def repeats(peer: Peer) -> None:
        while True:
            peer.send(peer._receive())

    with pair(new_loop, repeats) as (wire, _):
        wire.breaks("status", phase="before")
        caller = wire.connect()
        caller.send(said + GET)
        assert caller.read(len(said + GET)) == said + GET
        assert wire.call(wire.wire.ledger.counts)["requests"] == 0


def leaves(answer: bytes) -> Script:
    """Leave HTTP behind an answer, say something, and repeat what is said, backwards."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(answer + b"hello")
        while True:
            peer.send(peer._receive()[::-1])

    return script


@pytest.mark.parametrize("fault", OF_BODIES)
@pytest.mark.parametrize(("request_", "answer"), LEAVING.values(), ids=LEAVING)
def test_what_leaves_http_has_no_body_to_break(
    new_loop: NewLoop, fault: str, request_: bytes, answer: bytes
) -> None:
    with pair(new_loop, leaves(answer)) as (wire, _):
        wire.breaks(fault, **OF_BODIES[fault])
        caller = wire.connect()
        caller.send(request_)
        marked = answer[:-2] + b"X-Fault: %b\r\n\r\n" % fault.encode()
        assert caller.read(len(marked) + 5) == marked + b"hello"
        caller.send(b"abc")
        assert caller.read(3) == b"cba"


@pytest.mark.parametrize("fault", ["status", "redirect"])
@pytest.mark.parametrize(("request_", "answer"), LEAVING.values(), ids=LEAVING)
def test_an_answer_instead_of_one_that_leaves_http_is_the_last_thing_said(
    new_loop: NewLoop, fault: str, request_: bytes, answer: bytes
) -> None:
    with pair(new_loop, leaves(answer)) as (wire, _):
        wire.breaks(fault)
        caller = wire.connect()
        caller.send(request_)
        data, saw = caller.rest()
        found = taken_apart(data)
        assert (found.fields["connection"], saw) == ("close", BY_FIN)
        assert len(found.body) == int(found.fields["content-length"])
        assert wire.record().status == found.status
