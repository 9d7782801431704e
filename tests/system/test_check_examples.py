"""The examples of services that are not ours: what docs/check.md says of each stays true."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from faultwire.check.checking import check
from faultwire.check.model import Report, Verdict
from faultwire.check.reading import read_spec
from faultwire.check.scenarios import select

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals, sessions, /proc")

ROOT = Path(__file__).parents[2]
HELD_AND_NOT = {
    "flask-requests": (("failure.status_500",), ("deadline.slow_body",)),
    "fastapi-httpx": (("retry.not_replayed", "contract.health"), ("failure.wrong_shape",)),
    "aiohttp": (("deadline.slow_body",), ("integrity.surplus_idle",)),
    "nginx": (("failure.timeout", "load.drain"), ("failure.malformed_length",)),
    "haproxy": (("failure.malformed_length", "load.drain"), ("deadline.slow_body",)),
}
"""Scenarios of each example: those that hold, and those that do not."""
PROGRAMS = {"nginx": "nginx", "haproxy": "haproxy"}
AT_ONCE = 3
PATH = os.pathsep.join(
    [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/sbin"]
)


def is_here(example: str) -> bool:
    return example not in PROGRAMS or shutil.which(PROGRAMS[example], path=PATH) is not None


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    """Each example's report. Several are examined at once: most of it is waiting."""

    async def examine() -> list[Report]:
        places = asyncio.Semaphore(AT_ONCE)

        async def one(example: str) -> Report:
            held, failed = HELD_AND_NOT[example]
            async with places:
                spec = read_spec(ROOT / "examples" / example / "check.toml")
                return await check(spec, select(only=[*held, *failed]))

        return await asyncio.gather(*map(one, here))

    here = [example for example in HELD_AND_NOT if is_here(example)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", PATH)
        return dict(zip(here, asyncio.run(examine()), strict=True))


@pytest.mark.timeout(180)
@pytest.mark.parametrize("example", HELD_AND_NOT)
def test_an_example_holds_and_fails_as_the_table_says(
    reports: dict[str, Report], example: str
) -> None:
    if not is_here(example):
        pytest.skip(f"{PROGRAMS[example]} is not here: apt-get install {PROGRAMS[example]}")
    held, failed = HELD_AND_NOT[example]
    results = {result.id: result for result in reports[example].scenarios}
    assert [
        (id_, results[id_].said) for id_ in held if results[id_].verdict is not Verdict.PASS
    ] == []
    assert [id_ for id_ in failed if results[id_].verdict is not Verdict.FAIL] == []


@pytest.mark.parametrize("example", HELD_AND_NOT)
def test_the_table_names_what_an_example_fails_and_not_what_it_holds(example: str) -> None:
    page = (ROOT / "docs" / "check.md").read_text("utf-8")
    (row,) = (line for line in page.splitlines() if line.startswith(f"| [{example}]"))
    held, failed = HELD_AND_NOT[example]
    assert [id_ for id_ in failed if f"`{id_}`" not in row] == []
    assert [id_ for id_ in held if f"`{id_}`" in row] == []
