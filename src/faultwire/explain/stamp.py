"""The time that a line begins with, as seconds since 1970.

`2026-02-04 23:10:51,358` and `2026-02-04 23:10:51` are local time, as our services write them;
`2026-02-04T23:10:51.358Z` and `…+01:00` say themselves which.
"""

import re
import time
from calendar import timegm
from typing import NamedTuple

_STAMP = re.compile(
    rb"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: ?(Z|[+-]\d\d:?\d\d(?!\d)))?"
)
_HEAD_BYTES = 256
"""A prefix of another program that is longer than this has no time that we would find."""
_MOST_MINUTES = 4096
_minutes: dict[tuple[bytes, bytes], float | None] = {}


class Stamp(NamedTuple):
    """A time: seconds since 1970, how exact it is in seconds, and where in the line it ends."""

    at: float
    resolution_s: float
    end: int


def find_stamp(line: bytes) -> Stamp | None:
    """The last time in the head of a line: before it stand prefixes, which may have their own."""
    found = _STAMP.match(line) or _STAMP.search(line, 0, _HEAD_BYTES)
    if found is None:
        return None
    while (later := _STAMP.match(line, found.end() + 1)) is not None:
        found = later
    return _read(found)


def read_stamp(text: bytes) -> Stamp | None:
    """The time that is the whole of a text."""
    found = _STAMP.fullmatch(text)
    return None if found is None else _read(found)


def minute_at(text: bytes, zone: bytes = b"") -> float | None:
    """When a minute begins (`2026-02-04 23:10`, local unless a zone is given), if there is it."""
    key = (text, zone)
    if key not in _minutes:
        if len(_minutes) >= _MOST_MINUTES:
            _minutes.clear()
        _minutes[key] = _minute(text.decode(), zone.decode())
    return _minutes[key]


def _read(found: re.Match[bytes]) -> Stamp | None:
    minute, second, fraction, zone = found.groups()
    base = minute_at(minute, zone or b"")
    if base is None:
        return None
    at = base + int(second)
    if not fraction:
        return Stamp(at, 1.0, found.end())
    return Stamp(at + int(fraction) / 10 ** len(fraction), 0.001, found.end())


def _minute(text: str, zone: str) -> float | None:
    """The beginning of a minute; None if there is no such day or hour."""
    try:
        parts = time.strptime(text.replace("T", " "), "%Y-%m-%d %H:%M")
        if not zone:
            return time.mktime(parts)
        return timegm(parts) - _offset_s(zone)
    except (ValueError, OverflowError):
        return None


def _offset_s(zone: str) -> int:
    if zone == "Z":
        return 0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds
