"""Requests, each put together from what its client, B, the wire and A said of it.

Every line is looked at and counted; of the requests themselves the last few thousand are held,
and of those that the page was shown a few hundred more.
"""

from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from operator import attrgetter
from random import Random

from faultwire.explain.surroundings import NOTHING
from faultwire.lab.console.reading import PROBES, Line
from faultwire.lab.console.told import Client, Told, is_failed

_HELD = 5000
_KEPT = 300
_PIECES = 8
"""Of one request on the wire or in A: more attempts than that are counted, not shown."""

_LATEST = 40
"""A line that names no request is looked for among so many."""

_ALONE_S = 0.4
"""A request that B said nothing of for so long was not B's."""


class Book:
    """Joins lines by request id. `counted` is told every line of B that ends a request.

    `around` is how the system stands now.
    """

    def __init__(self, counted: Callable[[Line], None], chance: Random) -> None:
        self._counted = counted
        self._chance = chance
        self._held: OrderedDict[str, Told] = OrderedDict()
        self._kept: OrderedDict[str, Told] = OrderedDict()
        self._fresh: dict[str, Told] = {}
        self._ripe: dict[str, Told] = {}
        self._begun: list[str] = []
        self._nameless = 0
        self.in_vain = 0
        self.passed_over = 0  # by the last sample: requests that are not shown
        self.around = NOTHING

    def add(self, line: Line) -> None:
        """Take in a line of A, B or the wire."""
        if not line.endpoint:
            return
        if line.endpoint in PROBES:
            if self.find(line.request_id) is None:  # else it is our own client's
                return
        elif line.service == "B":
            self._counted(line)
        told = self._told(line.request_id, line.at) if line.request_id else self._guessed(line)
        if line.service == "B":
            told.b, told.around = line, self.around
        else:
            pieces = told.a if line.service == "A" else told.wire
            if len(pieces) < _PIECES:
                pieces.append(line)
        self._notice_vain(told)
        self._fresh[told.id] = told

    def begin(self, request_id: str, now: float) -> None:
        """Our own client has sent a request."""
        self._told(request_id, now).client = Client(now)
        self._begun.append(request_id)

    def end(self, request_id: str, now: float, status: int, said: str) -> None:
        """Our own client has its answer, or knows that there will be none."""
        told = self._told(request_id, now)
        if told.client is not None:
            told.client.ended, told.client.status, told.client.said = now, status, said
            self._fresh[told.id] = told

    def find(self, request_id: str) -> Told | None:
        """The request with this id, if it is still held."""
        return self._held.get(request_id) or self._kept.get(request_id)

    def begun(self, most: int) -> list[str]:
        """Our own client's new requests since the last time; none if there are too many to see."""
        begun, self._begun = self._begun, []
        return begun if len(begun) <= most else []

    def sample(self, now: float, most: int, failures: int) -> tuple[list[Told], list[Told]]:
        """Requests to show: `most` of all that ended, chosen by chance, and `failures` beside them.

        What came in since the last time is left to ripen: the rest of its lines is on its way.
        One that was shown before and has changed is there again.
        """
        ripe, self._ripe, self._fresh = self._ripe, self._fresh, {}
        ready, again = [], []
        for told in ripe.values():
            if told.shown:
                again.append(told)
            elif told.whole or (told.client is None and now - told.born > _ALONE_S):
                ready.append(told)
            elif told.client is None:
                self._ripe.setdefault(told.id, told)
        chosen = ready if len(ready) <= most else self._chance.sample(ready, most)
        chosen.sort(key=attrgetter("born"))
        self.passed_over = len(ready)
        for told in chosen:
            self._keep(told)
        failed = [told for told in ready if not told.shown and is_failed(told)][:failures]
        for told in failed:
            self._keep(told)
        self.passed_over -= len(chosen) + len(failed)
        return chosen, [*failed, *again[:most]]

    def last(self, count: int) -> list[Told]:
        """The last ones that were shown, oldest first."""
        return list(self._kept.values())[-count:]

    def _told(self, request_id: str, at: float) -> Told:
        told = self.find(request_id)
        if told is None:
            told = self._held[request_id] = Told(request_id, at, wire=[], a=[])
            if len(self._held) > _HELD:
                self._held.popitem(last=False)
        return told

    def _guessed(self, line: Line) -> Told:
        """The request that a line without a name is about, as some contracts write them.

        It is that of our own client which was under way then, if there is but one; else one that
        nobody else has told of.
        """
        latest = islice(reversed(self._held.values()), _LATEST)
        fitting = list(islice((told for told in latest if told.fits(line)), 2))
        if len(fitting) == 1:
            return fitting[0]
        self._nameless += 1
        return self._told(f"line-{self._nameless}", line.at)

    def _keep(self, told: Told) -> None:
        told.shown = True
        self._kept[told.id] = told
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def _notice_vain(self, told: Told) -> None:
        """A finished after B had given up: count it once."""
        if told.b is None or not told.a or told.vain or not is_failed(told):
            return
        if told.a[-1].at > told.b.at + 0.001:
            told.vain = True
            self.in_vain += 1
