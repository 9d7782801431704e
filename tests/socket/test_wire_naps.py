"""Sleeps of faults: never too short, in the order they are due, and forgotten when they end."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from random import Random
from time import monotonic
from typing import Any

import pytest

from faultwire.wire.link import naps as rooms
from faultwire.wire.link.naps import Naps
from faultwire.wire.plan import Chosen, Plan
from faultwire.wire.plan.breaks import read_break
from faultwire.wire.stream.head import Head
from tests.socket.serving import NewLoop
from tests.socket.wires import GET

PATIENCE_S = 20.0


@pytest.fixture
def run(new_loop: NewLoop) -> Callable[[Coroutine[Any, Any, None]], None]:
    """Runs a coroutine on a loop of either kind."""

    def run(coroutine: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(asyncio.wait_for(coroutine, PATIENCE_S))

    return run


Run = Callable[[Coroutine[Any, Any, None]], None]


def a_fault() -> tuple[Plan, Chosen]:
    plan = Plan(asyncio.get_running_loop())
    plan.add(read_break({"fault": "latency"}))
    return plan, plan.choose(Head(GET))[0]


def test_no_nap_ends_early(run: Run) -> None:
    async def nap_often() -> None:
        room, (plan, chosen), chance = Naps(), a_fault(), Random(7)  # noqa: S311

        async def nap(seconds: float) -> float:
            began = monotonic()
            await room.nap(chosen, seconds)
            return monotonic() - began - seconds

        spared: list[float] = []
        for _ in range(10):
            wanted = [chance.uniform(0.0001, 0.009) for _ in range(50)]
            spared += await asyncio.gather(*map(nap, wanted))
        assert min(spared) >= 0
        assert len(room) == 0
        plan.close()

    run(nap_often())


def test_who_is_due_first_wakes_first(run: Run) -> None:
    async def nap_in_turns() -> None:
        room, (plan, chosen) = Naps(), a_fault()
        woken: list[int] = []

        async def nap(number: int) -> None:
            await room.nap(chosen, number / 1000)
            woken.append(number)

        await asyncio.gather(*map(nap, (9, 3, 12, 1, 6)))
        assert woken == [1, 3, 6, 9, 12]
        plan.close()

    run(nap_in_turns())


def test_mending_wakes_all_and_nobody_naps_again(run: Run) -> None:
    async def nap_until_mended() -> None:
        room, (plan, chosen) = Naps(), a_fault()
        naps = [asyncio.ensure_future(room.nap(chosen, 3600)) for _ in range(100)]
        await asyncio.sleep(0)
        plan.reset()
        await asyncio.gather(*naps)
        await room.nap(chosen, 3600)

    run(nap_until_mended())


def test_naps_that_are_given_up_are_forgotten(run: Run) -> None:
    async def give_up() -> None:
        room, (plan, chosen) = Naps(), a_fault()
        kept = asyncio.ensure_future(room.nap(chosen, 0.01))
        for _ in range(1000):
            nap = asyncio.ensure_future(room.nap(chosen, 3600))
            await asyncio.sleep(0)
            nap.cancel()
            with suppress(asyncio.CancelledError):
                await nap
        assert len(room) <= 2 * rooms._FEW + 3
        assert not [sleeper for sleeper in chosen.sleepers if sleeper.done()]
        await kept
        plan.close()
        room.close()

    run(give_up())
