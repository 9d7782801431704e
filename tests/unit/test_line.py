"""The line before a service's places: nobody is forgotten, no place is lost."""

import asyncio
from random import Random

import pytest

from faultwire.services.line import Line


async def rounds() -> None:
    """Let what is due happen."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_places_are_given_in_the_order_of_the_line() -> None:
    line = Line(2)
    entered: list[int] = []

    async def enter(number: int) -> None:
        assert await line.enter(None)
        entered.append(number)

    waiting = [asyncio.create_task(enter(number)) for number in range(5)]
    for expected in (2, 3, 4, 5):
        await rounds()
        assert entered == list(range(expected))
        line.leave()
    await asyncio.gather(*waiting)


async def test_who_has_waited_long_enough_goes_without() -> None:
    line = Line(1)
    assert await line.enter(None)
    assert not await line.enter(0.0)
    line.leave()
    assert await line.enter(0.0)


async def test_who_has_left_the_line_is_forgotten_at_once() -> None:
    """Not when a place becomes free: that may take long, and many may come until then."""
    line = Line(1)
    assert await line.enter(None)
    for _ in range(100):
        assert not await line.enter(0.0)
    leaving = asyncio.create_task(line.enter(None))
    await rounds()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert not line._waiting


async def test_a_turn_that_comes_to_one_who_is_leaving_goes_to_the_next() -> None:
    line = Line(1)
    assert await line.enter(None)
    leaving, next_one = (asyncio.create_task(line.enter(None)) for _ in range(2))
    await rounds()
    line.leave()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await next_one


@pytest.mark.parametrize("seed", range(20))
async def test_however_they_come_and_go_all_places_are_free_in_the_end(seed: int) -> None:
    random, line, most = Random(seed), Line(3), 0  # noqa: S311 - a test
    inside = 0

    async def visit() -> None:
        nonlocal inside, most
        if await line.enter(random.choice([None, 0.0])):
            try:
                inside += 1
                most = max(most, inside)
                for _ in range(random.randrange(4)):
                    await asyncio.sleep(0)
            finally:
                inside -= 1
                line.leave()

    visits = []
    for _ in range(100):
        visits.append(asyncio.create_task(visit()))
        if random.random() < 0.3:
            random.choice(visits).cancel()
        if random.random() < 0.5:
            await asyncio.sleep(0)
    await asyncio.gather(*visits, return_exceptions=True)
    assert most == 3
    for _ in range(3):
        assert await line.enter(0.0)
    assert not await line.enter(0.0)
