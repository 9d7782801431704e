"""A as a queue: workers, a line before them, and the work that nobody waits for any more.

A does not notice that a client has given up. It takes the next in line, works, and writes its
answer to a connection that is closed: this is how an overload outlives its cause. Only where it
was told the deadline does it pass over a request that has expired, and stop at its time.
"""

from collections import deque
from random import Random

from faultwire.failures import Failure, FailureKind
from faultwire.simulate.clock import Clock
from faultwire.simulate.job import Ended, Job
from faultwire.simulate.scenario import Scenario, Trouble

_REFUSED = Failure(FailureKind.CONNECTION_REFUSED, "A is down")
_RESET = Failure(FailureKind.CONNECTION_RESET, "A has died")
_ERROR = Failure(FailureKind.UPSTREAM_STATUS, "HTTP 503", status=503)
_HOP_S = 0.0005
"""How long it takes to be refused."""


class ServiceA:
    """Takes jobs, and says how each has ended."""

    def __init__(self, scenario: Scenario, clock: Clock, random: Random, ended: Ended) -> None:
        self._clock = clock
        self._random = random
        self._ended = ended
        self._workers = scenario.workers
        self._service_s = scenario.service_s
        self._most = scenario.queue
        self._line: deque[Job] = deque()
        self._serving: dict[Job, float] = {}  # since when
        self._errors = 0.0
        self._trouble: Trouble | None = None
        self.attempts = [0] * int(scenario.duration_s + scenario.timeout_s + 2)
        self.worked_s = 0.0
        self.wasted_s = 0.0
        clock.at(scenario.trouble.start_s, self._break, scenario.trouble)
        clock.at(scenario.trouble.end_s, self._mend, scenario.service_s)

    def submit(self, job: Job) -> None:
        """A request has arrived."""
        now = self._clock.now
        self.attempts[int(now)] += 1
        trouble = self._trouble
        if trouble is not None and (trouble.down or trouble.retry_after):
            self._clock.at(now + _HOP_S, self._turn_away, (job, trouble))
        elif len(self._serving) < self._workers:
            self._begin(job, now)
        elif len(self._line) >= self._most:
            self._clock.at(now + _HOP_S, self._turn_away, (job, None))
        else:
            self._line.append(job)

    def _turn_away(self, turned: tuple[Job, Trouble | None]) -> None:
        """Refuse at once, at no cost."""
        job, trouble = turned
        if not job.open:
            return
        if trouble is not None and trouble.retry_after:
            self._ended(job, _ERROR, max(trouble.end_s - self._clock.now, 0.0))
        elif trouble is not None:
            self._ended(job, _REFUSED, None)
        else:
            self._ended(job, _ERROR, None)

    def _begin(self, job: Job, now: float) -> None:
        """A worker takes it up; how long that takes is distributed exponentially."""
        self._serving[job] = now
        takes_s = self._random.expovariate(1.0) * self._service_s
        self._clock.at(min(now + takes_s, job.deadline), self._finish, job)

    def _finish(self, job: Job) -> None:
        started = self._serving.pop(job, None)
        if started is None:
            return  # it died with A
        now = self._clock.now
        self.worked_s += now - started
        if job.open and now < job.deadline:
            failed = self._errors and self._random.random() < self._errors
            self._ended(job, _ERROR if failed else None, None)
        else:
            self.wasted_s += now - started
        self._take_next(now)

    def _take_next(self, now: float) -> None:
        line = self._line
        while line and len(self._serving) < self._workers:
            job = line.popleft()
            if now < job.deadline:
                self._begin(job, now)

    # Troubles.

    def _break(self, trouble: Trouble) -> None:
        self._trouble = trouble
        self._errors = trouble.errors
        self._service_s *= trouble.slowdown
        if trouble.down or trouble.retry_after:
            self._die(self._clock.now)

    def _mend(self, service_s: float) -> None:
        self._trouble = None
        self._errors = 0.0
        self._service_s = service_s

    def _die(self, now: float) -> None:
        """Every connection is reset, and the work is lost."""
        lost = [*self._serving, *self._line]
        for started in self._serving.values():
            self.worked_s += now - started
            self.wasted_s += now - started
        self._serving.clear()
        self._line.clear()
        for job in lost:
            if job.open:
                self._ended(job, _RESET, None)
