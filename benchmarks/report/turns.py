"""Samples of several subjects taken in turns: medians, and ratios of neighbours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Generic, Protocol, TypeVar


class Taken(Protocol):
    """A sample of somebody."""

    @property
    def name(self) -> str:
        """Whose it is."""


S = TypeVar("S", bound=Taken)


@dataclass(frozen=True)
class Turns(Generic[S]):
    """Samples in the order in which they were taken."""

    samples: Sequence[S]

    def of(self, name: str) -> list[S]:
        """Return the samples of one subject."""
        return [sample for sample in self.samples if sample.name == name]

    def median(self, name: str, figure: Callable[[S], float]) -> float | None:
        """Return the median of a figure over one subject's samples."""
        values = [figure(sample) for sample in self.of(name)]
        return median(values) if values else None

    def ratio(self, name: str, other: str, figure: Callable[[S], float]) -> float | None:
        """Return `name` over `other`: each sample against its neighbours, then the median.

        The neighbours are the nearest samples of `other` before and after, averaged.
        """
        ratios = [
            figure(sample) / near
            for place, sample in enumerate(self.samples)
            if sample.name == name and (near := self._near(place, other, figure))
        ]
        return median(ratios) if ratios else None

    def _near(self, place: int, other: str, figure: Callable[[S], float]) -> float | None:
        if self.samples[place].name == other:
            return figure(self.samples[place])
        before = next((s for s in reversed(self.samples[:place]) if s.name == other), None)
        after = next((s for s in self.samples[place + 1 :] if s.name == other), None)
        values = [figure(sample) for sample in (before, after) if sample]
        return mean(values) if values else None
