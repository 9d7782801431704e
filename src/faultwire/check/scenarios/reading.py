"""Reads what targets write: log lines of any known form, and metrics."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

_PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')
_ACCESS = re.compile(r"\b(service_[ab])\b.*?\b([A-Z]+) (\S+) (\d{3}) ([\d.]+) ?ms\b")
_NUMBER = r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|NaN|[-+]Inf"
_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*(?:\{.*\})?) (" + _NUMBER + r")(?= |$)")


def fields_of(line: str) -> Mapping[str, Any]:
    """The fields of a log line in JSON, in pairs, or of the form "service_b GET /x 200 1.0ms"."""
    start = line.find("{")
    if start >= 0:
        try:
            return dict(msgspec.json.decode(line[start:], type=dict[str, Any]))
        except ValueError:
            pass  # a brace in a line of another form
    if access := _ACCESS.search(line):
        service, _, endpoint, status, latency = access.groups()
        return {
            "service": service,
            "endpoint": endpoint,
            "status": status,
            "latency_ms": latency,
        }
    return dict(_PAIR.findall(line))


def tells_request(fields: Mapping[str, Any], path: str) -> bool:
    """Whether they tell endpoint, status and latency of a request for a path."""
    timed = any("latency" in key or "duration" in key for key in fields)
    return timed and path in str(fields.get("endpoint", "")) and "status" in fields


def is_ok(fields: Mapping[str, Any]) -> bool:
    """Whether their status is that of success."""
    return str(fields["status"]).lower() in ("ok", "200", "success")


def samples(text: str) -> dict[str, float]:
    """The samples of a page of metrics by name and labels; none where it is no such page."""
    found = (_SAMPLE.match(line) for line in text.splitlines())
    return {match[1]: float(match[2]) for match in found if match}
