"""A line of a log, read: ours under every contract and in both formats, and others' like them.

Nothing that a line quotes can be taken for a key of its own: a quoted value is skipped whole, the
first of two equal keys counts, and the fixed words of the contract `detailed` are looked for at
their place only.
"""

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec.structs import replace

from faultwire.explain.entry import OK, WIRE, A, B, Entry
from faultwire.explain.stamp import Stamp, find_stamp, minute_at, read_stamp

MAX_LINE_BYTES = 64 << 10
"""A longer line is not one of ours, whose values are bounded."""

_COLOUR = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")
_PAIR = re.compile(rb'([A-Za-z_][\w.-]*)=("(?:[^"\\]|\\.)*"|[^\s"]\S*)?')
_GATEWAY = b" ##### Failure contacting service A: "
_LEVEL = rb"(?:(?:DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL) )?"
_WORD = rb'("(?:[^"\\]|\\.)*"|\S+)'
_DETAILED = re.compile(
    rb"\s*" + _LEVEL + rb"service_(\w+) " + _WORD + b" " + _WORD + rb" (\d{3}) (\d+(?:\.\d+)?)ms\s*"
)
_CALL = re.compile(
    rb"\s*" + _LEVEL + rb"service_(\w+) (Calling Service A: |Service A call successful: |"
    rb"(?:Connection error|Request error|Timeout) calling Service A\b[^\n]*? - )(.*)",
    re.DOTALL,
)
_LIFE = re.compile(rb"\s*" + _LEVEL + rb"service_(\w+) (\w+)(?: |$)(.*)", re.DOTALL)
_START = re.compile(rb"(?:^|[\s|\]])(?=" + _LEVEL + rb"service_)")
_NAMES = {
    f"{prefix}{name}": proper
    for proper, names in {A: "aA", B: "bB"}.items()
    for name in names
    for prefix in ("", "service-", "service_", "service ", "Service ", "Service-", "Service")
} | {"wire": WIRE, "WIRE": WIRE}
_USUAL = re.compile(
    rb"(?:[\w.-]{1,64} +(?:\||\xe2\x94\x82) )?(\d{4}-\d\d-\d\d \d\d:\d\d):(\d\d),(\d{3})"
    rb"( (?:INFO|WARNING|ERROR) service=[\w.-]+ endpoint=/[\w/.-]* status=\w+(?: fault=[\w,]+)?)"
    rb" latency_ms=(\d{1,9})((?: (?!request_id)[a-z_]+=[\w:.-]+)*) request_id=([\w-]{1,128})"
    rb"(?: connection=\d+ place=\d+)?( [^\x1b{\r]{0,512})?"
)
"""What differs from line to line in the contract `unified`, and what is often the same."""
_MOST_REMEMBERED = 4096
_remembered: dict[tuple[bytes, bytes, bytes | None], Entry | None] = {}
_MAX_TEXT = 1024
_LONGEST_MS = 1e10
_EARLIEST_S, _MILLISECONDS = 1e8, 1e11
"""Numbers are seconds since 1970, or milliseconds where seconds would be thousands of years."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def parse(line: bytes) -> Entry | None:
    """What the line says, or None if it says nothing that is known here. Never raises."""
    if len(line) > MAX_LINE_BYTES:
        return None
    if usual := _USUAL.fullmatch(line):
        return _usual(usual)
    if b"\x1b" in line:
        line = _COLOUR.sub(b"", line)
    stamp = find_stamp(line)
    if (brace := line.find(b"{", 0, 512)) >= 0 and line.rstrip().endswith(b"}"):
        entry = _json(line[brace:], stamp)
        if entry is not None:
            return entry
    if stamp is not None and b"service=" not in line[: stamp.end]:
        return _text(line[stamp.end :], stamp)
    start = _START.search(line) if stamp is None else None
    return _text(line[start.end() :] if start else line, stamp)


def _usual(found: re.Match[bytes]) -> Entry | None:
    """A line like others: its words are those of another, its time, duration and id its own."""
    minute, second, thousandths, begins, took, between, request_id, rest = found.groups()
    words = begins, between, rest
    if words not in _remembered:
        if len(_remembered) >= _MOST_REMEMBERED:
            _remembered.clear()
        _remembered[words] = _text(begins + b" latency_ms=0" + between + (rest or b""), None)
    alike, at = _remembered[words], minute_at(minute)
    if alike is None or at is None:
        return None
    return replace(
        alike,
        end=at + int(second) + int(thousandths) / 1000,
        latency_ms=float(took),
        request_id=request_id.decode(),
    )


def proper_name(service: str) -> str:
    """The name itself, or "A", "B" or "wire" for what is called so in one way or another."""
    return _NAMES.get(service, service)


def _json(text: bytes, stamp: Stamp | None) -> Entry | None:
    try:
        found = _decode(text)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None
    for key in ("ts", "time", "timestamp", "@timestamp"):
        said = found.get(key)
        if isinstance(said, str):
            stamp = read_stamp(said.encode("utf-8", "replace")) or stamp
        elif isinstance(said, int | float) and _EARLIEST_S < said < _LONGEST_MS * 1000:
            stamp = Stamp(said / 1000 if said > _MILLISECONDS else said, 0.001, 0)
        else:
            continue
        break
    return _entry(found, stamp)


def _text(rest: bytes, stamp: Stamp | None) -> Entry | None:
    if rest.startswith(_GATEWAY):
        return Entry(service=B, event="call", end=stamp.at if stamp else 0.0)
    if b"service_" in rest[:32] and (entry := _detailed(rest, stamp)) is not None:
        return entry
    found: dict[str, Any] = {}
    for key, value in _PAIR.findall(rest):
        found.setdefault(key.decode(), value)
    return _entry(found, stamp)


def _detailed(rest: bytes, stamp: Stamp | None) -> Entry | None:
    """A line of the contract `detailed`, whose words stand at fixed places."""
    if match := _DETAILED.fullmatch(rest):
        service, _, path, status, took = match.groups()
        code = int(status)
        said = {"service": service, "endpoint": path, "http_status": code, "latency_ms": took}
        word = OK if code < 400 else "error"
        left = "ClientDisconnected" if code == 499 else ""
        return _entry(said | {"status": word, "error": left}, stamp)
    if match := _CALL.match(rest):
        service, what, tail = match.groups()
        if not what.endswith(b" - "):
            return _entry({"service": service, "event": "call"}, stamp)
        details = tail.partition(b": ")[2].strip()
        return _entry({"service": service, "event": "call_failed", "details": details}, stamp)
    if match := _LIFE.match(rest):
        service, event, pairs = match.groups()
        more = {key.decode(): value for key, value in _PAIR.findall(pairs)}
        return _entry({**more, "service": service, "event": event}, stamp)
    return None


def _entry(found: Mapping[str, Any], stamp: Stamp | None) -> Entry | None:
    """The entry of a line's keys; None unless they say who, what and how it went."""
    said: dict[str, Any] = {}
    for key, value in found.items():
        if value and (field := _FIELDS.get(key)) is not None:
            name, read = field
            said[name] = read(value)
    service = said.get("service", "")
    if not service:
        return None
    said["service"] = proper_name(service)
    if not said.get("event") and not _is_request(said, found):
        return None
    if stamp is not None:
        said["end"], said["resolution_s"] = stamp.at, stamp.resolution_s
    return Entry(**said)


def _is_request(said: dict[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether the line says where, how and how long; its `status` becomes a word."""
    status, code = said.get("status", ""), said.get("http_status", 0)
    if status.isascii() and status.isdecimal():
        code = said["http_status"] = code or int(status[:4])
        status = ""
    said["status"] = status or (OK if code < 400 else "error")
    took = found.get("latency_ms")
    known = said.get("latency_ms", 0.0) > 0 or _number(took) == 0.0
    return known and bool(said.get("endpoint")) and bool(status or code)


def _string(value: object) -> str:
    """A value as text, a quoted one as it was before it was quoted; bounded."""
    if isinstance(value, bytes):
        if value[:1] != b'"':
            return value[:_MAX_TEXT].decode("utf-8", "replace")
        try:
            text = str(json.loads(value))[:_MAX_TEXT]
        except ValueError:
            return value[1:-1][:_MAX_TEXT].decode("utf-8", "replace")
        # Half a surrogate pair is no text: it could not be written anywhere.
        return text.encode("utf-8", "replace").decode() if b"\\u" in value else text
    return str(value)[:_MAX_TEXT]


def _number(value: object) -> float | None:
    """A finite number that is not negative; None for anything else."""
    try:
        number = float(value.strip(b'"') if isinstance(value, bytes) else value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number < _LONGEST_MS else None


def _amount(value: object) -> float:
    return _number(value) or 0.0


def _count(value: object) -> int:
    return int(_number(value) or 0)


_FIELDS: Mapping[str, tuple[str, Callable[[object], object]]] = MappingProxyType(
    {
        **{
            name: (name, _string)
            for name in (
                "service", "endpoint", "status", "request_id", "kind", "error", "details",
                "fault", "phase", "closed_by", "event", "name", "url",
                "to",
            )
        },
        **{name: (name, _amount) for name in ("latency_ms", "upstream_ms", "wasted_ms")},
        **{name: (name, _count) for name in ("http_status", "attempts")},
        "complete_error": ("details", _string),
    }
)  # fmt: skip
"""The keys of a line that are read: the field that they fill, and how."""
