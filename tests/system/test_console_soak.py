"""The console under load for as long as it is asked to: `SOAK_MINUTES=10 pytest THIS_FILE`.

2,000 requests a second through the pair, the page open. What is bounded stays where it is: the
process, the page's memory, the number of its elements. The load comes from a process of its own,
so that the console's time is the console's.
"""

import os
import sys
import time
from itertools import pairwise

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.system.running import Running
from tests.system.test_console import Lab, browser, lab, page, playwright, pytestmark

__all__ = ["browser", "lab", "page", "playwright", "pytestmark"]

MINUTES = float(os.environ.get("SOAK_MINUTES", "0"))
RATE = 2000
WARM_S = 20
LOOK_S = 5
MOST_GROWTH = 1.25
"""From the first third to the last: what leaks grows with time, what is bounded does not."""

LOAD = """
import asyncio, sys
from faultwire.http.address import parse_origin
from faultwire.lab.console.drive import Drive, Traffic

class Nobody:
    def begin(self, *_): pass
    def end(self, *_): pass

async def main(url, rate, seconds):
    drive = Drive(parse_origin(url), Nobody(), lambda: 0.0)
    while seconds > 0:
        drive.begin(Traffic(rate=rate, for_s=min(seconds, 600)))
        await asyncio.sleep(min(seconds, 600))
        seconds -= 600

asyncio.run(main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3])))
"""
FRAMES = (
    "() => { window.frames_ = 0; (function f() { frames_ += 1; requestAnimationFrame(f); })(); }"
)
LOOK = """() => ({
    frames: frames_, heap: performance.memory.usedJSHeapSize,
    elements: document.querySelectorAll('*').length,
})"""


@pytest.mark.skipif(not MINUTES, reason="takes its time: set SOAK_MINUTES")
@pytest.mark.timeout(MINUTES * 60 + 120)
def test_an_open_page_under_load_stays_bounded_quick_and_cheap(page: Page, lab: Lab) -> None:
    seconds = MINUTES * 60
    process = psutil.Process(lab.process.pid)
    looks: list[tuple[float, ...]] = []
    words = (lab.b, str(RATE), str(seconds + WARM_S))
    with Running(*words, command=(sys.executable, "-c", LOAD)):
        page.wait_for_timeout(WARM_S * 1000)
        page.evaluate(FRAMES)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            page.wait_for_timeout(LOOK_S * 1000)
            seen = page.evaluate(LOOK)
            used = process.cpu_times()
            looks.append(
                (
                    *(time.monotonic(), used.user + used.system, seen["frames"]),
                    *(process.memory_info().rss, seen["heap"], seen["elements"]),
                )
            )
        expect(page.locator("#link")).to_have_text("Live")
    spent = [(b[0] - a[0], b[1] - a[1], b[2] - a[2]) for a, b in pairwise(looks)]
    cpu = sum(each[1] for each in spent) / sum(each[0] for each in spent)
    frames = sum(each[2] for each in spent) / sum(each[0] for each in spent)
    third = max(len(looks) // 3, 1)
    growth = [
        max(look[what] for look in looks[-third:]) / max(look[what] for look in looks[:third])
        for what in (3, 4, 5)
    ]
    sys.stdout.write(
        f"{cpu:.1%} of a core, {frames:.0f} frames/s, growth of RSS, heap, elements: {growth}\n"
    )
    assert max(growth) < MOST_GROWTH
    assert frames >= 30
    assert cpu < 0.15
