"""B: it drives one plan per request by the policies that are to be tried."""

from math import inf

from faultwire.failures import Failure, FailureKind
from faultwire.policy.attempt import Attempt, Done, Start, Wait
from faultwire.policy.conductor import Conductor
from faultwire.simulate.clock import Clock
from faultwire.simulate.job import Call, Job
from faultwire.simulate.record import Record
from faultwire.simulate.scenario import Scenario
from faultwire.simulate.service_a import ServiceA

_TIMEOUT = Failure(FailureKind.RESPONSE_TIMEOUT, "A did not answer in time")


class ServiceB:
    """Takes requests, records how each ended. `upstream` is set before the first one comes."""

    upstream: ServiceA

    def __init__(
        self, scenario: Scenario, clock: Clock, conductor: Conductor, record: Record
    ) -> None:
        self._clock = clock
        self._conductor = conductor
        self._record = record
        self._timeout_s = scenario.timeout_s
        self._slots = scenario.slots
        self._busy = 0

    def request(self, *, local: bool) -> None:
        """A client's request has come. A `local` one needs a slot, and no time."""
        now = self._clock.now
        full = self._slots is not None and self._busy >= self._slots
        if local or full:
            self._record.counted(now, good=not full)
            return
        self._busy += 1
        plan = self._conductor.begin(now, self._timeout_s)
        self._drive(Call(now, plan))

    def ended(self, job: Job, failure: Failure | None, retry_after_s: float | None) -> None:
        """A has answered a job, or failed it."""
        job.open = False
        now = self._clock.now
        call = job.call
        if failure is None:
            call.plan.succeeded(job.attempt, now)
        else:
            call.plan.failed(job.attempt, failure, now, retry_after_s)
        self._drive(call)

    def _drive(self, call: Call) -> None:
        now = self._clock.now
        while call.open:
            step = call.plan.next(now)
            if isinstance(step, Start):
                self._send(call, step.attempt, now)
            elif isinstance(step, Wait):
                if step.until is not None:
                    self._clock.at(step.until, self._drive, call)
                return
            else:
                self._end(call, now, good=isinstance(step, Done))

    def _send(self, call: Call, attempt: Attempt, now: float) -> None:
        until = now + attempt.timeout_s
        job = Job(call, attempt, until if attempt.tells_deadline else inf)
        call.jobs.append(job)
        self._clock.at(until, self._expire, job)
        self.upstream.submit(job)

    def _expire(self, job: Job) -> None:
        if job.open:
            self.ended(job, _TIMEOUT, None)

    def _end(self, call: Call, now: float, *, good: bool) -> None:
        call.open = False
        for job in call.jobs:
            job.open = False
        call.jobs.clear()  # they refer back: without this, only the garbage collector frees them
        call.plan.close(now)
        self._busy -= 1
        self._record.ended(call.arrived, now, good=good)
