"""The check finds each defect of a family of services, and nothing wrong with the careful one.

`python -m tests.system.truth 20` does the same with every scenario, again and again.
"""

import asyncio
import functools

import pytest

from faultwire.check.scenarios import select
from tests.system.truth.__main__ import AT_ONCE, complaints
from tests.system.truth.services import family

CARELESS = {name: each.found_by for name, each in family().items() if each.found_by}
HARMLESS = {"OpensAnew": "isolation.connections_return", "FailsSlowly": "isolation.memory*"}
"""Those that do what looks like a defect and is none, and by what they must not be found."""


def test_the_family_is_large_and_covers_every_group() -> None:
    assert len(CARELESS) >= 30
    groups = {scenario.group.value for scenario in select()}
    assert {found_by.partition(".")[0] for found_by in CARELESS.values()} == groups


@pytest.mark.timeout(180)
async def test_the_careful_one_has_a_clean_sheet() -> None:
    assert await complaints("Careful", select()) == []


@functools.cache
def found() -> dict[str, list[str] | BaseException]:
    """What is found wrong with each of the others; most of it is waiting, so they wait together."""
    asked = {**CARELESS, **HARMLESS}
    names = list(reversed(asked))  # whoever takes long is among the last

    async def examine() -> list[list[str] | BaseException]:
        places = asyncio.Semaphore(AT_ONCE)

        async def one(name: str) -> list[str]:
            async with places:
                return await complaints(name, select(only=[asked[name]]))

        return await asyncio.gather(*map(one, names), return_exceptions=True)

    return dict(zip(names, asyncio.run(examine()), strict=True))


@pytest.mark.timeout(300)
@pytest.mark.no_cover
@pytest.mark.parametrize("name", CARELESS)
def test_each_defect_is_found(name: str) -> None:
    assert found()[name] == [CARELESS[name]]


@pytest.mark.timeout(300)
@pytest.mark.no_cover
@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_no_defect_is_not_found(name: str) -> None:
    assert found()[name] == []
