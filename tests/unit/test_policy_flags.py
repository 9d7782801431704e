"""What flags say of policies is what `--policy` would."""

import click
import pytest

from faultwire.commands.policy_flags import PolicyCommand
from faultwire.policy.knob import Knob
from faultwire.policy.sets import KNOBS, ONION, read_set

KNOB_LIST = [knob for each in KNOBS.values() for knob in each]


@click.command("b", cls=PolicyCommand)
@click.option("--policy")
@click.option("--port")
@click.argument("rest", nargs=-1)
def b(policy: str | None, port: str | None, rest: tuple[str, ...]) -> tuple[object, ...]:
    return policy, port, rest


def policy(*words: str) -> str | None:
    found: tuple[str | None, ...] = b.main(list(words), "b", standalone_mode=False)
    return found[0]


def another(knob: Knob) -> str:
    """A value that is not the default."""
    return next((word for word in knob.choices if word != knob.default), f"{knob.most:.12g}")


@pytest.mark.parametrize("knob", KNOB_LIST, ids=lambda knob: knob.flag)
@pytest.mark.parametrize("equals", [True, False])
def test_a_setting_s_flag_sets_it(knob: Knob, equals: bool) -> None:
    value = another(knob)
    words = (f"{knob.flag}={value}",) if equals else (knob.flag, value)
    needs = ("--retry",) if knob.policy in ("budget", "shed") else ()
    more = ("--shed-most=1000000", "--shed-initial=1000000") if knob.policy == "shed" else ()
    said = policy(*needs, *more, *words)
    assert said is not None
    found = getattr(read_set(said), knob.policy)
    assert getattr(found, knob.name) == knob.read(value) != knob.default


def test_a_policy_s_flag_turns_it_on() -> None:
    flags = ["--" + name.replace("_", "-") for name in ONION]
    assert read_set(policy(*flags) or "") == read_set("+".join(ONION))


def test_flags_add_to_what_the_policy_says_wherever_it_stands() -> None:
    expected = read_set("production+hedge+retry(attempts=5)")
    for words in (
        ("--policy", "production", "--hedge", "--retry-attempts", "5"),
        ("--retry-attempts=5", "--hedge", "--policy=production"),
    ):
        assert read_set(policy(*words) or "") == expected


def test_what_is_no_flag_of_a_policy_is_left_alone() -> None:
    assert b.main(["--port", "1", "x"], "b", standalone_mode=False) == (None, "1", ("x",))
    found = b.main(["--retry", "--port", "1", "--", "--retry"], "b", standalone_mode=False)
    assert found == ("retry", "1", ("--retry",))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--retry-attempts", "0"], "'0' is not a whole number from 1 to 100"),
        (["--retry-attempts", "5,base=1s"], "'5,base=1s' is not a whole number"),
        (["--retry-jitter", "some"], "'some' is not full or none"),
        (["--breaker-open"], "requires an argument"),
        (["--policy", "retry", "--budget", "--policy"], "requires an argument"),
        (["--retry-atempts", "3"], "No such option '--retry-atempts'"),
    ],
)
def test_what_cannot_be_is_said(words: list[str], said: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        policy(*words)
    assert said in caught.value.format_message()
