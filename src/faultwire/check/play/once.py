"""One play of a scenario, and what came of it: a play never raises but for its cancellation."""

import asyncio
import traceback
from collections.abc import Iterator
from enum import Enum
from time import monotonic, time
from typing import NamedTuple

from faultwire.check.model import Evidence
from faultwire.check.play.bench import Bench
from faultwire.check.play.played import PlayedStage
from faultwire.check.scenario import Scenario
from faultwire.check.stage import CannotPlay, Unmet
from faultwire.check.target.service import NotStarted, Service

_LATE_S = 0.5
_NOTICE_S = 0.2
_BROKEN_OFF = ("closed", "reset", "refused")
_FRAMES = 5


class Ending(Enum):
    """How a play ended."""

    HELD = "held"
    UNMET = "unmet"
    CANNOT = "cannot be played"
    DEFECT = "the check itself failed"


class Outcome(NamedTuple):
    """One play. `disturbed`: another play or the machine may have decided it.

    `held_back`: in a play beside others, the target has spared its upstream (holding_back.py).
    """

    ending: Ending
    said: str
    evidence: Evidence
    began_at: float
    took_s: float
    disturbed: bool
    held_back: bool = False


async def play(bench: Bench, scenario: Scenario, *, alone: bool) -> Outcome:
    """Play a scenario, within its time."""
    stage = PlayedStage(bench, alone=alone, within_s=scenario.within_s)
    service = bench.rig.service
    starts = service.starts if service is not None else 0
    began_at, began = time(), monotonic()
    ending, said = await _played(scenario, stage)
    disturbed = stage.was_disturbed or bench.lag.worst_s() > _LATE_S
    if service is not None and not alone:
        disturbed |= service.starts != starts or not service.alive()
    evidence = stage.evidence()
    if ending is Ending.UNMET and service is not None:
        said = await _with_its_death(said, service, evidence)
    return Outcome(
        ending=ending,
        said=said,
        evidence=evidence,
        began_at=began_at,
        took_s=monotonic() - began,
        disturbed=disturbed,
        held_back=stage.held_back and not alone,
    )


async def _played(scenario: Scenario, stage: PlayedStage) -> tuple[Ending, str]:
    limit = asyncio.timeout(scenario.within_s)
    try:
        async with limit:
            await scenario.play(stage)
    except Exception as error:  # noqa: BLE001 - whatever a scenario's code does wrong is told
        if limit.expired():
            return Ending.UNMET, f"it was not over after {scenario.within_s:g} s"
        return _judged(error, stage)
    return Ending.HELD, ""


async def _with_its_death(said: str, service: Service, evidence: Evidence) -> str:
    """A target that died is told as such: to its client it is but a connection that ended."""
    broke_off = any(each.error.startswith(_BROKEN_OFF) for each in evidence.asked)
    died = await service.died(_NOTICE_S if broke_off else 0.0)
    return f"{said}; the target has died: {died}" if died and died not in said else said


def _judged(error: Exception, stage: PlayedStage) -> tuple[Ending, str]:
    """What an exception says; those of tasks come in groups."""
    each = list(singly(error))
    for kinds, ending in (((Unmet, NotStarted), Ending.UNMET), ((CannotPlay,), Ending.CANNOT)):
        if found := next((one for one in each if isinstance(one, kinds)), None):
            return ending, str(found)
    for line in traceback.format_exception(each[0])[-_FRAMES:]:
        stage.note(line.rstrip())
    return Ending.DEFECT, f"{type(each[0]).__name__}: {each[0]}"


def singly(error: BaseException) -> Iterator[BaseException]:
    """An exception, or each of a group's."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from singly(inner)
    else:
        yield error
