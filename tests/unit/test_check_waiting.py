"""Waiting for what the wire sees or the target says, and being told to stop meanwhile."""

import asyncio

import pytest

from faultwire.check.play.played import or_timeout


@pytest.mark.parametrize("rounds", range(4))
async def test_who_is_cancelled_just_when_the_wait_is_over_is_cancelled(rounds: int) -> None:
    over = asyncio.Event()

    async def wait() -> None:
        await or_timeout(_set(over), 60.0)
        await asyncio.Event().wait()

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    over.set()
    for _ in range(rounds):
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting}, timeout=1.0)
    assert waiting.cancelled()


async def test_a_wait_ends_when_its_time_is_over() -> None:
    async with asyncio.timeout(5.0):
        await or_timeout(_set(asyncio.Event()), 0.0)


async def _set(event: asyncio.Event) -> None:
    await event.wait()
