"""One call as a state machine: what to do next, as the policies decide it.

Whoever makes calls drives it, in real time or in virtual time; it is the same code:

    plan = conductor.begin(now, timeout_s)
    try:
        again and again: plan.next(now), which is
            Start(attempt)  begin it and ask again; say `succeeded` or `failed` when it ends
            Wait(until)     sleep until then, or until an attempt ends, or until `wake` is called
            Done(attempt)   its answer is the call's; abort the others
            Fail(…)         the call has failed
    finally:
        plan.close(now)
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

from faultwire.failures import Failure, FailureKind
from faultwire.policy.attempt import Attempt, Done, Fail, Start, Step, Wait
from faultwire.policy.bulkhead import Entry
from faultwire.policy.deadline import LEAST_S, Deadline
from faultwire.policy.flight import Flight
from faultwire.policy.layers import Layers
from faultwire.policy.refused import AGAIN_S, SAID, STOPPED
from faultwire.policy.retry import Failed, Refusal, retry_at
from faultwire.policy.states import TABLE, Signal, State

_WAIT = Wait(None)


class Plan:
    """One call. `stopped_by` says why its last failed attempt was not repeated."""

    __slots__ = (
        "_entered",
        "_failure",
        "_flight",
        "_layers",
        "_outcome",
        "_retry_after_s",
        "_shed",
        "_tries",
        "_until",
        "_wake",
        "deadline",
        "idempotent",
        "state",
        "stopped_by",
    )

    def __init__(
        self,
        layers: Layers,
        deadline: Deadline,
        usual_s: float,
        *,
        idempotent: bool,
        wake: Callable[[], object] | None,
    ) -> None:
        self._layers = layers
        self._wake = wake
        self._shed = self._entered = False  # places taken, to be given back
        self._flight = Flight(layers, deadline, usual_s)
        self._tries = 0  # without hedges
        self._until: float | None = None  # the hedge's time while flying, else the retry's
        self._failure: Failure | None = None  # the last attempt's
        self._retry_after_s: float | None = None  # as A said it
        self._outcome: Step = _WAIT
        self.deadline = deadline
        self.idempotent = idempotent
        self.state = State.NEW
        self.stopped_by: Refusal | None = None

    @property
    def attempts(self) -> int:
        """How many attempts were started."""
        return self._flight.attempts

    # What its driver says.

    def next(self, now: float) -> Step:
        """What to do now."""
        return self._steps[self.state](self, now)

    def succeeded(self, attempt: Attempt, now: float) -> None:
        """The attempt has been answered, and well. When the call has ended, that is nothing."""
        if self._flight.landed(attempt, None, now):
            self._layers.tally.hedges_won += attempt.hedge
            self._outcome = Done(attempt)
            self._signal(Signal.SUCCEEDED)
            self._flight.abandon(now)
            self._leave(now)

    def failed(
        self,
        attempt: Attempt,
        failure: Failure,
        now: float,
        retry_after_s: float | None = None,
        requests: int = 1,
    ) -> None:
        """The attempt has failed; A may have said after how long to try again.

        `requests` were sent for it: a replay on a stale connection counts as another attempt.
        """
        if self._flight.landed(attempt, failure, now):
            self._tries += requests - 1
            self._failure, self._retry_after_s = failure, retry_after_s
            if not self._flight.flying:
                self._retry_or_give_up(failure, now)

    def close(self, now: float) -> None:
        """Give back whatever is still held. For every call, in a `finally`; twice does no harm."""
        bulkhead = self._layers.bulkhead
        if bulkhead is not None and self.state is State.QUEUED:
            bulkhead.abandon(self)
        self._flight.abandon(now)
        self._leave(now)

    def admitted(self) -> None:
        """The bulkhead has a place for it."""
        self._entered = True
        self._signal(Signal.ADMITTED)
        if self._wake is not None:
            self._wake()

    # One step for each state.

    def _enter(self, now: float) -> Step:
        layers = self._layers
        if layers.shed is not None:
            if not layers.shed.enter():
                return self._refuse(FailureKind.OVERLOADED, now, AGAIN_S)
            self._shed = True
        if layers.bulkhead is not None:
            entry = layers.bulkhead.enter(self, now)
            if entry is Entry.FULL:
                return self._refuse(FailureKind.BULKHEAD_FULL, now, AGAIN_S)
            if entry is Entry.QUEUED:
                self._signal(Signal.QUEUED)
                return self._queue(now)
            self._entered = True
        self._signal(Signal.ADMITTED)
        return self._start(now)

    def _queue(self, now: float) -> Step:
        bulkhead = self._layers.bulkhead
        assert bulkhead is not None  # noqa: S101 - who queues, queues there
        until = min(bulkhead.waits_until(self), self.deadline.at)
        if now < until:
            return Wait(until)
        bulkhead.abandon(self)
        return self._refuse(FailureKind.BULKHEAD_FULL, now, AGAIN_S)

    def _start(self, now: float) -> Step:
        layers = self._layers
        if self.deadline.at - now < LEAST_S:
            return self._refuse(FailureKind.DEADLINE_EXCEEDED, now, None)
        permit = None
        if layers.breaker is not None:
            permit = layers.breaker.admit(now)
            if permit is None:
                retry_after_s = layers.breaker.retry_after_s(now)
                return self._refuse(FailureKind.CIRCUIT_OPEN, now, retry_after_s)
        self._tries += 1
        first = self._tries == 1
        if first:
            layers.called(now)
        else:
            layers.tally.retries += 1
        attempt = self._flight.launch(now, permit)
        self._until = self._flight.hedge_at(now) if first and self.idempotent else None
        self._signal(Signal.STARTED)
        return Start(attempt)

    def _fly(self, now: float) -> Step:
        if self._until is None:
            return _WAIT
        if now < self._until:
            return Wait(self._until)
        self._until = None
        hedge = self._flight.hedge(now)
        return _WAIT if hedge is None else Start(hedge)

    def _back_off(self, now: float) -> Step:
        if self._until is not None and now < self._until:
            return Wait(self._until)
        self._signal(Signal.DELAY_OVER)
        return self._start(now)

    def _end(self, _now: float) -> Step:
        return self._outcome

    # Ends.

    def _retry_or_give_up(self, failure: Failure, now: float) -> None:
        layers = self._layers
        if layers.retry is None:
            self._give_up(failure, now)
            return
        failed = Failed(
            failure, self._tries, self.idempotent, self.deadline.at, self._retry_after_s
        )
        at = retry_at(layers.retry, failed, layers.budget, now, layers.random)
        if isinstance(at, Refusal):
            self._stop(at)
            self._give_up(failure, now)
            return
        self._until = at
        self._signal(Signal.RETRY_GRANTED)

    def _stop(self, why: Refusal) -> None:
        self.stopped_by = why
        self._layers.tally.stopped[why] += 1

    def _give_up(self, failure: Failure, now: float) -> None:
        self._outcome = Fail(failure, self._retry_after_s)
        self._signal(Signal.GIVEN_UP)
        self._leave(now)

    def _refuse(self, kind: FailureKind, now: float, retry_after_s: float | None) -> Fail:
        """No attempt is made. What an earlier one saw says more than that."""
        if self._failure is None:
            self._layers.tally.refused[kind] += 1
        else:
            self._stop(STOPPED[kind])
        failure = self._failure or Failure(kind, SAID[kind])
        self._outcome = fail = Fail(failure, retry_after_s)
        self._signal(Signal.REFUSED)
        self._leave(now)
        return fail

    def _leave(self, now: float) -> None:
        """Give back the places, each once."""
        layers = self._layers
        if self._shed and layers.shed is not None:
            self._shed = False
            layers.shed.leave()
        if self._entered and layers.bulkhead is not None:
            self._entered = False
            waiter = layers.bulkhead.leave(now)
            if waiter is not None:
                waiter.admitted()

    def _signal(self, signal: Signal) -> None:
        self.state = TABLE[self.state][signal]

    _steps: ClassVar[Mapping[State, Callable[["Plan", float], Step]]] = {
        State.NEW: _enter,
        State.QUEUED: _queue,
        State.READY: _start,
        State.FLYING: _fly,
        State.BACKING_OFF: _back_off,
        State.DONE: _end,
        State.FAILED: _end,
    }
