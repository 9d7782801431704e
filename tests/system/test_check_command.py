"""`faultwire check` as people and programs run it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

import jsonschema
import pytest

from faultwire import cli
from faultwire.check.scenarios import select
from tests.system.check_targets import tiny
from tests.system.conftest import Start
from tests.system.running import (
    FAULTWIRE,
    PATIENCE_S,
    Running,
    alive,
    descendants,
    environment,
    run,
    until,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals, sessions, /proc")

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "check.schema.json").read_text("utf-8"))
QUICK = ("--only", "contract.good*", "--only", "contract.health")


@pytest.fixture
def spec(tmp_path: Path) -> str:
    """The small service, described in a file."""
    return described(tmp_path)


def described(
    folder: Path, *habits: str, contains: str = "{token}", name: str = "check.toml"
) -> str:
    path = folder / name
    path.write_text(
        f"""
        traces = "query:msg"
        budget_s = 0.5
        [b]
        command = "{tiny(folder, *habits).command}"
        ready = "/health"
        health = "/health"
        [canned]
        body = '{{"echo":"{{query.msg}}"}}'
        [ask]
        path = "/ask"
        query = {{ msg = "{{token}}" }}
        [good]
        contains = "{contains}"
        """
    )
    return str(path)


def test_scenarios_are_listed() -> None:
    done = run("check", "--list", "--group", "deadline")
    assert done.returncode == 0
    assert "deadline.hang " in done.stdout
    assert "contract." not in done.stdout


def test_all_that_holds_is_exit_0_and_a_report_by_the_schema(spec: str, tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    done = run("check", "--spec", spec, *QUICK, "--output", str(output))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    report = json.loads(output.read_text("utf-8"))
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    assert (report["score"], report["target"]["name"]) == (100, "check")
    assert {each["verdict"] for each in report["scenarios"]} == {"pass"}


def test_what_fails_is_exit_1_and_explained(tmp_path: Path) -> None:
    wrong = described(tmp_path, contains="never {token}")
    done = run("check", "--spec", wrong, "--only", "contract.good*")
    assert done.returncode == 1
    assert "✗" in done.stdout
    assert "never fw" in done.stdout


def test_a_target_that_calls_somebody_else_is_told_of_before_any_verdict_is_believed(
    tmp_path: Path,
) -> None:
    path = Path(described(tmp_path))
    path.write_text(path.read_text().replace("{upstream}", "http://127.0.0.1:1 {upstream}"))
    done = run("check", "--spec", str(path), "--only", "contract.calls_upstream")
    assert done.returncode == 1
    assert "✗ One request makes one call of the upstream - the target did not call" in done.stdout
    assert done.stderr.startswith(
        "faultwire check: B did not once call its upstream where the wire"
    )


@pytest.mark.parametrize("encoding", ["latin-1", "cp437"])
@pytest.mark.parametrize("style", ["plain", "classic"])
def test_a_terminal_that_is_not_of_unicode_costs_no_verdict(
    tmp_path: Path, style: str, encoding: str
) -> None:
    wrong = described(tmp_path, contains="never {token}")
    only = ("--only", "contract.good*", "--only", "contract.health")
    env = {"PYTHONIOENCODING": encoding}
    done = run("check", "--spec", wrong, *only, "--style", style, env=env)
    assert (done.returncode, done.stderr) == (1, "")
    good, bad = ("+", "x") if style == "plain" else ("+ PASSED:", "x FAILED:")
    assert f"{good} The health route answers 200" in done.stdout
    assert f"{bad} All is well, and the answer is good" in done.stdout


def test_what_programs_read_is_utf_8_whatever_the_terminal_is_of(spec: str) -> None:
    env = {"PYTHONIOENCODING": "latin-1"}
    words = (*FAULTWIRE, "check", "--spec", spec, *QUICK, "--format", "markdown")
    done = subprocess.run(words, env=environment(env), capture_output=True, check=True)
    assert "- ✓ The health route answers 200" in done.stdout.decode("utf-8")


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": ""}, False),
    ],
)
def test_a_pipe_gets_colour_where_it_is_asked_for(
    spec: str, variables: dict[str, str], coloured: bool
) -> None:
    done = run("check", "--spec", spec, "--only", "contract.health", env=variables)
    assert done.returncode == 0, done.stderr
    assert ("\x1b[" in done.stdout) is coloured


def test_a_check_whose_progress_nobody_reads_any_more_goes_on(spec: str) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    with open(writes, "wb") as pipe:  # noqa: PTH123
        done = subprocess.run(
            [*FAULTWIRE, "check", "--spec", spec, *QUICK, "--progress", "json"],
            env=environment({}),
            stdout=subprocess.PIPE,
            stderr=pipe,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
    assert done.returncode == 0
    assert "passed in" in done.stdout


def test_progress_is_lines_of_json_and_the_classic_style_has_the_old_summary(spec: str) -> None:
    done = run("check", "--spec", spec, *QUICK, "--style", "classic", "--progress", "json")
    total = done.stdout.count("✓ PASSED: ")
    assert f"Test Summary\n{'=' * 60}\nTotal Tests: {total}\n" in done.stdout
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert events[0] == {"event": "progress", "done": 0, "total": total}
    assert events[-1] == {"event": "progress", "done": total, "total": total}
    verdicts = [event for event in events if event["event"] == "verdict"]
    assert len(verdicts) == total
    assert set(verdicts[0]) == {"event", "id", "title", "group", "verdict", "seconds"}


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--only", "deadline.hangs"], "did you mean deadline.hang?"),
        (["--b-cmd", "x", "--running"], "exclude each other"),
        (["--b-cmd", "x", "--b-url", "http://y"], "exclude each other"),
        (["--env", "X", "--b-cmd", "x"], "expected NAME=VALUE"),
        (["--within", "soon"], "expected a time"),
        (["--spec", "/no/such.toml"], "cannot be read"),
        (["--format", "csv"], "for --class alone"),
        (["--output", "/no/such/folder/x.json"], "no such folder"),
        (["--output", os.curdir], "--output .: it is a folder"),
        (["--b-cmd", "x", "--cwd", "~nobody-of-this-name"], "cannot be used: Could not determine"),
        (["--class", "/no/such/*"], "no folder fits"),
        (["--b-cmd", "/no/such {port} {upstream}"], "No such file"),
        (["--b-url", "https://x"], "only http://"),
        (
            ["--b-url", "http://no.invalid"],
            "B at http://no.invalid cannot be reached: no",
        ),
        (["--b-url", "http://127.0.0.1:1", "--a-url", "no.invalid"], "A at no.invalid cannot be"),
    ],
)
def test_what_cannot_be_done_is_exit_2_and_one_sentence(
    flags: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli._main(["check", *flags]) == 2
    said = capsys.readouterr().err
    assert said.startswith("faultwire check: ")
    assert sentence in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("command", ["check", "compare"])
def test_a_report_into_a_folder_that_is_gone_is_refused_in_one_line(
    command: str, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f'cd "$1" && rmdir "$1" && exec "$0" -P -m faultwire {command} --output report.json'
    done = subprocess.run(
        ["/bin/sh", "-c", script, sys.executable, str(gone)],
        env=environment({}),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    said = f"faultwire {command}: --output report.json: No such file or directory\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_no_room_for_temporary_files_is_said_in_one_line() -> None:
    code = (
        "import sys, tempfile; from faultwire.cli import main; tempfile.tempdir = '/no/such'; "
        "sys.argv[:] = ['faultwire', 'check']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment({}),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    said = "a temporary folder cannot be made: No such file or directory; TMPDIR says where\n"
    assert (done.returncode, done.stderr) == (2, f"faultwire check: {said}")


def test_a_target_that_cannot_be_run_leaves_no_temporary_folder(tmp_path: Path) -> None:
    words = ("check", "--a-cmd", "x {port}", "--b-cmd", "y {upstream}", "--cwd", "/no/such")
    assert run(*words, env={"TMPDIR": str(tmp_path)}).returncode == 2
    assert not list(tmp_path.iterdir())


def test_a_target_that_does_not_start_is_exit_2_with_its_last_lines() -> None:
    done = run("check", "--b-cmd", "sh -c 'echo out of luck; exit 3' {port} {upstream}")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "  | out of luck",
        "faultwire check: B does not start: it ended with exit status 3",
    ]


# Interrupted.


@contextmanager
def under_way(start: Start, spec: str) -> Iterator[tuple[Running, list[int]]]:
    """A check that has begun to play, and the processes that it has started."""
    running = start("check", "--spec", spec, "--progress", "json", "--repeat", "1000")
    running.wait_for('"total"')
    started = descendants(running.pid)
    assert len(started) >= 3  # two keepers, or one, with what they keep
    yield running, started
    until(lambda: not any(map(alive, started)), "all that it started has ended")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_or_a_closed_terminal_reports_what_there_is_and_leaves_nothing(
    start: Start, tmp_path: Path, number: int
) -> None:
    with under_way(start, described(tmp_path, "deaf", "child")) as (running, _):
        running.signal(number)
        assert running.exit_status() == 128 + number
        assert any("Ended early: it was interrupted" in line for line in running.said)


def test_a_check_that_is_killed_leaves_nothing(start: Start, tmp_path: Path) -> None:
    with under_way(start, described(tmp_path, "deaf", "child")) as (running, _):
        running.signal(signal.SIGKILL)
        assert running.exit_status() == -signal.SIGKILL


def test_the_time_of_the_whole_check_ends_it_with_a_report(spec: str) -> None:
    done = run("check", "--spec", spec, "--within", "10ms")
    assert done.returncode == 1
    assert "Ended early: its time of 0.01 s was over" in done.stdout


# Many at once.


def test_a_class_becomes_a_table_in_which_a_broken_submission_is_a_row(tmp_path: Path) -> None:
    for name in ("ann", "bob", "cyd", "dan"):
        (tmp_path / "all" / name).mkdir(parents=True)
    described(tmp_path / "all" / "ann", name="faultwire.toml")
    (tmp_path / "all" / "bob" / "faultwire.toml").write_text(
        "[b]\ncommand = \"sh -c 'echo oops; exit 4' {port} {upstream}\""
    )
    (tmp_path / "all" / "dan" / "faultwire.toml").write_text("[b]\ncomand = 1")
    table = tmp_path / "table.csv"
    flags = ("--class", str(tmp_path / "all" / "*"), *QUICK)
    done = run("check", *flags, "--output", str(table))
    assert done.returncode == 1
    heading, ann, bob, cyd, dan = table.read_text("utf-8").splitlines()
    assert heading.startswith("submission,score,grade,")
    assert ann.startswith("ann,100,A,")
    assert bob.startswith("bob,,-,")
    assert "exit status 4: oops" in bob
    assert "no Service B was found" in cyd
    assert "unknown field `comand`" in dan


def test_the_common_defects_of_a_class_are_told(tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        (tmp_path / name).mkdir()
        described(tmp_path / name, contains="never {token}", name="faultwire.toml")
    flags = ("check", "--class", f"{tmp_path}{os.sep}*", "--only", "contract.good*")
    page = run(*flags, "--format", "html", "--fail-under", "0")
    assert page.returncode == 0
    assert "<h1>2 submissions</h1>" in page.stdout
    (good,) = select(only=["contract.good*"])
    row = f'<td class="n">2</td><td>{good.title}</td><td>{escape(good.mend)}</td>'
    assert row in page.stdout
