"""An answer is the same however it is cut into packets, and no bytes do harm."""

import gzip
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from faultwire.failures import Phase
from faultwire.http.answer import AnswerReader, Malformed
from faultwire.http.coding import TooLarge
from faultwire.http.fields import FieldsTooLarge
from faultwire.http.limits import DEFAULT_LIMITS

LIMITS = DEFAULT_LIMITS._replace(header_bytes=500, header_count=10, body_bytes=1000)
REFUSED = (Malformed, FieldsTooLarge, TooLarge)


class Read(NamedTuple):
    """What became of some bytes."""

    status: int
    fields: dict[bytes, bytes]
    body: bytes
    reusable: bool


class Unfinished(NamedTuple):
    """… when the answer is not whole yet."""

    phase: Phase
    to_the_end: bool


def read(*packets: bytes) -> Read | Unfinished:
    """Read packets as a connection does. Raises what the reader raises."""
    reader = AnswerReader(LIMITS)
    for packet in filter(None, packets):
        if reader._whole:
            reader._overrun()  # nothing was asked: the connection is ended
            break
        reader._read(packet)
    if not reader._whole:
        return Unfinished(reader._phase(), reader._to_the_end)
    return Read(reader._status, reader._fields, bytes(reader._body), reader._keep_alive)


def outcome(*packets: bytes) -> object:
    """What became of them; of an error, its kind."""
    try:
        return read(*packets)
    except REFUSED as error:
        return type(error)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n",
    b"HTTP/1.0 404 \r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
    b"HTTP/1.1 204 No Content\r\nA: b\r\nA: c\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99999\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
    CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nLate: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n"
    + gzip.compress(b"hello", mtime=0),
    b"HTTP/1.1 200 OK\r\n\r\nto the end\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000,
]
BROKEN = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
    b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    b"RTSP/1.0 200 OK\r\n\r\n",
    b"HTTP/2.0 200 OK\r\n\r\n",
    CHUNKED + b"5\r\nhello0\r\n\r\n",
    CHUNKED + b"3e9\r\n" + b"x" * 1001,
]
LEFT_OVERS = [b"", b"\r\n", b"\n", b"H", b"\0", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny"]


@pytest.mark.parametrize("left_over", LEFT_OVERS)
@pytest.mark.parametrize("answer", ANSWERS + BROKEN)
def test_an_answer_is_the_same_wherever_it_is_cut(answer: bytes, left_over: bytes) -> None:
    data = answer + left_over
    whole = outcome(data)
    for cut in range(1, len(data)):
        assert outcome(data[:cut], data[cut:]) == whole
    assert outcome(*(data[at : at + 1] for at in range(len(data)))) == whole


@pytest.mark.parametrize("answer", ANSWERS)
def test_whatever_follows_an_answer_is_seen(answer: bytes) -> None:
    alone = read(answer)
    if isinstance(alone, Unfinished):
        assert alone.to_the_end
        return
    assert alone.reusable is (b"Connection: close" not in answer)
    for left_over in LEFT_OVERS[1:]:
        assert read(answer + left_over) == alone._replace(reusable=False)


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_is_cut_short_is_not_whole(answer: bytes) -> None:
    for size in range(len(answer)):
        if size and answer.startswith(b"HTTP/1.1 200 OK\r\n\r\n"):
            break
        assert isinstance(read(answer[:size]), Unfinished)


def test_a_reader_reads_one_answer_after_another() -> None:
    reader = AnswerReader(LIMITS)
    for answer in (a for a in ANSWERS if getattr(read(a), "reusable", False)):
        reader._start_answer()
        reader._read(answer)
        found = Read(reader._status, reader._fields, bytes(reader._body), reader._keep_alive)
        assert (reader._whole, found) == (True, read(answer))


cuts = st.lists(st.integers(0, 2000), max_size=8)


def cut_up(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@given(data=st.binary(max_size=200), places=cuts)
@example(data=b"", places=[])
def test_any_bytes_are_read_or_refused(data: bytes, places: list[int]) -> None:
    outcome(*cut_up(data, places))


@given(
    answer=st.sampled_from(ANSWERS + BROKEN),
    changes=st.lists(
        st.tuples(st.integers(0, 1100), st.sampled_from(b"\0\r\n :;0519aHx\x7f\xff")), max_size=4
    ),
    places=cuts,
)
def test_a_damaged_answer_is_read_or_refused_wherever_it_is_cut(
    answer: bytes, changes: list[tuple[int, int]], places: list[int]
) -> None:
    data = bytearray(answer)
    for place, byte in changes:
        data[place % len(data)] = byte
    assert outcome(*cut_up(bytes(data), places)) == outcome(bytes(data))


@given(
    version=st.sampled_from([b"1.1", b"1.0", b"2.0", b"0.9", b"1.2"]),
    status=st.integers(0, 999),
    fields=st.lists(
        st.sampled_from(
            [
                b"Content-Length: 2",
                b"Content-Length: 0",
                b"Content-Length: 9999",
                b"Transfer-Encoding: chunked",
                b"Transfer-Encoding: gzip",
                b"Connection: close",
                b"Connection: keep-alive",
                b"Upgrade: h2c",
                b"Connection: Upgrade",
                b"Content-Encoding: gzip",
                b"X: " + b"y" * 400,
            ]
        ),
        max_size=4,
    ),
    body=st.sampled_from(
        [b"", b"ab", b"2\r\nab\r\n0\r\n\r\n", b"\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]
    ),
    places=cuts,
)
def test_any_head_is_read_or_refused(
    version: bytes, status: int, fields: list[bytes], body: bytes, places: list[int]
) -> None:
    lines = b"".join(field + b"\r\n" for field in fields)
    data = b"HTTP/%b %03d Hm\r\n%b\r\n%b" % (version, status, lines, body)
    result = outcome(data)
    assert outcome(*cut_up(data, places)) == result
    if isinstance(result, Read):
        assert version in (b"1.1", b"1.0")
        assert result.status == status >= 200


def test_what_is_over_a_bound_in_one_packet_is_so_in_two() -> None:
    for excess in (b"A: " + b"x" * 600, b"\r\n".join(b"A%d: x" % n for n in range(11))):
        data = b"HTTP/1.1 200 OK\r\n" + excess + b"\r\nContent-Length: 0\r\n\r\n"
        assert outcome(data) is FieldsTooLarge
        assert outcome(data[:30], data[30:]) is FieldsTooLarge
