"""From the plays of a scenario to its verdict."""

from collections.abc import Sequence

import msgspec

from faultwire.check.model import Evidence, Result, Verdict
from faultwire.check.play.once import Ending, Outcome
from faultwire.check.scenario import Scenario

_ONCE = "it did not hold while others failed beside it, or the machine was late, and then did"
_DEFECT = "the check itself failed here, not the target: "


def is_settled(plays: Sequence[Outcome], repeat: int) -> bool:
    """Whether nothing more has to be played: a failure is not reported on one play's word.

    One that may have been another's doing, or the machine's, is outweighed by two that held.
    """
    endings = [each.ending for each in plays]
    if Ending.CANNOT in endings or Ending.DEFECT in endings:
        return True
    unmet = endings.count(Ending.UNMET)
    if not unmet:
        return len(plays) >= repeat
    least = 3 if unmet == 1 and _is_suspicion(plays) else 2
    return len(plays) >= max(repeat, least)


def result_of(scenario: Scenario, plays: Sequence[Outcome]) -> Result:
    """The result of a scenario that was played at least once."""
    verdict, deciding = _verdict(scenario, plays)
    said = deciding.said
    if deciding.ending is Ending.DEFECT:
        said = _DEFECT + said
    elif verdict is Verdict.FLAKY:
        held = sum(each.ending is Ending.HELD for each in plays)
        said = f"{said} (and held in {held} of {len(plays)} plays)"
    return msgspec.structs.replace(
        skipped(scenario, said, plays[0].began_at),
        verdict=verdict,
        evidence=deciding.evidence,
        duration_s=round(sum(each.took_s for each in plays), 4),
        plays=len(plays),
    )


def skipped(scenario: Scenario, why: str, at: float) -> Result:
    """The result of a scenario that was not played."""
    return Result(
        id=scenario.id,
        group=scenario.group,
        title=scenario.title,
        verdict=Verdict.SKIP,
        weight=scenario.weight,
        advice=scenario.advice,
        said=why,
        does=scenario.does,
        expects=scenario.expects,
        why=scenario.why,
        mend=scenario.mend,
        source=scenario.source,
        began_at=at,
        duration_s=0.0,
        plays=0,
        evidence=Evidence(),
    )


def _mixed(scenario: Scenario, plays: Sequence[Outcome], unmet: Outcome) -> tuple[Verdict, Outcome]:
    """Of plays that held and one or more that did not."""
    if _is_suspicion(plays) and sum(each.ending is Ending.UNMET for each in plays) == 1:
        held = plays[-1]
        held.evidence.notes.append(f"{_ONCE}: {unmet.said}")
        return Verdict.PASS, held
    return (Verdict.WARN if scenario.advice else Verdict.FLAKY), unmet


def _is_suspicion(plays: Sequence[Outcome]) -> bool:
    """Whether every failure may have been another play's doing, or the machine's."""
    return all(each.disturbed for each in plays if each.ending is Ending.UNMET)


def is_defect(result: Result) -> bool:
    """Whether the check's own code failed."""
    return result.said.startswith(_DEFECT)


def _verdict(scenario: Scenario, plays: Sequence[Outcome]) -> tuple[Verdict, Outcome]:
    """The verdict, and the play that decided it."""
    by_ending = {each.ending: each for each in plays}
    for ending in (Ending.DEFECT, Ending.UNMET, Ending.CANNOT):
        if ending not in by_ending:
            continue
        deciding = by_ending[ending]
        if ending is not Ending.UNMET:
            return Verdict.SKIP, deciding
        if Ending.HELD in by_ending:
            return _mixed(scenario, plays, deciding)
        return (Verdict.WARN if scenario.advice else Verdict.FAIL), deciding
    return Verdict.PASS, plays[-1]
