"""What a run is told while it lasts, and the figures that come of it."""

from dataclasses import dataclass
from math import ceil
from time import monotonic

from faultwire.compare.course import Course
from faultwire.simulate.record import Record
from faultwire.simulate.statistics import share, steady_after_s

_PERCENTILES = (50.0, 99.0, 99.9)
_WELL = 0.95
"""Of the share of good answers before the fault: who has that again has recovered."""


class Attempts:
    """How many requests have come over the wire, second by second since `start`.

    A connection that the wire ended before it carried a request counts as one, too.
    """

    def __init__(self, seconds: int) -> None:
        self.per_s = [0] * seconds
        self._began: float | None = None

    def start(self) -> None:
        """Count from now on."""
        self._began = monotonic()

    def seen(self, _record: object, _head: bytes) -> None:
        """One has come. What comes behind the last second counts as of that."""
        if self._began is not None:
            second = int(monotonic() - self._began)
            self.per_s[min(second, len(self.per_s) - 1)] += 1


class Answers(Record):
    """A `Record` that counts apart what was due before the faults, and while they acted."""

    __slots__ = ("_course", "before", "before_good", "during", "during_good", "not_sent")

    def __init__(self, course: Course) -> None:
        super().__init__(course.duration_s)
        self._course = course
        self.before = self.before_good = self.during = self.during_good = self.not_sent = 0

    def counted(self, arrived: float, *, good: bool) -> None:
        """See `Record`."""
        super().counted(arrived, good=good)
        if arrived < self._course.fault_from_s:
            self.before += 1
            self.before_good += good
        elif arrived < self._course.fault_end_s:
            self.during += 1
            self.during_good += good

    def unsent(self, arrived: float) -> None:
        """A request was due, and too many were under way: nobody has answered it."""
        self.not_sent += 1
        self.counted(arrived, good=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What came of a set of policies.

    `goodput` is the share of good answers, of the requests that were due; `unsent` ones are among
    them. `before` and `during` are the same for what was due before the faults, and while they
    acted. Percentiles are of all answers, good and bad, in ms since each request was due; None
    where there were none. `attempts_per_request` and `load_peak` (in one second) are the requests
    that came over the wire. `recovery_s` counts from the end of the faults, None for never.
    `late_ms` is how late a request was sent at worst. `played_s` is less than the course's
    duration if it was stopped.
    """

    policies: str
    played_s: float
    requests: int
    unsent: int
    good: int
    goodput: float
    goodput_per_s: float
    before: float
    during: float
    during_per_s: float
    during_requests: int
    during_good: int
    p50_ms: float | None
    p99_ms: float | None
    p999_ms: float | None
    attempts_per_request: float
    load_peak: int
    recovery_s: int | None
    late_ms: float
    good_per_s: tuple[int, ...]
    requests_per_s: tuple[int, ...]
    attempts_per_s: tuple[int, ...]


def figures(
    course: Course,
    policies: str,
    answers: Answers,
    attempts: Attempts,
    *,
    played_s: float,
    late_s: float,
) -> Figures:
    """The figures of a run that lasted `played_s`, the course's duration if nobody stopped it."""
    seconds = ceil(min(played_s, course.duration_s))
    good, requests = answers.good[:seconds], answers.requests[:seconds]
    p50, p99, p999 = _percentiles(answers)
    asked, during_s = sum(requests), min(played_s, course.fault_end_s) - course.fault_from_s
    before = share([answers.before_good], [answers.before])
    return Figures(
        policies=policies,
        played_s=round(played_s, 3),
        requests=asked,
        unsent=answers.not_sent,
        good=sum(good),
        goodput=share(good, requests),
        goodput_per_s=sum(good) / played_s if played_s else 0.0,
        before=before,
        during=share([answers.during_good], [answers.during]),
        during_per_s=answers.during_good / during_s if during_s > 0.0 else 0.0,
        during_requests=answers.during,
        during_good=answers.during_good,
        p50_ms=p50,
        p99_ms=p99,
        p999_ms=p999,
        attempts_per_request=sum(attempts.per_s) / max(asked, 1),
        load_peak=max(attempts.per_s),
        recovery_s=steady_after_s(good, requests, ceil(course.fault_end_s), _WELL * before),
        late_ms=round(late_s * 1000.0, 1),
        good_per_s=tuple(good),
        requests_per_s=tuple(requests),
        attempts_per_s=tuple(attempts.per_s[:seconds]),
    )


def _percentiles(answers: Answers) -> tuple[float | None, ...]:
    if sum(answers.requests) == answers.not_sent:
        return (None,) * len(_PERCENTILES)
    return answers.latencies_ms(_PERCENTILES)
