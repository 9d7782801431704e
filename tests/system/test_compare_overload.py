"""The lessons of overload on the real pair, smaller, and held to the simulator.

A works on two requests at once for 20 ms each: 100 a second are all it can do.
"""

import asyncio
import math
import os
import signal
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from time import time

import pytest

from faultwire.compare.load import Load
from faultwire.services.descriptors import raise_descriptor_limit
from faultwire.simulate.lessons.retry_storm import RETRY
from faultwire.simulate.run import Result, Variant
from faultwire.simulate.run import run as simulated
from faultwire.simulate.scenario import Scenario, Trouble
from tests.system.conftest import Start
from tests.system.hops import Door, keeping_quiet
from tests.system.running import Running

pytestmark = pytest.mark.no_cover  # services that are traced come too late

RATE = 50.0
CAPACITY = 100.0
AT_ONCE = 2
LATE_S = 0.3
"""Where requests are sent so late, services cannot do what they could: nothing can be learnt."""

PATIENT = "attempt_timeout(timeout=1s)"


class Told:
    """How many requests were due and well answered, by the second in which each was due."""

    def __init__(self) -> None:
        self.due: Counter[int] = Counter()
        self.good: Counter[int] = Counter()
        self._told = asyncio.Event()

    def ended(self, arrived: float, _now: float, *, good: bool) -> None:
        self.due[int(arrived)] += 1
        self.good[int(arrived)] += good
        self._told.set()

    def unsent(self, arrived: float) -> None:
        self.ended(arrived, arrived, good=False)

    def share(self, second: int) -> float:
        return self.good[second] / self.due[second]

    async def reached(self, second: int) -> None:
        """What was due before this second has been answered."""
        while sum(n for at, n in self.due.items() if at < second) < RATE * second - 1:
            self._told.clear()
            await self._told.wait()


async def url_of(service: Running) -> str:
    return await asyncio.to_thread(service.url)


async def overloadable(start: Start) -> tuple[Running, int]:
    """A, and its port."""
    work = f"{AT_ONCE / CAPACITY:g}s"
    a = start("service-a", "--port", "0", "--work", work, "--at-once", str(AT_ONCE))
    return a, int((await url_of(a)).rpartition(":")[2])


@asynccontextmanager
async def loaded(
    start: Start, upstream: str, policies: str, *, timeout_s: float, for_s: float
) -> AsyncIterator[Told]:
    """B before this upstream, and a load on it that is not waited for.

    On a machine that is too busy to send it in time, the test is skipped.
    """
    raise_descriptor_limit()
    words = ("--port", "0", "--upstream", upstream, "--timeout", f"{timeout_s}s")
    b = start("service-b", *words, "--policy", policies)
    told, stop = Told(), asyncio.Event()
    load = Load(
        await url_of(b),
        told,
        rate=RATE,
        duration_s=for_s,
        patience_s=timeout_s + 5.0,
        stop=stop,
    )
    with closing(load):
        assert await load.try_once() == ""
        playing = asyncio.create_task(load.play())
        try:
            yield told
        finally:
            stop.set()
            playing.cancel()
            await asyncio.to_thread(b.stop)  # before those whom it calls
        if load.latest_s > LATE_S:
            pytest.skip(f"this machine is too busy: a request was sent {load.latest_s:.1f} s late")


def virtual(policies: str, *, timeout_s: float, for_s: float, trouble: Trouble) -> Result:
    """The same in virtual time."""
    scenario = Scenario(
        clients=int(RATE / 0.005),
        arrivals="constant",
        duration_s=for_s,
        timeout_s=timeout_s,
        utilisation=RATE / CAPACITY,
        trouble=trouble,
    )
    assert scenario.workers == AT_ONCE
    assert scenario.capacity == pytest.approx(CAPACITY)
    return simulated(Variant(name=policies, policies=policies, scenario=scenario), seed=1)


PAUSED_S = 1.5
WATCHED_S = 4
MOST_S = 30
"""How long the overload is given to end, where it must."""


async def after_a_pause(start: Start, policies: str) -> list[float]:
    """The shares of good answers second by second: A stands still for a while after two.

    For `WATCHED_S` behind it, or until nearly all is well.
    """
    a, port = await overloadable(start)
    async with (
        keeping_quiet(port) as url,
        loaded(start, url, policies, timeout_s=1.0, for_s=MOST_S + 10.0) as told,
    ):
        await told.reached(2)
        os.kill(a.pid, signal.SIGSTOP)
        asyncio.get_running_loop().call_later(PAUSED_S, os.kill, a.pid, signal.SIGCONT)
        ends = 2 + math.ceil(PAUSED_S)
        for second in range(ends, ends + MOST_S):
            await told.reached(second + 1)
            if told.share(second) > 0.9 or ("budget" not in policies and second > ends + WATCHED_S):
                break
        return [told.share(second) for second in sorted(told.due)][: second + 1]


@pytest.mark.timeout(180)
async def test_an_overload_outlives_its_cause_unless_retries_have_a_budget(start: Start) -> None:
    """The lesson of metastable failure."""
    trouble = Trouble(start_s=2.0, end_s=2.0 + PAUSED_S, slowdown=30.0)
    for policies, recovers in ((RETRY, False), (f"{RETRY}+budget", True)):
        told = virtual(policies, timeout_s=1.0, for_s=MOST_S + 10.0, trouble=trouble)
        ends = 2 + math.ceil(PAUSED_S)
        foreseen = [
            good / due
            for good, due in zip(told.good_per_s, told.requests_per_s, strict=True)
            if due
        ]
        found = await after_a_pause(start, policies)
        assert found[0] > 0.9, found
        assert foreseen[0] > 0.9, foreseen
        if recovers:
            assert max(foreseen[ends:]) > 0.9, foreseen
            assert found[-1] > 0.9, found
        else:
            assert max(foreseen[ends + 1 : ends + WATCHED_S]) < 0.3, foreseen
            assert max(found[ends + 1 : ends + WATCHED_S]) < 0.3, found


CLOSED_S = 4
WAVE_S = 4
"""How long the wave is waited for: a busy machine sends it late, but not in drops."""


async def herd(start: Start, policies: str) -> int:
    """How many requests come to A in the worst second after its door opens again."""
    _, port = await overloadable(start)
    door = Door(port)
    async with (
        door.standing() as url,
        loaded(start, url, policies, timeout_s=30.0, for_s=CLOSED_S + WAVE_S + 2.0),
    ):
        await door.until(time() + 0.5)
        door.opens_at = opens_at = math.ceil(time()) + CLOSED_S - 1.0
        await door.until(opens_at + WAVE_S)
        assert sum(came < opens_at for came in door.came_at) > RATE * (CLOSED_S - 1.5)
        behind = [came for came in door.came_at if came >= opens_at]
        return max(bisect_left(behind, came + 1.0) - at for at, came in enumerate(behind))


@pytest.mark.timeout(180)
async def test_all_who_were_told_the_same_instant_come_in_it_unless_jitter_is_wide(
    start: Start,
) -> None:
    """The lesson of the thundering herd."""
    trouble = Trouble(start_s=1.0, end_s=1.0 + CLOSED_S, retry_after=True)
    peaks, foreseen = [], []
    for settings in ("base=1s,jitter=none", "base=16s"):
        policies = f"retry(attempts=4,cap=30s,{settings})+{PATIENT}"
        told = virtual(policies, timeout_s=30.0, for_s=CLOSED_S + WAVE_S + 2.0, trouble=trouble)
        foreseen.append(max(told.attempts_per_s[1 + CLOSED_S :][:WAVE_S]))
        peaks.append(await herd(start, policies))
    assert peaks[0] == pytest.approx(foreseen[0], rel=0.35)
    assert peaks[0] > 1.5 * CAPACITY
    for together, spread in (peaks, foreseen):
        assert spread < 0.7 * together
