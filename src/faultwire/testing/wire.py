"""A wire for tests: it stands in front of an upstream, breaks as told, and knows what it saw."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from faultwire.testing.background import Background
from faultwire.wire.ledger import Query, Record
from faultwire.wire.plan.breaks import Break, read_break
from faultwire.wire.proxy import Wire
from faultwire.wire.upstream import Upstream

_ALL = 10_000
_READY_S = 10.0
_LOOK_S = 0.005


class TestWire:
    """A wire that runs in a `Background`. `url` is what the code under test is to call."""

    __test__ = False  # pytest takes it for a test by its name

    def __init__(self, background: Background, wire: Wire) -> None:
        self._background = background
        self._wire = wire
        self.url = wire.url
        self.host = wire.gate.host
        self.port = wire.gate.port

    @contextmanager
    def breaking(self, fault: str, **settings: object) -> Iterator[None]:
        """Break requests inside the block: a fault of the catalogue, its attributes, `rate` & co.

            with wire.breaking("latency", delay_ms="2s", rate=0.3, seed=7, match={"path": "/a"}):

        Raises `InvalidFault` with one sentence where that is no fault.
        """
        made = self.start_breaking(fault, **settings)
        try:
            yield
        finally:
            self.mend(made.name)

    def start_breaking(self, fault: str, **settings: object) -> Break:
        """Break requests from now on, until `mend`. Raises `InvalidFault`."""
        made = read_break({"fault": fault, **settings})
        self._background.call(self._wire.plan.add, made)
        return made

    def mend(self, name: str = "") -> None:
        """Mend one break by its name, or all."""
        plan = self._wire.plan
        if name:
            self._background.call(plan.remove, name)
        else:
            self._background.call(plan.reset)

    def follow(self, up: bool) -> None:
        """Return when it has noticed that its upstream is there, or that it is not."""
        self._background.run(self._followed(up=up), _READY_S)

    async def _followed(self, *, up: bool) -> None:
        watch = self._wire.watch
        watch.suspect()  # look now, not when it is due
        while watch.up is not up:  # noqa: ASYNC110 - a fault may keep the gate as it is
            await asyncio.sleep(_LOOK_S)

    @property
    def ledger(self) -> list[Record]:
        """What the wire saw, request by request, the oldest first, as it stands now."""
        return self.records(Query(limit=_ALL))

    def records(self, query: Query) -> list[Record]:
        """What the wire saw that fits a query."""

        def found() -> list[Record]:
            return [replace(record) for record in self._wire.ledger.find(query).records]

        return sorted(self._background.call(found), key=lambda record: record.id)


@contextmanager
def running_wire(background: Background, upstream: str) -> Iterator[TestWire]:
    """A wire on a free port to the upstream's URL. Raises `ValueError` where that is none."""
    wire = background.run(_start(upstream), _READY_S)
    try:
        yield TestWire(background, wire)
    finally:
        background.run(wire.close())


async def _start(upstream: str) -> Wire:
    wire = Wire(Upstream(upstream))
    await wire.start()
    return wire
