"""Faults of size and content: well-formed answers that are too large, or say the wrong thing."""

import json
import zlib

import pytest

from tests.socket.broken import BODY, BY_FIN, OK, calls, pair, taken_apart, whole
from tests.socket.serving import NewLoop, post
from tests.socket.upstreams import Peer, answers, answers_once, chunked, head, ok
from tests.socket.wires import GET

CHUNKS = head(b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked") + chunked(BODY)
HEAD = GET.replace(b"GET", b"HEAD")
HTTP_1_0 = GET.replace(b"HTTP/1.1", b"HTTP/1.0")
EXPECTING = post(b"body").replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")


@pytest.mark.parametrize(("phase", "called"), [("after", 2), ("before", 0)])
def test_a_status_is_an_error_in_json_on_a_connection_that_lives_on(
    new_loop: NewLoop, phase: str, called: int
) -> None:
    with pair(new_loop) as (wire, upstream):
        wire.breaks("status", code=429, retry_after_s="7s", phase=phase)
        caller = wire.connect()
        for request in (GET, post(b"x" * 100_000)):
            caller.send(request)
            found = whole(caller)
            assert (found.status, json.loads(found.body)) == (429, {"error": "Too Many Requests"})
            assert (found.fields["retry-after"], found.fields["x-fault"]) == ("7", "status")
        assert calls(upstream) == called


def test_statuses_are_drawn_by_their_weights(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("status", codes="404:1,503:1", seed=2, phase="before")
        caller = wire.connect()
        found = []
        for _ in range(30):
            caller.send(GET)
            found.append(whole(caller).status)
        assert set(found) == {404, 503}


def test_a_sequence_of_statuses_is_played_in_order(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, upstream):
        wire.breaks("status", sequence="503,404,200", phase="before")
        assert [taken_apart(wire.ask()[0]).status for _ in range(4)] == [503, 404, 200, 200]
        assert calls(upstream) == 2


@pytest.mark.parametrize("code", [204, 304])
def test_a_status_without_a_body_has_none(new_loop: NewLoop, code: int) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("status", code=code)
        caller = wire.connect()
        for _ in range(2):
            caller.send(GET)
            found = taken_apart(caller.head())
            assert found.status == code
            assert "content-length" not in found.fields


@pytest.mark.parametrize("fault", ["status", "redirect", "wrong_shape", "invalid_json"])
def test_an_answer_to_head_has_a_length_and_no_body(new_loop: NewLoop, fault: str) -> None:
    with pair(new_loop, answers(OK.removesuffix(BODY))) as (wire, _):
        wire.breaks(fault)
        caller = wire.connect()
        for _ in range(2):
            caller.send(HEAD)
            assert "content-length" in taken_apart(caller.head()).fields
        assert caller.is_silent()


def test_who_asks_for_the_end_of_the_connection_gets_it(new_loop: NewLoop) -> None:
    closing = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with pair(new_loop) as (wire, _):
        wire.breaks("status")
        for request in (closing, HTTP_1_0):
            caller = wire.connect()
            caller.send(request)
            data, end = caller.rest()
            assert (taken_apart(data).fields["connection"], end) == ("close", BY_FIN)


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("fault", ["status", "redirect", "wrong_content_type"])
def test_who_speaks_http_1_0_and_asks_for_a_connection_that_lives_on_is_told_that_it_does(
    new_loop: NewLoop, fault: str, phase: str
) -> None:
    keeping = HTTP_1_0.replace(b"\r\n\r\n", b"\r\nConnection: Keep-Alive\r\n\r\n")
    with pair(new_loop, answers(ok(BODY, b"Connection: keep-alive"))) as (wire, _):
        wire.breaks(fault, phase=phase)
        caller = wire.connect()
        for _ in range(2):
            caller.send(keeping)
            assert whole(caller).fields["connection"] == "keep-alive"


def test_who_only_names_http_1_0_does_not_speak_it(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("status")
        caller = wire.connect()
        for _ in range(2):
            caller.send(GET.replace(b"hello", b"HTTP/1.0"))
            assert "connection" not in whole(caller).fields


def test_who_waits_for_100_continue_gets_it_from_the_wire(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("status", phase="before")
        caller = wire.connect()
        start, _, body = EXPECTING.partition(b"\r\n\r\n")
        caller.send(start + b"\r\n\r\n")
        assert caller.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        caller.send(body)
        assert whole(caller).status == 503


def test_a_redirect_goes_to_itself_or_elsewhere(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("redirect")
        found = taken_apart(wire.ask()[0])
        assert (found.status, found.fields["location"]) == (302, "/echo?msg=hello")
        wire.breaks("redirect", code=308, to="http://192.0.2.1/x")
        found = taken_apart(wire.ask()[0])
        assert (found.status, found.fields["location"]) == (308, "http://192.0.2.1/x")


@pytest.mark.parametrize("answer", [OK, CHUNKS])
def test_the_content_type_is_wrong_and_the_body_right(new_loop: NewLoop, answer: bytes) -> None:
    with pair(new_loop, answers(answer)) as (wire, _):
        wire.breaks("wrong_content_type")
        caller = wire.connect()
        for _ in range(2):
            caller.send(GET)
            found = taken_apart(caller.head())
            assert found.fields["content-type"] == "text/html; charset=utf-8"
            body = answer.partition(b"\r\n\r\n")[2]
            assert caller.read(len(body)) == body


BODIES = [
    BODY,
    b"1",
    b"{}",
    b"[] ",
    b'  {"a": [1, 2]}\n\n',
    b"12",
    b"",
    b'"text"',
    b"no json",
    b"true",
]


@pytest.mark.parametrize("body", BODIES)
def test_invalid_json_calls_itself_json_and_is_none(new_loop: NewLoop, body: bytes) -> None:
    with pair(new_loop, answers(ok(body))) as (wire, _):
        wire.breaks("invalid_json")
        caller = wire.connect()
        caller.send(GET)
        found = whole(caller)
        assert (found.status, found.fields["content-type"]) == (200, "application/json")
        with pytest.raises(ValueError, match=r"Expecting|Unterminated|Extra|delimiter|property"):
            json.loads(found.body)


def test_invalid_json_is_the_first_half_of_the_real_body(new_loop: NewLoop) -> None:
    with pair(new_loop, answers(CHUNKS)) as (wire, _):
        wire.breaks("invalid_json")
        assert taken_apart(wire.ask()[0]).body == BODY[: len(BODY) // 2]


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        ("object", {"unexpected": True}),
        ("array", []),
        ("string", "unexpected"),
        ("number", 42),
        ("null", None),
    ],
)
def test_the_shape_is_wrong_and_the_json_good(new_loop: NewLoop, shape: str, value: object) -> None:
    with pair(new_loop, answers(ok(BODY, b"Content-Encoding: br"))) as (wire, _):
        wire.breaks("wrong_shape", shape=shape)
        caller = wire.connect()
        caller.send(GET)
        found = whole(caller)
        assert (found.status, json.loads(found.body)) == (200, value)
        assert found.fields["content-type"] == "application/json"
        assert "content-encoding" not in found.fields


def counting(peer: Peer) -> None:
    """Answer each request with its target."""
    while True:
        target = peer.request().split(b" ")[1]
        peer.send(ok(target) if b"long" not in target else ok(target * 20_000))


def asked(number: int | str) -> bytes:
    return GET.replace(b"/echo?msg=hello", f"/{number}".encode())


def test_a_stale_answer_is_that_of_the_request_before(new_loop: NewLoop) -> None:
    with pair(new_loop, counting) as (wire, _):
        wire.breaks("stale_answer")
        caller = wire.connect()
        found = []
        for number in range(4):
            caller.send(asked(number))
            found.append(whole(caller))
        assert [answer.body for answer in found] == [b"/0", b"/0", b"/1", b"/2"]
        assert [answer.fields["x-fault"] for answer in found] == [
            "stale_answer; none yet",
            "stale_answer",
            "stale_answer",
            "stale_answer",
        ]


def test_a_stale_answer_may_be_older_and_comes_from_any_connection(new_loop: NewLoop) -> None:
    with pair(new_loop, counting) as (wire, _):
        wire.breaks("stale_answer", back=2)
        found = [taken_apart(wire.ask(asked(number))[0]).body for number in range(5)]
        assert found == [b"/0", b"/1", b"/0", b"/1", b"/2"]


def test_long_answers_pass_untouched_and_are_not_remembered(new_loop: NewLoop) -> None:
    with pair(new_loop, counting) as (wire, _):
        wire.breaks("stale_answer")
        caller = wire.connect()
        for target, expected in (("long", b"/long" * 20_000), ("1", b"/1"), ("2", b"/1")):
            caller.send(asked(target))
            assert whole(caller).body == expected


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (HEAD, OK.removesuffix(BODY)),
        (HTTP_1_0, OK),
        (GET, head(b"HTTP/1.1 200 OK") + BODY),
    ],
)
def test_answers_that_cannot_be_given_to_others_are_not(
    new_loop: NewLoop, request_: bytes, answer: bytes
) -> None:
    with pair(new_loop, answers_once(answer)) as (wire, _):
        wire.breaks("stale_answer")
        for _ in range(2):
            found = taken_apart(wire.ask(request_)[0])
            assert found.fields["x-fault"] == "stale_answer; none yet"
            assert found.body == (b"" if request_ is HEAD else BODY)


def test_mending_forgets_the_answers_that_were_remembered(new_loop: NewLoop) -> None:
    with pair(new_loop, counting) as (wire, _):
        for _ in range(2):
            wire.breaks("stale_answer")
            assert taken_apart(wire.ask(asked("first"))[0]).fields["x-fault"].endswith("none yet")
            wire.mend()


@pytest.mark.parametrize("field_bytes", [100, 5000, 300_000])
def test_huge_headers_are_as_huge_as_asked(new_loop: NewLoop, field_bytes: int) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("huge_headers", size_bytes=200_000, field_bytes=field_bytes)
        caller = wire.connect()
        for _ in range(2):
            caller.send(GET)
            found = whole(caller)
            extra = {name: text for name, text in found.fields.items() if name.startswith("x-huge")}
            size = sum(len(name) + len(text) + 4 for name, text in extra.items())
            assert 200_000 <= size < 200_016
            longest = max(len(text) for text in extra.values())
            assert min(field_bytes, 200_000) - 20 < longest < field_bytes
            assert found.body == BODY


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_huge_body_is_one_json_text(new_loop: NewLoop, framing: str) -> None:
    size = 3_000_000
    with pair(new_loop) as (wire, _):
        wire.breaks("huge_body", size_bytes=size, framing=framing)
        data, end = wire.ask()
        found = taken_apart(data)
        assert (found.fields["content-type"], end) == ("application/json", BY_FIN)
        if framing == "length":
            assert found.fields["content-length"] == str(size)
            assert len(json.loads(found.body)) == size - 2
        else:
            assert found.body.count(b"x") == size - 2
            assert found.body.endswith(b"0\r\n\r\n")


def test_a_huge_body_waits_for_a_reader_in_bounded_memory(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("huge_body", size_bytes="100GiB")
        caller = wire.connect()
        caller.send(GET)
        caller.read(1_000_000)
        (link,) = wire.call(lambda: list(wire.wire._links))
        assert wire.call(link.client._transport.get_write_buffer_size) < 1_000_000


def test_a_compression_bomb_is_small_on_the_wire_and_huge_inflated(new_loop: NewLoop) -> None:
    size = 64 << 20
    with pair(new_loop) as (wire, _):
        wire.breaks("compression_bomb", size_bytes=size)
        caller = wire.connect()
        caller.send(GET)
        found = whole(caller)
        assert found.fields["content-encoding"] == "gzip"
        assert len(found.body) < size / 900
        inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
        length = 0
        while not inflater.eof:
            length += len(
                inflater.decompress(found.body if not length else inflater.unconsumed_tail, 1 << 20)
            )
        assert length == size
