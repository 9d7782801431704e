"""From where a target's growth is counted."""

from collections.abc import AsyncIterator

import pytest

from faultwire.check.scenarios.expectations import MIB, at_rest


@pytest.mark.parametrize(
    ("mebibytes", "rest"),
    [
        ([50, 50, 50, 90], 50),
        ([50, 90, 160, 260, 60, 60, 60, 99], 60),
        ([50, 50.5, 51, 99], 51),
        ([300, 200, 100, 50, 50, 50], 50),
        ([50, 90, 130, 170], 170),
        ([50], 50),
    ],
)
async def test_growth_is_counted_from_where_the_memory_has_come_to_rest(
    mebibytes: list[float], rest: float
) -> None:
    async def readings() -> AsyncIterator[int]:
        for each in mebibytes:
            yield int(each * MIB)

    assert await at_rest(readings()) == int(rest * MIB)
