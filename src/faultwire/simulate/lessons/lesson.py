"""What a lesson is: something to expect, runs to compare, and claims that must hold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from faultwire.simulate.run import Result, Variant
from faultwire.simulate.scenario import Scenario

Results = Mapping[str, Result]
"""By the variant's name."""


class Claim(NamedTuple):
    """A sentence about the results, with their figures, and whether it is true of them."""

    sentence: str
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A named experiment. `expect` is read before it runs, `claims` are judged after it."""

    name: str
    title: str
    expect: str
    scenario: Scenario
    variants: Callable[[Scenario], Sequence[Variant]]
    claims: Callable[[Results], Sequence[Claim]]


def compare(**policies: str) -> Callable[[Scenario], Sequence[Variant]]:
    """Variants of one scenario that differ by their policies; `_` in a name is a space."""

    def variants(scenario: Scenario) -> Sequence[Variant]:
        return [
            Variant(name=name.replace("_", " "), policies=text, scenario=scenario)
            for name, text in policies.items()
        ]

    return variants


def percent(share: float) -> str:
    """A share as people read it."""
    return f"{share:.0%}" if share < 0.995 or share == 1.0 else f"{share:.1%}"


def recovered(result: Result) -> str:
    """When it was over, in words."""
    if result.recovery_s is None:
        return "never recovers"
    return f"recovers after {result.recovery_s} s" if result.recovery_s else "recovers at once"
