"""Spans, as far as no SDK is needed: where a request stands in its trace, and what is over."""

import os
from collections.abc import Mapping
from enum import StrEnum
from random import Random
from time import time_ns
from typing import Protocol

import msgspec

from faultwire.telemetry.trace_context import (
    RANDOM,
    SAMPLED,
    TraceParent,
    carried,
    read_traceparent,
    traceparent_line,
)

_random = Random()  # noqa: S311  seeded by the system; an id must be unique, not secret
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)  # else all workers would draw alike


class Kind(StrEnum):
    """OpenTelemetry's kinds of spans, by their names there."""

    SERVER = "SERVER"
    CLIENT = "CLIENT"
    INTERNAL = "INTERNAL"


Attributes = dict[str, str | int | float | bool]


class Span(msgspec.Struct, frozen=True, gc=False):
    """Something that is over. Ids are lower-case hex, times nanoseconds since 1970.

    `parent_id` is empty where the trace begins here; `remote` says that the parent is another
    process's. `error` is None unless the span failed: then one sentence, which may be empty.
    """

    name: str
    kind: Kind
    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    remote: bool
    flags: int
    began_ns: int
    ended_ns: int
    attributes: Attributes
    error: str | None = None


class Sent(msgspec.Struct, frozen=True, gc=False):
    """An attempt that has been made: the id of its span, and when it began."""

    span_id: bytes
    began_ns: int


class Trace(msgspec.Struct, gc=False):
    """Where one request stands in its trace, and the attempts made for it, by their numbers.

    `carried` are the lines that go on with every attempt, beside its `traceparent`.
    """

    trace_id: bytes
    parent_id: bytes
    span_id: bytes
    flags: int
    carried: bytes
    sent: dict[int, Sent]

    @property
    def sampled(self) -> bool:
        """Whether spans are to be made of it."""
        return bool(self.flags & SAMPLED)

    def attempt(self, number: int = 1) -> bytes:
        """The lines to send with an attempt, whose span is the parent of what it causes.

        Each begins with CRLF, none ends so.
        """
        span_id = new_span_id()
        self.sent[number] = Sent(span_id, time_ns())
        return traceparent_line(self.trace_id, span_id, self.flags) + self.carried


class Sink(Protocol):
    """Where spans go."""

    def samples(self, trace_id: bytes, parent: TraceParent | None) -> bool:
        """Whether spans of this trace are wanted."""

    def take(self, span: Span) -> None:
        """A span is over. Never waits: a span that finds no room is lost."""

    async def close(self) -> None:
        """Send what is left, within a second."""


def begin(headers: Mapping[bytes, bytes], sink: Sink) -> Trace:
    """Where a request with these header fields stands: in the trace they name, or in a new one."""
    given = headers.get(b"traceparent")
    parent = None if given is None else read_traceparent(given)
    if parent is None:
        trace_id, parent_id, flags = _new_trace_id(), b"", RANDOM
    else:
        trace_id, parent_id, flags = parent.trace_id, parent.parent_id, parent.flags & RANDOM
    if sink.samples(trace_id, parent):
        flags |= SAMPLED
    lines = carried(headers, continued=parent is not None)
    return Trace(trace_id, parent_id, new_span_id(), flags, lines, {})


def new_span_id() -> bytes:
    """64 random bits in hex; never zero, which is none."""
    return b"%016x" % (_random.getrandbits(64) or 1)


def _new_trace_id() -> bytes:
    return b"%032x" % (_random.getrandbits(128) or 1)
