"""Trace context is read as strictly as the standard says, and passed on without harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultwire.telemetry.trace_context import (
    TraceParent,
    carried,
    forwarded,
    read_traceparent,
    traceparent_line,
)

TRACE = b"0af7651916cd43dd8448eb211c80319c"
PARENT = b"b7ad6b7169203331"
VALID = b"00-%b-%b-01" % (TRACE, PARENT)


def test_a_valid_traceparent_is_read() -> None:
    read = read_traceparent(VALID)
    assert read == TraceParent(TRACE, PARENT, 1)
    assert read.sampled


@pytest.mark.parametrize(
    ("flags", "known", "sampled"),
    [(b"00", 0, False), (b"03", 3, True), (b"02", 2, False), (b"ff", 3, True), (b"fc", 0, False)],
)
def test_unknown_flags_are_cleared(flags: bytes, known: int, sampled: bool) -> None:
    read = read_traceparent(VALID[:-2] + flags)
    assert read is not None
    assert (read.flags, read.sampled) == (known, sampled)


@pytest.mark.parametrize("more", [b"", b"-", b"-what-the-future-will-be", b"-" + b"x" * 200])
def test_a_later_version_is_read_by_its_beginning(more: bytes) -> None:
    assert read_traceparent(b"cc" + VALID[2:] + more) == TraceParent(TRACE, PARENT, 1)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"ff" + VALID[2:],
        b"FF" + VALID[2:],
        b"0" + VALID[1:-1],
        b"0x" + VALID[2:],
        VALID.upper(),
        VALID[:-1],
        VALID + b"0",
        VALID + b"-",  # version 00 ends there
        VALID + b"-more",
        VALID + b", " + VALID,  # the field twice
        b"cc" + VALID[2:] + b".more",
        b"cc" + VALID[2:-1],
        b"cc" + VALID[2:] + b"-" + b"x" * 300,
        b"00-%b-%b-01" % (b"0" * 32, PARENT),
        b"00-%b-%b-01" % (TRACE, b"0" * 16),
        b"00-%b-%b-0g" % (TRACE, PARENT),
        b"00-%b-%b-01" % (TRACE[:-1], PARENT),
        b"00-%b_%b-01" % (TRACE, PARENT),
        VALID + b"\n",
        " é".encode() + VALID,
    ],
)
def test_what_is_not_valid_is_not_read(value: bytes) -> None:
    assert read_traceparent(value) is None
    assert forwarded({b"traceparent": value, b"tracestate": b"a=1"}) == b""


@given(st.binary(max_size=300))
def test_nothing_that_could_add_a_line_is_passed_on(value: bytes) -> None:
    for name in (b"traceparent", b"tracestate", b"baggage"):
        lines = forwarded({b"traceparent": VALID, name: value})
        assert b"\n" not in lines.replace(b"\r\ntrace", b"").replace(b"\r\nbaggage", b"")
        assert lines.isascii()


def test_a_valid_context_is_passed_on_as_it_came() -> None:
    later = b"cc" + VALID[2:] + b"-more"
    headers = {b"traceparent": later, b"tracestate": b"a=1, b@c=2", b"baggage": b"k=v;p=%20"}
    assert forwarded(headers) == (
        b"\r\ntraceparent: %b\r\ntracestate: a=1, b@c=2\r\nbaggage: k=v;p=%%20" % later
    )


def test_without_a_trace_there_is_no_state_but_baggage_stands_alone() -> None:
    assert forwarded({b"tracestate": b"a=1"}) == b""
    assert forwarded({b"tracestate": b"a=1", b"baggage": b"k=v"}) == b"\r\nbaggage: k=v"
    assert forwarded({}) == b""


@pytest.mark.parametrize(
    "state",
    [
        b"",
        b"A=1",
        b"a",
        b"a=",
        b"a=1=2",
        b"a=b\tc",
        "a=é".encode(),
        b",".join(b"k%d=1" % n for n in range(33)),
        b"a=  ",
        b"a=" + b"x" * 257,
        (b" " * 100 + b",") * 31 + b"=",
        (b"a=" + b" " * 50 + b"b" + b" " * 50 + b",") * 31 + b"=",
        b",".join(b"k%d=%b" % (n, b"x" * 250) for n in range(20)),
    ],
)
def test_a_tracestate_that_is_not_one_is_left_out_and_the_trace_goes_on(state: bytes) -> None:
    lines = forwarded({b"traceparent": VALID, b"tracestate": state})
    assert lines == b"\r\ntraceparent: " + VALID


@pytest.mark.parametrize(
    "state",
    [
        b"a=1",
        b"0t@sys= x y",
        b"a=1,,b=2",
        b"a=1 , b=2 \t",
        b",".join(b"k%d=1" % n for n in range(32)),
    ],
)
def test_a_tracestate_is_passed_on(state: bytes) -> None:
    line = b"\r\ntracestate: " + state
    assert carried({b"tracestate": state}, continued=True) == line
    assert carried({b"tracestate": state}, continued=False) == b""


@pytest.mark.parametrize("baggage", [b"", b"k=" + b"v" * 8192, "k=é".encode(), b"k=\x00"])
def test_baggage_that_is_too_long_or_not_text_is_left_out(baggage: bytes) -> None:
    assert forwarded({b"baggage": baggage}) == b""


def test_a_span_is_made_the_parent() -> None:
    line = traceparent_line(TRACE, b"00f067aa0ba902b7", 3)
    assert line == b"\r\ntraceparent: 00-%b-00f067aa0ba902b7-03" % TRACE
