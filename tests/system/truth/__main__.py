"""Hold the check to the whole family, as often as asked: `python -m tests.system.truth [RUNS]`.

Every relative is examined with the scenarios of its group, the careful one with all of them.
Prints a line for each that is wrong, and how many there were; the exit status is 1 if any.
"""

import asyncio
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from faultwire.check.checking import check
from faultwire.check.model import Verdict
from faultwire.check.scenario import Scenario
from faultwire.check.scenarios import select
from faultwire.check.spec import Spec
from faultwire.check.target.presets import lab
from tests.system.truth.services import family

SERVICES = Path(__file__).with_name("services.py")
AT_ONCE = 6
"""How many are examined at a time: most of it is waiting."""

BAD = (Verdict.FAIL, Verdict.WARN, Verdict.FLAKY)


def target(name: str) -> Spec:
    """One of the family as a target."""
    command = [sys.executable, str(SERVICES), name]
    ends = "--port {port} --upstream {upstream}"
    return lab(b_command=f"{shlex.join(command)} {ends}", name=name)


async def complaints(name: str, scenarios: Sequence[Scenario]) -> list[str]:
    """The ids of what the check finds wrong with one of the family."""
    report = await check(target(name), scenarios)
    assert not report.aborted, report.aborted
    return [result.id for result in report.scenarios if result.verdict in BAD]


async def _one(name: str, places: asyncio.Semaphore) -> str:
    wanted = family()[name].found_by
    group = wanted.partition(".")[0]
    async with places:
        found = await complaints(name, select(groups=[group] if group else []))
    if (wanted in found) if wanted else not found:
        return ""
    return f"{name}: {', '.join(found) or 'nothing was found'}"


async def main(runs: int) -> int:
    """Examine all of them so often; how many verdicts were wrong."""
    places = asyncio.Semaphore(AT_ONCE)
    wrong = 0
    for number in range(1, runs + 1):
        said = await asyncio.gather(*(_one(name, places) for name in family()))
        for line in filter(None, said):
            wrong += 1
            print(f"run {number}: {line}", flush=True)
        print(f"run {number}: {len(said)} examined", flush=True)
    print(f"{wrong} wrong in {runs} runs")
    return wrong


if __name__ == "__main__":
    sys.exit(1 if asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 1)) else 0)
