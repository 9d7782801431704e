"""The circuit breaker: who has failed most of the time lately is spared for a while.

    CLOSED ──failures prevailed──▶ OPEN ──rest over──▶ HALF_OPEN ──trials succeeded──▶ CLOSED
                                    ▲──────trial failed──────┘

After M. Nygard, "Release It!"; the ratio over a window with a least volume is Hystrix's and
resilience4j's. Every change of state begins a new generation: what an attempt of an earlier one
reports is stale, and says nothing of the upstream as it is now.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from faultwire.policy.knob import knob
from faultwire.policy.verdict import Verdict
from faultwire.policy.window import SlidingCounts

_SUCCEEDED, _FAILED = 0, 1


class State(StrEnum):
    """Whether calls pass."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Signal(StrEnum):
    """What changes the state."""

    FAILURES_PREVAILED = "failures_prevailed"
    REST_OVER = "rest_over"
    TRIALS_SUCCEEDED = "trials_succeeded"
    TRIAL_FAILED = "trial_failed"


TABLE: Mapping[State, Mapping[Signal, State]] = MappingProxyType(
    {
        State.CLOSED: {Signal.FAILURES_PREVAILED: State.OPEN},
        State.OPEN: {Signal.REST_OVER: State.HALF_OPEN},
        State.HALF_OPEN: {
            Signal.TRIALS_SUCCEEDED: State.CLOSED,
            Signal.TRIAL_FAILED: State.OPEN,
        },
    }
)
"""Every change of state there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSettings:
    """When it opens, for how long, and what closes it."""

    ratio: float = knob(0.5, "The share of failed attempts that opens it.", 0.01, 1)
    volume: int = knob(20, "Attempts below which nothing is concluded.", 1, 1_000_000)
    window_s: float = knob(10.0, "The window over which attempts are counted.", 0.1, 600)
    open_s: float = knob(5.0, "How long it stays open before it tries.", 0.01, 600)
    trials: int = knob(3, "Trials that must all succeed before it closes.", 1, 1000)


class Changed(NamedTuple):
    """The breaker has changed its state."""

    at: float
    before: State
    signal: Signal
    after: State


class Breaker:
    """One for an upstream. `changed` is told of every change of state."""

    __slots__ = (
        "_changed",
        "_counts",
        "_generation",
        "_open_until",
        "_settings",
        "_trials",
        "_trials_succeeded",
        "state",
    )

    def __init__(
        self, settings: BreakerSettings, changed: Callable[[Changed], object] | None = None
    ) -> None:
        self._settings = settings
        self._changed = changed
        self._counts = SlidingCounts(settings.window_s, 2)
        self._generation = 0
        self._open_until = 0.0
        self._trials = 0  # in flight
        self._trials_succeeded = 0
        self.state = State.CLOSED

    def admit(self, now: float) -> "Permit | None":
        """Leave to make one attempt, which must be released; None while calls are refused."""
        if self.state is State.OPEN and now >= self._open_until:
            self._signal(Signal.REST_OVER, now)
        if self.state is State.OPEN:
            return None
        if self.state is State.HALF_OPEN:
            if self._trials + self._trials_succeeded >= self._settings.trials:
                return None
            self._trials += 1
        return Permit(self, self._generation)

    @property
    def closed(self) -> bool:
        """Whether all calls pass."""
        return self.state is State.CLOSED

    def retry_after_s(self, now: float) -> float:
        """How long calls are refused for sure; 0 if they are not."""
        return max(self._open_until - now, 0.0) if self.state is State.OPEN else 0.0

    def released(self, generation: int, verdict: Verdict, now: float) -> None:
        """An attempt of this generation has ended; its permit says so."""
        if generation != self._generation:
            return
        if self.state is State.HALF_OPEN:
            self._trial_ended(verdict, now)
        elif verdict is Verdict.SUCCEEDED:
            self._counts.add(now, _SUCCEEDED)
        elif verdict is Verdict.FAILED:
            self._counts.add(now, _FAILED)
            if self._failures_prevail(now):
                self._signal(Signal.FAILURES_PREVAILED, now)

    def _trial_ended(self, verdict: Verdict, now: float) -> None:
        self._trials -= 1
        if verdict is Verdict.FAILED:
            self._signal(Signal.TRIAL_FAILED, now)
        elif verdict is Verdict.SUCCEEDED:
            self._trials_succeeded += 1
            if self._trials_succeeded >= self._settings.trials:
                self._signal(Signal.TRIALS_SUCCEEDED, now)

    def _failures_prevail(self, now: float) -> bool:
        succeeded, failed = self._counts.totals(now)
        volume = succeeded + failed
        return volume >= self._settings.volume and failed >= self._settings.ratio * volume

    def _signal(self, signal: Signal, now: float) -> None:
        before, self.state = self.state, TABLE[self.state][signal]
        self._generation += 1
        self._counts.clear()
        self._trials = self._trials_succeeded = 0
        if self.state is State.OPEN:
            self._open_until = now + self._settings.open_s
        if self._changed is not None:
            self._changed(Changed(now, before, signal, self.state))


class Permit:
    """Leave to make one attempt. The first release counts; another, in a `finally`, is nothing."""

    __slots__ = ("_breaker", "_generation")

    def __init__(self, breaker: Breaker, generation: int) -> None:
        self._breaker: Breaker | None = breaker
        self._generation = generation

    def release(self, verdict: Verdict, now: float) -> None:
        """Give it back, with what the attempt says of the upstream: NEUTRAL if it was cancelled."""
        breaker, self._breaker = self._breaker, None
        if breaker is not None:
            breaker.released(self._generation, verdict, now)
