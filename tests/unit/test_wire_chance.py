"""Chance is a function of the seed, the key and the place in its order; of nothing else."""

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultwire.wire.plan.chance import MOST_SEED, Chance, any_seed

SEEDS = st.integers(0, MOST_SEED)
KEYS = st.binary(max_size=8)


def shares(seed: int, count: int, key: bytes = b"") -> list[float]:
    chance = Chance(seed)
    return [chance.draw(key).share for _ in range(count)]


@given(SEEDS)
def test_the_same_seed_gives_the_same_sequence(seed: int) -> None:
    assert shares(seed, 20) == shares(seed, 20)


@given(SEEDS, SEEDS)
def test_another_seed_gives_another_sequence(one: int, other: int) -> None:
    assert (shares(one, 5) == shares(other, 5)) is (one == other)


@given(SEEDS, st.lists(KEYS, max_size=30))
def test_keys_never_disturb_each_other(seed: int, order: list[bytes]) -> None:
    mixed = Chance(seed)
    drawn: dict[bytes, list[float]] = {}
    for key in order:
        drawn.setdefault(key, []).append(mixed.draw(key).share)
    assert drawn == {key: shares(seed, len(found), key) for key, found in drawn.items()}


def test_shares_are_even_over_the_unit_interval() -> None:
    count = 20_000
    drawn = shares(1, count)
    assert min(drawn) >= 0
    assert max(drawn) < 1
    for tenth in range(10):
        found = sum(tenth <= share * 10 < tenth + 1 for share in drawn)
        assert abs(found - count / 10) < 4 * sqrt(count * 0.1 * 0.9)


def test_the_faults_own_chance_can_be_had_again_and_does_not_follow_the_share() -> None:
    one, again = Chance(5).draw(), Chance(5).draw()
    assert [one.rng.random(), one.rng.random()] == [again.rng.random()] * 2
    assert one.rng.random() != one.share
    chance = Chance(5)
    pairs = [(draw.share < 0.5, draw.rng.random() < 0.5) for draw in map(chance.draw, [b""] * 4000)]
    for pair in ((True, True), (True, False), (False, True), (False, False)):
        assert abs(pairs.count(pair) - 1000) < 4 * sqrt(4000 * 0.25 * 0.75)


def test_the_key_longest_unseen_is_forgotten_and_counts_anew() -> None:
    chance = Chance(0, most_keys=2)
    assert [chance.draw(key).turn for key in (b"a", b"b", b"a", b"c", b"a", b"b")] == [
        0,
        0,
        1,
        0,
        2,
        0,
    ]
    assert len(chance) == 2


def test_of_a_long_key_only_its_digest_is_kept() -> None:
    chance = Chance(0)
    chance.draw(b"k" * 1_000_000)
    assert max(len(key) for key in chance._counts) == 16


@pytest.mark.parametrize("_", range(5))
def test_a_drawn_seed_is_one_that_can_be_given(_: int) -> None:
    assert 0 <= any_seed() <= MOST_SEED
