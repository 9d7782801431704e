"""A break at work, and what it has chosen."""

import asyncio
from random import Random
from typing import Any

from faultwire.wire.faults.base import Fault, Phase, Place
from faultwire.wire.plan.breaks import Break
from faultwire.wire.plan.chance import Chance, Draw
from faultwire.wire.plan.schedule import Window

_TICK_S = 0.001  # a timer of uvloop may be early by so much: what is due then is due now


class Active:
    """A break at work: when it began, what it has counted, and who sleeps in it."""

    def __init__(self, made: Break, now: float) -> None:
        self.made = made
        self.since = now
        self.until = now + made.for_s
        self.chance = Chance(made.seed)
        self.seen = 0
        self.injected = 0
        self.mended = False
        self.sleepers: set[asyncio.Future[None]] = set()

    def choose(self, key: bytes, now: float) -> "Chosen | None":
        """Count one request, or connection, and say whether it is broken."""
        self.seen += 1
        draw = self.chance.draw(key)
        rate = self.made.rate * self.made.schedule.share(draw.turn, now - self.since)
        struck = rate >= 1 or draw.share < rate
        fault = self.made.fault_at(draw.turn) if struck else None
        if fault is None:
            return None
        self.injected += 1
        return Chosen(self, fault, draw)

    def over(self, now: float) -> bool:
        """Whether it has ended by itself."""
        return now + _TICK_S > self.until

    def covers(self, now: float) -> bool:
        """Whether a state of the listener holds now."""
        return self.made.schedule.share(0, now - self.since + _TICK_S) > 0

    def next_change(self, now: float) -> float:
        """When it ends or, for a state of the listener, changes."""
        schedule = self.made.schedule
        if self.made.fault.PLACE is Place.LISTENER and isinstance(schedule, Window):
            edge = schedule.next_edge(now - self.since + _TICK_S)
            if edge is not None:
                return min(self.until, self.since + edge)
        return self.until

    def mend(self) -> None:
        """Wake whoever sleeps; nobody sleeps in it again."""
        self.mended = True
        for sleeper in self.sleepers:
            if not sleeper.done():
                sleeper.set_result(None)
        self.sleepers.clear()

    def shown(self, now: float) -> dict[str, Any]:
        """The break as JSON, with its counts and the time it has left."""
        left_s = round(max(self.until - now, 0.0), 3)
        counts = {"seen": self.seen, "injected": self.injected, "left_s": left_s}
        return self.made.shown() | counts


class Chosen:
    """One fault for one request or connection.

    Who sleeps in it adds a future to `sleepers`, and takes it out again; mending sets the result
    of each. Once `mended`, nobody should begin to sleep.
    """

    __slots__ = ("_active", "_draw", "fault", "phase")

    def __init__(self, active: Active, fault: Fault, draw: Draw) -> None:
        self._active = active
        self._draw = draw
        self.fault = fault
        self.phase: Phase = active.made.phase

    @property
    def name(self) -> str:
        """The break's name."""
        return self._active.made.name

    @property
    def rng(self) -> Random:
        """The fault's chance for this request, from its beginning each time it is asked for."""
        return self._draw.rng

    @property
    def sleepers(self) -> set[asyncio.Future[None]]:
        return self._active.sleepers

    @property
    def mended(self) -> bool:
        return self._active.mended
