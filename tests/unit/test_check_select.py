"""Choosing scenarios by id, pattern and group."""

import pytest

from faultwire.check.scenarios import CATALOGUE, UnknownScenario, select


def ids(**chosen: list[str]) -> list[str]:
    return [scenario.id for scenario in select(**chosen)]


def test_without_a_choice_all_are_meant() -> None:
    assert ids() == [scenario.id for scenario in CATALOGUE]


def test_a_pattern_fits_ids() -> None:
    chosen = ids(only=["deadline.*"])
    assert chosen
    assert all(id_.startswith("deadline.") for id_ in chosen)


def test_skip_wins_over_only() -> None:
    assert ids(only=["contract.*"], skip=["contract.*"]) == []


def test_groups_and_patterns_must_both_fit() -> None:
    assert ids(only=["*.h*"], groups=["contract"]) == [
        scenario.id for scenario in CATALOGUE if scenario.id.startswith("contract.h")
    ]


def test_an_unknown_id_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownScenario, match=r"'deadline\.hangs'; did you mean deadline\.hang"):
        select(only=["deadline.hangs"])


def test_an_unknown_group_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownScenario, match="'deadlines'; did you mean deadline"):
        select(groups=["deadlines"])


def test_a_pattern_that_fits_nothing_is_refused() -> None:
    with pytest.raises(UnknownScenario, match="--list"):
        select(skip=["qqqqqqqqqqqq.*"])
