"""When a scenario is settled, and what its plays make of it."""

from collections.abc import Sequence

import pytest

from faultwire.check.model import Evidence, Group, Verdict
from faultwire.check.play.bench import Baseline
from faultwire.check.play.once import Ending, Outcome
from faultwire.check.runner import _suspicious, beside
from faultwire.check.scenario import Scenario
from faultwire.check.stage import Stage
from faultwire.check.verdict import is_defect, is_settled, result_of, skipped


async def nothing(_: Stage) -> None:
    """Holds."""


def scenario(*, advice: bool = False, alone: bool = False) -> Scenario:
    return Scenario(
        id="failure.it",
        group=Group.FAILURE,
        title="It fails well",
        weight=2,
        does="d",
        expects="e",
        why="w",
        mend="m",
        source="s",
        play=nothing,
        advice=advice,
        alone=alone,
    )


def outcome(letter: str, began_at: float = 0.0) -> Outcome:
    """h held, u unmet, d unmet and disturbed, c cannot, x the check's own defect."""
    ending = {
        "h": Ending.HELD,
        "u": Ending.UNMET,
        "d": Ending.UNMET,
        "c": Ending.CANNOT,
        "x": Ending.DEFECT,
    }[letter]
    return Outcome(ending, f"said {letter}", Evidence(), began_at, 1.0, letter == "d")


def outcomes(letters: str) -> list[Outcome]:
    return [outcome(letter) for letter in letters]


@pytest.mark.parametrize(
    ("plays", "repeat", "settled"),
    [
        ("", 1, False),
        ("h", 1, True),
        ("h", 3, False),
        ("hhh", 3, True),
        ("u", 1, False),
        ("uu", 1, True),
        ("uh", 1, True),
        ("d", 1, False),
        ("dd", 1, True),
        ("dh", 1, False),
        ("dhh", 1, True),
        ("dhu", 1, True),
        ("c", 5, True),
        ("x", 5, True),
        ("uu", 5, False),
    ],
)
def test_a_failure_is_not_reported_on_one_plays_word(
    plays: str, repeat: int, settled: bool
) -> None:
    assert is_settled(outcomes(plays), repeat) is settled


@pytest.mark.parametrize(
    ("plays", "verdict"),
    [
        ("h", Verdict.PASS),
        ("hhh", Verdict.PASS),
        ("uu", Verdict.FAIL),
        ("dd", Verdict.FAIL),
        ("uh", Verdict.FLAKY),
        ("hhu", Verdict.FLAKY),
        ("dhu", Verdict.FLAKY),
        ("dhh", Verdict.PASS),
        ("c", Verdict.SKIP),
        ("x", Verdict.SKIP),
        ("hx", Verdict.SKIP),
    ],
)
def test_what_plays_make_of_a_scenario(plays: str, verdict: Verdict) -> None:
    assert result_of(scenario(), outcomes(plays)).verdict is verdict


@pytest.mark.parametrize("plays", ["uu", "uh"])
def test_advice_warns_and_never_fails(plays: str) -> None:
    assert result_of(scenario(advice=True), outcomes(plays)).verdict is Verdict.WARN


def test_a_result_says_what_decided_and_how_often_it_was_played() -> None:
    found = result_of(scenario(), outcomes("uh"))
    assert found.said == "said u (and held in 1 of 2 plays)"
    assert (found.plays, found.duration_s) == (2, 2.0)


def test_a_suspicion_that_was_outweighed_is_kept_as_a_note() -> None:
    (note,) = result_of(scenario(), outcomes("dhh")).evidence.notes
    assert "said d" in note


def test_a_defect_of_the_check_is_told_as_one() -> None:
    found = result_of(scenario(), outcomes("x"))
    assert is_defect(found)
    assert "the check itself failed" in found.said
    assert not is_defect(skipped(scenario(), "no wire", 0.0))


def test_only_what_fails_behind_another_failure_is_a_suspicion() -> None:
    open_plays = {
        "first": [outcome("u", 10.0)],
        "beside": [outcome("u", 10.5)],
        "later": [outcome("u", 99.0)],
    }
    assert disturbed(_suspicious(open_plays)) == ["first", "beside", "later"]
    del open_plays["first"], open_plays["later"]
    assert disturbed(_suspicious(open_plays)) == []


def disturbed(open_plays: dict[str, list[Outcome]]) -> Sequence[str]:
    return [id_ for id_, plays in open_plays.items() if plays[-1].disturbed]


def test_only_a_target_that_takes_several_requests_is_played_on_side_by_side() -> None:
    both = [scenario(), scenario(alone=True)]
    assert beside(both, Baseline(at_once=1)) == []
    assert beside(both, Baseline(at_once=4)) == both[:1]
