"""The order of plays: those that can side by side, then the others one by one.

    side by side --held--> verdict
         |--not held, or disturbed--> one by one --> heal --> again if it failed --> verdict

What fails beside others is only a suspicion: it is played again, alone. When the target holds
requests back to spare its upstream (a circuit breaker), the failures of one play decide others:
from then on all are played alone. Behind everything that is played alone the target is brought
back to health. Where a second target can be started beside the first, it is a second lane: two
are played alone at a time, each on a target of its own.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from math import inf
from time import time

from faultwire.check.model import Result
from faultwire.check.play.bench import Baseline, Bench
from faultwire.check.play.once import Ending, Outcome, play
from faultwire.check.play.played import PlayedStage
from faultwire.check.scenario import Need, Scenario
from faultwire.check.stage import Unmet
from faultwire.check.target.rig import Rig
from faultwire.check.target.service import NotStarted
from faultwire.check.verdict import is_settled, result_of, skipped

_OFTEN = 10
"""So many failed requests of one play are remembered by a retry budget or a breaker."""


def beside(scenarios: Iterable[Scenario], baseline: Baseline) -> list[Scenario]:
    """Those that can be played side by side on a target."""
    return [each for each in scenarios if baseline.at_once > 1 and not each.alone]


def lacking(scenario: Scenario, rig: Rig) -> str:
    """Why a scenario cannot be played on a rig; empty where it can."""
    for need in Need:
        if need in scenario.needs and need in rig.missing:
            return rig.missing[need]
    if rig.layout.b is None and Need.LAB_A not in scenario.needs:
        return rig.layout.no_wire
    return ""


class Queue:
    """Scenarios to be played alone, by whichever lane is free, with their plays so far."""

    def __init__(self, scenarios: Iterable[Scenario]) -> None:
        self._waiting = deque((scenario, list[Outcome]()) for scenario in scenarios)
        self._complete = asyncio.Event()

    def complete(self, more: Iterable[tuple[Scenario, list[Outcome]]]) -> None:
        """Add the last ones."""
        self._waiting.extend(more)
        self._complete.set()

    async def next(self) -> tuple[Scenario, list[Outcome]] | None:
        """The next one, None when there will be none."""
        if not self._waiting:
            await self._complete.wait()
        return self._waiting.popleft() if self._waiting else None


class Lane:
    """Plays scenarios on a bench; `report` is told each result, `began` each begin.

    Each is played `repeat` times. Raises `NotStarted` when the target cannot be brought back.
    """

    def __init__(
        self,
        bench: Bench,
        began: Callable[[Scenario], None],
        report: Callable[[Result], None],
        repeat: int = 1,
    ) -> None:
        self._bench = bench
        self._began = began
        self._report = report
        self._repeat = repeat
        self._restarting = asyncio.Lock()

    async def first(self, beside: Sequence[Scenario], queue: Queue) -> None:
        """Play those that can be side by side, and then take part in the queue."""
        open_plays = await self._side_by_side(beside)
        queue.complete((each, open_plays[each.id]) for each in beside if each.id in open_plays)
        await self._heal(afresh=bool(beside))
        await self.one_by_one(queue)

    async def one_by_one(self, queue: Queue) -> None:
        """Play what waits in the queue, each alone on this lane."""
        while (waiting := await queue.next()) is not None:
            await self._alone(*waiting)

    # Side by side.

    async def _side_by_side(self, scenarios: Sequence[Scenario]) -> dict[str, list[Outcome]]:
        """The plays of those that are not settled yet, by scenario."""
        waiting = list(reversed(scenarios))
        open_plays: dict[str, list[Outcome]] = {}

        async def work() -> None:
            while waiting:
                scenario = waiting.pop()
                plays = await self._beside(scenario)
                if any(each.held_back for each in plays):
                    open_plays.update({each.id: [] for each in (scenario, *waiting)})
                    waiting.clear()
                elif is_settled(plays, self._repeat):
                    self._report(result_of(scenario, plays))
                else:
                    open_plays[scenario.id] = plays

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._bench.baseline.at_once, len(scenarios))):
                group.create_task(work())
        return _suspicious(open_plays)

    async def _beside(self, scenario: Scenario) -> list[Outcome]:
        plays: list[Outcome] = []
        while not is_settled(plays, self._repeat):
            self._began(scenario)
            plays.append(await play(self._bench, scenario, alone=False))
            await self._restart_if_dead()
            if plays[-1].ending is Ending.UNMET:
                return plays[-1:]
        return plays

    async def _restart_if_dead(self) -> None:
        service = self._bench.rig.service
        async with self._restarting:
            if service is not None and not service.alive():
                await service.restart()

    async def _alone(self, scenario: Scenario, plays: list[Outcome]) -> None:
        while not is_settled(plays, self._repeat):
            self._began(scenario)
            plays.append(await play(self._bench, scenario, alone=True))
            try:
                await self._heal(afresh=_is_stuck(plays[-1]) or _failed_often(plays[-1]))
            except NotStarted:
                self._report(result_of(scenario, plays))  # with what there is
                raise
        self._report(result_of(scenario, plays))

    async def _heal(self, *, afresh: bool) -> None:
        """Bring the target back: the next scenario is not to suffer from this one.

        `afresh`: something in it may still be busy with what it was sent, or remember failures,
        such as a retry budget that is used up.
        """
        rig = self._bench.rig
        await rig.heal()
        if not rig.b_url:
            return
        # Who can be started anew is not waited for: it is well at once then.
        patience_s = inf if rig.service is None else 0.0
        try:
            if not afresh:
                await PlayedStage(self._bench, alone=True, within_s=patience_s).is_well()
        except Unmet:
            afresh = bool(self._bench.baseline.good)  # else it was never well
        if afresh and rig.service is not None:
            await rig.service.restart()


def _suspicious(open_plays: dict[str, list[Outcome]]) -> dict[str, list[Outcome]]:
    """Failures behind the begin of another failure may be its doing."""
    failed = [plays[-1] for plays in open_plays.values() if plays]
    return {
        id_: [
            each._replace(disturbed=each.disturbed or _is_behind_another(each, failed))
            for each in plays
        ]
        for id_, plays in open_plays.items()
    }


def _is_behind_another(outcome: Outcome, failed: Sequence[Outcome]) -> bool:
    end = outcome.began_at + outcome.took_s
    return any(each is not outcome and each.began_at < end for each in failed)


def _is_stuck(outcome: Outcome) -> bool:
    """Whether the target did not answer in a play that failed: it may be at it yet."""
    silent = any(each.error.startswith("timeout") for each in outcome.evidence.asked)
    return outcome.ending is Ending.UNMET and silent


def _failed_often(outcome: Outcome) -> bool:
    failed = [each for each in outcome.evidence.asked if each.error or each.status >= 500]
    return len(failed) >= _OFTEN


def skip(scenario: Scenario, why: str) -> Result:
    """The result of one that cannot be played now."""
    return skipped(scenario, why, time())
