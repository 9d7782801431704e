"""Synthetic logs as the services write them: mostly good, with a share of failures."""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

_RATE = 5000  # requests a second
_BEGAN = 1_770_246_000.0
_KINDS = ("slow", "a_failed", "refused", "injected")


def write_log(path: Path, size_bytes: int, failing: float, fmt: str, seed: int = 1) -> int:
    """Write lines of A, the wire and B; how many of the requests at B have failed."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    written = failed = number = 0
    with path.open("wb") as file:
        while written < size_bytes:
            pieces: list[str] = []
            for _ in range(1000):
                kind = chance.choice(_KINDS) if chance.random() < failing else ""
                failed += bool(kind)
                at = _BEGAN + number / _RATE
                pieces.extend(_line(fmt, *line) for line in _lines(f"{number:032x}", at, kind))
                number += 1
            data = "".join(pieces).encode()
            file.write(data)
            written += len(data)
    return failed


Fields = dict[str, object]


def _lines(request_id: str, at: float, kind: str) -> Iterator[tuple[float, str, Fields]]:
    """The lines of one request, each with its time and level."""
    if kind == "refused":
        yield at, "ERROR", _b(request_id, "connection_refused", 2)
        return
    took = 1002 if kind == "slow" else 2
    status = 500 if kind == "a_failed" else 200
    a: Fields = {"service": "A", "endpoint": "/echo", "status": "ok", "latency_ms": took - 1}
    if kind == "a_failed":
        a |= {"status": "error", "error": "ServerError:500"}
    yield at, "INFO", {**a, "http_status": status, "request_id": request_id}
    wire: Fields = {"service": "wire", "endpoint": "/echo", "status": "ok"}
    if kind in ("slow", "injected"):
        wire |= {"status": "error"}
    if kind == "injected":
        wire |= {"fault": "status"}
    wire |= {"latency_ms": took, "http_status": 503 if kind == "injected" else status}
    more = {"connection": 2, "place": 1, "method": "GET", "response_bytes": 172}
    yield at, "INFO", {**wire, "request_id": request_id, **more}
    words = {"": "", "slow": "response_timeout"}
    yield at, "INFO", _b(request_id, words.get(kind, "upstream_status"), took)


def _b(request_id: str, kind: str, took: int) -> Fields:
    fields: Fields = {"service": "B", "endpoint": "/call-echo", "status": "ok", "latency_ms": took}
    if kind:
        fields |= {"status": "unavailable", "error": "ConnectionError"}
    fields["http_status"] = 503 if kind else 200
    if kind:
        fields["kind"] = kind
    fields |= {"request_id": request_id, "attempts": 1, "upstream_ms": took}
    if kind:
        fields["details"] = "[Errno 111] Connection refused: 127.0.0.1:8080"
    return fields


def _line(fmt: str, at: float, level: str, fields: Fields) -> str:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(int(at)))
    thousandths = f"{int(at % 1 * 1000):03d}"
    if fmt == "json":
        ts = f"{stamp.replace(' ', 'T')}.{thousandths}+00:00"
        return json.dumps({"ts": ts, "level": level, **fields}, separators=(",", ":")) + "\n"
    pairs = (
        f'{key}="{value}"' if " " in str(value) else f"{key}={value}"
        for key, value in fields.items()
    )
    return f"{stamp},{thousandths} {level} {' '.join(pairs)}\n"
