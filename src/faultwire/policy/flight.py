"""The attempts of one call that are in flight: begun, landed or abandoned, each exactly once."""

from faultwire.failures import Failure
from faultwire.policy.attempt import Attempt
from faultwire.policy.breaker import Permit
from faultwire.policy.deadline import LEAST_S, Deadline
from faultwire.policy.layers import Layers
from faultwire.policy.verdict import Verdict, is_slow, judge

_USUAL = 0.9  # an attempt that began a little late was given its usual time all the same


class Flight:
    """Up to two attempts at once, the second a hedge. `usual_s` is what an attempt may take."""

    __slots__ = ("_deadline", "_failed_at", "_layers", "_usual_s", "attempts", "flying")

    def __init__(self, layers: Layers, deadline: Deadline, usual_s: float) -> None:
        self._layers = layers
        self._deadline = deadline
        self._usual_s = usual_s
        self._failed_at: str | None = None  # the address of the last attempt that has failed
        self.flying: list[Attempt] = []
        self.attempts = 0

    def time_left_s(self, now: float) -> float:
        """How long an attempt that begins now may take."""
        return min(self._deadline.at - now, self._usual_s)

    def launch(self, now: float, permit: Permit | None, *, hedge: bool = False) -> Attempt:
        """One more attempt; a hedge or a retry goes elsewhere, if there is a choice."""
        layers = self._layers
        upstream = None
        if layers.balancer is not None:
            avoid = self.flying[0].address if self.flying else self._failed_at
            upstream = layers.balancer.choose(now, layers.random, avoid)
        self.attempts += 1
        attempt = Attempt(
            self.attempts,
            now,
            self.time_left_s(now),
            permit,
            upstream,
            hedge=hedge,
            tells_deadline=layers.tells_deadline,
        )
        self.flying.append(attempt)
        return attempt

    def hedge_at(self, now: float) -> float | None:
        """When an attempt that begins now has taken so long as to be hedged; None for never."""
        hedge = self._layers.hedge
        delay_s = hedge.delay_s(now) if hedge is not None else None
        if delay_s is None or delay_s + LEAST_S > self.time_left_s(now):
            return None
        return now + delay_s

    def hedge(self, now: float) -> Attempt | None:
        """The second attempt. None where A is in trouble, or too many calls are hedged already."""
        hedge, breaker = self._layers.hedge, self._layers.breaker
        if hedge is None or self._deadline.at - now < LEAST_S:
            return None
        if (breaker is not None and not breaker.closed) or not hedge.withdraw(now):
            return None
        self._layers.tally.hedges += 1
        permit = breaker.admit(now) if breaker is not None else None
        return self.launch(now, permit, hedge=True)

    def landed(self, attempt: Attempt, failure: Failure | None, now: float) -> bool:
        """Take note of an attempt's end; False if nobody waits for it any more."""
        if attempt not in self.flying:
            return False
        self.flying.remove(attempt)
        if failure is not None:
            self._failed_at = attempt.address
        told = attempt.tells_deadline
        verdict = judge(failure, patient=self._patient(attempt), told=told)
        self._release(attempt, verdict, now)
        latency_s = now - attempt.started
        layers = self._layers
        if layers.hedge is not None and failure is None:
            layers.hedge.observed(latency_s, now)
        if layers.shed is not None:
            slow = failure is not None and is_slow(failure, told=told)
            timed_out = slow and verdict is Verdict.FAILED
            if failure is None or timed_out:  # neither quick failures nor hurry tell A's pace
                layers.shed.observed(latency_s, now, timed_out=timed_out)
        return True

    def abandon(self, now: float) -> None:
        """Nobody waits for what is in flight. It would have taken longer than it has so far."""
        flying, self.flying = self.flying, []
        hedge = self._layers.hedge
        for attempt in flying:
            self._release(attempt, Verdict.NEUTRAL, now)
            if hedge is not None:
                hedge.observed(now - attempt.started, now)

    def _patient(self, attempt: Attempt) -> bool:
        """Whether an attempt had its usual time: a hurried caller's timeout is not A's fault."""
        enough = 1.0 if self._deadline.shortened else _USUAL
        return attempt.timeout_s >= enough * self._usual_s

    def _release(self, attempt: Attempt, verdict: Verdict, now: float) -> None:
        balancer, upstream = self._layers.balancer, attempt.upstream
        if upstream is not None and balancer is not None:
            balancer.release(upstream, verdict, now)
            if balancer.fails_alone(upstream):  # the breaker is for all of them
                verdict = Verdict.NEUTRAL
        if attempt.permit is not None:
            attempt.permit.release(verdict, now)
