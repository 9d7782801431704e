"""`faultwire simulate` from outside: what it prints, and with which exit status."""

import json
import re
import signal
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from faultwire.simulate.lessons import LESSONS
from faultwire.simulate.run import run as simulated
from tests.system.conftest import Start
from tests.system.running import FAULTWIRE, alive, descendants, environment, run, until

PATIENCE_S = 50.0


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Simulating is work: on a busy machine it takes longer than other commands may."""
    return subprocess.run(
        [*FAULTWIRE, "simulate", *arguments],
        env=environment({}),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=PATIENCE_S,
    )


def test_the_lessons_are_listed() -> None:
    done = run("simulate", "--list")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(LESSONS)
    as_data = run("simulate", "--list", "--format", "json")
    assert [each["name"] for each in json.loads(as_data.stdout)] == list(LESSONS)


@pytest.mark.no_cover
def test_a_lesson_is_told_in_text() -> None:
    done = simulate("deadline-propagation", "--policies", "none")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Deadline propagation saves wasted work\n")
    assert re.search(r"^none +[0-9.]+% ", done.stdout, re.MULTILINE)
    assert "the trouble" in done.stdout
    assert not done.stderr


@pytest.mark.no_cover
def test_the_same_seed_gives_the_same_in_whatever_process_it_runs() -> None:
    """Several variants run side by side, each in a process of its own."""
    policies = "none,deadline"
    done = simulate("deadline-propagation", "--policies", policies, "--format", "json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["seed"], told["held"], told["claims"]) == (1, True, [])
    assert [each["variant"] for each in told["results"]] == policies.split(",")
    lesson = LESSONS["deadline-propagation"]
    here = asdict(simulated(lesson.variants(lesson.scenario)[0], 1))
    assert told["results"][0] == json.loads(json.dumps(here))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_simulation_that_is_ended(start: Start, number: int) -> None:
    ran = start("simulate", "metastable", "--clients", "1000000")
    until(lambda: len(workers(ran.pid)) > 1, "it simulates")
    left = descendants(ran.pid)
    ran.signal(number)
    assert ran.exit_status() == -number
    until(lambda: not list(filter(alive, left)), "nothing is left")


def workers(pid: int) -> list[int]:
    """The processes below this one that have begun to simulate: they have loaded what it takes."""
    return [each for each in descendants(pid) if "hdrh" in Path(f"/proc/{each}/maps").read_text()]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "which lesson? Choose one of retry-storm, metastable"),
        (["storm"], "there is no lesson 'storm'. Choose one of retry-storm"),
        (["metastable", "--clients", "5"], "--clients"),
        (["metastable", "--seed", "-1"], "--seed"),
        (["metastable", "--policies", "rtry"], "--policies: there is no policy 'rtry'"),
        (["metastable", "--policies", "none,none"], "--policies: 'none' is named twice"),
        (["metastable", "--format", "xml"], "--format"),
    ],
)
def test_what_cannot_be_simulated_is_said_in_one_line(arguments: list[str], said: str) -> None:
    done = run("simulate", *arguments)
    assert done.returncode == 2
    assert re.fullmatch(r"faultwire simulate: [^\n]*\n", done.stderr), done.stderr
    assert said in done.stderr
    assert not done.stdout
