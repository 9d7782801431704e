"""The wire's log lines, as a reader of the file sees them; and that nobody can forge one."""

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultwire.contracts import CONTRACTS
from faultwire.telemetry.log import Log, LogFormat
from faultwire.wire.ledger import Ledger, Record
from faultwire.wire.ledger.log_line import as_json, as_text, writer

NOW = 1770246651.358  # 2026-02-04 23:10:51.358 UTC
PLAIN = Record(
    1,
    "4bf92f35",
    3,
    2,
    0.5,
    "GET",
    "/echo?msg=hello",
    NOW - 0.003,
    ended=NOW,
    status=200,
    response_bytes=141,
)


def record(**changes: object) -> Record:
    return msgspec.structs.replace(PLAIN, **changes)


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (
            PLAIN,
            (
                "INFO service=wire endpoint=/echo status=ok latency_ms=3 http_status=200 "
                "request_id=4bf92f35 connection=3 place=2 method=GET response_bytes=141"
            ),
        ),
        (
            record(fault="latency", started=NOW - 2.003),
            (
                "INFO service=wire endpoint=/echo status=ok fault=latency latency_ms=2003 "
                "http_status=200 request_id=4bf92f35 connection=3 place=2 method=GET "
                "response_bytes=141"
            ),
        ),
        (
            record(fault="latency,reset", status=0, closed_by="wire", closed_how="rst", closed=NOW),
            (
                "WARNING service=wire endpoint=/echo status=error fault=latency,reset latency_ms=3 "
                "request_id=4bf92f35 connection=3 place=2 method=GET response_bytes=141 "
                "closed_by=wire closed_how=rst closed_ms=3"
            ),
        ),
        (
            record(fault="truncate", closed_by="wire", closed_how="fin", closed=NOW),
            (
                "WARNING service=wire endpoint=/echo status=error fault=truncate latency_ms=3 "
                "http_status=200 request_id=4bf92f35 connection=3 place=2 method=GET "
                "response_bytes=141 closed_by=wire closed_how=fin closed_ms=3"
            ),
        ),
        (
            record(status=500),
            (
                "ERROR service=wire endpoint=/echo status=error latency_ms=3 http_status=500 "
                "request_id=4bf92f35 connection=3 place=2 method=GET response_bytes=141"
            ),
        ),
        (
            record(status=404, request_id="", target="/x y"),
            (
                'INFO service=wire endpoint="/x y" status=error latency_ms=3 http_status=404 '
                "connection=3 place=2 method=GET response_bytes=141"
            ),
        ),
        (
            record(status=0, error="upstream_reset", response_bytes=0),
            (
                "ERROR service=wire endpoint=/echo status=error latency_ms=3 error=upstream_reset "
                "request_id=4bf92f35 connection=3 place=2 method=GET response_bytes=0"
            ),
        ),
        (
            record(
                status=0, error="client_closed", closed_by="client", closed_how="fin", closed=NOW
            ),
            (
                "INFO service=wire endpoint=/echo status=error latency_ms=3 error=client_closed "
                "request_id=4bf92f35 connection=3 place=2 method=GET response_bytes=141 "
                "closed_by=client closed_how=fin closed_ms=3"
            ),
        ),
        (
            Record(9, "", 7, 0, 0.0, "", "", NOW, "close_on_accept", ended=NOW),
            (
                "WARNING service=wire endpoint=- status=error fault=close_on_accept latency_ms=0 "
                "connection=7 place=0 response_bytes=0"
            ),
        ),
    ],
)
def test_a_line_says_what_became_of_a_request(one: Record, line: str) -> None:
    assert as_text(one) == line


def test_json_says_the_same_with_types() -> None:
    one = record(
        fault="latency", error="upstream_closed", closed_by="upstream", closed_how="fin", closed=NOW
    )
    assert json.loads(f"{{{as_json(one)}}}") == {
        "level": "INFO",
        "service": "wire",
        "endpoint": "/echo",
        "status": "ok",
        "fault": "latency",
        "latency_ms": 3.0,
        "error": "upstream_closed",
        "http_status": 200,
        "request_id": "4bf92f35",
        "connection": 3,
        "place": 2,
        "method": "GET",
        "response_bytes": 141,
        "closed_by": "upstream",
        "closed_how": "fin",
        "closed_ms": 3.0,
    }


any_text = st.text(max_size=40)


@given(target=any_text, request_id=any_text, method=any_text, fault=any_text, error=any_text)
def test_no_value_from_outside_can_forge_a_line(
    target: str, request_id: str, method: str, fault: str, error: str
) -> None:
    one = record(target=target, request_id=request_id, method=method, fault=fault, error=error)
    text = as_text(one)
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    assert text.isprintable()
    assert len(re.findall(r" latency_ms=", bare)) == 1
    assert set(re.findall(r"(?:^| )([a-z_]+)=", bare)) <= {
        "service",
        "endpoint",
        "status",
        "fault",
        "latency_ms",
        "error",
        "http_status",
        "request_id",
        "connection",
        "place",
        "method",
        "response_bytes",
    }
    members = json.loads(f"{{{as_json(one)}}}")
    assert members.get("request_id", "") == request_id
    assert members["endpoint"] == (target.partition("?")[0] or "-")


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC0")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize(
    ("fmt", "start"),
    [
        ("text", "2026-02-04 23:10:51,358 INFO service=wire endpoint=/echo status=ok "),
        ("json", '{"ts":"2026-02-04T23:10:51.358+00:00","level":"INFO","service":"wire",'),
    ],
)
def test_the_ledger_writes_each_line_once_with_its_time(
    tmp_path: Path, contract: str, fmt: LogFormat, start: str
) -> None:
    if contract == "detailed" and fmt == "text":
        start = start.replace(",358", "")
    path = tmp_path / "log"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    log = Log(CONTRACTS[contract], fmt, fd, lambda: NOW)
    ledger = Ledger(10, writer(log, fmt))
    one = record()
    ledger.begin(one)
    ledger.end(one)
    ledger.changed(one)
    lines = path.read_text("utf-8").splitlines()
    os.close(fd)
    assert len(lines) == 1
    assert lines[0].startswith(start)
