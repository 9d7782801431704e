"""Which request gets which fault: the breaks that are active, in order.

The plan never asks the clock but through the loop it is given, and draws from nothing but the
seeds of its breaks: the n-th request of a key meets the same fate whenever and over whatever
connection it comes.
"""

from collections.abc import Callable
from typing import Any, Literal, Protocol

from faultwire.wire.faults.base import InvalidFault, Phase, Place
from faultwire.wire.plan.active import Active, Chosen
from faultwire.wire.plan.breaks import Break
from faultwire.wire.stream.head import Head

__all__ = ["MOST", "Chosen", "Clock", "Plan", "State"]

MOST = 100
"""Breaks that can be active at once."""

State = Literal["open", "refuse", "blackhole"]


class Timer(Protocol):
    """What `Clock.call_at` gives."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """What the plan needs of an event loop. Seconds from any beginning."""

    def time(self) -> float: ...

    def call_at(self, when: float, callback: Callable[[], None], /) -> Timer: ...


class Plan:
    """The active breaks, in the order they were added.

    `on_change` is called after every change of what is active and of `listener_state`: when
    something is added, removed or expires, and when a window of the listener opens or closes;
    `on_expired` with the name of each break whose time is over.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._active: dict[str, Active] = {}
        self._timer: Timer | None = None
        self.armed = False
        self.on_change: Callable[[], None] = lambda: None
        self.on_expired: Callable[[str], None] = lambda _name: None

    @property
    def listener_state(self) -> State:
        """What becomes of new connections. The first break in order decides."""
        now = self._clock.time()
        for active in self._active.values():
            fault = active.made.fault
            if fault.PLACE is Place.LISTENER and not active.over(now) and active.covers(now):
                return "refuse" if fault.name == "refuse" else "blackhole"
        return "open"

    def add(self, made: Break) -> None:
        """Begin a break. One of the same name is mended, and its place in the order taken.

        Raises `InvalidFault` when there are too many.
        """
        if made.name not in self._active and len(self._active) >= MOST:
            raise InvalidFault(f"No more than {MOST} faults can be active at once")
        before = self._active.get(made.name)
        self._active[made.name] = Active(made, self._clock.time())
        if before is not None:
            before.mend()
        self._changed()

    def remove(self, name: str) -> bool:
        """Mend one break; False if there is none of that name."""
        active = self._active.pop(name, None)
        if active is None:
            return False
        active.mend()
        self._changed()
        return True

    def reset(self) -> int:
        """Mend all; how many there were."""
        mended = list(self._active.values())
        self._active.clear()
        for active in mended:
            active.mend()
        self._changed()
        return len(mended)

    def active(self) -> list[dict[str, Any]]:
        """Every active break as JSON that can be sent again, with its counts."""
        now = self._clock.time()
        return [active.shown(now) for active in self._active.values() if not active.over(now)]

    def choose(self, head: Head, *, reused: bool = False) -> list[Chosen]:
        """The faults of a request, in the order they are played: all that compose, then one.

        `reused` says whether its connection has carried a request before.
        """
        chosen: list[Chosen] = []
        last: Chosen | None = None
        now = self._clock.time()
        for active in self._active.values():
            fault = active.made.fault
            if fault.PLACE is not Place.REQUEST or (last and not fault.COMPOSES):
                continue
            if (fault.REUSED_ONLY and not reused) or active.over(now):
                continue
            if not active.made.match(head):
                continue
            one = active.choose(active.made.key_of(head), now)
            if one is not None and fault.COMPOSES:
                chosen.append(one)
            elif one is not None:
                last = one
        return chosen if last is None else _together(chosen, last)

    def on_accept(self) -> list[Chosen]:
        """The fault of a new connection: none or one."""
        now = self._clock.time()
        for active in self._active.values():
            if active.made.fault.PLACE is Place.ACCEPT and not active.over(now):
                one = active.choose(b"", now)
                if one is not None:
                    return [one]
        return []

    def close(self) -> None:
        """Mend all and call nobody any more."""
        self.on_change = lambda: None
        self.on_expired = lambda _name: None
        self.reset()

    def _changed(self) -> None:
        self.armed = any(a.made.fault.PLACE is not Place.LISTENER for a in self._active.values())
        self._arm()
        self.on_change()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._active:
            now = self._clock.time()
            when = min(active.next_change(now) for active in self._active.values())
            self._timer = self._clock.call_at(when, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = self._clock.time()
        for name, active in list(self._active.items()):
            if active.over(now):
                del self._active[name]
                active.mend()
                self.on_expired(name)
        self._changed()


def _together(composing: list[Chosen], last: Chosen) -> list[Chosen]:
    """A fault that does not call the upstream decides the same for those that compose with it."""
    if last.phase is Phase.BEFORE:
        for one in composing:
            one.phase = Phase.BEFORE
    return [*composing, last]
