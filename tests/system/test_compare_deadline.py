"""The lesson of deadline propagation on the real pair: A works for nobody, or does not."""

import asyncio
import re

from tests.system.conftest import Start
from tests.system.hops import keeping_quiet
from tests.system.running import Running, get

WORK_MS = 1000
TIMEOUT_MS = 250
CALLS = 3


async def worked_ms(start: Start, policy: str) -> tuple[list[int], Running]:
    """How long A worked on each of some calls that B has given up, and A itself."""
    a = start("service-a", "--port", "0", "--work", f"{WORK_MS}ms")
    port = int(await asyncio.to_thread(lambda: a.url().rpartition(":")[2]))
    async with keeping_quiet(port) as url:
        words = ("--port", "0", "--upstream", url, "--timeout", f"{TIMEOUT_MS}ms")
        b = start("service-b", *words, "--policy", policy)
        b_url = await asyncio.to_thread(b.url)
        asked = (asyncio.to_thread(get, b_url, f"/call-echo?msg={n}") for n in range(CALLS))
        await asyncio.gather(*asked)
        await asyncio.to_thread(lambda: a.wait_for("endpoint=/echo", times=CALLS))
    lines = [line for line in a.lines if "endpoint=/echo" in line]
    found = [re.search(r"latency_ms=([0-9]+)", line) for line in lines]
    return [int(each[1]) for each in found if each], a


async def test_a_works_to_the_end_for_nobody_unless_it_is_told_the_deadline(start: Start) -> None:
    untold, ignorant = await worked_ms(start, "none")
    assert min(untold) >= 0.95 * WORK_MS
    assert not any("wasted_ms" in line for line in ignorant.lines), "it cannot even know"
    told, informed = await worked_ms(start, "deadline")
    assert len(told) == len(untold) == CALLS
    assert sum(told) < 0.75 * sum(untold)
    late = [line for line in informed.lines if "http_status=504" in line]
    assert len(late) == CALLS
    assert all(re.search(r" wasted_ms=[0-9]+", line) for line in late), late
