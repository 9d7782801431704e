"""`faultwire explain` on real files, pipes and services."""

import contextlib
import gzip
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from faultwire.contracts import CONTRACTS
from tests.ports import unused_port
from tests.system.conftest import Start
from tests.system.explaining import EXPLAIN, document, explain, explain_as_process
from tests.system.running import PATIENCE_S, Running, environment, run

LINE = (
    b"2026-02-04T12:00:00.000Z service=B endpoint=/call-foo status=error latency_ms=3 "
    b"error=HTTPError:500 kind=upstream_status request_id=id1\n"
)
OTHER = LINE.replace(b"id1", b"id2")


def call(url: str) -> None:
    with contextlib.suppress(HTTPError):
        urlopen(url, timeout=PATIENCE_S).read()  # noqa: S310 - our own service


def causes(*logs: Path) -> list[str]:
    found = document(*map(str, logs))
    assert found["summary"]["lines_skipped"] == 0
    return [each["cause"] for each in found["explanations"]]


FORMS = [*((name, "text") for name in CONTRACTS), ("unified", "json")]


@pytest.mark.parametrize(("contract", "fmt"), FORMS)
def test_the_services_own_logs_are_explained(
    start: Start, tmp_path: Path, contract: str, fmt: str
) -> None:
    said = ("--contract", contract, "--log-format", fmt, "--drain-grace", "0s")
    a = start("service-a", "--port", "0", *said)
    b = start("service-b", "--port", "0", "--upstream", a.url(), "--timeout", "500ms", *said)
    call(f"{b.url()}/call-echo?msg=x")
    call(f"{b.url()}/call-foo")
    a.signal(signal.SIGSTOP)
    call(f"{b.url()}/call-echo?msg=x")
    a.signal(signal.SIGCONT)
    a.signal(signal.SIGTERM)
    a.exit_status()
    call(f"{b.url()}/call-echo?msg=x")
    call(f"{b.url()}/nothing")
    b.signal(signal.SIGTERM)
    b.exit_status()
    logs = tmp_path / "a.log", tmp_path / "b.log"
    for path, process in zip(logs, (a, b), strict=True):
        path.write_text("".join(f"{line}\n" for line in process.lines), "utf-8")
    found = causes(*logs)
    assert found.count("a_failed") == 1
    assert found.count("client_error") == 1
    assert found.count("a_down") == 1
    assert len(set(found) & {"a_frozen", "a_never_finished"}) == 1
    assert len(found) == 4


def test_a_fault_is_found_in_the_wire_s_log(start: Start, tmp_path: Path) -> None:
    a = start("service-a", "--port", "0")
    control = str(unused_port())
    wire = start("wire", "--listen", "0", "--to", a.url(), "--control", control)
    b = start("service-b", "--port", "0", "--upstream", wire.url())
    done = run("break", "status", "--code", "502", "--control", control)
    assert done.returncode == 0, done.stderr
    call(f"{b.url()}/call-echo?msg=x")
    for service, words in ((a, "endpoint=/echo"), (wire, "latency_ms"), (b, "HTTPError:502")):
        service.wait_for(words)
    log = tmp_path / "log"
    log.write_text("".join(f"{line}\n" for each in (a, wire, b) for line in each.lines), "utf-8")
    (found,) = document(str(log))["explanations"]
    assert (found["cause"], found["fault"], found["kind"]) == (
        "fault_injected", "status", "upstream_status",
    )  # fmt: skip
    assert [hop["service"] for hop in found["hops"]] == ["B", "wire", "A"]


def test_what_up_itself_says_is_no_rubbish(start: Start, tmp_path: Path) -> None:
    names = ("a-port", "b-port", "wire", "control")
    ports = (word for name in names for word in (f"--{name}", "0"))
    up = start("up", *ports, "--console-port", "0")
    pid = up.wait_for_said("(kill ").partition("(kill ")[2].partition(")")[0]
    os.kill(int(pid), signal.SIGKILL)
    up.wait_for("To start it again")
    up.signal(signal.SIGINT)
    assert up.exit_status() == 0
    log = tmp_path / "up.log"
    log.write_text("".join(f"{line}\n" for line in (*up.said, *up.lines)), "utf-8")
    assert causes(log) == []
    log.write_text(log.read_text("utf-8") + "and so on\n", "utf-8")
    assert document(str(log))["summary"]["lines_skipped"] == 1


def test_standard_input_is_read_when_no_file_is_named() -> None:
    assert "1 of 1 request at B failed" in explain_as_process(stdin=LINE).stdout
    assert document("-", stdin=LINE)["summary"]["failed"] == 1


def test_compressed_logs_are_read_whatever_they_are_called(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(gzip.compress(LINE))
    assert document(str(log))["summary"]["failed"] == 1


def test_several_logs_count_together_and_one_named_twice_counts_once(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    one.write_bytes(LINE)
    two.write_bytes(OTHER)
    assert document(str(one), str(two), str(one))["summary"]["failed"] == 2


def test_rubbish_is_counted_and_skipped() -> None:
    rubbish = b"\x00\xff\xfe rubbish\n" + b"x" * (3 << 20) + b"\n" + os.urandom(4096).hex().encode()
    summary = document(stdin=rubbish + b"\n" + LINE)["summary"]
    assert (summary["failed"], summary["lines_skipped"]) == (1, 3)


@pytest.mark.parametrize("when", [("--since", "2030-01-01"), ("--until", "2020-01-01")])
def test_a_log_of_another_time_is_not_called_empty(when: tuple[str, str]) -> None:
    done = explain(*when, stdin=LINE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("No line is of the time that was asked for")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("/nowhere/log",), "faultwire explain: cannot read /nowhere/log: No such file"),
        (("/",), "faultwire explain: cannot read /: Is a directory"),
        (("--since", "soon", "-"), "'soon' is no time"),
        (("--only", "time_out", "-"), "did you mean timeout?"),
        (("--only", "zzz", "-"), "it takes a failure kind, a cause, a fault or an outcome"),
        (("--limit", "-1", "-"), "--limit"),
        (("--request", "x", "--follow", "-"), "do not go together"),
        (("--follow", "/nowhere/log"), "cannot read /nowhere/log"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(arguments: tuple[str, ...], says: str) -> None:
    done = explain(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_damaged_archive_is_said_in_one_line(tmp_path: Path) -> None:
    log = tmp_path / "log.gz"
    log.write_bytes(gzip.compress(LINE * 1000)[:-20])
    done = explain(str(log))
    assert done.returncode == 2
    assert f"cannot read {log}: " in done.stderr.splitlines()[-1]


def test_a_request_is_drawn_and_one_that_is_not_there_is_exit_1() -> None:
    done = explain("--request", "id1", stdin=LINE)
    assert done.returncode == 0
    assert "client  █" in done.stdout
    missing = explain("--request", "id7", stdin=LINE)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr == "faultwire explain: no line has the request id 'id7'\n"


def test_a_request_that_went_well_is_drawn_as_well() -> None:
    line = LINE.replace(b"status=error", b"status=ok").replace(b"error=HTTPError:500 ", b"")
    done = explain("--request", "id1", stdin=line)
    assert "It went well: B answered after 3 ms." in done.stdout
    (found,) = json.loads(explain("--request", "id1", "--format", "json", stdin=line).stdout)[
        "explanations"
    ]
    assert found["outcome"] == "ok"


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    with subprocess.Popen(
        [*EXPLAIN, "--limit", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment({}),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(LINE * 1000)
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE_S) == 0


# Following.


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.write_bytes(LINE)
    return path


def following(start: Start, log: Path) -> Running:
    process = start("--follow", "--format", "json", str(log), command=EXPLAIN)
    process.wait_for_said('"request_id":"id1"')
    return process


def test_a_followed_log_is_explained_as_it_grows_until_ctrl_c(start: Start, log: Path) -> None:
    process = following(start, log)
    with log.open("ab") as file:
        file.write(OTHER[:40])
        file.flush()
        file.write(OTHER[40:])
    process.wait_for_said('"request_id":"id2"')
    process.signal(signal.SIGINT)
    assert process.exit_status() == 0
    assert json.loads(process.said[-1])["summary"]["failed"] == 2
    assert process.lines == []


def test_a_log_that_is_rotated_is_followed_by_its_name(start: Start, log: Path) -> None:
    process = following(start, log)
    log.rename(log.with_suffix(".1"))
    log.write_bytes(OTHER)
    process.wait_for_said('"request_id":"id2"')


def test_a_log_that_is_truncated_is_read_from_its_beginning(start: Start, log: Path) -> None:
    process = following(start, log)
    log.write_bytes(OTHER[:-1].replace(b"foo", b"f"))
    with log.open("ab") as file:
        file.write(b"\n")
    process.wait_for_said('"request_id":"id2"')


def test_an_a_that_is_late_is_waited_for(start: Start, log: Path) -> None:
    process = following(start, log)
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    with log.open("a") as file:
        file.write(f"{now}.000Z service=B endpoint=/call-echo status=timeout latency_ms=900 "
                   "kind=response_timeout request_id=id3\n")  # fmt: skip
        file.flush()
        file.write(f"{now}.500Z service=A endpoint=/echo status=ok latency_ms=1400 "
                   "request_id=id3\n")  # fmt: skip
    assert '"cause":"a_slow"' in process.wait_for_said('"request_id":"id3"')


def test_a_followed_pipe_ends_with_the_pipe() -> None:
    done = explain_as_process("--follow", stdin=LINE)
    assert done.returncode == 0
    assert "1 of 1 request at B failed" in done.stdout
