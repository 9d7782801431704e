"""Counts of what passed over the wire: cheap to add to, the source of `/ledger` and `/metrics`."""

from bisect import bisect_left
from typing import NamedTuple

from faultwire.telemetry.snapshot import BUCKETS_S, SUM

OTHER_FAULT = "_OTHER"
"""Where faults are counted once there are very many names: memory and labels are bounded."""

_MOST_FAULTS = 1000
_CLASSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")

Key = tuple[str, str]
"""The fault ("" for none) and the class of the status ("none" where no answer began)."""


class Figures(NamedTuple):
    """What `/metrics` tells at one moment."""

    open_exchanges: int
    connections: int
    connections_open: int
    active_faults: int
    tally: "Tally"


class Tally:
    """Exchanges that have ended, by fault and status class, with their durations; and bytes."""

    __slots__ = ("cells", "request_bytes", "response_bytes", "upstream_bytes")

    def __init__(self) -> None:
        self.cells: dict[tuple[str, int], list[float]] = {}
        self.request_bytes = 0
        self.upstream_bytes = 0
        self.response_bytes = 0

    def add(self, fault: str, status: int, duration_s: float) -> None:
        """Count one exchange."""
        cells = self.cells.get((fault, status // 100))
        if cells is None:
            cells = self._new(fault, status // 100)
        cells[bisect_left(BUCKETS_S, duration_s)] += 1
        cells[SUM] += duration_s

    def add_bytes(self, request: int, upstream: int, response: int) -> None:
        """Count its bytes: from the client, from the upstream, to the client."""
        self.request_bytes += request
        self.upstream_bytes += upstream
        self.response_bytes += response

    def _new(self, fault: str, hundreds: int) -> list[float]:
        if len(self.cells) >= _MOST_FAULTS:
            fault = OTHER_FAULT
        return self.cells.setdefault((fault, hundreds), [0] * (SUM + 1))

    def merge(self, other: "Tally") -> None:
        """Count in what another one has counted."""
        for key, theirs in other.cells.items():
            mine = self.cells.get(key) or self._new(*key)
            for place, count in enumerate(theirs):
                mine[place] += count
        self.add_bytes(other.request_bytes, other.upstream_bytes, other.response_bytes)

    @property
    def ended(self) -> int:
        """How many exchanges are counted."""
        return sum(map(_count, self.cells.values()))

    def by_fault(self) -> dict[str, int]:
        """How many exchanges each fault acted in; one in which two acted counts for both."""
        found: dict[str, int] = {}
        for (fault, _), cells in self.cells.items():
            for name in fault.split(",") if fault else ():
                found[name] = found.get(name, 0) + _count(cells)
        return found

    def by_status(self) -> dict[str, int]:
        """How many exchanges ended with a status of each class; "none": no answer began."""
        found: dict[str, int] = {}
        for (_, hundreds), cells in self.cells.items():
            name = class_name(hundreds)
            found[name] = found.get(name, 0) + _count(cells)
        return found

    def histograms(self) -> dict[Key, list[float]]:
        """The durations, as `telemetry.snapshot` lays out its cells."""
        found: dict[Key, list[float]] = {}
        for (fault, hundreds), cells in self.cells.items():
            mine = found.setdefault((fault, class_name(hundreds)), [0] * (SUM + 1))
            for place, count in enumerate(cells):
                mine[place] += count
        return found


def class_name(hundreds: int) -> str:
    """`5xx` for 5; a class that HTTP does not have counts as none."""
    return _CLASSES[hundreds] if 0 < hundreds < len(_CLASSES) else "none"


def _count(cells: list[float]) -> int:
    return int(sum(cells[:SUM]))
