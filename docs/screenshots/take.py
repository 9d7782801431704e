"""Takes the screenshots of this folder anew: `.venv/bin/python docs/screenshots/take.py`.

Needs Debian's chromium. What is on them is a real system, brought into each state by the page's
own buttons; so two runs differ in their times and ports.
"""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

HERE = Path(__file__).parent
PORTS = ("a-port", "b-port", "wire", "control", "console-port")
UP = ("up", *(word for name in PORTS for word in (f"--{name}", "0")), "--drain-grace", "0")
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
WIDE = ViewportSize(width=1280, height=860)
NARROW = ViewportSize(width=390, height=844)


@contextmanager
def system() -> Iterator[str]:
    """A running `faultwire up`: the address of its page."""
    process = subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-m", "faultwire", *UP],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        said = "".join(process.stdout.readline() for _ in range(2)) if process.stdout else ""
        found = re.search(r"Open (\S+)", said)
        if found is None:
            raise SystemExit(f"faultwire up did not start: {said!r}")
        yield found[1]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def press(page: Page, name: str) -> None:
    """Press the button of this name."""
    page.get_by_role("button", name=name, exact=True).click()


def take(page: Page, name: str) -> None:
    """Keep what the page shows now."""
    page.screenshot(path=HERE / f"{name}.png")


def steady(page: Page, seconds: float) -> None:
    """Send requests for a while, with the picture in sight."""
    page.get_by_label("Rate").select_option("10")
    press(page, "Send steadily")
    page.wait_for_timeout(seconds * 1000)
    page.evaluate("scrollTo(0, 0)")


def break_it(page: Page) -> None:
    """A slow answer, and then one that A gave in vain."""
    steady(page, 3)
    take(page, "well")
    press(page, "latency")
    press(page, "Break: latency")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(4500)
    take(page, "latency")
    press(page, "Stop sending")
    press(page, "Mend all")
    page.wait_for_timeout(1500)  # what is under way ends
    press(page, "Pause A")
    press(page, "Send one")
    page.wait_for_timeout(2500)  # B has given up by then
    press(page, "Resume A")
    expect(page.locator(".steps")).to_contain_text("in vain")
    page.locator(".look .story").screenshot(path=HERE / "in-vain.png")


def other_states(page: Page) -> None:
    """A down, in the dark; a lesson; the check; a telephone."""
    page.emulate_media(color_scheme="dark")
    steady(page, 1)
    press(page, "Kill A")
    page.wait_for_timeout(3500)
    take(page, "a-down-dark")
    press(page, "Stop sending")
    page.emulate_media(color_scheme="light")
    press(page, "Guided tour")
    press(page, "Lesson 7: Reset")
    page.get_by_label("about a third").check()
    page.locator("#lesson-go").click()
    expect(page.locator(".seen")).to_contain_text("You predicted it.", timeout=30_000)
    take(page, "lesson")
    press(page, "Leave the tour")
    press(page, "Run the check")
    expect(page.locator("#check a").first).to_be_visible(timeout=120_000)
    page.locator("section:has(#check)").evaluate("(panel) => panel.scrollIntoView()")
    take(page, "check")
    page.set_viewport_size(NARROW)
    steady(page, 2)
    take(page, "telephone")


def main() -> None:
    """Take them all."""
    with system() as url, sync_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        page = browser.new_page(viewport=WIDE)
        page.goto(url)
        expect(page.locator("#link")).to_have_text("Live")
        break_it(page)
        other_states(page)
        browser.close()


if __name__ == "__main__":
    main()
