"""Which requests are asked for: `--since`, `--until` and `--only`."""

import re
import time
from difflib import get_close_matches

import msgspec

from faultwire.explain.causes import FAULTS, Cause
from faultwire.explain.diagnosis import Diagnosis
from faultwire.explain.explanation import outcome_of
from faultwire.explain.stamp import read_stamp
from faultwire.failures import FailureKind

OUTCOMES = ("failed", "saved", "client")
KNOWN = frozenset({*FailureKind, *Cause, *FAULTS, *OUTCOMES})
_TAKES = "a failure kind, a cause, a fault or an outcome"
_NEVER = float("inf")
_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_CLOCK = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,6}))?)?")


class Wanted(msgspec.Struct, frozen=True):
    """Which requests are to be explained: ended in this time, of one of these words, if any.

    A word is a failure kind, a cause, an outcome or a fault.
    """

    since: float = 0.0
    until: float = _NEVER
    only: frozenset[str] = frozenset()

    @property
    def is_timed(self) -> bool:
        """Whether not every time will do."""
        return self.since > 0 or self.until < _NEVER

    def in_time(self, at: float) -> bool:
        """Whether this time will do. No time at all does only where every time does."""
        return not self.is_timed or (at > 0 and self.since <= at <= self.until)

    def fits(self, found: Diagnosis) -> bool:
        """Whether this is what is asked for."""
        if not self.only:
            return True
        words = {found.kind, found.cause.value, outcome_of(found.cause), *found.fault.split(",")}
        return not self.only.isdisjoint(words)


def read_moment(text: str, now: float) -> float:
    """`30s` (so long ago), `23:10:51` (today), `2026-02-04 23:10:51`, `2026-02-04T23:10:51Z`.

    Seconds since 1970. Raises `ValueError` with one sentence.
    """
    text = text.strip()
    if ago := _AGO.fullmatch(text):
        return now - float(ago[1]) * _SECONDS[ago[2]]
    day = time.strftime("%Y-%m-%d", time.localtime(now))
    if _CLOCK.fullmatch(text):
        text = f"{day} {text}"
    elif re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        text = f"{text} 00:00"
    whole = re.sub(r"^(\S+[T ]\d\d:\d\d)(?!:)", r"\1:00", text)
    stamp = read_stamp(whole.encode())
    if stamp is None:
        raise ValueError(f"{text!r} is no time: say 30s, 23:10:51 or 2026-02-04T23:10:51Z")
    return stamp.at


def unknown_word(word: str) -> str | None:
    """What to say to a word that means nothing here; None if it means something."""
    if word in KNOWN:
        return None
    near = get_close_matches(word, sorted(KNOWN), 1)
    hint = f"did you mean {near[0]}?" if near else f"it takes {_TAKES}."
    return f"--only {word!r} is unknown; {hint}"
