"""W3C Trace Context (levels 1 and 2) and Baggage: read strictly, passed on, continued.

A service that records no spans forwards what it was given: "at a minimum they MUST propagate the
traceparent and tracestate headers and guarantee traces are not broken" (Trace Context section
2.3). It must not put a parent of its own there: nobody would ever find it. A service that records
spans takes part: it sends the id of its own span as the parent (section 3.4).
"""

import re
from collections.abc import Mapping

import msgspec

SAMPLED = 0x01
RANDOM = 0x02  # level 2 section 3.2.2.5.2: the trace id is random
_KNOWN_FLAGS = SAMPLED | RANDOM

_LONGEST_TRACEPARENT = 256
"""What a later version adds may be long, but not "prohibitively large" (section 3.2.4)."""

# Section 3.2.2. A later version is read by its beginning, whatever follows a dash (3.2.4).
_TRACEPARENT = re.compile(
    rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]*)?"
)
# Section 3.3.1: `key=value`, or nothing; commas between them, and blanks around them.
_MEMBER = re.compile(rb"(?:[a-z0-9][a-z0-9_\-*/@]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~])?")
_MOST_MEMBERS = 32
_LONGEST_TRACESTATE = 4096
"""At least 512 characters have to be passed on (section 3.3.1.5)."""
_BAGGAGE = re.compile(rb"[\t -~]{1,8192}")
"""What has to be passed on, of the characters that may stand there (Baggage section 3.3)."""


class TraceParent(msgspec.Struct, frozen=True, gc=False):
    """Whose request this is: the ids in lower-case hex, as they stand in the field."""

    trace_id: bytes
    parent_id: bytes
    flags: int

    @property
    def sampled(self) -> bool:
        """Whether the caller may have recorded its span."""
        return bool(self.flags & SAMPLED)


def read_traceparent(value: bytes) -> TraceParent | None:
    """The field's value, understood; None if it is not valid and a new trace is to begin.

    Flags that are not known are cleared (section 3.2.2.5).
    """
    match = _match(value)
    if match is None:
        return None
    return TraceParent(match[2], match[3], int(match[4], 16) & _KNOWN_FLAGS)


def forwarded(headers: Mapping[bytes, bytes]) -> bytes:
    """The lines that a service without spans passes on: each begins with CRLF, none ends so."""
    traceparent = headers.get(b"traceparent")
    if traceparent is None:
        return b"" if b"baggage" not in headers else _baggage(headers)
    if _match(traceparent) is None:
        return _baggage(headers)
    return b"\r\ntraceparent: " + traceparent + carried(headers, continued=True)


def carried(headers: Mapping[bytes, bytes], *, continued: bool) -> bytes:
    """The lines of `tracestate`, if the trace is `continued`, and of `baggage`."""
    lines = _baggage(headers)
    state = headers.get(b"tracestate") if continued else None
    if state and _is_state(state):
        lines = b"\r\ntracestate: " + state + lines
    return lines


def traceparent_line(trace_id: bytes, span_id: bytes, flags: int) -> bytes:
    """The line that makes a span the parent of what is asked for."""
    return b"\r\ntraceparent: 00-%b-%b-%02x" % (trace_id, span_id, flags)


def _match(traceparent: bytes) -> re.Match[bytes] | None:
    match = None
    if len(traceparent) <= _LONGEST_TRACEPARENT:
        match = _TRACEPARENT.fullmatch(traceparent)
    if match is None or (match[5] and match[1] == b"00"):  # version 00 ends with its flags
        return None
    return match


def _is_state(tracestate: bytes) -> bool:
    if len(tracestate) > _LONGEST_TRACESTATE:
        return False
    members = tracestate.split(b",", _MOST_MEMBERS)
    return len(members) <= _MOST_MEMBERS and all(
        _MEMBER.fullmatch(member.strip(b" \t")) for member in members
    )


def _baggage(headers: Mapping[bytes, bytes]) -> bytes:
    baggage = headers.get(b"baggage")
    if baggage is None or not _BAGGAGE.fullmatch(baggage):
        return b""
    return b"\r\nbaggage: " + baggage
