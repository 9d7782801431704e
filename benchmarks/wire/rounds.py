"""The session: hops in turns, so that a noisy minute strikes all of them alike."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TypeVar

from benchmarks.load import LoadFailedError
from benchmarks.processes import StackFailedError
from benchmarks.report.numbers import number
from benchmarks.wire.bulk import take_bulk
from benchmarks.wire.delays import take_delays
from benchmarks.wire.hops import HOPS, WIRE
from benchmarks.wire.passing import take_passing
from benchmarks.wire.report.figures import throughput_meanwhile
from benchmarks.wire.samples import Bulk, Delays, Passing

Tell = Callable[[str], None]
T = TypeVar("T")


def order(hops: Sequence[str], rounds: int) -> list[str]:
    """Return the turns: every second round the other way round."""
    return [name for number in range(rounds) for name in (hops[::-1] if number % 2 else hops)]


class Rounds:
    """Takes the samples. What fails is told and kept in `failures`; the rest goes on."""

    def __init__(self, hops: Sequence[str], rounds: int, seconds: int, tell: Tell) -> None:
        self.failures: list[str] = []
        self._hops = hops
        self._rounds = rounds
        self._seconds = seconds
        self._tell = tell

    def passing(self) -> list[Passing]:
        """Small requests through each hop."""
        samples = self._take(
            "passing", self._hops, lambda hop: take_passing(HOPS[hop], self._seconds), _of_passing
        )
        return list(chain.from_iterable(samples))

    def bulk(self) -> list[Bulk]:
        """A large body through each hop."""
        return self._take("bulk", self._hops, lambda hop: take_bulk(HOPS[hop]), _of_bulk)

    def delays(self) -> list[Delays]:
        """A crowd that the wire delays."""
        hops = [hop for hop in self._hops if hop == WIRE]
        return self._take("delays", hops, lambda _: take_delays(self._seconds), _of_delays)

    def _take(
        self,
        part: str,
        hops: Sequence[str],
        take_one: Callable[[str], T],
        in_short: Callable[[T], str],
    ) -> list[T]:
        taken: list[T] = []
        turns = order(hops, self._rounds)
        for place, hop in enumerate(turns, 1):
            label = f"{part} [{place}/{len(turns)}] {HOPS[hop].title}"
            try:
                taken.append(take_one(hop))
            except (StackFailedError, LoadFailedError) as error:
                self.failures.append(f"{part}, {HOPS[hop].title}: {str(error).splitlines()[0]}")
                self._tell(f"{label}: failed: {error}")
            else:
                self._tell(f"{label}: {in_short(taken[-1])}")
        return taken


def _of_passing(samples: Sequence[Passing]) -> str:
    flat_out, paced = (sample.load for sample in samples)
    errors = flat_out.errors + paced.errors
    return (
        f"{flat_out.per_s:,.0f}/s, p50 {number(flat_out.p50_ms)} ms, "
        f"p99 {number(flat_out.p99_ms)} ms; at {paced.per_s:,.0f}/s "
        f"p50 {number(paced.p50_ms)} ms, p99 {number(paced.p99_ms)} ms"
        + (f", {errors} ERRORS" if errors else "")
    )


def _of_bulk(sample: Bulk) -> str:
    return f"{sample.bytes / sample.duration_s / 1e6:,.0f} MB/s"


def _of_delays(sample: Delays) -> str:
    errors = ", ".join(
        f"p99 {waves.late.p99_ms:.1f} ms late (undelayed {waves.plain.p99_ms:.1f} ms)"
        for waves in sample.waves
    )
    return f"{errors}; undelayed throughput x {throughput_meanwhile(sample):.2f}"
