"""Faults of waiting: as late, and at the pace, that was asked for."""

import pytest

from tests.socket.broken import (
    BODY,
    BY_FIN,
    BY_RST,
    OK,
    calls,
    pair,
    taken_apart,
    timed,
    whole,
)
from tests.socket.serving import NewLoop, post
from tests.socket.upstreams import answers, answers_once, chunked, head, ok
from tests.socket.wires import GET

LATE_S = 1.0
"""How late anything may be on a busy machine. Nothing is ever early, but for a timer's tick."""
EARLY_S = 0.003
CLOSING = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
LONG = bytes(range(256)) * 4
CHUNKS = head(b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked") + chunked(b"ab", b"cde", b"f")


def is_on_time(took_s: float, asked_s: float) -> bool:
    return asked_s - EARLY_S <= took_s < asked_s + LATE_S


@pytest.mark.parametrize("phase", ["after", "before"])
def test_latency_is_late_by_the_delay_and_otherwise_right(new_loop: NewLoop, phase: str) -> None:
    with pair(new_loop, answers_once(OK)) as (wire, _):
        wire.breaks("latency", delay_ms=80, phase=phase)
        caller = wire.connect()
        seen, data = timed(caller, CLOSING)
        assert is_on_time(seen[0][0], 0.08)
        answer = taken_apart(data)
        assert (answer.status, answer.body) == (200, BODY)
        assert answer.fields["x-fault"] == "latency"


@pytest.mark.parametrize(("phase", "called"), [("after", 1), ("before", 0)])
def test_latency_calls_the_upstream_before_or_after_the_wait(
    new_loop: NewLoop, phase: str, called: int
) -> None:
    with pair(new_loop) as (wire, upstream):
        wire.breaks("latency", delay_ms="1h", phase=phase)
        caller = wire.connect()
        caller.send(GET)
        if called:
            upstream.wait_for(requests=1)
        assert caller.is_silent()
        assert calls(upstream) == called
        wire.mend()
        assert whole(caller).body == BODY
        assert calls(upstream) == 1


def test_latency_is_drawn_from_its_distribution_by_the_seed(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("latency", delays="1ms:1,80ms:1", seed=4)
        took = []
        caller = wire.connect()
        for _ in range(12):
            began = wire.call(wire._loop.time)
            caller.send(GET)
            whole(caller)
            took.append(wire.call(wire._loop.time) - began)
        assert 0 < sum(seconds > 0.07 for seconds in took) < 12


def test_latency_composes_with_an_answer_fault(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("status", code=503)
        wire.breaks("latency", delay_ms=60)
        caller = wire.connect()
        seen, data = timed(caller, CLOSING)
        assert is_on_time(seen[0][0], 0.06)
        answer = taken_apart(data)
        assert (answer.status, answer.fields["x-fault"]) == (503, "latency, status")


@pytest.mark.parametrize(("how", "end"), [("rst", BY_RST), ("fin", BY_FIN)])
def test_a_hang_ends_after_its_time_as_asked(new_loop: NewLoop, how: str, end: str) -> None:
    with pair(new_loop) as (wire, upstream):
        wire.breaks("hang", for_ms=60, how=how)
        caller = wire.connect()
        began = wire.call(wire._loop.time)
        caller.send(GET)
        assert caller.rest() == (b"", end)
        assert is_on_time(wire.call(wire._loop.time) - began, 0.06)
        assert calls(upstream) == 1


@pytest.mark.parametrize("phase", ["after", "before"])
def test_a_mended_hang_lets_the_request_through(new_loop: NewLoop, phase: str) -> None:
    with pair(new_loop) as (wire, upstream):
        wire.breaks("hang", phase=phase)
        caller = wire.connect()
        caller.send(GET)
        assert caller.is_silent()
        wire.mend()
        assert whole(caller).body == BODY
        assert calls(upstream) == 1


def test_slow_headers_arrive_byte_by_byte_at_the_asked_pace(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("slow_headers", bytes_per_step=20, interval_ms=20)
        caller = wire.connect()
        seen, data = timed(caller, CLOSING)
        steps = -(-(len(data) - len(BODY)) // 20)
        assert is_on_time(seen[-1][0], steps * 0.02)
        for at, count in seen[:-1]:
            assert at >= count // 20 * 0.02 - EARLY_S
        whole_steps = [count for _, count in seen if count < len(data) - len(BODY)]
        assert all(count % 20 == 0 for count in whole_steps)  # several, for a reader that is late
        assert taken_apart(data).body == BODY


@pytest.mark.parametrize("answer", [ok(LONG), head(b"HTTP/1.1 200 OK") + LONG])
def test_slow_body_drips_at_the_asked_pace(new_loop: NewLoop, answer: bytes) -> None:
    with pair(new_loop, answers_once(answer)) as (wire, _):
        wire.breaks("slow_body", bytes_per_step=64, interval_ms=10)
        caller = wire.connect()
        seen, data = timed(caller, CLOSING)
        start = len(data) - len(LONG)
        assert taken_apart(data).body == LONG
        assert is_on_time(seen[-1][0], len(LONG) / 64 * 0.01)
        assert seen[0][1] >= start  # the head does not drip
        for at, count in seen:
            assert at >= (count - start) // 64 * 0.01 - EARLY_S


def test_slow_body_keeps_chunks_as_they_are(new_loop: NewLoop) -> None:
    with pair(new_loop, answers(CHUNKS)) as (wire, _):
        wire.breaks("slow_body", bytes_per_step=3, vary_bytes=2, interval_ms=1)
        caller = wire.connect()
        caller.send(CLOSING)
        assert caller.rest()[0].endswith(chunked(b"ab", b"cde", b"f"))


@pytest.mark.parametrize("answer", [ok(LONG), CHUNKS])
def test_slow_body_in_so_many_steps_takes_so_many_intervals(
    new_loop: NewLoop, answer: bytes
) -> None:
    with pair(new_loop, answers(answer)) as (wire, _):
        wire.breaks("chunkedDribbleDelay", numberOfChunks=5, totalDuration=100)
        caller = wire.connect()
        seen, data = timed(caller, CLOSING)
        assert data.endswith(answer.partition(b"\r\n\r\n")[2])
        assert is_on_time(seen[-1][0], 0.1)


def test_a_mended_drip_sends_the_rest_at_once(new_loop: NewLoop) -> None:
    with pair(new_loop, answers(ok(LONG))) as (wire, _):
        wire.breaks("slow_body", bytes_per_step=1, interval_ms=1000)
        caller = wire.connect()
        caller.send(GET)
        caller.head()
        wire.mend()
        assert caller.read(len(LONG)) == LONG
        caller.send(GET)
        assert taken_apart(caller.answer()).body == LONG


def test_bandwidth_lets_so_many_bytes_through_in_a_second(new_loop: NewLoop) -> None:
    with pair(new_loop, answers(ok(LONG * 10))) as (wire, _):
        wire.breaks("bandwidth", bytes_per_s=40_000)
        caller = wire.connect()
        seen, data = timed(caller, CLOSING)
        assert taken_apart(data).body == LONG * 10
        assert is_on_time(seen[-1][0], len(data) / 40_000)
        for at, count in seen:
            assert count <= (at + EARLY_S) * 40_000 + 800  # one step of a fiftieth of a second


def test_an_endless_body_goes_on_until_it_is_mended_and_never_ends_well(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("endless_body", bytes_per_step=100, interval_ms=1)
        caller = wire.connect()
        caller.send(GET)
        answer = taken_apart(caller.head())
        assert (answer.status, answer.fields["transfer-encoding"]) == (200, "chunked")
        assert "content-length" not in answer.fields
        piece = b"64\r\n" + b" " * 100 + b"\r\n"
        assert caller.read(50 * len(piece)) == 50 * piece
        wire.mend()
        data, end = caller.rest()
        assert data == piece * (len(data) // len(piece))
        assert end == BY_FIN


@pytest.mark.parametrize("bound", [{"for_ms": 50}, {"most_bytes": 1000}])
def test_an_endless_body_is_bounded_by_time_and_size(
    new_loop: NewLoop, bound: dict[str, int]
) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("endless_body", bytes_per_step=300, interval_ms=5, **bound)
        data, end = wire.ask()
        size = taken_apart(data).body.count(b" ")
        assert end == BY_FIN
        assert size == 1000 if "most_bytes" in bound else 300 <= size <= 300 * 11


def test_an_endless_body_for_http_1_0_has_no_chunks(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("endless_body", most_bytes=500, interval_ms=1)
        answer = taken_apart(wire.ask(GET.replace(b"HTTP/1.1", b"HTTP/1.0"))[0])
        assert answer.fields["connection"] == "close"
        assert answer.body == b" " * 500


def test_an_answer_to_head_has_no_endless_body(new_loop: NewLoop) -> None:
    with pair(new_loop, answers(OK.removesuffix(BODY))) as (wire, _):
        wire.breaks("endless_body")
        caller = wire.connect()
        for _ in range(2):
            caller.send(GET.replace(b"GET", b"HEAD"))
            assert taken_apart(caller.head()).fields["content-length"] == str(len(BODY))


@pytest.mark.parametrize("answer", [OK, CHUNKS])
def test_slow_close_sends_all_and_the_fin_later(new_loop: NewLoop, answer: bytes) -> None:
    with pair(new_loop, answers(answer)) as (wire, _):
        wire.breaks("slow_close", delay_ms=80)
        caller = wire.connect()
        caller.send(GET)
        body = BODY if answer is OK else b"abcdef"
        found = taken_apart(caller.head())
        assert found.fields["connection"] == "close"
        assert not {"content-length", "transfer-encoding"} & set(found.fields)
        assert caller.read(len(body)) == body
        assert caller.is_silent(0.04)
        assert caller.rest() == (b"", BY_FIN)


@pytest.mark.parametrize("fault", ["slow_headers", "slow_body", "bandwidth"])
def test_the_next_request_on_the_connection_is_served(new_loop: NewLoop, fault: str) -> None:
    quick = {"bandwidth": {"bytes_per_s": 1 << 20}}.get(fault, {"interval_ms": 0})
    with pair(new_loop) as (wire, _):
        wire.breaks(fault, **quick)
        caller = wire.connect()
        for request in (GET, post(b"x" * 1000), GET):
            caller.send(request)
            assert whole(caller).body == BODY
