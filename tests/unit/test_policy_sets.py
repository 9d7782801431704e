"""Sets of policies are named, or spelt; what cannot be is said in one line."""

from dataclasses import fields

import pytest

from faultwire.policy.breaker import BreakerSettings
from faultwire.policy.budget import BudgetSettings
from faultwire.policy.retry import RetrySettings
from faultwire.policy.sets import (
    KNOBS,
    NAMED,
    ONION,
    InvalidPolicies,
    PolicySet,
    read_set,
    read_sets,
)

PRODUCTION = ["deadline", "bulkhead", "retry", "budget", "breaker", "balance", "attempt_timeout"]


@pytest.mark.parametrize(
    ("text", "policies"),
    [
        ("none", PolicySet()),
        ("retry", PolicySet(retry=RetrySettings())),
        ("Retry + BUDGET", PolicySet(retry=RetrySettings(), budget=BudgetSettings())),
        ("retry()", PolicySet(retry=RetrySettings())),
        (
            "retry(attempts=5, base=50ms,cap_s=1,jitter=none)",
            PolicySet(retry=RetrySettings(attempts=5, base_s=0.05, cap_s=1.0, jitter="none")),
        ),
        (
            "breaker(ratio=.25,open=1m)",
            PolicySet(breaker=BreakerSettings(ratio=0.25, open_s=60.0)),
        ),
        (
            "retry+budget(floor-per-s=2)",
            PolicySet(retry=RetrySettings(), budget=BudgetSettings(floor_per_s=2.0)),
        ),
    ],
)
def test_a_set_is_read_from_text(text: str, policies: PolicySet) -> None:
    assert read_set(text) == policies
    assert read_set(str(policies)) == policies


def test_production_is_a_set_that_can_be_changed() -> None:
    assert read_set("production").names == tuple(PRODUCTION)
    changed = read_set("production+retry(attempts=2)+attempt-timeout(timeout=200ms)+hedge")
    assert changed.retry == RetrySettings(attempts=2)
    assert changed.attempt_timeout is not None
    assert changed.attempt_timeout.timeout_s == 0.2
    assert set(changed.names) == {*PRODUCTION, "hedge"}
    assert str(PolicySet()) == "none"
    bounds = read_set("retry(attempts=100)+shed(initial=1000)")
    assert bounds.retry == RetrySettings(attempts=100)
    assert isinstance(bounds.retry.attempts, int)
    assert bounds.shed is not None
    assert str(read_set("budget + retry( base=1s )")) == "retry(base_s=1.0)+budget"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no policy ''; there are none, production, deadline"),
        ("retry+", "there is no policy ''"),
        ("rtry", "there is no policy 'rtry'"),
        ("retry(", r"there is no policy 'retry\('"),
        ("none(a=1)", "there is no policy 'none"),
        ("retry(attempts)", "retry has no setting 'attempts'; it has attempts, base_s"),
        ("retry(tries=2)", "retry has no setting 'tries=2'"),
        ("retry(attempts=0)", "retry: attempts is '0': expected a whole number from 1 to 100"),
        ("retry(attempts=2.0)", "expected a whole number"),
        ("retry(attempts=1e1)", "expected a whole number"),
        ("retry(jitter=half)", "expected full or none"),
        ("retry(base=-1s)", "expected a time such as 250ms or 2s, from 0s to 3600s"),
        ("retry(base=1=2)", "base is '1=2': expected a time"),
        ("breaker(ratio=2)", "expected a number from 0.01 to 1"),
        ("retry+budget(floor-per-s=1s)", "expected a number from 0 to 10000"),
        ("deadline(x=1)", "deadline has no setting 'x=1'; it has none at all"),
        ("budget", "'budget': a budget is for retries: add retry"),
        ("shed(initial=5)", "shed begins with a limit from its least to its most"),
        ("shed(most=20)", "shed begins with a limit from its least to its most"),
    ],
)
def test_what_is_no_set_is_said_in_one_line(text: str, said: str) -> None:
    with pytest.raises(InvalidPolicies, match=said) as caught:
        read_set(text)
    assert "\n" not in str(caught.value)


def test_several_sets_stand_between_commas() -> None:
    sets = read_sets("none, retry(attempts=2,jitter=none)+budget,production")
    assert list(sets) == ["none", "retry(attempts=2,jitter=none)+budget", "production"]
    assert sets["production"] == read_set("production")
    with pytest.raises(InvalidPolicies, match="'none' is named twice"):
        read_sets("none,none")


def test_every_policy_and_every_setting_has_a_place_and_words() -> None:
    assert [field.name for field in fields(PolicySet)] == list(ONION)
    for name, layer in ONION.items():
        assert [knob.name for knob in KNOBS[name]] == [f.name for f in fields(layer.settings)]
        for knob in KNOBS[name]:
            assert knob.help.endswith(".")
            assert knob.policy == name
            assert knob.read(str(knob.default)) == knob.default, "the default is within its bounds"
    assert set(NAMED) & set(ONION) == set()


def test_a_setting_turns_its_policy_on() -> None:
    knob = KNOBS["retry"][0]
    assert PolicySet().with_value(knob, 7) == PolicySet(retry=RetrySettings(attempts=7))
