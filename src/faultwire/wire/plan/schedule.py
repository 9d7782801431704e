"""When a fault acts: which of the requests that match, or at which times.

A schedule is pure. It answers with a share from 0 to 1, which the fault's rate is multiplied
with: 0 leaves the request alone, 1 leaves the choice to the rate.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from faultwire.wire.faults.base import InvalidFault
from faultwire.wire.units import milliseconds

_MOST = 1_000_000
_WORDS = 1000


class Schedule(Protocol):
    """When a fault acts. `index` counts from 0; `since_s` is the time since activation."""

    def share(self, index: int, since_s: float, /) -> float: ...

    def shown(self) -> dict[str, object]:
        """The schedule as JSON that `read_schedule` understands."""


class Always(NamedTuple):
    """At every request."""

    def share(self, _index: int, _since_s: float, /) -> float:
        return 1.0

    def shown(self) -> dict[str, object]:
        return {}


class First(NamedTuple):
    """At the first `requests`."""

    requests: int

    def share(self, index: int, _since_s: float, /) -> float:
        return 1.0 if index < self.requests else 0.0

    def shown(self) -> dict[str, object]:
        return {"first": self.requests}


class Every(NamedTuple):
    """At one of so many `requests`, the last of them."""

    requests: int

    def share(self, index: int, _since_s: float, /) -> float:
        return 0.0 if (index + 1) % self.requests else 1.0

    def shown(self) -> dict[str, object]:
        return {"every": self.requests}


class Sequence(NamedTuple):
    """As a list of words says, request by request: once, or `again` and again."""

    words: tuple[str, ...]
    again: bool = False

    def word(self, index: int) -> str | None:
        """The word for a request; None behind the end."""
        if self.again:
            index %= len(self.words)
        return self.words[index] if index < len(self.words) else None

    def share(self, index: int, _since_s: float, /) -> float:
        return 1.0 if self.again or index < len(self.words) else 0.0

    def shown(self) -> dict[str, object]:
        return {"sequence": ",".join((*self.words, "*") if self.again else self.words)}


class Window(NamedTuple):
    """From `start_s` to `end_s` after activation; with a period, in each period anew."""

    start_s: float
    end_s: float
    period_s: float = 0.0

    def share(self, _index: int, since_s: float, /) -> float:
        at = since_s % self.period_s if self.period_s else since_s
        return 1.0 if self.start_s <= at < self.end_s else 0.0

    def next_edge(self, since_s: float) -> float | None:
        """When it opens or closes next; None if it never does again."""
        turn = since_s // self.period_s if self.period_s else 0.0
        turns = (turn, turn + 1) if self.period_s else (0.0,)
        edges = (n * self.period_s + edge for n in turns for edge in (self.start_s, self.end_s))
        return min((edge for edge in edges if edge > since_s), default=None)

    def shown(self) -> dict[str, object]:
        if self.period_s:
            return {"window": f"{_text(self.end_s)}/{_text(self.period_s)}"}
        end = "" if self.end_s == _FOREVER_S else _text(self.end_s)
        return {"window": f"{_text(self.start_s)}-{end}"}


class Ramp(NamedTuple):
    """The share goes from `start` to `end` in `over_s` and stays there."""

    start: float
    end: float
    over_s: float

    def share(self, _index: int, since_s: float, /) -> float:
        part = min(since_s / self.over_s, 1.0)
        return self.start + (self.end - self.start) * part

    def shown(self) -> dict[str, object]:
        return {"ramp": f"{self.start!r}-{self.end!r}/{_text(self.over_s)}"}


_FOREVER_S = float("inf")
ALWAYS = Always()


def _text(seconds: float) -> str:
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


# Reading


def read_schedule(kind: str, value: object) -> Schedule:
    """The schedule `kind` (first, every, sequence, window, ramp) from its JSON value.

    Raises `InvalidFault`.
    """
    return _READERS[kind](value)


def _count(kind: str, value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 9:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST:
        raise InvalidFault(f"{kind} must be a whole number from 1 to {_MOST}, not {value!r}")
    return value


def _first(value: object) -> First:
    return First(_count("first", value))


def _every(value: object) -> Every:
    return Every(_count("every", value))


def _sequence(value: object) -> Sequence:
    given = value.split(",") if isinstance(value, str) else value
    words = tuple(str(word).strip() for word in given) if isinstance(given, list) else ()
    again = words[-1:] == ("*",)
    words = words[:-1] if again else words
    if not 1 <= len(words) <= _WORDS or not all(words):
        raise InvalidFault(
            f"sequence must be 1 to {_WORDS} words such as 503,503,200 (and * for again), "
            f"not {value!r}"
        )
    return Sequence(words, again)


def _window(value: object) -> Window:
    match = _WINDOW.fullmatch(value) if isinstance(value, str) else None
    window = None if match is None else _window_of(*match.groups())
    if window is None:
        raise InvalidFault(
            "window must be rising times such as 10s-30s, 10s- or 5s/60s (5 s of each 60 s), "
            f"not {value!r}"
        )
    return window


_WINDOW = re.compile(r"([^-/]*)([-/])([^-/]*)")


def _window_of(first: str, mark: str, second: str) -> Window | None:
    """The window of two times, if they are two times and rise."""
    try:
        if mark == "/":
            window = Window(0.0, _seconds(first), _seconds(second))
        else:
            start, end = _seconds(first or "0s"), _seconds(second) if second else _FOREVER_S
            window = Window(start, end)
    except ValueError:
        return None
    falls = window.period_s and window.end_s > window.period_s
    return None if falls or window.start_s >= window.end_s else window


_RAMP = re.compile(r"([0-9]*\.?[0-9]+)-([0-9]*\.?[0-9]+)/(.+)")


def _ramp(value: object) -> Ramp:
    match = _RAMP.fullmatch(value) if isinstance(value, str) else None
    ramp = None if match is None else _ramp_of(*match.groups())
    if ramp is None:
        raise InvalidFault(
            f"ramp must be two rates from 0 to 1 and a time such as 0-0.5/60s, not {value!r}"
        )
    return ramp


def _ramp_of(start: str, end: str, over: str) -> Ramp | None:
    try:
        ramp = Ramp(float(start), float(end), _seconds(over))
    except ValueError:
        return None
    return ramp if max(ramp.start, ramp.end) <= 1 and ramp.over_s > 0 else None


def _seconds(text: str) -> float:
    return milliseconds(text) / 1000


_READERS: Mapping[str, Callable[[object], Schedule]] = {
    "first": _first,
    "every": _every,
    "sequence": _sequence,
    "window": _window,
    "ramp": _ramp,
}
KINDS = tuple(_READERS)
