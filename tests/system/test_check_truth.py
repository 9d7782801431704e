"""The check finds each defect of a family of services, and nothing wrong with the careful one.

`python -m tests.system.truth 20` does the same with every scenario, again and again.
"""

import asyncio

import pytest

from faultwire.check.scenarios import select
from tests.system.truth.__main__ import AT_ONCE, complaints
from tests.system.truth.services import family

CARELESS = {name: each.found_by for name, each in family().items() if each.found_by}


def test_the_family_is_large_and_covers_every_group() -> None:
    assert len(CARELESS) >= 30
    groups = {scenario.group.value for scenario in select()}
    assert {found_by.partition(".")[0] for found_by in CARELESS.values()} == groups


@pytest.mark.timeout(180)
async def test_the_careful_one_has_a_clean_sheet() -> None:
    assert await complaints("Careful", select()) == []


async def test_a_pool_that_opens_connections_anew_is_no_leak() -> None:
    assert await complaints("OpensAnew", select(only=["isolation.connections_return"])) == []


async def test_failures_that_take_long_are_no_leak_of_memory() -> None:
    assert await complaints("FailsSlowly", select(only=["isolation.memory*"])) == []


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    """What is found wrong with each."""

    async def examine() -> list[list[str]]:
        places = asyncio.Semaphore(AT_ONCE)

        async def one(name: str) -> list[str]:
            async with places:
                return await complaints(name, select(only=[CARELESS[name]]))

        return await asyncio.gather(*map(one, CARELESS))

    return dict(zip(CARELESS, asyncio.run(examine()), strict=True))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", CARELESS)
def test_each_defect_is_found(found: dict[str, list[str]], name: str) -> None:
    assert found[name] == [CARELESS[name]]
