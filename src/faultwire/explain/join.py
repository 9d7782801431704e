"""Which lines belong to one request: those with its id, or those that its time holds."""

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from faultwire.explain.block import DISORDER_S
from faultwire.explain.entry import WIRE, A, B, Entry
from faultwire.explain.fit import (
    LATE_S,
    NO_PATH,
    RANK,
    SKEW_S,
    TOGETHER_S,
    agrees,
    belongs_to_another,
    blur,
    carried,
    distance,
    is_around,
    is_spoken_for,
    late_s,
    made_no_call,
    may_call,
    rank,
    touch,
)
from faultwire.explain.window import Window

_BEGINS_WITHIN_S = 0.15
_MOST_CLAIMED = 10_000
_MOST_TRIED = 20
"""Among so many calls at once, one that fits no better than this is a matter of luck."""

_Key = tuple[str, float, float, str]


class Joined(NamedTuple):
    """The other lines of a request, and how they were found: "request_id", "time" or ""."""

    hops: tuple[Entry, ...]
    how: str


class Joiner:
    """Finds the lines of a failed request in a window of the log."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._blur_s = 0.0
        self._anonymous = False
        self._wired = False
        self._claimed: dict[_Key, _Key] = {}  # whose call a line is taken for

    def join(self, root: Entry) -> Joined | None:
        """The other lines of its request; None if it is itself a part of another's."""
        found = self._by_id(root) if root.request_id else Joined((), "")
        if found is None or not root.end or any(hop.service == A for hop in found.hops):
            return found
        if root.request_id and not self._anonymous:
            return found
        more = self._by_time(root, found.hops)
        return more and Joined((*found.hops, *more.hops), found.how or more.how)

    def _by_id(self, root: Entry) -> Joined | None:
        close = root.start - TOGETHER_S - self._blur_s, root.end + TOGETHER_S + self._blur_s
        found: list[Entry] = []
        if root.end:  # mostly they stand together, and nothing farther away need be asked
            found = self._window.with_id(root.request_id, *close, close, DISORDER_S)
        if not self._is_whole(root, found):
            found = self._window.with_id(root.request_id, *_far(root), close)
        same = [entry for entry in found if entry is not root and entry != root]
        repeated = root.service in [entry.service for entry in same]
        slack = TOGETHER_S + root.resolution_s if repeated else SKEW_S
        outer_rank = rank(root)
        inner: list[Entry] = []
        for entry in same:
            if not touch(root, entry, slack):
                continue
            if (its_rank := rank(entry)) < outer_rank:
                return None
            if its_rank == outer_rank and is_around(entry, root):
                return None
            if entry.service != root.service:
                inner.append(entry)
        return Joined(tuple(inner), "request_id" if inner else "")

    def _is_whole(self, root: Entry, found: list[Entry]) -> bool:
        """Whether no other line of its request is to be expected farther away in time."""
        services = [entry.service for entry in found]
        if root.service != B and B in services:
            return True
        return root.attempts <= 1 and A in services and (WIRE in services or not self._wired)

    def notice(self, entry: Entry) -> None:
        """There are lines whose time is only known to so many seconds, or that have no id."""
        self._blur_s = max(self._blur_s, blur(entry))
        self._anonymous = self._anonymous or entry.endpoint == NO_PATH

    def sample(self, entries: Iterable[Entry | None]) -> None:
        """Lines of each service, one of each suffices: do they have ids, and is there a wire?"""
        for entry in entries:
            self._wired = self._wired or (entry is not None and entry.service == WIRE)
            if entry is not None and entry.is_request and not entry.request_id:
                self._anonymous = True

    def _by_time(self, root: Entry, known: tuple[Entry, ...]) -> Joined | None:
        near = self._near(root)
        if not known and any(rank(e) < rank(root) and may_call(e, root) for e in near):
            return None
        hops: list[Entry] = []
        if not made_no_call(root):
            for service in (WIRE, A):
                if rank(root) < RANK[service] and service not in {hop.service for hop in known}:
                    hops += self._best(root, near, service)
        return Joined(tuple(hops), "time" if hops else "")

    def _near(self, root: Entry) -> list[Entry]:
        """What ended while it was under way; of what ended later, only what took long."""
        start, end = root.start - TOGETHER_S - self._blur_s, root.end + TOGETHER_S + blur(root)
        begun = root.start + _BEGINS_WITHIN_S + blur(root)
        near = self._window.between(start, min(end, begun))
        near += self._window.between(root.end - TOGETHER_S - self._blur_s, end)
        near += self._window.slow_between(root.start, root.end + late_s(root))
        return list({_key(e): e for e in near if e != root}.values())

    def _best(self, root: Entry, near: list[Entry], service: str) -> list[Entry]:
        """The lines of a service that fit best: one for each attempt."""
        callers = [e for e in near if e.service == root.service]
        fitting = [
            e
            for e in near
            if e.service == service
            and self._claimed.get(_key(e), _key(root)) == _key(root)
            and may_call(root, e)
            and (agrees(root, e) if service == A else carried(root, e))
        ]
        fitting.sort(key=lambda e: distance(root, e))
        well = [e for e in callers if e.ok]
        own = (
            e
            for e in fitting[:_MOST_TRIED]
            if not belongs_to_another(root, e, callers) and not is_spoken_for(e, well, near)
        )
        best = list(islice(own, max(root.attempts, 1)))
        for entry in best:
            self._claim(entry, root)
        return best

    def _claim(self, entry: Entry, root: Entry) -> None:
        self._claimed[_key(entry)] = _key(root)
        if len(self._claimed) > _MOST_CLAIMED:
            del self._claimed[next(iter(self._claimed))]


def _far(root: Entry) -> tuple[float, float]:
    """The time in which lines of its request may have been written."""
    if not root.end:
        return 0.0, float("inf")
    return root.start - SKEW_S, root.end + (late_s(root) if root.service == B else LATE_S)


def _key(entry: Entry) -> _Key:
    return entry.service, entry.end, entry.latency_ms, entry.endpoint
