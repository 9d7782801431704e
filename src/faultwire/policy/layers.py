"""The policies of one upstream, built: what all calls to it share."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

from faultwire.failures import FailureKind
from faultwire.policy.balance import Balancer, BalanceSettings
from faultwire.policy.breaker import Breaker, Changed
from faultwire.policy.budget import RetryBudget
from faultwire.policy.bulkhead import Bulkhead
from faultwire.policy.deadline import AttemptTimeoutSettings
from faultwire.policy.hedge import Hedging
from faultwire.policy.retry import Refusal
from faultwire.policy.sets import PolicySet
from faultwire.policy.shed import AdaptiveLimit


class Waiter(Protocol):
    """Who waits for a place in the bulkhead."""

    def admitted(self) -> None:
        """A place has become free, and it is theirs."""


class Tally:
    """What the policies have decided, counted since the start.

    `refused` counts calls that were refused by kind of failure, `stopped` failures that were not
    retried by reason.
    """

    __slots__ = ("hedges", "hedges_won", "refused", "retries", "stopped")

    def __init__(self) -> None:
        self.retries = 0
        self.hedges = 0
        self.hedges_won = 0
        self.refused = dict.fromkeys(
            (
                FailureKind.DEADLINE_EXCEEDED,
                FailureKind.OVERLOADED,
                FailureKind.BULKHEAD_FULL,
                FailureKind.CIRCUIT_OPEN,
            ),
            0,
        )
        self.stopped = dict.fromkeys(Refusal, 0)


class Layers:
    """One object for each policy that is on, None for the others; `random` is all their chance."""

    __slots__ = (
        "attempt_timeout",
        "balancer",
        "breaker",
        "budget",
        "bulkhead",
        "hedge",
        "random",
        "retry",
        "shed",
        "tally",
        "tells_deadline",
    )

    def __init__(
        self,
        policies: PolicySet,
        addresses: Sequence[str],
        random: Random,
        changed: Callable[[Changed], object] | None,
    ) -> None:
        self.tally = Tally()
        self.random = random
        self.tells_deadline = policies.deadline is not None
        self.shed = AdaptiveLimit(policies.shed) if policies.shed else None
        self.bulkhead: Bulkhead[Waiter] | None = None
        if policies.bulkhead:
            self.bulkhead = Bulkhead(policies.bulkhead)
        self.retry = policies.retry
        self.budget = RetryBudget(policies.budget) if policies.budget else None
        self.hedge = Hedging(policies.hedge) if policies.hedge else None
        self.breaker = Breaker(policies.breaker, changed) if policies.breaker else None
        self.balancer = _balancer(policies.balance, addresses)
        self.attempt_timeout = policies.attempt_timeout or AttemptTimeoutSettings(share=1.0)

    def called(self, now: float) -> None:
        """A call reaches A: it pays into the budgets of retries and hedges."""
        if self.budget is not None:
            self.budget.deposit(now)
        if self.hedge is not None:
            self.hedge.called(now)


def _balancer(settings: BalanceSettings | None, addresses: Sequence[str]) -> Balancer | None:
    """Several addresses are balanced whatever the policies say, but ejected only by policy."""
    if settings is None and len(addresses) > 1:
        settings = BalanceSettings(ejected_percent=0)
    return Balancer(settings, addresses) if settings and addresses else None
