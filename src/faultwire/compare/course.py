"""What is played to every set of policies alike: the load, the faults and when they come."""

from dataclasses import dataclass

from faultwire.wire.plan.breaks import Break

LEAST_RATE, MOST_RATE = 1, 2000
MOST_S = 600.0
_LEAST_BASELINE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A run. Times are seconds; the faults act from `fault_from_s` for `fault_for_s`.

    `rate` requests are due per second, at equal distances, for `duration_s`. A takes `work_s` for
    each answer, and B gives up after `timeout_s`.
    """

    faults: tuple[Break, ...]
    rate: float = 200.0
    duration_s: float = 10.0
    fault_from_s: float = 2.0
    fault_for_s: float = 4.0
    work_s: float = 0.005
    timeout_s: float = 1.0

    @property
    def fault_end_s(self) -> float:
        """When the faults are mended."""
        return self.fault_from_s + self.fault_for_s

    @property
    def problem(self) -> str:
        """What is wrong with it, in one sentence; empty if nothing is."""
        if not LEAST_RATE <= self.rate <= MOST_RATE:
            return f"--rate must be from {LEAST_RATE} to {MOST_RATE} requests a second"
        if self.duration_s > MOST_S:
            return f"--for must not be longer than {MOST_S:g}s"
        if self.fault_from_s < _LEAST_BASELINE_S:
            return "--fault-from must be 1s or more: recovery is measured by what was before it"
        if self.work_s >= self.timeout_s:
            return "--work must be less than --timeout, or A would never answer in time"
        if self.fault_end_s > self.duration_s:
            return (
                f"the fault would last until {self.fault_end_s:g}s, and the load only until "
                f"{self.duration_s:g}s: make --for longer, or --fault-from or --fault-for shorter"
            )
        return ""
