"""What all plays on a rig share: the rig, how quick the target is, how late the machine is."""

from typing import NamedTuple

from faultwire.check.lag import Lag
from faultwire.check.play.holding_back import Patience
from faultwire.check.play.tokens import Tokens
from faultwire.check.target.rig import Rig

_LEAST_MARGIN_S = 0.3
_MOST_MARGIN_S = 5.0


class Baseline(NamedTuple):
    """A healthy target's times in seconds. `good` of `asked` answers were right.

    `at_once` is how many requests it serves at a time, as far as that was tried.
    """

    asked: int = 0
    good: int = 0
    median_s: float = 0.0
    p99_s: float = 0.0
    at_once: int = 1
    error: str = ""


class Bench(NamedTuple):
    """A rig that has been measured."""

    rig: Rig
    lag: Lag
    tokens: Tokens
    patience: Patience
    baseline: Baseline = Baseline()

    @property
    def margin_s(self) -> float:
        """What this machine may add to any time, now."""
        margin_s = _LEAST_MARGIN_S + 3 * self.baseline.p99_s + 2 * self.lag.worst_s()
        return min(margin_s, _MOST_MARGIN_S)

    @property
    def budget_s(self) -> float:
        """By when an answer must be there."""
        return self.rig.spec.budget_s + self.margin_s
