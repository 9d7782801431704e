"""Where messages begin and end: whatever the messages, and wherever the stream is cut."""

import re
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from faultwire.wire.stream import MOST_HEAD_BYTES, Event, Stream
from faultwire.wire.stream.chunks import MOST_LINE_BYTES, MOST_TRAILER_BYTES
from faultwire.wire.stream.messages import AnswerStream, RequestStream

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
TELLING = (Event.HEAD, Event.INTERIM, Event.SWITCH, Event.END, Event.BLANK, Event.OPAQUE)


class Seen(NamedTuple):
    """An event, and the offset in the whole stream at which it was told."""

    event: Event
    end: int


def watch(stream: Stream, *pieces: bytes, asked: tuple[str, ...] = ()) -> list[Seen]:
    """Everything that a stream tells of these pieces. `asked` are the methods, in order."""
    methods = list(asked)
    seen: list[Seen] = []
    before = 0
    for piece in pieces:
        at = 0
        while at < len(piece):
            if isinstance(stream, AnswerStream) and stream.in_head:
                stream.asked = methods[0] if methods else None
            event, at = stream.scan(piece, at)
            if event in TELLING:
                seen.append(Seen(event, before + at))
            if event is Event.END or (event is Event.HEAD and stream.over):
                methods = methods[1:]
            if event in (Event.OPAQUE, Event.SWITCH):
                return seen
        before += len(piece)
    return seen


def bytewise(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def events(*data: bytes, asked: tuple[str, ...] = ("GET",)) -> list[Event]:
    """The events of answers."""
    return [seen.event for seen in watch(AnswerStream(), *data, asked=asked)]


def request_events(*data: bytes) -> list[Event]:
    return [seen.event for seen in watch(RequestStream(), *data)]


# Any messages, cut anywhere.

tokens = st.text("abcdefXYZ-_!#$%&'*+.^`|~0123456789", min_size=1, max_size=12).map(str.encode)
values = st.binary(max_size=20).map(lambda b: re.sub(rb"[\x00-\x08\x0a-\x1f\x7f]", b"?", b))
plain_names = tokens.filter(
    lambda name: name.lower() not in (b"content-length", b"transfer-encoding", b"connection")
)
fields = st.lists(st.tuples(plain_names, values), max_size=4)


class Message(NamedTuple):
    """One message and what is to be seen of it, with offsets from its beginning."""

    data: bytes
    seen: tuple[Seen, ...]
    method: str = "GET"


@st.composite
def chunked_bodies(draw: st.DrawFn) -> bytes:
    chunks = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=4))
    extension = st.sampled_from([b"", b";a", b" ;a=b", b';a="\xff"', b"\t"])
    size = st.sampled_from([b"%x", b"%X", b"00%x"])
    parts = [
        draw(size) % len(chunk) + draw(extension) + b"\r\n" + chunk + b"\r\n" for chunk in chunks
    ]
    trailers = draw(fields)
    parts.append(draw(st.sampled_from([b"0", b"000"])) + draw(extension) + b"\r\n")
    parts += [name + b": " + value + b"\r\n" for name, value in trailers]
    return b"".join(parts) + b"\r\n"


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """The field that frames a body, and the body."""
    match draw(st.sampled_from(["none", "length", "chunked"])):
        case "length":
            body = draw(st.binary(max_size=60))
            name = draw(st.sampled_from([b"Content-Length", b"content-length", b"CONTENT-LENGTH"]))
            return name + b":" + draw(st.sampled_from([b"", b" ", b"\t "])) + b"%d" % len(
                body
            ), body
        case "chunked":
            coding = draw(st.sampled_from([b"chunked", b"Chunked", b"gzip, chunked"]))
            return b"Transfer-Encoding: " + coding, draw(chunked_bodies())
    return b"", b""


def lines_of(first: bytes, framed: bytes, others: list[tuple[bytes, bytes]]) -> bytes:
    lines = [first, *(name + b": " + value for name, value in others)]
    if framed:
        lines.insert(1 + len(others) // 2, framed)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def told(head: bytes, body: bytes, before: bytes = b"") -> tuple[Seen, ...]:
    """The head, and the end if there is a body; blank lines before it one by one."""
    blanks = [Seen(Event.BLANK, at + 2) for at in range(0, len(before), 2)]
    seen = [Seen(Event.HEAD, len(before) + len(head))]
    if body:
        seen.append(Seen(Event.END, len(before) + len(head) + len(body)))
    return (*blanks, *seen)


@st.composite
def requests(draw: st.DrawFn) -> Message:
    framed, body = draw(bodies())
    target = draw(
        st.sampled_from([b"/", b"/echo?msg=\xf0\x9f\x98\x80", b"*", b"http://a/b", b"a:1"])
    )
    version = b"1.0" if not framed.startswith(b"T") and draw(st.booleans()) else b"1.1"
    head = lines_of(draw(tokens) + b" " + target + b" HTTP/" + version, framed, draw(fields))
    before = b"\r\n" * draw(st.sampled_from([0, 0, 0, 1, 2]))
    return Message(before + head + body, told(head, body, before))


@st.composite
def answers(draw: st.DrawFn) -> Message:
    framed, body = draw(bodies())
    framed, body = (framed, body) if framed else (b"Content-Length: 0", b"")
    method = draw(st.sampled_from(["GET", "GET", "POST", "HEAD", "CONNECT"]))
    few = [b"204 No Content", b"304 Not Modified"]
    many = [b"200 OK", b"404", b"500 ", b"599 \xff\xfe"]
    status = draw(st.sampled_from(few + many if method != "CONNECT" else many[1:]))
    if method == "HEAD" or status in few:
        body = b""
    head = lines_of(b"HTTP/1.1 " + status, framed, draw(fields))
    interims = draw(st.lists(st.sampled_from([b"100 Continue", b"103 Early Hints"]), max_size=2))
    before = b""
    seen = []
    for interim in interims:
        before += lines_of(b"HTTP/1.1 " + interim, b"", draw(fields))
        seen.append(Seen(Event.INTERIM, len(before)))
    seen += [Seen(event, len(before) + end) for event, end in told(head, body)]
    return Message(before + head + body, tuple(seen), method)


@st.composite
def cuts(draw: st.DrawFn, data: bytes) -> list[bytes]:
    places = draw(st.lists(st.integers(0, len(data)), max_size=8).map(sorted))
    ends = [*places, len(data)]
    return [data[start:end] for start, end in zip([0, *places], ends, strict=True)]


def expected(messages: list[Message]) -> list[Seen]:
    seen: list[Seen] = []
    before = 0
    for message in messages:
        seen += [Seen(event, before + end) for event, end in message.seen]
        before += len(message.data)
    return seen


@given(st.lists(requests(), max_size=4), st.data())
def test_requests_are_told_apart_wherever_they_are_cut(
    messages: list[Message], data: st.DataObject
) -> None:
    stream = b"".join(message.data for message in messages)
    wanted = expected(messages)
    assert watch(RequestStream(), stream) == wanted
    assert watch(RequestStream(), *bytewise(stream)) == wanted
    assert watch(RequestStream(), *data.draw(cuts(stream))) == wanted


@given(st.lists(answers(), max_size=4), st.data())
def test_answers_are_told_apart_wherever_they_are_cut(
    messages: list[Message], data: st.DataObject
) -> None:
    stream = b"".join(message.data for message in messages)
    asked = tuple(message.method for message in messages)
    wanted = expected(messages)
    assert watch(AnswerStream(), stream, asked=asked) == wanted
    assert watch(AnswerStream(), *bytewise(stream), asked=asked) == wanted
    assert watch(AnswerStream(), *data.draw(cuts(stream)), asked=asked) == wanted


CHUNKS = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
STARTS = [
    b"",
    GET,
    CHUNKS,
    b"POST / HTTP/1.1\r\nHost: a\r\n",
    b"P / HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
]
pieces_of_garbage = st.tuples(st.sampled_from(STARTS), st.binary(max_size=200)).flatmap(
    lambda parts: cuts(b"".join(parts))
)


@given(pieces_of_garbage)
@example([CHUNKS + b"1\r\naX"])
@example([CHUNKS + b"1\r\na", b"X"])
def test_of_any_bytes_each_is_taken_once_and_what_is_held_is_given_back(
    pieces: list[bytes],
) -> None:
    whole = b"".join(pieces)
    stream = RequestStream()
    kept = b""
    for piece in pieces:
        at = 0
        while at < len(piece):
            before = at
            event, at = stream.scan(piece, at)
            assert before <= at <= len(piece)
            if event is Event.OPAQUE:
                kept += stream.raw + piece[at:]
                at = len(piece)
                stream.raw = b""  # given back once
            elif event is Event.HEAD:
                kept += stream.raw
            elif event is Event.BLANK:
                kept += b"\r\n"
            elif event is Event.END or not stream.in_head:
                kept += piece[before:at]
    assert kept + (whole[len(whole) - stream.carried :] if stream.carried else b"") == whole


@given(answers(), st.sampled_from([b"", b"x"]))
def test_what_is_taken_whole_is_what_is_whole(message: Message, more: bytes) -> None:
    quick, slow = AnswerStream(), AnswerStream()
    quick.asked = slow.asked = message.method
    if quick.take_whole(message.data + more):
        assert not more
        seen = watch(slow, message.data, asked=(message.method,))
        assert [event.event for event in seen] in ([Event.HEAD], [Event.HEAD, Event.END])
        assert (quick.status, quick.closing) == (slow.status, slow.closing)
    assert quick.between


def test_a_plain_answer_is_taken_whole_and_no_other() -> None:
    for asked, data, whole in (
        ("GET", OK, True),
        ("GET", OK.replace(b"200", b"404"), True),
        ("GET", OK[:-1], False),
        ("GET", OK + b"x", False),
        ("GET", OK.replace(b"\r\n\r\n", b"\r\n A: b\r\n\r\n"), False),
        ("GET", b"HTTP/1.1 100 Continue\r\n\r\n", False),
        ("GET", b"HTTP/1.1 304 Same\r\nContent-Length: 0\r\n\r\n", False),
        ("HEAD", OK, False),
        (None, OK, False),
    ):
        stream = AnswerStream()
        stream.asked = asked
        assert stream.take_whole(data) is whole
        stream.scan(OK[:20])
        assert not stream.take_whole(OK)


# What is no message.


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"\x16\x03\x01\x02\x00", id="TLS"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2"),
        pytest.param(b"GET /\r\n", id="HTTP/0.9"),
        pytest.param(b"GET / HTTP/1.1\nHost: a\n\n", id="bare LF"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\n\r\n", id="one bare LF"),
        pytest.param(b"GET / HTTP/1.1\r\nContent-Length: 1\rb: c\r\n\r\n", id="bare CR"),
        pytest.param(b"GET  / HTTP/1.1\r\n\r\n", id="two blanks"),
        pytest.param(b"GET /a b HTTP/1.1\r\n\r\n", id="a blank in the target"),
        pytest.param(b"GET / HTTP/1.1\r\nContent-Length: 1\r\n 2\r\n\r\n", id="folded"),
        pytest.param(b"GET / HTTP/1.1\r\nContent-Length : 1\r\n\r\n", id="blank before colon"),
        pytest.param(b"GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", id="signed length"),
        pytest.param(b"GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", id="list of lengths"),
        pytest.param(
            b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", id="two lengths"
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            id="length and chunks",
        ),
        pytest.param(b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", id="1.0 with chunks"),
        pytest.param(
            b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", id="not chunked at last"
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", id="chunked at first"
        ),
        pytest.param(b"\r\r\n", id="CR CR LF"),
        pytest.param(b"A" * 100, id="a method without end"),
        pytest.param(b"\xff\xfe\xfd", id="no method"),
    ],
)
def test_what_is_not_understood_makes_requests_opaque(garbage: bytes) -> None:
    for pieces in ([garbage], bytewise(garbage)):
        stream = RequestStream()
        assert watch(stream, *pieces)[-1].event is Event.OPAQUE
        assert stream.opaque
        assert stream.scan(b"GET / HTTP/1.1\r\n\r\n") == (Event.OPAQUE, 0)


@pytest.mark.parametrize(
    "chunks",
    [
        b"x\r\n",
        b"1\na\r\n",
        b"1\r\nab\r\n",
        b"1\r\na\n0\r\n\r\n",
        b"\r\n1\r\n",
        b"1 1\r\n",
        b"-1\r\n",
        b"1" * 16 + b"\r\n",
        b"1;" + b"a" * MOST_LINE_BYTES + b"\r\n",
        b"0\r\nA: b\n\r\n",
    ],
)
def test_a_chunk_that_is_none_makes_a_stream_opaque(chunks: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    for pieces in ([head + chunks], bytewise(head + chunks)):
        assert request_events(*pieces) == [Event.HEAD, Event.OPAQUE]


@pytest.mark.parametrize(
    "garbage",
    [b"220 mail.example ESMTP\r\n", b"HTTP/2 200\r\n\r\n", b"HTTP/1.1 20\r\n\r\n", b"\r\nHTTP/1.1"],
)
def test_what_is_not_understood_makes_answers_opaque(garbage: bytes) -> None:
    assert events(garbage) == [Event.OPAQUE]
    assert events(*bytewise(garbage)) == [Event.OPAQUE]


def test_what_was_held_of_a_head_is_given_back_when_it_turns_out_to_be_none() -> None:
    stream = RequestStream()
    assert stream.scan(b"GET / HTTP/1.1\r\nA: b") == (Event.MORE, 20)
    assert stream.carried == 20
    assert stream.scan(b"\nrest") == (Event.OPAQUE, 0)
    assert stream.raw == b"GET / HTTP/1.1\r\nA: b"


def test_a_head_without_end_is_given_up_at_its_bound() -> None:
    stream = RequestStream()
    line = b"A: " + b"b" * 997 + b"\r\n"
    assert stream.scan(GET[:-2]) == (Event.MORE, len(GET) - 2)
    taken = len(GET) - 2
    while not stream.opaque:
        taken += len(line)
        stream.scan(line)
        assert stream.carried <= MOST_HEAD_BYTES
    assert taken >= MOST_HEAD_BYTES > taken - 2 * len(line)


def test_trailers_without_end_are_given_up_at_their_bound() -> None:
    stream = RequestStream()
    assert watch(stream, CHUNKS + b"0\r\n") == [Seen(Event.HEAD, len(CHUNKS))]
    for _ in range(MOST_TRAILER_BYTES // 1000):
        assert stream.scan(b"A: " + b"b" * 995 + b"\r\n")[0] is Event.MORE
    stream.scan(b"A: " + b"b" * 995 + b"\r\n")
    assert stream.opaque


# What an answer's end depends on.


def test_an_answer_is_read_for_the_request_it_answers() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    assert events(head, asked=("HEAD",)) == [Event.HEAD]
    assert events(head + b"hi", asked=("GET",)) == [Event.HEAD, Event.END]
    assert events(head, asked=("CONNECT",)) == [Event.SWITCH]
    assert events(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", asked=("CONNECT",)) == [
        Event.HEAD
    ]


def test_an_answer_that_nobody_asked_for_is_not_understood() -> None:
    assert events(OK + b"HTTP/1.1 408 Too slow\r\n\r\n") == [Event.HEAD, Event.END, Event.OPAQUE]


def test_another_protocol_is_opaque_behind_its_101() -> None:
    switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
    stream = AnswerStream()
    stream.asked = "GET"
    assert stream.scan(switching + b"\x81\x02hi") == (Event.SWITCH, len(switching))
    assert stream.raw == switching
    assert stream.scan(b"\x81\x02hi") == (Event.OPAQUE, 0)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    ],
)
def test_an_answer_without_length_lasts_until_the_connection_closes(head: bytes) -> None:
    stream = AnswerStream()
    stream.asked = "GET"
    assert stream.scan(head + b"x") == (Event.HEAD, len(head))
    assert stream.scan(b"HTTP/1.1 200 OK\r\n\r\n")[0] is Event.MORE
    assert stream.until_close
    assert stream.closing


@pytest.mark.parametrize(
    ("head", "closing"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", False),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", False),
    ],
)
def test_an_answer_says_whether_the_connection_ends_behind_it(head: bytes, closing: bool) -> None:
    stream = AnswerStream()
    stream.asked = "GET"
    assert stream.scan(head) == (Event.HEAD, len(head))
    assert stream.closing is closing


def test_a_request_is_described() -> None:
    stream = RequestStream()
    stream.scan(b"PUT /\xc3\xa4?b HTTP/1.0\r\nx-request-id: \t7f \r\nContent-Length: 0\r\n\r\n")
    assert (stream.method, stream.target) == ("PUT", "/\u00c3\u00a4?b")
    assert stream.told == {"x-request-id": "7f"}
    assert stream.closing
    assert stream.over


def test_lengths_that_agree_are_one() -> None:
    twice = b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"
    assert request_events(twice) == [Event.HEAD, Event.END]


def test_a_big_body_costs_a_look_per_piece_and_no_memory() -> None:
    stream = AnswerStream()
    stream.asked = "GET"
    stream.scan(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 40))
    piece = bytes(1 << 16)
    for _ in range(100):
        assert stream.scan(piece) == (Event.MORE, len(piece))
    assert stream._left == (1 << 40) - 100 * len(piece)
    assert not stream._carry
