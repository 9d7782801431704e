"""Breaking the wire for one play's requests, and mending it behind the play."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count

from faultwire.check.stage import CannotPlay
from faultwire.check.target.rig import Rig
from faultwire.wire.faults import attributes_of
from faultwire.wire.faults.base import Fault, Place
from faultwire.wire.gate import State
from faultwire.wire.plan.breaks import Break, read_break
from faultwire.wire.plan.match import Match, read_trait

_LONGEST_S = 300.0
_STATES = {"refuse": State.REFUSING, "blackhole": State.SILENT}


class NotAlone(Exception):
    """A scenario that meddles with all requests must be played alone: a defect of the scenario."""


def check_alone(what: str, *, alone: bool) -> None:
    """Raise `NotAlone` where other scenarios may be played at the same time."""
    if not alone:
        raise NotAlone(f"{what}, and the scenario is not played alone")


class Meddling:
    """Breaks for the requests of a play, whose tokens begin with `prefix`."""

    def __init__(self, rig: Rig, prefix: str, *, alone: bool) -> None:
        self._rig = rig
        self._prefix = prefix
        self._alone = alone
        self._numbers = count(1)

    @asynccontextmanager
    async def breaking(
        self, fault: str | Fault, tokens: Sequence[str] | None, attributes: dict[str, object]
    ) -> AsyncIterator[None]:
        """As `Stage.breaking` says."""
        wire = self._rig.wire
        if wire is None:
            raise CannotPlay(self._rig.layout.no_wire)
        made = self._break(fault, tokens, attributes)
        place = made.fault.PLACE
        if place is not Place.REQUEST:
            wire.close_idle()
        wire.plan.add(made)
        try:
            if place is Place.LISTENER:
                await self._rig.settle(_STATES[made.fault.name])
            yield
        finally:
            wire.plan.remove(made.name)
            if place is Place.LISTENER:
                await self._rig.settle()

    def _break(
        self, fault: str | Fault, tokens: Sequence[str] | None, attributes: dict[str, object]
    ) -> Break:
        data: dict[str, object] = {"fault": fault} if isinstance(fault, str) else _as_data(fault)
        name = f"{data['fault']}.{self._prefix}.{next(self._numbers)}"
        data |= {"name": name, "seed": 1, "for_s": _LONGEST_S}
        if "for" in attributes:
            del data["for_s"]
        made = read_break(data | attributes)
        traced = self._rig.spec.traces and (tokens is None or tokens)
        if made.fault.PLACE is Place.REQUEST and traced:
            return made._replace(match=self._meant(made.match, tokens))
        check_alone(f"{made.fault.name} breaks the requests of all", alone=self._alone)
        return made

    def _meant(self, match: Match, tokens: Sequence[str] | None) -> Match:
        """Requests that contain one of the tokens, and fit what the break asks for besides."""
        traces = self._rig.spec.traces
        texts = [self._prefix] if tokens is None else tokens
        either = b"|".join(re.escape(text.encode()) for text in texts)
        pattern = re.compile(b".*(?:%b).*" % either, re.DOTALL)
        shown = {**match.patterns, traces: "|".join(texts)}
        return Match(shown, (*match.tests, (read_trait("traces", traces), pattern)))


def _as_data(fault: Fault) -> dict[str, object]:
    return {"fault": fault.name, **attributes_of(fault)}
