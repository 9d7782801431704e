"""One request told in full: its lines, the wire's records of it, and what they come to."""

from typing import Any

import msgspec

from faultwire.explain import explain, parse
from faultwire.lab.console.told import Told, summary

Json = dict[str, Any]


def told_in_full(told: Told, records: list[Json]) -> Json:
    """The request, its lines in the order of their times, the wire's records, and why it went so.

    `explained` is null where no line is about the request: B never heard of it.
    """
    lines = [line for line in (told.b, *told.wire, *told.a) if line is not None]
    lines.sort(key=lambda line: line.at)
    return {
        **summary(told),
        "lines": [{"service": line.service, "text": line.text} for line in lines],
        "records": records,
        "explained": _explained(told, [line.text for line in lines]),
    }


def _explained(told: Told, texts: list[str]) -> Json | None:
    entries = [entry for text in texts if (entry := parse(text.encode()))]
    if not any(entry.is_request for entry in entries):
        return None
    found = msgspec.to_builtins(explain(entries, told.around))
    return {key: found[key] for key in ("outcome", "cause", "sentence", "why", "tell", "act")}
