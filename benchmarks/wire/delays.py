"""Thousands of requests delayed at once: are they on time, and what do the others notice?"""

import asyncio
import time

import uvloop

from benchmarks.load import Load, run_wrk
from benchmarks.measure import resident_bytes
from benchmarks.processes import StackFailedError
from benchmarks.wire.control import mend, set_latency
from benchmarks.wire.crowd import Crowd
from benchmarks.wire.descriptors import most_links, raise_file_limit
from benchmarks.wire.hops import HOPS, WIRE, Standing, standing
from benchmarks.wire.passing import CONNECTIONS, PATH, WARM_UP_S
from benchmarks.wire.samples import Delays, Wave, Waves

CROWD = 5_000
DELAYED_PATH = "/delayed"
WAVES_S = ((2.5, 4.0), (0.0, 3.0))
"""Over how long the crowd asks, and the delay: longer, so that all of it waits at once."""

_HELD_S = 300.0  # longer than the load that runs meanwhile: mending ends it
_ASKING_S = 1.0
_SETTLING_S = 1.0


def crowd_size() -> int:
    """How many clients there can be, with those that are not delayed beside them."""
    return min(CROWD, most_links(raise_file_limit()) - CONNECTIONS)


def take_delays(seconds: int) -> Delays:
    """Start a wire, let a crowd come, delay it, measure, stop it.

    Raises StackFailedError or LoadFailedError.
    """
    with standing(HOPS[WIRE]) as place, asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        crowd = Crowd(place.port, DELAYED_PATH)
        try:
            return _Trial(place, loop, crowd, seconds).run()
        finally:
            loop.run(crowd.close())


class _Trial:
    """The loop runs only while the crowd has something to do; wrk has the machine otherwise."""

    def __init__(self, place: Standing, loop: asyncio.Runner, crowd: Crowd, seconds: int) -> None:
        self._place = place
        self._loop = loop
        self._crowd = crowd
        self._seconds = seconds

    def run(self) -> Delays:
        run_wrk(self._place.url(PATH), CONNECTIONS, WARM_UP_S)
        before = self._load()
        start_bytes, _ = self._memory()
        set_latency(self._place.site.control, DELAYED_PATH, _HELD_S)
        armed = self._load()
        self._loop.run(self._crowd.connect(crowd_size()))
        self._begin_to_wait()
        first_bytes, _ = self._memory()
        meanwhile = self._load()
        self._mend()
        after = self._load()
        waves = tuple(self._waves(over_s, delay_s) for over_s, delay_s in WAVES_S)
        set_latency(self._place.site.control, DELAYED_PATH, _HELD_S)
        self._begin_to_wait()
        last_bytes, peak_bytes = self._memory()
        self._mend()
        return Delays(
            waves=waves,
            before=before,
            armed=armed,
            meanwhile=meanwhile,
            after=after,
            start_bytes=start_bytes,
            first_bytes=first_bytes,
            last_bytes=last_bytes,
            peak_bytes=peak_bytes,
        )

    def _load(self) -> Load:
        return run_wrk(self._place.url(PATH), CONNECTIONS, self._seconds)

    def _memory(self) -> tuple[int, int]:
        return resident_bytes(self._place.session) if self._place.session else (0, 0)

    def _begin_to_wait(self) -> None:
        """Let the crowd ask, and give the wire the time to take it all."""
        self._crowd.delayed = True
        self._loop.run(self._crowd.ask(_ASKING_S))
        time.sleep(_SETTLING_S)
        if (answered := self._crowd.size - self._crowd.unanswered) > 0:
            raise StackFailedError(f"{answered} requests were not delayed")

    def _mend(self) -> None:
        """End the delay: whoever waits must have the right answer now."""
        mend(self._place.site.control)
        if wrong := self._loop.run(self._crowd.wait(0)):
            raise StackFailedError(f"{wrong} of {self._crowd.size} were answered wrong when mended")

    def _waves(self, over_s: float, delay_s: float) -> Waves:
        self._crowd.delayed = False
        plain = self._loop.run(self._crowd.wave(over_s, 0.0))
        return Waves(plain, self._delayed(over_s, 0.0), self._delayed(over_s, delay_s))

    def _delayed(self, over_s: float, delay_s: float) -> Wave:
        set_latency(self._place.site.control, DELAYED_PATH, delay_s)
        self._crowd.delayed = True
        wave = self._loop.run(self._crowd.wave(over_s, delay_s))
        mend(self._place.site.control)
        return wave
