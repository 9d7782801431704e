"""What all of it comes to: how many requests, how many failed, of what, from when to when."""

from collections import Counter

import msgspec

from faultwire.explain.causes import Cause
from faultwire.explain.diagnosis import Case, Diagnosis
from faultwire.explain.entry import WIRE, A, B
from faultwire.explain.explanation import names, outcome_of

_ORDER = (B, WIRE, A)
MOST_ROWS = 500
"""Words from a log are bounded in number too: what is beyond counts as "other"."""


class Row(msgspec.Struct):
    """How often one cause was found. `first` and `last` are seconds since 1970, 0.0 for unknown."""

    cause: str
    outcome: str
    kinds: dict[str, int]
    fault: str
    caller: str
    upstream: str
    count: int = 0
    share: float = 0.0
    first: float = 0.0
    last: float = 0.0


class Summary(msgspec.Struct):
    """What was read, and what was found in it.

    `requests` counts request lines by service. `total` are those of `service`, the outermost one:
    the shares are of these. `lines_skipped` were not understood.
    """

    requests: dict[str, int]
    service: str
    total: int
    failed: int
    saved: int
    client: int
    first: float
    last: float
    lines: int
    lines_skipped: int
    causes: list[Row]


class Tally:
    """Counts as it goes."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.lines = 0
        self.skipped = 0
        self.explained = 0
        self._first = 0.0
        self._last = 0.0
        self._rows: dict[tuple[str, str, str, str], Row] = {}
        self._met: dict[tuple[Diagnosis, str, str], Row] = {}  # the row of requests that are alike

    def read(self, requests: Counter[str], lines: int, skipped: int) -> None:
        """So much has been read."""
        for service, count in requests.items():
            known = service in self.requests or len(self.requests) < MOST_ROWS
            self.requests[service if known else "other"] += count
        self.lines += lines
        self.skipped += skipped

    def saw(self, first: float, last: float) -> None:
        """Lines of this time have been read."""
        self._first = min(filter(None, (self._first, first)), default=0.0)
        self._last = max(self._last, last)

    def add(self, case: Case, found: Diagnosis) -> None:
        """One more request is explained."""
        self.explained += 1
        called = case.upstream.service if case.upstream else ""
        alike = (found, case.root.service, called)
        row = self._met.get(alike)
        if row is None:
            row = self._row(case, found)
            if len(self._met) < MOST_ROWS:
                self._met[alike] = row
        row.count += 1
        if found.kind:
            row.kinds[found.kind] = row.kinds.get(found.kind, 0) + 1
        if end := case.root.end:
            row.first = min(row.first or end, end)
            row.last = max(row.last, end)

    def _row(self, case: Case, found: Diagnosis) -> Row:
        who = names(case)
        fault = found.fault if found.cause is Cause.FAULT_INJECTED else ""
        key = (found.cause.value, fault, who["caller"], who["upstream"])
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) >= MOST_ROWS:
                key = (found.cause.value, "", "others", "others")
            fresh = Row(key[0], outcome_of(found.cause), {}, *key[1:])
            row = self._rows.setdefault(key, fresh)
        return row

    def summary(self) -> Summary:
        """What it comes to by now."""
        known = {service: count for service, count in self.requests.items() if count > 0}
        service = next((s for s in _ORDER if s in known), "") or max(
            known, key=lambda name: known[name], default=""
        )
        total = known.get(service, 0)
        rows = sorted(self._rows.values(), key=lambda row: (-row.count, row.cause, row.fault))
        for row in rows:
            row.share = round(row.count / total, 6) if total else 0.0
        by_outcome = Counter[str]()
        for row in rows:
            by_outcome[row.outcome] += row.count
        return Summary(
            known,
            service,
            total,
            by_outcome["failed"],
            by_outcome["saved"],
            by_outcome["client"],
            self._first,
            self._last,
            self.lines,
            self.skipped,
            rows,
        )
