"""Whole checks of a small foreign service, with scenarios of the tests' own."""

import asyncio
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from faultwire.check import running
from faultwire.check.checking import NotStarted, Options, check
from faultwire.check.model import Report, Verdict
from faultwire.check.scenario import Need, Scenario
from faultwire.check.scenarios import expectations as expect
from faultwire.check.scenarios import select
from faultwire.check.spec import Spec, Start
from faultwire.check.stage import CannotPlay, Stage
from faultwire.check.target.launch import InvalidSpec, launch
from faultwire.check.target.ports import free_port
from faultwire.check.target.presets import lab
from faultwire.check.target.service import Service
from tests.ports import unused_port
from tests.system.check_targets import TINY, only, scenario, tiny, verdicts
from tests.system.running import PATIENCE_S

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals, sessions, /proc")

PLENTY = 2 * PATIENCE_S
"""For a play's deadline, where the deadline is not what is tested."""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Awaitable[Report]]:
    """`run(scenario…, habits=…)` checks the small service."""

    async def checked(
        *scenarios: Scenario, habits: tuple[str, ...] = (), spec: Spec = TINY, **more: Any
    ) -> Report:
        spec = replace(spec, b=tiny(tmp_path, *habits))
        return await check(spec, scenarios, **more)

    return checked


def said(report: Report) -> dict[str, str]:
    return {result.id: f"{result.verdict}: {result.said}" for result in report.scenarios}


async def good(stage: Stage) -> None:
    answer = await stage.ask()
    stage.is_good(answer)
    (attempt,) = await stage.seen(answer.token)
    assert attempt.token == answer.token
    assert attempt.headers["host"]


async def a_500_is_a_failure(stage: Stage) -> None:
    async with stage.breaking("status", code=500):
        stage.is_failure(await stage.ask())
        await stage.is_well()


async def hang(stage: Stage) -> None:
    token = stage.token()
    async with stage.breaking("hang", tokens=[token]):
        stage.is_failure(await stage.ask(token=token), within_s=PATIENCE_S)
        stage.is_good(await stage.ask())


async def never(stage: Stage) -> None:
    stage.expect(condition=False, otherwise="it never holds")


async def test_what_holds_passes_with_its_evidence(run: Callable[..., Awaitable[Report]]) -> None:
    report = await run(scenario(good), scenario(a_500_is_a_failure), scenario(hang))
    assert set(verdicts(report).values()) == {Verdict.PASS}
    assert (report.score, report.grade, report.aborted) == (100.0, "A", "")
    assert report.target.concurrent
    assert report.target.baseline_ms > 0
    assert report.target.margin_ms >= 300
    evidence = report.scenarios[1].evidence
    assert [asked.status for asked in evidence.asked] == [503, 200]
    assert [saw.fault for saw in evidence.wire] == ["status"]


async def test_a_failure_is_played_again_and_reported_with_its_words(
    run: Callable[..., Awaitable[Report]],
) -> None:
    report = await run(scenario(never), scenario(never, name="advice", advice=True))
    assert verdicts(report) == {"never": Verdict.FAIL, "advice": Verdict.WARN}
    assert [(r.said, r.plays) for r in report.scenarios] == [("it never holds", 2)] * 2


async def test_what_fails_once_is_flaky(run: Callable[..., Awaitable[Report]]) -> None:
    plays: list[int] = []

    async def once(stage: Stage) -> None:
        plays.append(1)
        stage.expect(len(plays) > 1, "it failed the first time")

    assert only(await run(scenario(once, alone=True))).verdict is Verdict.FLAKY
    plays.clear()
    report = await run(scenario(once), habits=("single",), options=Options(repeat=4))
    assert (only(report).verdict, only(report).plays) == (Verdict.FLAKY, 4)


async def test_one_failure_that_may_be_the_machines_is_outweighed_by_two_plays_that_held(
    run: Callable[..., Awaitable[Report]],
) -> None:
    plays: list[int] = []

    async def late_once(stage: Stage) -> None:
        plays.append(1)
        if len(plays) == 1:
            stage.disturbed("A timer was late.")
        stage.expect(len(plays) > 1, "it failed the first time")

    result = only(await run(scenario(late_once, alone=True)))
    assert (result.verdict, result.plays) == (Verdict.PASS, 3)
    assert result.evidence.notes[0].endswith("it failed the first time")


async def test_a_failure_that_comes_again_is_one_however_late_the_machine(
    run: Callable[..., Awaitable[Report]],
) -> None:
    async def late(stage: Stage) -> None:
        stage.disturbed("A timer was late.")
        stage.expect(condition=False, otherwise="it never holds")

    assert only(await run(scenario(late, alone=True))).verdict is Verdict.FAIL


async def test_a_defect_of_a_scenario_is_told_and_never_a_pass(
    run: Callable[..., Awaitable[Report]],
) -> None:
    async def broken(_: Stage) -> None:
        raise ZeroDivisionError("oops")

    report = await run(scenario(broken), scenario(good))
    assert verdicts(report) == {"broken": Verdict.SKIP, "good": Verdict.PASS}
    assert report.defects == ["failure.broken"]
    assert "ZeroDivisionError: oops" in report.scenarios[0].said


async def test_who_meddles_with_what_is_shared_must_be_played_alone(
    run: Callable[..., Awaitable[Report]],
) -> None:
    async def stops(stage: Stage) -> None:
        await stage.upstream.stop()

    async def refuses(stage: Stage) -> None:
        async with stage.breaking("refuse"):
            await stage.ask()

    report = await run(scenario(stops), scenario(refuses))
    assert report.defects == ["failure.stops", "failure.refuses"]
    assert all("not played alone" in result.said for result in report.scenarios)


async def fails(stage: Stage) -> None:
    """One failure of three that open the small service's breaker for a while."""
    async with stage.breaking("status", code=500):
        stage.is_failure(await stage.ask())


async def fails_often(stage: Stage) -> None:
    async with stage.breaking("status", code=500):
        for _ in range(5):
            stage.is_failure(await stage.ask())
    await stage.is_well()
    stage.is_good(await stage.ask())


async def test_a_breaker_is_neither_a_failure_nor_in_the_way_of_other_scenarios(
    run: Callable[..., Awaitable[Report]],
) -> None:
    beside = [scenario(good, name=f"good{n}") for n in range(8)]
    failing = [scenario(fails, name=f"fails{n}") for n in range(8)]
    often = scenario(fails_often, alone=True)
    report = await run(*failing, *beside, often, habits=("breaker",))
    assert set(verdicts(report).values()) == {Verdict.PASS}, said(report)
    assert "held healthy requests back" in report.scenarios[-1].evidence.notes[0]


async def test_another_route_is_asked_by_get_whatever_the_specs_method_is(
    run: Callable[..., Awaitable[Report]],
) -> None:
    async def health(stage: Stage) -> None:
        answer = await stage.ask(target="/health")
        stage.expect(answer.status == 200, f"{answer.status}")
        assert stage.exchanged[-1].request == "GET /health"

    spec = replace(TINY, ask=replace(TINY.ask, method="POST", body="{token}"))
    assert only(await run(scenario(health, alone=True), spec=spec)).verdict is Verdict.PASS


@pytest.mark.parametrize(("stop_signal", "status"), [("USR1", 3), ("SIGTERM", None)])
async def test_a_service_is_asked_to_end_by_the_signal_that_its_spec_names(
    tmp_path: Path, stop_signal: str, status: int | None
) -> None:
    async def ends(stage: Stage) -> None:
        within_s = PATIENCE_S if status is not None else 0.2
        assert await stage.process.terminate(within_s) == status

    b = replace(tiny(tmp_path, "quits"), stop_signal=stop_signal)
    report = await check(replace(TINY, b=b), [scenario(ends, alone=True)])
    assert only(report).verdict is Verdict.PASS, said(report)


async def test_what_cannot_be_played_is_skipped_with_its_reason(
    run: Callable[..., Awaitable[Report]],
) -> None:
    async def cannot(_: Stage) -> None:
        raise CannotPlay("there is no moon")

    report = await run(scenario(cannot), scenario(good, Need.LAB, name="lab"))
    assert verdicts(report) == {"cannot": Verdict.SKIP, "lab": Verdict.SKIP}
    assert report.scenarios[0].said == "there is no moon"
    assert "preset lab" in report.scenarios[1].said
    assert report.score is None


async def test_a_play_that_does_not_end_is_ended(run: Callable[..., Awaitable[Report]]) -> None:
    async def endless(_: Stage) -> None:
        await asyncio.Event().wait()

    report = await run(scenario(endless, within_s=0.05))
    assert only(report).verdict is Verdict.FAIL
    assert only(report).said == "it was not over after 0.05 s"


async def test_a_target_that_dies_fails_its_scenario_and_no_other(
    run: Callable[..., Awaitable[Report]],
) -> None:
    others = [scenario(good, name=f"good{n}") for n in range(6)]
    deadly = (scenario(a_500_is_a_failure), scenario(hang))
    report = await run(*others[:3], *deadly, *others[3:], habits=("dies",))
    found = verdicts(report)
    assert found.pop("hang") is Verdict.FAIL
    assert set(found.values()) == {Verdict.PASS}, found


async def test_a_target_that_died_is_told_as_such_where_its_client_saw_a_closed_connection(
    run: Callable[..., Awaitable[Report]],
) -> None:
    async def reset(stage: Stage) -> None:
        async with stage.breaking("reset", after_bytes=0):
            stage.is_failure(await stage.ask())

    result = only(await run(scenario(reset, alone=True), habits=("dies",)))
    assert result.verdict is Verdict.FAIL
    assert result.said.endswith("; the target has died: it ended with exit status 9")


async def test_an_answer_that_never_ended_is_not_said_to_have_taken_as_long_as_it_was_waited_for(
    run: Callable[..., Awaitable[Report]],
) -> None:
    async def drip(stage: Stage) -> None:
        async with stage.breaking("slow_body", interval_ms=250):
            expect.in_time(stage, await stage.ask())

    result = only(await run(scenario(drip, alone=True, within_s=PLENTY)))
    assert re.fullmatch(
        r"there was no whole answer after [\d.]+ s; [\d.]+ s were allowed", result.said
    )


async def test_no_answer_at_all_is_not_blamed_on_its_content_type(
    run: Callable[..., Awaitable[Report]],
) -> None:
    (failure_type,) = select(only=["contract.failure_content_type"])
    result = only(await run(failure_type, habits=("dies",)))
    assert result.said.startswith("there was no answer (closed: ")


async def test_a_target_that_cannot_be_brought_back_ends_the_check(
    run: Callable[..., Awaitable[Report]], tmp_path: Path
) -> None:
    async def spoil(stage: Stage) -> None:
        (tmp_path / "tiny.py").write_text("raise SystemExit(5)")
        await stage.ask(target="/die")
        await stage.is_well()

    report = await run(scenario(spoil, alone=True), scenario(good, alone=True))
    assert "exit status 5" in report.aborted
    assert verdicts(report) == {"spoil": Verdict.FAIL, "good": Verdict.SKIP}


async def test_a_single_threaded_target_is_played_on_one_by_one(
    run: Callable[..., Awaitable[Report]],
) -> None:
    at_once: list[int] = [0, 0]

    async def counted(stage: Stage) -> None:
        at_once[0] += 1
        at_once[1] = max(at_once)
        stage.expect(not stage.concurrent, "it is single-threaded")
        stage.is_good(await stage.ask())
        at_once[0] -= 1

    plays = [scenario(counted, name=f"counted{n}") for n in range(4)]
    report = await run(*plays, habits=("single",))
    assert not report.target.concurrent
    assert set(verdicts(report).values()) == {Verdict.PASS}
    assert at_once == [0, 1]


async def test_the_upstream_stops_starts_pauses_and_the_wire_follows(
    run: Callable[..., Awaitable[Report]],
) -> None:
    async def outage(stage: Stage) -> None:
        await stage.upstream.stop()
        stage.is_failure(await stage.ask())
        await stage.upstream.start()
        stage.is_good(await stage.ask())
        await stage.upstream.pause()
        stage.is_failure(await stage.ask(), within_s=PATIENCE_S)
        await stage.upstream.resume()
        stage.is_good(await stage.ask())

    async def left_down(stage: Stage) -> None:
        await stage.upstream.stop()

    report = await run(
        scenario(left_down, alone=True, within_s=PLENTY),
        scenario(outage, alone=True, within_s=PLENTY),
        scenario(good, alone=True),
    )
    assert set(verdicts(report).values()) == {Verdict.PASS}, said(report)


async def test_the_process_is_watched_ended_and_back_for_the_next(
    run: Callable[..., Awaitable[Report]],
) -> None:
    async def ended(stage: Stage) -> None:
        stage.expect(stage.process.memory_bytes() > 0, "it has memory")
        stage.expect(stage.process.upstream_connections() == 0, "it holds connections")
        code = await stage.process.terminate(PATIENCE_S)
        stage.expect(code == -15, f"it ended with {code}")
        stage.expect(not stage.process.alive(), "it lives")

    report = await run(scenario(ended, alone=True), scenario(good, alone=True))
    assert set(verdicts(report).values()) == {Verdict.PASS}, said(report)


async def test_log_lines_are_read(run: Callable[..., Awaitable[Report]]) -> None:
    async def logged(stage: Stage) -> None:
        answer = await stage.ask()
        lines = await stage.log_lines(answer.token, within_s=PATIENCE_S)
        stage.expect(len(lines) == 1, f"{lines}")

    assert only(await run(scenario(logged))).verdict is Verdict.PASS


async def test_without_a_trace_every_request_is_broken_and_seen(
    run: Callable[..., Awaitable[Report]],
) -> None:
    async def broken(stage: Stage) -> None:
        async with stage.breaking("status", code=500):
            stage.is_failure(await stage.ask())
        stage.expect(len(await stage.seen("")) == 1, "one attempt")

    spec = replace(TINY, traces="")
    report = await run(scenario(broken), scenario(good, Need.TRACE), spec=spec)
    assert verdicts(report) == {"broken": Verdict.PASS, "good": Verdict.SKIP}


async def test_the_time_of_a_check_ends_it_with_what_was_found(
    run: Callable[..., Awaitable[Report]],
) -> None:
    stop = asyncio.Event()

    async def endless(_: Stage) -> None:
        stop.set()
        await asyncio.Event().wait()

    plays = (scenario(good, alone=True), scenario(endless, alone=True, within_s=PLENTY))
    report = await run(*plays, stop=stop)
    assert report.aborted == "it was interrupted"
    assert verdicts(report) == {"good": Verdict.PASS, "endless": Verdict.SKIP}
    stop.clear()
    report = await run(*plays, options=Options(within_s=0.001))
    assert "its time of 0.001 s was over" in report.aborted


def test_an_upstream_that_cannot_be_prepared_leaves_no_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    spec = lab(a_command="a --port {port}", b_command="b {port} {upstream}", cwd="/no/such/folder")
    with pytest.raises(InvalidSpec, match="does not exist"):
        asyncio.run(check(spec, [scenario(good)]))
    assert list(tmp_path.iterdir()) == []


async def test_a_url_that_nobody_serves_is_told() -> None:
    nobody = f"http://127.0.0.1:{unused_port()}"
    spec = replace(TINY, b=Start(url=nobody))
    with pytest.raises(NotStarted, match="cannot be reached"):
        await check(spec, [scenario(good)])


async def test_the_listener_hears_of_every_verdict(run: Callable[..., Awaitable[Report]]) -> None:
    heard: list[tuple[str, int, int]] = []

    class Listening:
        def started(self, *_: object) -> None:
            heard.append(("started", 0, 0))

        def began(self, _: Scenario) -> None:
            """Not of interest here."""

        def verdict(self, result: Any, done: int, total: int) -> None:
            heard.append((result.verdict, done, total))

    await run(scenario(good), scenario(good, Need.LAB, name="other"), listener=Listening())
    assert heard == [("started", 0, 0), ("skip", 1, 2), ("pass", 2, 2)]


async def test_an_a_that_insists_on_the_wires_port_is_examined_alone() -> None:
    taken: set[int] = set()
    a_port, b_port = free_port(taken), free_port(taken)
    command = f"{sys.executable} -P -m faultwire"
    target = lab(
        a_command=f"{command} service-a --port {a_port}",
        b_command=f"{command} service-b --port {b_port} --upstream http://127.0.0.1:{a_port}",
        upstream_port=a_port,
    )
    a = replace(target.a or Start(), port=a_port)
    target = replace(target, a=a, b=replace(target.b, port=b_port))

    async def echoed(stage: Stage) -> None:
        stage.is_good(await stage.ask(to_upstream=True))

    of_a = scenario(echoed, Need.LAB, Need.LAB_A)
    report = await check(target, [of_a, scenario(good, Need.LAB, Need.WIRE), scenario(hang)])
    assert set(verdicts(report).values()) == {Verdict.PASS}, said(report)
    assert not report.unexamined


async def test_a_pair_without_a_wire_between_says_what_was_not_examined(tmp_path: Path) -> None:
    port = free_port(set())
    b = Service("B", launch(tiny(tmp_path), port, ("127.0.0.1", 9), tmp_path))
    await b.start()
    a_port = unused_port()
    a_url = f"http://127.0.0.1:{a_port}"
    try:
        spec = replace(TINY, b=Start(url=b.url), a=Start(url=a_url), upstream_port=a_port)
        named = [scenario(good, Need.WIRE, name=name) for name in "xyz"]
        report = await check(spec, [*named, scenario(never)])
        assert report.unexamined == (
            f"3 scenarios need the wire: B calls {a_url} directly; stop A and check again without "
            "it, and the wire takes its place, with the check's own behind"
        )
    finally:
        await b.stop()


async def test_a_port_that_the_wire_cannot_have_is_told_with_what_to_do(tmp_path: Path) -> None:
    port = free_port(set())
    b = Service("B", launch(tiny(tmp_path), port, ("127.0.0.1", 9), tmp_path))
    await b.start()
    try:
        spec = replace(TINY, b=Start(url=b.url), upstream_port=port)
        report = await check(spec, [scenario(good, Need.WIRE), scenario(never)])
        assert report.unexamined.startswith("1 scenario needs the wire: the wire cannot stand on")
        assert "end what listens there" in report.unexamined
    finally:
        await b.stop()


async def test_what_runs_already_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    taken: set[int] = set()
    a_port, b_port = free_port(taken), free_port(taken)
    monkeypatch.setattr(running, "A_PORT", a_port)
    monkeypatch.setattr(running, "B_PORT", b_port)
    with pytest.raises(InvalidSpec, match="nothing listens on"):
        await running.running()
    b = Service("B", launch(tiny(tmp_path), b_port, ("127.0.0.1", 9), tmp_path))
    await b.start()
    try:
        found = await running.running()
        assert (found.a, found.b.url, found.upstream_port) == (None, b.url, 8080)
        report = await check(replace(found, upstream_port=a_port), [scenario(never)])
        assert only(report).verdict is Verdict.FAIL
    finally:
        await b.stop()
