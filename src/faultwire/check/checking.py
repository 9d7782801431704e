"""A whole check: the target started, measured, played on and ended, and the report of it."""

import asyncio
import platform
from collections.abc import Sequence
from contextlib import AsyncExitStack
from time import monotonic, time

import msgspec

from faultwire import __version__
from faultwire.check.lag import Lag
from faultwire.check.listening import Listener, Silent
from faultwire.check.model import SCHEMA_VERSION, Report, Result, Target
from faultwire.check.play.bench import Baseline, Bench
from faultwire.check.play.holding_back import Patience
from faultwire.check.play.measuring import measured
from faultwire.check.play.once import singly
from faultwire.check.play.tokens import Tokens
from faultwire.check.runner import Lane, Queue, beside, lacking, skip
from faultwire.check.scenario import Scenario
from faultwire.check.score import grade_of, group_scores, score_of
from faultwire.check.spec import Spec, Start
from faultwire.check.target.launch import InvalidSpec
from faultwire.check.target.layout import Layout, is_movable, layouts
from faultwire.check.target.presets import OWN_A, OWN_B
from faultwire.check.target.rig import Rig
from faultwire.check.target.service import NotStarted
from faultwire.check.verdict import is_defect

__all__ = ["InvalidSpec", "NotStarted", "Options", "check"]

DEFAULT_WITHIN_S = 300.0
_WORTH_A_LANE = 6
"""So many scenarios that are played alone take longer than another target takes to start."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to check. Each scenario is played `repeat` times; all of it ends after `within_s`."""

    repeat: int = 1
    within_s: float = DEFAULT_WITHIN_S


async def check(
    spec: Spec,
    scenarios: Sequence[Scenario],
    *,
    options: Options | None = None,
    listener: Listener | None = None,
    stop: asyncio.Event | None = None,
) -> Report:
    """Play the scenarios against a target.

    When `stop` is set or the time is over, the report says so and has what was found until then.
    Nothing that was started is left running, cancellation included. Raises `InvalidSpec`, and
    `NotStarted` where the target cannot be started or reached.
    """
    checking = Checking(spec, scenarios, options or Options(), listener or Silent())
    return await checking.run(stop or asyncio.Event())


class Checking:
    """One check under way."""

    def __init__(
        self, spec: Spec, scenarios: Sequence[Scenario], options: Options, listener: Listener
    ) -> None:
        self._spec = spec
        self._scenarios = scenarios
        self._options = options
        self._listener = listener
        self._results: dict[str, Result] = {}
        self._lacks: dict[str, str] = {}
        self._unwired: Layout | None = None
        self._target = target_of(spec, Baseline())
        self._started_at, self._began = time(), monotonic()

    async def run(self, stop: asyncio.Event) -> Report:
        """Check until all is played, the time is over, or `stop` is set."""
        playing = asyncio.create_task(self._play())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait(
                {playing, stopping},
                timeout=self._options.within_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            aborted = "" if playing.done() else self._why(stop)
            stopping.cancel()
            playing.cancel()
            await asyncio.gather(playing, stopping, return_exceptions=True)
        return self._report(aborted or playing.result())

    def _why(self, stop: asyncio.Event) -> str:
        if stop.is_set():
            return "it was interrupted"
        return f"its time of {self._options.within_s:g} s was over"

    # Playing.

    async def _play(self) -> str:
        """Play on every layout that the target needs; why it ended early, or an empty text."""
        main, *others = layouts(self._spec)
        for layout in others:
            async with Rig(self._spec, layout):
                """It can be started: better known now than when all else is done."""
        for layout in (main, *others):
            async with Rig(self._spec, layout) as rig, Lag() as lag:
                last = layout is (others or [main])[-1]
                if layout is main and rig.wire is None:
                    self._unwired = rig.layout
                if aborted := await self._play_on(rig, lag, first=layout is main, last=last):
                    return aborted
        return ""

    async def _play_on(self, rig: Rig, lag: Lag, *, first: bool, last: bool) -> str:
        bench, _ = await measured(Bench(rig, lag, Tokens(), Patience()))
        if first:
            self._check_reached(rig, bench.baseline)
            self._target = target_of(self._spec, bench.baseline, bench.margin_s)
            self._listener.started(self._target, self._scenarios)
        todo = []
        for scenario in self._scenarios:
            why = lacking(scenario, rig)
            if not why and scenario.id not in self._results:
                todo.append(scenario)
            elif first:
                self._lacks[scenario.id] = why
        if last:
            self._skip_the_rest(todo)
        aborted = ""
        try:
            await self._on_lanes(bench, todo)
        except* NotStarted as errors:
            aborted = f"the target could not be brought back: {next(singly(errors))}"
        return aborted

    async def _on_lanes(self, bench: Bench, todo: Sequence[Scenario]) -> None:
        """Play, on a second target of the same kind beside the first where there can be one."""
        abreast = beside(todo, bench.baseline)
        alone = [scenario for scenario in todo if scenario not in abreast]
        queue = Queue(alone)
        async with asyncio.TaskGroup() as group:
            if len(alone) >= _WORTH_A_LANE and is_movable(bench.rig.layout):
                group.create_task(self._second_lane(bench, queue))
            group.create_task(self._lane(bench).first(abreast, queue))

    async def _second_lane(self, bench: Bench, queue: Queue) -> None:
        async with AsyncExitStack() as stack:
            try:
                rig = await stack.enter_async_context(Rig(self._spec, bench.rig.layout))
            except NotStarted:
                return  # it insists on being the only one
            await self._lane(bench._replace(rig=rig)).one_by_one(queue)

    def _lane(self, bench: Bench) -> Lane:
        return Lane(bench, self._listener.began, self._add, self._options.repeat)

    def _check_reached(self, rig: Rig, baseline: Baseline) -> None:
        """A target that answers wrongly is judged; one that cannot be reached cannot be."""
        if baseline.asked and baseline.error.startswith("refused") and rig.service is None:
            raise NotStarted(f"B at {rig.b_url} cannot be reached: {baseline.error}")

    def _skip_the_rest(self, todo: Sequence[Scenario]) -> None:
        for scenario in self._scenarios:
            if scenario.id not in self._results and scenario not in todo:
                self._add(skip(scenario, self._lacks.get(scenario.id, "")))

    # Reporting.

    def _add(self, result: Result) -> None:
        self._results[result.id] = result
        self._listener.verdict(result, len(self._results), len(self._scenarios))

    def _report(self, aborted: str) -> Report:
        for scenario in self._scenarios:
            if scenario.id not in self._results:
                self._results[scenario.id] = skip(scenario, f"not played: {aborted}")
        results = [self._results[scenario.id] for scenario in self._scenarios]
        score = score_of(results)
        return Report(
            schema_version=SCHEMA_VERSION,
            versions=versions(),
            target=self._target,
            started_at=self._started_at,
            duration_s=round(monotonic() - self._began, 3),
            score=score,
            grade=grade_of(score, results),
            groups=group_scores(results),
            scenarios=results,
            aborted=aborted,
            unexamined=unexamined(self._unwired, results),
            defects=[result.id for result in results if is_defect(result)],
        )


def target_of(spec: Spec, baseline: Baseline, margin_s: float = 0.0) -> Target:
    """The target as the report names it."""
    own_a = "the check's own" if spec.preset == "lab" else "the check's own canned answer"
    return Target(
        name=spec.name,
        preset=spec.preset,
        b=_named(spec.b) or "none",
        a=(_named(spec.a) if spec.a is not None else "") or own_a,
        budget_s=spec.budget_s,
        concurrent=baseline.at_once > 1,
        baseline_ms=round(1000 * baseline.median_s, 2),
        margin_ms=round(1000 * margin_s),
    )


def unexamined(unwired: Layout | None, results: Sequence[Result]) -> str:
    """What was skipped because no wire is before B, and what to do; empty where that is nothing.

    What is left may all have held: that says little, and is not to look like much.
    """
    count = sum(unwired is not None and result.said == unwired.no_wire for result in results)
    if unwired is None or not count:
        return ""
    what = "1 scenario needs" if count == 1 else f"{count} scenarios need"
    return f"{what} the wire: {unwired.no_wire.removeprefix('no wire: ')}; {unwired.instead}"


def versions() -> dict[str, str]:
    """Of what the report depends on."""
    return {
        "faultwire": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def _named(start: Start) -> str:
    for own, name in ((OWN_A, "faultwire service-a"), (OWN_B, "faultwire service-b")):
        if start == own:
            return name
    return start.command or start.url
