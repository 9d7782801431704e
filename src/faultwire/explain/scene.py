"""What the services said of their own lives, so that it can be known how things stood at a time."""

import re
from bisect import bisect_right

from msgspec.structs import replace

from faultwire.explain.entry import WIRE, A, B, Entry
from faultwire.explain.surroundings import NOTHING, Surroundings

_MOST = 4096
"""So many changes are remembered; the older half goes when there are more."""
_EPISODE_S = 30.0
"""A breaker that has not been heard of for so long has opened anew."""
_GOOD = (
    re.compile(rb"service=B endpoint=/call\S* status=ok"),
    re.compile(rb'"service":"B","endpoint":"/call[^"\\]*","status":"ok"'),
    re.compile(rb" service_b GET /call\S* 200 "),
)
A_SPEAKS = re.compile(rb'service=A |"service": ?"A"| service_a ')
_NEAR_S = 2.0


class Scene:
    """The surroundings of any time, from the services' own events in about their order."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._states: list[Surroundings] = []
        self._names: dict[str, str] = {}  # of active faults, by the name they were given
        self.upstream_logged = False
        self._worked = False
        self._last: tuple[Surroundings, Surroundings] | None = None  # a state, and all there is
        self._breaker_since = 0.0
        self._breaker_heard = 0.0
        self._reason = ""

    def at(self, time: float) -> Surroundings:
        """How things stood."""
        place = bisect_right(self._times, time) if time else len(self._times)
        state = self._states[place - 1] if place else NOTHING
        if self._last is None or self._last[0] is not state:
            said = replace(state, upstream_logged=self.upstream_logged, worked_before=self._worked)
            self._last = state, said
        return self._last[1]

    def heard_of_upstream(self) -> None:
        """There are lines of A."""
        if not self.upstream_logged:
            self.upstream_logged, self._last = True, None

    def look_for_success(self, data: bytes) -> None:
        """Remember it if B has had a good answer of A: the address is right, then."""
        if not self._worked and any(good.search(data) for good in _GOOD):
            self._worked, self._last = True, None

    def event(self, entry: Entry) -> None:
        """A service said something of its life."""
        state = self._states[-1] if self._states else NOTHING
        changed = self._after(state, entry)
        if changed == state:
            return
        self._times.append(max(entry.end, self._times[-1] if self._times else 0.0))
        self._states.append(changed)
        if len(self._times) > _MOST:
            del self._times[: _MOST // 2], self._states[: _MOST // 2]

    def breaker(self, at: float) -> Surroundings:
        """The breaker was open at this time: since when, and after what."""
        if not self._breaker_heard or at - self._breaker_heard > _EPISODE_S:
            self._breaker_since = at
        self._breaker_heard = max(at, self._breaker_heard)
        return replace(self.at(at), breaker_since=self._breaker_since, breaker_reason=self._reason)

    def failed(self, reason: str) -> None:
        """A call was made and failed: what may open a breaker later."""
        self._reason = reason

    def _after(self, state: Surroundings, entry: Entry) -> Surroundings:
        said = entry.event
        if said == "listening":
            return self._listening(state, entry)
        if said == "stopped" and entry.service == A:
            return replace(state, upstream_stopped=entry.end)
        if said == "stopped" and entry.service == WIRE:
            return replace(state, wire_stopped=entry.end, faults=self._mended(None))
        if said == "fault_set":
            self._names[entry.name] = entry.fault
            return replace(state, faults=tuple(self._names.values()))
        if said in ("fault_mended", "fault_expired"):
            return replace(state, faults=self._mended(entry.name))
        return state

    def _listening(self, state: Surroundings, entry: Entry) -> Surroundings:
        if entry.service == A:
            return replace(state, upstream_url=entry.url, upstream_stopped=0.0)
        if entry.service == WIRE:
            return replace(state, wire_url=entry.url, wire_to=entry.to, wire_stopped=0.0)
        if entry.service == B:
            self._worked, self._last = False, None  # it may have been given another address
        return state

    def _mended(self, name: str | None) -> tuple[str, ...]:
        if name is None:
            self._names.clear()
        else:
            self._names.pop(name, None)
        return tuple(self._names.values())


def near(at: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """The time just before and just after."""
    return (at - _NEAR_S, at - 0.001), (at + 0.001, at + _NEAR_S)
