"""The retry budget: retries are a share of requests, so that they cannot multiply a failure.

After Finagle's RetryBudget (a share of the last seconds' requests and a floor for services with
little traffic); Envoy's `retry_budget` is the same idea, over requests in flight.
"""

from dataclasses import dataclass

from faultwire.policy.knob import knob
from faultwire.policy.window import SlidingCounts

_REQUESTS, _RETRIES = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSettings:
    """How many retries there may be within a window of time."""

    ratio: float = knob(0.2, "Retries as a share of requests.", 0, 1)
    floor_per_s: float = knob(1.0, "Retries per second allowed besides.", 0, 10_000)
    window_s: float = knob(10.0, "The window over which both are counted.", 1, 600)


class RetryBudget:
    """Counts requests in, retries out. One for all calls to an upstream."""

    __slots__ = ("_counts", "_floor", "_ratio")

    def __init__(self, settings: BudgetSettings) -> None:
        self._ratio = settings.ratio
        self._floor = settings.floor_per_s * settings.window_s
        self._counts = SlidingCounts(settings.window_s, 2)

    def deposit(self, now: float) -> None:
        """A request has come in: its first attempt costs nothing, and pays for others' retries."""
        self._counts.add(now, _REQUESTS)

    def withdraw(self, now: float) -> bool:
        """Ask for one retry. Where the answer is yes, it is spent."""
        if self.balance(now) < 1.0:
            return False
        self._counts.add(now, _RETRIES)
        return True

    def balance(self, now: float) -> float:
        """How many retries would be granted now; below 0 when requests have become fewer."""
        requests, retries = self._counts.totals(now)
        return self._ratio * requests + self._floor - retries
