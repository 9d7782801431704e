"""The HTML report in a real browser: readable by everybody, whole without a network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from faultwire.check.report import html
from tests.system.browser import browser, complaints, needs_chromium
from tests.unit.check_reports import one_of_each

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as launched:
        yield launched


@pytest.fixture
def report_file(tmp_path: Path) -> str:
    path = tmp_path / "report.html"
    path.write_text(html.render(one_of_each()), "utf-8")
    return path.as_uri()


Scheme = Literal["light", "dark"]


def opened(chromium: Browser, url: str, width: int = 1200, scheme: Scheme = "light") -> Page:
    page = chromium.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(url)
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_about(
    chromium: Browser, report_file: str, scheme: Scheme
) -> None:
    page = opened(chromium, report_file, scheme=scheme)
    for summary in page.locator("summary").all():
        if not summary.evaluate("each => each.parentElement.open"):
            summary.click()
    assert complaints(page) == ""


def test_it_asks_for_nothing_and_runs_nothing(chromium: Browser, report_file: str) -> None:
    page = chromium.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("console", lambda message: said.append(message.text))
    page.goto(report_file)
    assert asked == [report_file]
    assert said == []


@pytest.mark.parametrize("width", [360, 2560])
def test_no_width_makes_the_page_scroll_sideways(
    chromium: Browser, report_file: str, width: int
) -> None:
    page = opened(chromium, report_file, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_what_failed_stands_open_and_the_rest_opens_by_keyboard(
    chromium: Browser, report_file: str
) -> None:
    page = opened(chromium, report_file)
    assert page.locator("details[open] strong", has_text="failed").count() == 1
    passed = page.locator("details", has_text="passed").first
    assert not passed.locator("dl").is_visible()
    passed.locator("summary").focus()
    page.keyboard.press("Enter")
    assert passed.locator("dl").is_visible()
    assert passed.get_by_role("img").first.is_visible()
