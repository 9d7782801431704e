"""`faultwire compare`: the command, and the real pair held to the simulator."""

import asyncio
import json
import math
import os
import re
import signal
from dataclasses import replace
from pathlib import Path
from statistics import mean
from xml.etree.ElementTree import parse

import pytest

from faultwire.compare.course import Course
from faultwire.compare.faults import read_faults
from faultwire.compare.figures import Figures
from faultwire.compare.run import compare
from faultwire.simulate.run import Result, Variant
from faultwire.simulate.run import run as simulated
from faultwire.simulate.scenario import Scenario, Trouble
from tests.system.conftest import Start
from tests.system.running import alive, descendants, get, refuses, run, until

SURE = 4.0
"""Standard errors: one run in ten thousand is further off by chance."""
SEEDS = 10


def course(*faults: str, rate: float = 100.0, fault_for_s: float = 2.0) -> Course:
    """A second without faults, and then the faults until the end. B is patient: so is the test."""
    return Course(
        faults=read_faults(faults, 1),
        rate=rate,
        duration_s=1.0 + fault_for_s,
        fault_from_s=1.0,
        fault_for_s=fault_for_s,
        timeout_s=5.0,
    )


async def real(played: Course, *policies: str) -> list[Figures]:
    return await compare(played, policies, stop=asyncio.Event())


def virtual(played: Course, policies: str, errors: float) -> list[Result]:
    """The same course in virtual time, with an A that has nothing else to do."""
    scenario = Scenario(
        clients=int(played.rate / 0.005),
        arrivals="constant",
        duration_s=played.duration_s,
        timeout_s=played.timeout_s,
        utilisation=0.02,
        trouble=Trouble(start_s=played.fault_from_s, end_s=played.fault_end_s, errors=errors),
    )
    variant = Variant(name=policies, policies=policies, scenario=scenario)
    return [simulated(variant, seed) for seed in range(SEEDS)]


async def test_simulator_and_real_pair_agree_on_who_gets_a_good_answer() -> None:
    """30 % of A's answers are 503: with three attempts 1 - 0.3 ** 3 of the calls are well."""
    played = course("status=503 rate=0.3")
    none, retry = await real(played, "none", "retry")
    for found, expected in ((none, 0.7), (retry, 0.973)):
        share = mean(one.during for one in virtual(played, found.policies, 0.3))
        n = found.during_requests
        error = math.sqrt(expected * (1.0 - expected) * (1.0 / n + 1.0 / (n * SEEDS)))
        assert share == pytest.approx(expected, abs=SURE * error)
        assert found.during == pytest.approx(share, abs=SURE * error), found.policies
    assert retry.during > none.during
    assert none.attempts_per_request == pytest.approx(1.0, abs=0.01)
    attempts = mean(one.attempts_per_request for one in virtual(played, "retry", 0.3))
    assert retry.attempts_per_request == pytest.approx(attempts, abs=0.15)


async def test_retries_multiply_a_total_failure_and_a_budget_bounds_them() -> None:
    """The lesson of the retry storm, on the real pair and in virtual time."""
    played = course("status=503", fault_for_s=1.5)
    retry, budget = await real(played, "retry", "retry+budget")
    assert retry.during < 0.5, "whatever was due just before the end is answered after it"
    assert retry.attempts_per_request > 1.3 * budget.attempts_per_request
    for found in (retry, budget):
        expected = mean(o.attempts_per_request for o in virtual(played, found.policies, 1.0))
        assert found.attempts_per_request == pytest.approx(expected, rel=0.25), found.policies
    assert budget.attempts_per_request <= 1.0 + 0.2 + 10.0 / budget.requests + 0.01


async def test_a_slow_upstream_takes_everybodys_time_and_a_breaker_gives_it_back() -> None:
    """Slow is worse than down: with a breaker it is down."""
    played = replace(course("hang", rate=50.0), timeout_s=0.5)
    none, breaker = await real(played, "none", "breaker(ratio=0.1)")
    assert max(none.during, breaker.during) < 0.6, "those of the end are answered when it is over"
    assert none.p50_ms is not None
    assert breaker.p50_ms is not None
    assert none.p50_ms > 200.0
    assert breaker.p50_ms < none.p50_ms / 2.0
    assert breaker.attempts_per_request < none.attempts_per_request


async def test_an_upstream_that_refuses_has_ended_the_connections_there_were() -> None:
    (none,) = await real(course("refuse", rate=50.0, fault_for_s=1.0), "none")
    assert none.before > 0.9
    assert none.during < 0.5
    assert none.attempts_per_request < 0.9, "what is refused never comes over the wire"


# The command.


def test_a_comparison_is_told_as_data_and_as_a_chart(tmp_path: Path) -> None:
    output, plot = tmp_path / "out.json", tmp_path / "out.svg"
    done = run(
        *("compare", "--fault", "status=503 rate=0.5", "--policies", "none", "--seed", "3"),
        *("--rate", "50", "--for", "2500ms", "--fault-from", "1s", "--fault-for", "1s"),
        *("--output", str(output), "--plot", str(plot), "--timeout", "5s"),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    told = json.loads(output.read_text("utf-8"))
    assert (told["rate"], told["duration_s"], told["seed"]) == (50.0, 2.5, 3)
    assert told["faults"][0] | {"code": 503, "rate": 0.5, "seed": 3} == told["faults"][0]
    (found,) = told["sets"]
    assert (found["policies"], found["requests"], found["unsent"]) == ("none", 125, 0)
    assert sum(found["requests_per_s"]) == 125
    assert found["during_requests"] == 50
    assert found["during"] < 1.0
    assert sum(found["attempts_per_s"]) == 125
    assert not told["stopped"]
    assert parse(plot).getroot().tag.endswith("svg")  # noqa: S314 - our own


def test_ctrl_c_ends_it_with_what_there_is_and_leaves_nothing_behind(start: Start) -> None:
    ran = start("compare", "--policies", "none,retry", "--for", "10m", "--fault-from", "1m")
    until(lambda: asked(ran.pid) > 5, "B is under load")
    left = descendants(ran.pid)
    ran.signal(signal.SIGINT)
    assert ran.exit_status() == 130
    assert not list(filter(alive, left))
    said = "\n".join(ran.said)
    assert "Stopped before all was played." in said
    assert re.search(r"^none +[0-9]+ +[0-9.]+% ", said, re.MULTILINE), said
    assert not re.search("^retry ", said, re.MULTILINE)
    assert not ran.lines


def test_ctrl_c_before_anything_is_measured_says_so(start: Start) -> None:
    ran = start("compare", "--policies", "none,retry")
    until(lambda: descendants(ran.pid), "something is started")
    left = descendants(ran.pid)
    ran.signal(signal.SIGINT)
    assert ran.exit_status() == 130
    assert not list(filter(alive, left))
    assert ran.said or ran.lines == ["faultwire compare: stopped before anything was measured"]


def test_ctrl_c_is_not_lost_while_the_first_answer_is_waited_for(start: Start) -> None:
    ran = start("compare", "--policies", "none,retry", "--work", "50m", "--timeout", "1h")
    until(lambda: asks(ran.pid), "B has been asked")
    left = descendants(ran.pid)
    ran.signal(signal.SIGINT)
    assert ran.exit_status() == 130
    assert not list(filter(alive, left))
    assert ran.lines == ["faultwire compare: stopped before anything was measured"]


def test_a_service_that_dies_is_no_result_of_its_policies(start: Start) -> None:
    ran = start("compare", "--policies", "none", "--for", "10m", "--fault-from", "1m")
    until(lambda: asked(ran.pid) > 5, "B is under load")
    left = descendants(ran.pid)
    for pid, _ in service_b(ran.pid):
        os.kill(pid, signal.SIGKILL)
    assert ran.exit_status() == 1
    assert ran.lines == ["faultwire compare: none: B died: it was ended by signal 9"]
    assert not ran.said
    assert not list(filter(alive, left))


def service_b(pid: int) -> list[tuple[int, str]]:
    """Service B below a process, if it stands: its process id and where it listens."""
    found = []
    for each in descendants(pid):
        words = Path(f"/proc/{each}/cmdline").read_bytes().decode().split("\0")
        if "service-b" in words and "-m" in words[:4]:
            found.append((each, f"http://127.0.0.1:{words[words.index('--port') + 1]}"))
    return found


def asked(pid: int) -> int:
    """How many requests the Service B below a process has answered."""
    for _, url in service_b(pid):
        if not refuses(url):
            count = re.search(r'_count\{.*"/call-echo".*\} ([0-9]+)', get(url, "/metrics").body)
            return int(count[1]) if count else 0
    return 0


def asks(pid: int) -> bool:
    """Whether the Service B below a process is waiting for A."""
    for _, url in service_b(pid):
        if not refuses(url):
            return "http_server_active_requests 2.0" in get(url, "/metrics").body
    return False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fault", "status=99"], "--fault: code must be a whole number from 200 to 599"),
        (["--policies", "none,rtry"], "--policies: there is no policy 'rtry'"),
        (["--for", "ten"], "'--for': 'ten' is not a time such as 250ms"),
        (["--for", "3s"], "the fault would last until 6s, and the load only until 3s"),
        (["--plot", "/there/is/none.svg"], "--plot /there/is/none.svg: there is no such folder"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(arguments: list[str], said: str) -> None:
    done = run("compare", *arguments)
    assert done.returncode == 2
    assert re.fullmatch(r"faultwire compare: [^\n]*\n", done.stderr), done.stderr
    assert said in done.stderr
    assert not done.stdout


def test_a_pair_that_cannot_stand_is_a_failure_with_a_reason(tmp_path: Path) -> None:
    """B refuses to start: a setting that it does not know is in a file that it reads first."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nif 'service-b' in sys.orig_argv: raise SystemExit('no B today')\n"
    )
    done = run("compare", "--policies", "none", env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1
    assert "faultwire compare: B does not start" in done.stderr
    assert not done.stdout
