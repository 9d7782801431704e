"""From verdicts to scores."""

import pytest
from msgspec.structs import replace

from faultwire.check.model import Group, GroupScore, Result, Verdict
from faultwire.check.score import capping, grade_of, group_scores, score_of
from faultwire.commands.checking import exit_status
from tests.unit.check_reports import report, result

HELD = result(Verdict.PASS)


def judged(verdict: Verdict, weight: int = 1, *, advice: bool = False) -> Result:
    return replace(HELD, verdict=verdict, weight=weight, advice=advice)


def test_a_score_is_the_share_of_the_weight_that_held() -> None:
    assert score_of([judged(Verdict.PASS, 3), judged(Verdict.FAIL, 1)]) == 75


def test_what_is_flaky_counts_half() -> None:
    assert score_of([judged(Verdict.PASS), judged(Verdict.FLAKY)]) == 75


def test_what_was_skipped_does_not_count() -> None:
    assert score_of([judged(Verdict.PASS), judged(Verdict.SKIP, 5)]) == 100


def test_without_a_verdict_there_is_no_score() -> None:
    assert score_of([judged(Verdict.SKIP)]) is None
    assert score_of([]) is None
    assert grade_of(None) == "-"


def test_advice_alone_never_lowers_a_score_below_an_a() -> None:
    warned = [judged(Verdict.WARN, 5, advice=True)] * 10
    assert score_of([judged(Verdict.PASS), *warned]) == 90
    assert score_of(warned) == 90


def test_advice_that_is_not_followed_shows_in_the_score() -> None:
    followed = judged(Verdict.PASS, 9, advice=True)
    assert score_of([judged(Verdict.PASS, 9), followed, judged(Verdict.WARN, advice=True)]) == 94.7


def test_advice_neither_mends_nor_worsens_what_failed() -> None:
    half = [judged(Verdict.PASS), judged(Verdict.FAIL)]
    assert score_of(half) == 50
    assert score_of([*half, judged(Verdict.PASS, 5, advice=True)]) == 50
    assert score_of([*half, judged(Verdict.WARN, 5, advice=True)]) == 50


@pytest.mark.parametrize(
    ("score", "grade"),
    [(100, "A"), (90, "A"), (89.9, "B"), (80, "B"), (70, "C"), (60, "D"), (59.9, "F"), (0, "F")],
)
def test_letters(score: float, grade: str) -> None:
    assert grade_of(score) == grade


@pytest.mark.parametrize(
    ("verdict", "weight", "grade"),
    [
        (Verdict.FAIL, 5, "C"),
        (Verdict.FAIL, 4, "B"),
        (Verdict.FAIL, 3, "A"),
        (Verdict.FLAKY, 5, "B"),
        (Verdict.FLAKY, 4, "A"),
        (Verdict.SKIP, 5, "A"),
    ],
)
def test_a_grave_failure_caps_the_letter_and_not_the_score(
    verdict: Verdict, weight: int, grade: str
) -> None:
    results = [judged(Verdict.PASS, 500), judged(verdict, weight)]
    assert score_of(results) == pytest.approx(99.5, abs=0.5)
    assert grade_of(score_of(results), results) == grade


def test_of_two_caps_the_lower_counts_and_none_lifts_a_letter() -> None:
    results = [judged(Verdict.FAIL, 4), judged(Verdict.FAIL, 5)]
    assert grade_of(95, results) == "C"
    assert grade_of(65, results) == "D"
    assert grade_of(0, results) == "F"


def test_advice_caps_no_letter() -> None:
    assert grade_of(90, [judged(Verdict.WARN, 5, advice=True)]) == "A"


def test_what_capped_a_letter_is_named_and_what_did_not_is_not() -> None:
    grave, other = judged(Verdict.FAIL, 5), judged(Verdict.FAIL, 4)
    assert capping(92, [HELD, other, grave]) == [grave]
    assert capping(75, [other, grave]) == []  # it is a C without them
    assert capping(None, [judged(Verdict.SKIP, 5)]) == []


def test_a_cap_holds_for_the_group_of_the_failure() -> None:
    mixed = [judged(Verdict.PASS, 95), judged(Verdict.FAIL, 5)]
    elsewhere = replace(HELD, group=Group.SAFETY)
    scores = group_scores([*mixed, elsewhere])
    assert [(each.score, each.grade) for each in scores] == [(95.0, "C"), (100.0, "A")]


def test_groups_are_scored_one_by_one_in_their_order() -> None:
    results = [
        replace(judged(Verdict.FAIL), group=Group.SAFETY),
        replace(judged(Verdict.PASS), group=Group.CONTRACT),
        replace(judged(Verdict.SKIP), group=Group.RETRY),
    ]
    assert group_scores(results) == [
        GroupScore(Group.CONTRACT, 100.0, "A", 1, 0, 0, 0, 0),
        GroupScore(Group.RETRY, None, "-", 0, 0, 0, 0, 1),
        GroupScore(Group.SAFETY, 0.0, "F", 0, 1, 0, 0, 0),
    ]


@pytest.mark.parametrize(
    ("verdict", "fail_under", "status"),
    [
        (Verdict.PASS, None, 0),
        (Verdict.WARN, None, 0),
        (Verdict.SKIP, None, 0),
        (Verdict.FAIL, None, 1),
        (Verdict.FLAKY, None, 1),
        (Verdict.FAIL, 75.0, 0),
        (Verdict.PASS, 75.1, 1),
    ],
)
def test_the_exit_status(verdict: Verdict, fail_under: float | None, status: int) -> None:
    assert exit_status(report(judged(verdict)), fail_under) == status  # its score is 75


def test_a_check_that_ended_early_or_failed_itself_is_no_success() -> None:
    assert exit_status(report(HELD, aborted="it was interrupted"), None) == 1
    assert exit_status(replace(report(HELD), defects=["x.y"]), 0.0) == 1
