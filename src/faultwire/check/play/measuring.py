"""What is measured of a target before anything is broken: its times, and what it takes at once."""

import asyncio
from time import monotonic

from faultwire.check.model import Evidence
from faultwire.check.play.bench import Baseline, Bench
from faultwire.check.play.played import PlayedStage
from faultwire.check.scenario import Need
from faultwire.check.stage import Answer, Unmet

_REQUESTS = 30
_LONGEST_S = 10.0
_LEAST = 2
_AT_ONCE = (8, 4)


async def measured(bench: Bench) -> tuple[Bench, Evidence]:
    """The bench with its baseline, and what was asked for it."""
    stage = PlayedStage(bench, alone=True)
    if not bench.rig.b_url:
        return bench, stage.evidence()
    baseline = await _times(stage)
    bench = bench._replace(baseline=baseline)
    if baseline.good and Need.TRACE not in bench.rig.missing:
        at_once = await _at_once(PlayedStage(bench, alone=True))
        bench = bench._replace(baseline=baseline._replace(at_once=at_once))
    return bench, stage.evidence()


async def _times(stage: PlayedStage) -> Baseline:
    """Some requests, one after the other, as long as there is time."""
    answers: list[Answer] = []
    end = monotonic() + _LONGEST_S
    while len(answers) < _REQUESTS and monotonic() < end:
        answers.append(await stage.ask())
    good = [answer for answer in answers if _is_good(stage, answer)]
    times = sorted(answer.took_s for answer in good) or [0.0]
    return Baseline(
        asked=len(answers),
        good=len(good),
        median_s=times[len(times) // 2],
        p99_s=times[-1],
        error=next((answer.error for answer in answers if answer.error), ""),
    )


def _is_good(stage: PlayedStage, answer: Answer) -> bool:
    try:
        stage.is_good(answer)
    except Unmet:
        return False
    return True


async def _at_once(stage: PlayedStage) -> int:
    """How many requests it serves at a time: all but one hang, and that one is answered."""
    if not await _takes(stage, _LEAST):
        return 1
    for most in _AT_ONCE:
        if await _takes(stage, most):
            return most
    return _LEAST


async def _takes(stage: PlayedStage, count: int) -> bool:
    held = [stage.token() for _ in range(count - 1)]
    async with stage.breaking("hang", tokens=held):
        hanging = [asyncio.create_task(stage.ask(token=token)) for token in held]
        try:
            for token in held:
                await stage.seen(token, within_s=stage.margin_s)
            patience_s = stage.spec.budget_s + stage.margin_s
            asking = asyncio.create_task(stage.ask(timeout_s=patience_s))
            await asyncio.wait([asking, *hanging], return_when=asyncio.FIRST_COMPLETED)
            return asking.done() and _is_good(stage, asking.result())
        finally:
            for task in (*hanging, asking):
                task.cancel()
            await asyncio.gather(*hanging, asking, return_exceptions=True)
