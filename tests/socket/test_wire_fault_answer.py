"""Faults of the answer that end it early or spoil its form, as a raw socket sees them."""

import pytest

from tests.socket.broken import BODY, BY_FIN, BY_RST, OK, calls, pair, taken_apart, whole
from tests.socket.serving import NewLoop, post
from tests.socket.upstreams import answers, answers_once, chunked, head, ok
from tests.socket.wires import GET

LONG = bytes(range(256)) * 4
CHUNKED = head(b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked")
CHUNKS = CHUNKED + chunked(b"ab", b"cde", b"f", end=b"0\r\nT: 1\r\n\r\n")
HEAD = GET.replace(b"GET", b"HEAD")
MARK = len(b"X-Fault: truncate\r\n")


@pytest.mark.parametrize(("phase", "called"), [("after", 1), ("before", 0)])
def test_an_empty_response_is_a_fin_without_a_byte(
    new_loop: NewLoop, phase: str, called: int
) -> None:
    with pair(new_loop) as (wire, upstream):
        wire.breaks("empty_response", phase=phase)
        for request in (GET, post(b"x" * 100_000)):
            caller = wire.connect()
            caller.send(request)
            assert caller.rest() == (b"", BY_FIN)
        assert calls(upstream) == 2 * called


@pytest.mark.parametrize("after_bytes", [0, 1, 17, len(OK), 10_000])
def test_a_reset_comes_after_so_many_bytes(new_loop: NewLoop, after_bytes: int) -> None:
    with pair(new_loop) as (wire, upstream):
        wire.breaks("reset", after_bytes=after_bytes)
        caller = wire.connect()
        caller.send(GET)
        data, end = caller.rest()
        assert end == BY_RST
        marked = OK.replace(b"\r\n\r\n", b"\r\nX-Fault: reset\r\n\r\n")
        assert data == marked[:after_bytes]
        assert calls(upstream) == 1


@pytest.mark.parametrize("answer", [ok(LONG), CHUNKS, answers_once])
def test_a_reset_breaks_in_mid_body_if_nothing_is_said(new_loop: NewLoop, answer: object) -> None:
    sent = answer if isinstance(answer, bytes) else head(b"HTTP/1.1 200 OK") + LONG
    with pair(new_loop, answers_once(sent)) as (wire, _):
        wire.breaks("reset")
        caller = wire.connect()
        caller.send(GET)
        data, end = caller.rest()
        body = taken_apart(data).body
        assert end == BY_RST
        assert body == sent.partition(b"\r\n\r\n")[2][: len(body)]
        assert len(body) == (512 if sent == ok(LONG) else 1)


def test_a_reset_of_an_answer_without_a_body_breaks_its_head(new_loop: NewLoop) -> None:
    with pair(new_loop, answers(OK.removesuffix(BODY))) as (wire, _):
        wire.breaks("reset")
        caller = wire.connect()
        caller.send(HEAD)
        data, end = caller.rest()
        assert end == BY_RST
        assert data.startswith(b"HTTP/1.1 200 OK")
        assert b"\r\n\r\n" not in data


@pytest.mark.parametrize("missing", [1, 5, 1023])
@pytest.mark.parametrize("answer", [ok(LONG), CHUNKED + chunked(LONG[:100], LONG[100:])])
def test_a_truncated_body_is_short_by_what_was_asked(
    new_loop: NewLoop, answer: bytes, missing: int
) -> None:
    with pair(new_loop, answers(answer)) as (wire, _):
        wire.breaks("truncate", short_by_bytes=missing)
        caller = wire.connect()
        caller.send(GET)
        data, end = caller.rest()
        found = taken_apart(data)
        assert end == BY_FIN
        if answer is not ok(LONG) and "transfer-encoding" in found.fields:
            assert unchunked(found.body) == LONG[:-missing]
        else:
            assert found.fields["content-length"] == str(len(LONG))
            assert found.body == LONG[:-missing]


@pytest.mark.parametrize("at", [0, 1, 600])
def test_a_truncated_body_stops_where_it_was_asked_to(new_loop: NewLoop, at: int) -> None:
    with pair(new_loop, answers(ok(LONG))) as (wire, _):
        wire.breaks("truncate", at_bytes=at)
        caller = wire.connect()
        caller.send(GET)
        data, end = caller.rest()
        assert (taken_apart(data).body, end) == (LONG[:at], BY_FIN)


def test_a_body_that_is_shorter_than_the_cut_is_whole_and_then_the_connection_ends(
    new_loop: NewLoop,
) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("truncate", at_bytes=5000)
        caller = wire.connect()
        caller.send(GET)
        data, end = caller.rest()
        assert (taken_apart(data).body, end) == (BODY, BY_FIN)


def test_a_body_that_is_shorter_than_what_is_to_be_missing_does_not_begin(
    new_loop: NewLoop,
) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("truncate", short_by_bytes=5000)
        caller = wire.connect()
        caller.send(GET)
        data, end = caller.rest()
        assert (taken_apart(data).body, end) == (b"", BY_FIN)


@pytest.mark.parametrize("size", [10, len(OK), 5000])
def test_limit_data_counts_from_the_first_byte_of_the_head(new_loop: NewLoop, size: int) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("limit_data", bytes=size)
        caller = wire.connect()
        caller.send(GET)
        data, end = caller.rest()
        assert len(data) == min(size, len(OK) + MARK)
        assert end == BY_FIN


def unchunked(body: bytes) -> bytes:
    """The data of whole chunks, of which the last is missing."""
    data = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        assert length
        data += body[:length]
        assert body[length : length + 2] == b"\r\n"
        body = body[length + 2 :]
    return data


def test_a_malformed_status_line_is_none(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("malformed")
        data, end = wire.ask()
        assert data.startswith(b"HTTP/one.one fine, thanks\r\nContent-Type: ")
        assert data.endswith(b"\r\n\r\n" + BODY)
        assert end == BY_FIN


def test_a_malformed_header_has_no_name(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("malformed", kind="header")
        data, end = wire.ask()
        assert data.startswith(b"HTTP/1.1 200 OK\r\nthis line is no header field\r\n")
        assert end == BY_FIN


def test_malformed_lengths_contradict_each_other(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("malformed", kind="length")
        data, _ = wire.ask()
        assert data.count(b"Content-Length: ") == 2
        assert b"Content-Length: 7\r\n" in data


def test_a_malformed_protocol_is_another_one(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("malformed", kind="protocol")
        assert wire.ask() == (b"SSH-2.0-OpenSSH_9.6\r\n", BY_FIN)


@pytest.mark.parametrize(("answer", "first"), [(OK, BODY), (CHUNKS, None)])
def test_a_malformed_chunk_comes_behind_a_good_one(
    new_loop: NewLoop, answer: bytes, first: bytes | None
) -> None:
    with pair(new_loop, answers(answer)) as (wire, _):
        wire.breaks("malformed_chunk")
        data, end = wire.ask()
        found = taken_apart(data)
        assert (found.status, found.fields["transfer-encoding"], end) == (200, "chunked", BY_FIN)
        assert "content-length" not in found.fields
        size, _, rest = found.body.partition(b"\r\n")
        good = rest[: int(size, 16)]
        assert good == first if first is not None else b"abcdef".startswith(good)
        with pytest.raises(ValueError, match="invalid literal"):
            int(rest[len(good) + 2 :].partition(b"\r\n")[0], 16)


def test_an_answer_to_head_has_no_chunk_at_all(new_loop: NewLoop) -> None:
    with pair(new_loop, answers(OK.removesuffix(BODY))) as (wire, _):
        wire.breaks("malformed_chunk")
        data, end = wire.ask(HEAD)
        assert data.endswith(b"Transfer-Encoding: chunked\r\n\r\n")
        assert end == BY_FIN


@pytest.mark.parametrize("phase", ["after", "before"])
def test_garbage_is_as_long_as_asked_and_of_the_seed(new_loop: NewLoop, phase: str) -> None:
    found = []
    for seed in (1, 1, 2):
        with pair(new_loop) as (wire, _):
            wire.breaks("garbage_then_close", size_bytes=100, phase=phase, seed=seed)
            data, end = wire.ask()
            assert (len(data), end) == (100, BY_FIN)
            assert not data.startswith(b"HTTP")
            found.append(data)
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    "answer", [ok(LONG), CHUNKED + chunked(LONG), head(b"HTTP/1.1 200 OK") + LONG]
)
def test_corruption_flips_bits_and_keeps_the_length(new_loop: NewLoop, answer: bytes) -> None:
    with pair(new_loop, answers_once(answer)) as (wire, _):
        wire.breaks("corrupt", share=0.1, seed=3)
        data, end = wire.ask()
        found = taken_apart(data)
        body = found.body
        if "transfer-encoding" in found.fields:
            body = unchunked(body.removesuffix(b"0\r\n\r\n"))
        assert end == BY_FIN
        assert len(body) == len(LONG)
        flipped = [(a ^ b).bit_count() for a, b in zip(body, LONG, strict=True)]
        assert set(flipped) == {0, 1}
        assert 60 < sum(flipped) < 150


def test_corruption_of_a_small_body_hits_at_least_one_byte(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("corrupt", share=0.0001)
        caller = wire.connect()
        for _ in range(5):
            caller.send(GET)
            body = whole(caller).body
            assert len(body) == len(BODY)
            assert body != BODY
