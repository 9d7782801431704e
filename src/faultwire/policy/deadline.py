"""The total deadline of a call, and how it travels: as milliseconds REMAINING, in a header.

No standard header exists. Clocks of two machines differ, so an absolute time is never sent.
Read as well: Envoy's `x-envoy-expected-rq-timeout-ms` and gRPC's `grpc-timeout` (gRPC over
HTTP/2, "Requests": up to eight digits and a unit).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from faultwire.policy.knob import knob

HEADER = "X-Deadline-Ms"
"""What is sent."""

LEAST_S = 0.001
"""With less than this left no attempt is started: it could not even be said in the header."""

_GRPC_UNITS_S = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_LONGEST_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineSettings:
    """Tell the upstream how long somebody waits. It has no settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptTimeoutSettings:
    """How long one attempt may take."""

    timeout_s: float = knob(0.0, "The bound on one attempt; 0 takes the share instead.", 0)
    share: float = knob(0.5, "The bound as a share of the total deadline.", 0.01, 1)

    def limit_s(self, total_s: float) -> float:
        """The longest that an attempt of a call with this total deadline may take."""
        return min(self.timeout_s or self.share * total_s, total_s)


class InvalidDeadline(ValueError):
    """A header that names a deadline cannot be read. The message is one line that says why."""


class Deadline(NamedTuple):
    """When nobody waits any more, and whether the caller was in more of a hurry than usual."""

    at: float
    shortened: bool


def deadline(now: float, usual_s: float, asked_s: float | None) -> Deadline:
    """The deadline of a call: the usual one, or what the caller has left if that is less."""
    if asked_s is None or asked_s >= usual_s:
        return Deadline(now + usual_s, shortened=False)
    return Deadline(now + asked_s, shortened=True)


def header_value(remaining_s: float) -> str:
    """What to send: whole milliseconds, rounded down. A promise must not be longer than the wait.

    (Rounded to the microsecond first: 0.25 s less nothing is 250 ms, whatever floats make of it.)
    """
    return str(max(int(round(remaining_s * 1000.0, 3)), 0))


def remaining_s(headers: Mapping[bytes, bytes]) -> float | None:
    """The seconds that the caller still waits; None if no header says so.

    `headers` has lower-case names. Where several say it, the shortest counts; nothing counts for
    more than an hour. Raises `InvalidDeadline`: a caller whose hurry cannot be read is told so.
    """
    said = [read(headers[name]) for name, read in _READERS.items() if name in headers]
    return min(*said, _LONGEST_S) if said else None


def _milliseconds(name: str) -> Callable[[bytes], float]:
    def read(value: bytes) -> float:
        if not re.fullmatch(rb"[0-9]{1,10}", value):
            raise InvalidDeadline(f"{name} must be whole milliseconds")
        return int(value) / 1000.0

    return read


def _grpc_timeout(value: bytes) -> float:
    found = re.fullmatch(rb"([0-9]{1,8})([HMSmun])", value)
    if found is None:
        raise InvalidDeadline("grpc-timeout must be up to 8 digits and one of H M S m u n")
    return int(found[1]) * _GRPC_UNITS_S[found[2]]


_READERS: Mapping[bytes, Callable[[bytes], float]] = {
    HEADER.lower().encode(): _milliseconds(HEADER),
    b"x-envoy-expected-rq-timeout-ms": _milliseconds("X-Envoy-Expected-Rq-Timeout-Ms"),
    b"grpc-timeout": _grpc_timeout,
}
