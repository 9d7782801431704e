"""The log: timestamps, formats and lifecycle lines, as a reader of the file sees them."""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import structs

from faultwire.contracts import CONTRACTS
from faultwire.events import Called, Calling, Served
from faultwire.failures import Failure, FailureKind, Phase
from faultwire.telemetry import json_line
from faultwire.telemetry.log import Log, LogFormat

NOW = 1770246651.358  # 2026-02-04 23:10:51.358 UTC
URL = "http://127.0.0.1:8080/echo?msg=hello"
GOOD_CALL = Called(URL, 2.0, "id-1", 200, 1, 0.0021, None)
GOOD = Served("B", "GET", "/call-echo", "/call-echo", 200, 0.0031, "id-1", GOOD_CALL)
OF_A = Served("A", "GET", "/echo", "/echo", 200, 0.00012, "id-1")
TIMEOUT = Failure(FailureKind.RESPONSE_TIMEOUT, "no byte in 1 s", phase=Phase.FIRST_BYTE)
BAD_CALL = Called(URL, 2.0, "id-1", 0, 1, 1.0019, TIMEOUT)
BAD = Served("B", "GET", "/call-echo", "/call-echo", 503, 1.0031, "id-1", BAD_CALL)


class LogFile:
    """A log into a file, at a moment that the test sets."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.now = NOW

    def log(self, contract: str, fmt: LogFormat = "text", service: str = "") -> Log:
        return Log(CONTRACTS[contract], fmt, self.fd, lambda: self.now, service=service)

    @property
    def text(self) -> str:
        return self.path.read_text("utf-8")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LogFile]:
    use_timezone(monkeypatch, "UTC0")
    it = LogFile(tmp_path / "log")
    yield it
    os.close(it.fd)
    monkeypatch.undo()
    time.tzset()


def use_timezone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TZ", name)
    time.tzset()


def tell(log: Log) -> None:
    """One request of B that fails, from the call to the answer."""
    log.calling(Calling(URL, 2.0, "id-1"))
    log.served(BAD)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "unified",
            (
                "2026-02-04 23:10:51,358 ERROR service=B endpoint=/call-echo status=timeout "
                "latency_ms=1003 error=ReadTimeout http_status=503 kind=response_timeout "
                "request_id=id-1 attempts=1 upstream_ms=1002 phase=first_byte "
                'details="no byte in 1 s"\n'
            ),
        ),
        (
            "classified",
            (
                "2026-02-04 23:10:51,358 ERROR service=B endpoint=/call-echo status=timeout "
                "latency_ms=1003 error=ReadTimeout\n"
            ),
        ),
        (
            "passthrough",
            (
                "2026-02-04 23:10:51,358 service=B endpoint=/call-echo status=error "
                'error="no byte in 1 s" latency_ms=1003\n'
            ),
        ),
        (
            "detailed",
            (
                f"2026-02-04 23:10:51 INFO service_b Calling Service A: {URL} (timeout=2.0s)\n"
                "2026-02-04 23:10:51 ERROR service_b Timeout calling Service A after 2.0s - "
                f"{URL}: no byte in 1 s\n"
                "2026-02-04 23:10:51 ERROR service_b GET /call-echo 503 1003.10ms\n"
            ),
        ),
        (
            "gateway",
            (
                "2026-02-04 23:10:51,358 ##### Failure contacting service A: timeout\n"
                "2026-02-04 23:10:51,358 service=B endpoint=/call-echo status=error "
                'http_status=504 error="timeout" complete_error="no byte in 1 s" '
                "latency_ms=1003\n"
            ),
        ),
    ],
)
def test_a_failing_request_leaves_these_lines(file: LogFile, name: str, lines: str) -> None:
    tell(file.log(name))
    assert file.text == lines


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            GOOD,
            (
                '{"ts":"2026-02-04T23:10:51.358+00:00","level":"INFO","service":"B",'
                '"endpoint":"/call-echo","status":"ok","latency_ms":3.100,"http_status":200,'
                '"request_id":"id-1","attempts":1,"upstream_ms":2.100,"method":"GET"}\n'
            ),
        ),
        (
            OF_A,
            (
                '{"ts":"2026-02-04T23:10:51.358+00:00","level":"INFO","service":"A",'
                '"endpoint":"/echo","status":"ok","latency_ms":0.120,"http_status":200,'
                '"request_id":"id-1","method":"GET"}\n'
            ),
        ),
        (
            BAD,
            (
                '{"ts":"2026-02-04T23:10:51.358+00:00","level":"ERROR","service":"B",'
                '"endpoint":"/call-echo","status":"timeout","latency_ms":1003.100,'
                '"error":"ReadTimeout","http_status":503,"kind":"response_timeout",'
                '"phase":"first_byte","request_id":"id-1","attempts":1,"upstream_ms":1001.900,'
                '"method":"GET","details":"no byte in 1 s"}\n'
            ),
        ),
    ],
    ids=["success", "service A", "failure"],
)
@pytest.mark.parametrize("name", CONTRACTS)
def test_json_is_the_same_for_every_contract(
    file: LogFile, name: str, event: Served, line: str
) -> None:
    log = file.log(name, "json")
    log.calling(Calling(URL, 2.0, "id-1"))
    log.served(event)
    assert file.text == line


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("unified", "2026-02-04 23:10:51,358 INFO service=B event=listening url=http://a:1 n=2\n"),
        ("passthrough", "2026-02-04 23:10:51,358 service=B event=listening url=http://a:1 n=2\n"),
        ("detailed", "2026-02-04 23:10:51 INFO service_b listening url=http://a:1 n=2\n"),
    ],
)
def test_a_service_tells_of_its_own_life(file: LogFile, name: str, line: str) -> None:
    file.log(name, service="B").note("INFO", event="listening", url="http://a:1", n=2)
    file.log(name).note("INFO", service="B", event="listening", url="http://a:1", n=2)
    assert file.text == line * 2


def test_a_note_in_json_keeps_numbers_and_truths(file: LogFile) -> None:
    log = file.log("detailed", "json", service="B")
    log.note("INFO", event="listening", port=8081, grace_s=0.5, tls=False, why='"\n')
    assert file.text == (
        '{"ts":"2026-02-04T23:10:51.358+00:00","level":"INFO","service":"B",'
        '"event":"listening","port":8081,"grace_s":0.5,"tls":false,"why":"\\"\\n"}\n'
    )


def test_milliseconds_follow_the_clock_across_a_second(file: LogFile) -> None:
    """They are cut, not rounded, as the logging module's are."""
    log = file.log("passthrough")
    stamps = []
    for now in (100.0, 100.001, 100.9994, 100.9996, 101.0, 99.5):
        file.now = now
        log.served(OF_A)
        stamps.append(file.text.splitlines()[-1].split(" service=")[0])
    assert stamps == [
        "1970-01-01 00:01:40,000",
        "1970-01-01 00:01:40,001",
        "1970-01-01 00:01:40,999",
        "1970-01-01 00:01:40,999",
        "1970-01-01 00:01:41,000",
        "1970-01-01 00:01:39,500",
    ]


def test_a_line_says_when_its_event_was_and_not_when_it_is_written(file: LogFile) -> None:
    log = file.log("passthrough")
    rounds: list[Callable[[], None]] = []
    log.round.end_soon(rounds.append)
    log.served(structs.replace(OF_A, ended=time.perf_counter() - 10.5))
    log.note("INFO", event="told")
    file.now += 5.0
    (end_round,) = rounds
    end_round()
    stamps = [line[:19] for line in file.text.splitlines()]
    assert stamps == ["2026-02-04 23:10:45", "2026-02-04 23:10:51"]


def test_the_lines_of_a_round_never_leave_half_a_line_for_others_to_end() -> None:
    """Several workers share a pipe, and only what is no longer than 4096 bytes is not torn."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    log = Log(CONTRACTS["unified"], fd=writer)
    rounds: list[Callable[[], None]] = []
    log.round.end_soon(rounds.append)
    failure = Failure(FailureKind.RESPONSE_INVALID, "x" * 200)
    called = Called(URL, 2.0, "id-1", 200, 1, 0.1, failure)
    for _ in range(16):
        log.served(Served("B", "GET", "/call-echo", "/call-echo", 503, 0.1, "id-1", called))
    (end_round,) = rounds
    end_round()
    written = os.read(reader, 1 << 16)
    os.close(reader)
    log.close()
    os.close(writer)
    assert written.endswith(b"\n")


@pytest.mark.parametrize(
    ("zone", "text", "stamp"),
    [
        ("CET-1CEST,M3.5.0,M10.5.0", "2026-02-05 00:10:51,358", "2026-02-05T00:10:51.358+01:00"),
        ("NST3:30", "2026-02-04 19:40:51,358", "2026-02-04T19:40:51.358-03:30"),
    ],
)
def test_times_are_local_and_json_says_the_offset(
    file: LogFile, monkeypatch: pytest.MonkeyPatch, zone: str, text: str, stamp: str
) -> None:
    use_timezone(monkeypatch, zone)
    file.log("passthrough").served(OF_A)
    file.log("passthrough", "json").served(OF_A)
    first, second = file.text.splitlines()
    assert (first.split(" service=")[0], json.loads(second)["ts"]) == (text, stamp)


@example(text="half a pair: \ud800")
@given(text=st.text(st.characters(exclude_categories=()), max_size=100))
def test_a_json_line_stays_one_line_and_says_what_happened(text: str) -> None:
    failure = Failure(FailureKind.RESPONSE_MALFORMED, text)
    called = Called(text, 1.0, text, 0, 1, 0.0, failure)
    line = json_line.served(Served("B", text, text, "", 503, 0.0, text, called))
    assert line.splitlines() == [line]
    assert json.loads(f"{{{line}}}") == {
        "level": "ERROR",
        "service": "B",
        "endpoint": text,
        "status": "error",
        "latency_ms": 0.0,
        "error": "InvalidResponse",
        "http_status": 503,
        "kind": "response_malformed",
        "request_id": text,
        "attempts": 1,
        "upstream_ms": 0.0,
        "method": text,
        "details": text,
    }


@pytest.mark.parametrize(
    ("fmt", "name", "said"),
    [
        ("text", "unified", "2026-02-04 23:10:51,358 WARNING service=B event=log_lines_dropped"),
        ("text", "passthrough", "2026-02-04 23:10:51,358 service=B event=log_lines_dropped"),
        ("text", "detailed", "2026-02-04 23:10:51 WARNING service_b log_lines_dropped"),
        (
            "json",
            "unified",
            (
                '{"ts":"2026-02-04T23:10:51.358+00:00","level":"WARNING","service":"B",'
                '"event":"log_lines_dropped"'
            ),
        ),
    ],
)
def test_a_gap_is_told_in_the_words_of_the_contract(
    file: LogFile, fmt: LogFormat, name: str, said: str
) -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    log = Log(CONTRACTS[name], fmt, writer, lambda: file.now, service="B")
    while log.dropped < 3:
        log.served(GOOD)
    dropped = log.dropped
    text = b""
    while not log.flush():
        text += os.read(reader, 65536)
    os.close(writer)
    assert log.close() is True
    while part := os.read(reader, 65536):
        text += part
    os.close(reader)
    last = text.decode().splitlines()[-1]
    assert last.startswith(said)
    assert re.search(rf"count\W+{dropped}\b", last)


def test_a_log_without_a_name_still_tells_a_gap_in_detailed(file: LogFile) -> None:
    file.log("detailed").note("WARNING", event="log_lines_dropped", count=3)
    assert file.text == "2026-02-04 23:10:51 WARNING log_lines_dropped count=3\n"


def test_no_line_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    script = """
import os, signal
from faultwire.contracts import CONTRACTS
from faultwire.events import Served
from faultwire.telemetry.log import Log
log = Log(CONTRACTS["unified"])
for number in range(1000):
    log.served(Served("A", "GET", "/echo", "/echo", 200, 0.001, str(number)))
os.kill(os.getpid(), signal.SIGKILL)
"""
    path = tmp_path / "log"
    with path.open("wb") as stderr:
        run = subprocess.run([sys.executable, "-c", script], stderr=stderr, check=False)
    ids = re.findall(r"request_id=(\d+)$", path.read_text("utf-8"), re.MULTILINE)
    assert run.returncode == -signal.SIGKILL
    assert ids == [str(number) for number in range(1000)]


def test_the_lines_of_one_round_are_written_together_and_in_order(file: LogFile) -> None:
    rounds: list[Callable[[], None]] = []
    log = file.log("passthrough", service="A")
    log.round.end_soon(rounds.append)
    for number in range(100):
        log.note("INFO", event="told", number=number)
    assert file.text == ""
    (end_round,) = rounds
    end_round()
    assert [line.rsplit("=", 1)[1] for line in file.text.splitlines()] == list(map(str, range(100)))


def test_a_round_that_has_not_ended_is_written_at_close(file: LogFile) -> None:
    log = file.log("passthrough", service="A")
    log.round.end_soon(lambda _: None)
    log.note("INFO", event="last")
    assert log.close()
    assert file.text.endswith("event=last\n")
