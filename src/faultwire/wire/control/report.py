"""What the wire's state looks like to people: faults that are active, the catalogue, the ledger.

Texts that came over the wire are escaped: a terminal obeys what it is shown.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from faultwire.contracts import escape
from faultwire.wire.faults import describe

Json = Mapping[str, Any]

_COUNTS = ("seen", "injected", "left_s")
_NO_RECORDS = "No request has come over the wire yet, or none fits."


def active(faults: Sequence[Json]) -> str:
    """The active faults with what they have done, one to a line."""
    if not faults:
        return "No fault is active: the wire is transparent."
    return "\n".join(["Active:", *(f"  {one(made)}; {_done(made)}" for made in faults)])


def one(made: Json) -> str:
    """A break in one line, as its flags would give it."""
    name, fault = made["name"], made["fault"]
    called = name if name == fault else f"{name} ({fault})"
    return " ".join([called, *(f"{key}={text}" for key, text in details(made).items())])


def details(made: Json) -> dict[str, str]:
    """What is to be said of a break beside its name, its fault and its counts."""
    hidden = ("name", "fault", "for_s", *_COUNTS)
    return {key: _text(value) for key, value in made.items() if key not in hidden}


def _done(made: Json) -> str:
    left = span(made["left_s"])
    return f"seen {made['seen']}, injected {made['injected']}, {left} left"


def span(seconds: float) -> str:
    """`1h`, `59m30s`, `1.5s`."""
    if seconds < 60:
        return f"{seconds:.3g}s"
    whole = round(seconds)
    parts = ((whole // 3600, "h"), (whole // 60 % 60, "m"), (whole % 60, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count)


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return escape.plain(",".join(f"{key}={each}" for key, each in value.items()))
    if isinstance(value, list):
        return escape.plain(",".join(map(str, value)))
    return f"{value:.12g}" if isinstance(value, float) else escape.plain(str(value))


def families() -> dict[str, list[tuple[str, str]]]:
    """Every fault by its family, with one line about each."""
    found: dict[str, list[tuple[str, str]]] = {}
    for fault in describe():
        found.setdefault(fault.family, []).append((fault.name, first_sentence(fault.doc)))
    return found


def first_sentence(text: str) -> str:
    """The first sentence of a paragraph, as plain text."""
    return re.split(r"(?<=[.]) |\n", text, maxsplit=1)[0].replace("`", "")


def catalogue() -> str:
    """The same as lines."""
    by_family = families()
    width = max(len(name) for faults in by_family.values() for name, _ in faults)
    lines: list[str] = []
    for family, faults in by_family.items():
        lines += ["", f"{family}:", *(f"  {name:<{width}}  {about}" for name, about in faults)]
    return "\n".join(lines[1:])


def ledger(found: Json) -> str:
    """The records, one to a line, the newest last; and the counts below."""
    rows = [_row(record) for record in found["records"]]
    if not rows:
        return f"{_NO_RECORDS}\n{_counted(found['counts'])}"
    head = ("TIME", "CONN", "REQUEST", "STATUS", "MS", "BYTES", "FAULT", "END", "REQUEST-ID")
    table = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [_aligned(row, widths) for row in table]
    return "\n".join([*lines, "", _counted(found["counts"])])


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _row(record: Json) -> tuple[str, ...]:
    started = datetime.fromtimestamp(record["started"]).astimezone()
    took_ms = (record["ended"] - record["started"]) * 1000
    request = f"{record['method'] or '-'} {record['target'] or '-'}"
    return (
        f"{started:%H:%M:%S}.{started.microsecond // 1000:03d}",
        f"{record['connection']}/{record['place']}",
        escape.plain(request if len(request) <= 60 else request[:59] + "…"),
        str(record["status"] or "-"),
        f"{took_ms:.0f}" if record["ended"] else "…",
        str(record["response_bytes"]),
        escape.plain(record["fault"]) or "-",
        _end(record),
        escape.plain(record["request_id"]) or "-",
    )


def _end(record: Json) -> str:
    """Who ended the connection and how, and what went wrong."""
    if not record["ended"]:
        return "open"
    closed = f"{record['closed_by']} {record['closed_how']}" if record["closed_by"] else ""
    return ", ".join(filter(None, (record["error"], closed))) or "-"


def _counted(counts: Json) -> str:
    """One line of counts."""
    classes = ", ".join(f"{name} {count}" for name, count in sorted(counts["by_status"].items()))
    acted = ", ".join(f"{name} {count}" for name, count in sorted(counts["by_fault"].items()))
    line = f"{counts['requests']} requests, {counts['open']} open"
    line += f"; by status: {classes}" if classes else ""
    return line + (f"; faults: {acted}" if acted else "")
