"""Blocks of a log in, explained requests out, in bounded memory.

block -> scan -> notable lines -> wait until what belongs to them is read -> join -> diagnose
      `-> window -------------------------------------------------------------^
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import count
from time import time

import msgspec

from faultwire.explain.block import Block, line_at
from faultwire.explain.causes import Cause
from faultwire.explain.diagnosis import Case, Diagnosis, diagnose
from faultwire.explain.entry import WIRE, A, B, Entry
from faultwire.explain.explanation import in_order, outcome_of
from faultwire.explain.fit import LATE_S, SKEW_S, is_part_of, late_s
from faultwire.explain.infer import kind_of
from faultwire.explain.join import Joined, Joiner
from faultwire.explain.parse import parse
from faultwire.explain.scan import Scanned, scan
from faultwire.explain.scene import A_SPEAKS, Scene, near
from faultwire.explain.stamp import find_stamp
from faultwire.explain.summary import Tally
from faultwire.explain.surroundings import Surroundings
from faultwire.explain.wanted import Wanted
from faultwire.explain.window import Window
from faultwire.failures import FailureKind

MOST_WAITING = 100_000
_MOST_BUCKETS = 4096
_NEVER = float("inf")
_SERVED = {
    service: re.compile(
        rb'service(?:=%b endpoint=|": ?"%b", ?"endpoint"|_%b [A-Z]+ )' % (name, name, name.lower())
    )
    for service, name in ((A, b"A"), (B, b"B"), (WIRE, b"wire"))
}
_ALIVE_MATTERS = frozenset({FailureKind.CONNECTION_REFUSED, None})


Told = Callable[[Case, Diagnosis, str], None]


class Inquiry:
    """Reads blocks and tells `told` of each request that failed, or that a retry saved.

    `prompt` is for a log that is still written: each request is told as soon as its lines can be
    expected to be there, not in the order of their ends.
    """

    def __init__(self, wanted: Wanted, told: Told, *, prompt: bool = False) -> None:
        self.tally = Tally()
        self._wanted = wanted
        self._told = told
        self._prompt = prompt
        self._window = Window()
        self._joiner = Joiner(self._window)
        self._scene = Scene()
        self._waiting: list[tuple[float, int, Entry]] = []
        self._asked_again: set[int] = set()
        self._numbers = count()
        self._details: dict[str, str] = {}
        self._alive: dict[int, bool] = {}

    @property
    def waiting(self) -> int:
        """How many requests are not explained yet."""
        return len(self._waiting)

    def read(self, block: Block) -> None:
        """Take in a block. What has to make room for it is explained with what is known."""
        wanted = self._within(block)
        if wanted is not block.data:
            self._look_at_events(block.data)
        if wanted:
            scanned = self._look(wanted)
            if wanted is block.data:
                block.keep(scanned.parsed)
            self.tally.saw(block.first, block.last)
        self._window.add(block)
        while self._window.is_full:
            self.settle(self._window.oldest_time() + LATE_S)
            self._window.drop_oldest()
        while len(self._waiting) > MOST_WAITING:
            self._settle_one(patient=False)

    def settle(self, horizon: float = _NEVER) -> None:
        """Explain whatever has all its lines once every line before `horizon` is read."""
        while self._waiting and self._waiting[0][0] <= horizon:
            self._settle_one(patient=horizon < _NEVER)

    def _within(self, block: Block) -> bytes:
        """The lines of the block that are in the time asked for."""
        wanted = self._wanted
        if not wanted.is_timed or (wanted.in_time(block.first) and wanted.in_time(block.last)):
            return block.data
        if not block.first or block.last < wanted.since or block.first > wanted.until:
            return b""
        lines = block.data.splitlines(keepends=True)
        stamps = map(find_stamp, lines)
        kept = zip(lines, stamps, strict=True)
        return b"".join(line for line, at in kept if at is not None and wanted.in_time(at.at))

    def _look_at_events(self, data: bytes) -> None:
        """What the services said of themselves before the time asked for still counts."""
        for entry in scan(data).notable:
            if not entry.is_request:
                self._notice(entry)

    def _look(self, data: bytes) -> Scanned:
        scanned = scan(data)
        self.tally.read(scanned.requests, scanned.lines, scanned.garbage)
        if scanned.requests[A]:
            self._scene.heard_of_upstream()
        self._joiner.sample(_samples(data, scanned.requests))
        notable = scanned.notable
        callers = {e.request_id: e for e in notable if e.service == B and e.is_request}
        for entry in notable:
            caller = callers.get(entry.request_id)
            if caller is None or caller is entry or not is_part_of(entry, caller):
                self._notice(entry)
        self._scene.look_for_success(data)
        return scanned

    def _notice(self, entry: Entry) -> None:
        self._joiner.notice(entry)
        if entry.event == "call_failed":
            self._details[entry.service] = entry.details
        elif entry.event:
            if entry.service == A:
                self._scene.heard_of_upstream()
            self._scene.event(entry)
        elif (not entry.ok and not entry.is_leaving) or entry.attempts > 1:
            if not entry.details and (said := self._details.pop(entry.service, "")):
                entry = msgspec.structs.replace(entry, details=said)
            heappush(self._waiting, (self._due(entry), next(self._numbers), entry))

    def _due(self, entry: Entry) -> float:
        """When all lines that belong to it can be expected to be read."""
        if not self._prompt:
            return entry.end + LATE_S if entry.end else _NEVER
        now = time()  # another machine's clock may be ahead: it is not waited for
        return min(entry.end or now, now) + SKEW_S

    def _settle_one(self, *, patient: bool) -> None:
        due, number, root = heappop(self._waiting)
        joined = self._joiner.join(root)
        if joined is None:
            return
        if patient and self._may_be_late(root, number, joined):
            heappush(self._waiting, (due + late_s(root) - SKEW_S, number, root))
            return
        self._asked_again.discard(number)
        case = Case(root, in_order(joined.hops), self._surroundings(root))
        found = diagnose(case)
        called = outcome_of(found.cause) == "failed" and found.cause is not Cause.BREAKER_OPEN
        if root.service == B and called:
            self._scene.failed(found.fault or found.kind or found.cause.value)
        if self._wanted.fits(found):
            self.tally.add(case, found)
            self._told(case, found, joined.how)

    def _may_be_late(self, root: Entry, number: int, joined: Joined) -> bool:
        """Whether A, which is still at work perhaps, may yet write its line. Asked once."""
        if not self._prompt or number in self._asked_again or late_s(root) <= SKEW_S:
            return False
        if any(hop.service == A for hop in joined.hops) or not self._scene.upstream_logged:
            return False
        self._asked_again.add(number)
        return True

    def _surroundings(self, root: Entry) -> Surroundings:
        kind = kind_of(root)
        if kind is FailureKind.CIRCUIT_OPEN:
            return self._scene.breaker(root.end)
        around = self._scene.at(root.end)
        if kind not in _ALIVE_MATTERS or not root.end:
            return around
        return msgspec.structs.replace(around, upstream_alive=self._is_alive(root.end))

    def _is_alive(self, at: float) -> bool:
        """Whether A wrote lines both just before and just after."""
        bucket = int(at * 4)
        if bucket not in self._alive:
            if len(self._alive) >= _MOST_BUCKETS:
                self._alive.clear()
            before, after = near(at)
            says = self._window.mentions
            self._alive[bucket] = says(A_SPEAKS, *before) and says(A_SPEAKS, *after)
        return self._alive[bucket]


def _samples(data: bytes, requests: Counter[str]) -> Iterator[Entry | None]:
    """The first request of each service that is known here."""
    for service, line in _SERVED.items():
        if requests[service] and (found := line.search(data)) is not None:
            yield parse(line_at(data, found.start()))
