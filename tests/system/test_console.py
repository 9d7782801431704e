"""The console in a real browser: every control is used as a person would, on real services."""

import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.request import urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from tests.ports import unused_port
from tests.system.running import PATIENCE_S, Running, get, refuses, until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
pytestmark = [
    pytest.mark.no_cover,
    pytest.mark.skipif(
        CHROMIUM is None, reason="NO BROWSER: apt-get install chromium, or the page is not tested"
    ),
]

_PORTS = ("a-port", "b-port", "wire", "control", "console-port")
UP = ("up", *(word for name in _PORTS for word in (f"--{name}", "0")), "--drain-grace", "0")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
    "--disable-background-networking",
)
CALL = "/call-echo?msg=hello"
JUTTING = """() => [...document.querySelectorAll('.node')].flatMap((node) => {
    const { left, right } = node.getBoundingClientRect();
    return [...node.querySelectorAll('*')].filter((one) => {
        const box = one.getBoundingClientRect();
        return box.width && !one.closest('svg') && (box.left < left - 1 || box.right > right + 1);
    }).map((one) => `${node.id}: ${one.className} ${one.textContent}`);
})"""
REQUESTS = "() => import('/js/store.js').then(({ store }) => store.requests.length)"
RIGHT_ANSWER = """(n) => import('/js/lessons.js').then(
    ({ LESSONS }) => LESSONS[n].answers[LESSONS[n].right])"""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


class Lab:
    """A running `faultwire up`, and where its parts are."""

    def __init__(self, process: Running) -> None:
        self.process = process
        where = process.wait_for_said("Service A on")
        self.a, self.wire, self.control, self.b = re.findall(r"http://[0-9.]+:[0-9]+", where)
        self.page = process.wait_for_said("Open ").split()[1]

    def asked(self, endpoint: str) -> int:
        """How many requests for this endpoint the services have logged by now."""
        return sum(f"endpoint={endpoint} " in line for line in self.process.lines)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Running(*UP) as process:
        yield Lab(process)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
    yield browser
    browser.close()


@pytest.fixture
def page(browser: Browser, lab: Lab) -> Iterator[Page]:
    """The page, live, on a system that is as new; no test may leave an error in its console."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(PATIENCE_S * 1000)
    expect.set_options(timeout=PATIENCE_S * 1000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if is_defect(said) else None)
    page.goto(lab.page)
    expect(page.locator("#link")).to_have_text("Live")
    as_new(page)
    yield page
    page.close()
    assert errors == []


def is_defect(said: ConsoleMessage) -> bool:
    """A browser reports each refused request; that a form was refused is no defect of the page."""
    return said.type == "error" and "status of 400" not in said.text


def as_new(page: Page) -> None:
    """Mend all, and have all up, by what the page itself can do."""
    page.evaluate("() => import('/js/lessons.js').then((lessons) => lessons.asNew())")
    for name in ("A", "wire", "B"):
        expect(state_of(page, name)).to_have_text("up")


def state_of(page: Page, name: str) -> Locator:
    """The state of a service in the picture."""
    return page.locator(f"#node-{name} .badge")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def first_request(page: Page) -> Locator:
    """The newest line of the list of requests."""
    return page.locator(".request").first


def faults(lab: Lab) -> list[dict[str, Any]]:
    """What the wire itself says is active."""
    with urlopen(f"{lab.control}/faults", timeout=PATIENCE_S) as answer:  # noqa: S310
        active: list[dict[str, Any]] = json.load(answer)["faults"]
    return active


# The picture.


def test_one_request_is_seen_moving_and_told_in_full(page: Page, lab: Lab) -> None:
    before = lab.asked("/call-echo")
    press(page, "Send one")
    until(lambda: moving(page) > 0, "a dot moves")
    expect(first_request(page)).to_contain_text("ok")
    expect(page.locator(".sentence")).to_contain_text("went well")
    expect(page.locator(".steps")).to_contain_text("A answered HTTP 200")
    expect(page.locator("#headline")).to_contain_text("All is well")
    until(lambda: lab.asked("/call-echo") == before + 1, "B has logged it")


def test_reduced_motion_is_honoured(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    press(page, "Send one")
    expect(first_request(page)).to_contain_text("ok")
    assert moving(page) == 0


@pytest.mark.parametrize("width", [360, 2560])
def test_it_fits_every_width(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.get_by_role("button", name="Guided tour").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.get_by_role("button", name="Send one")).to_be_visible()


@pytest.mark.parametrize("width", [360, 620, 1280, 2560])
def test_no_node_of_the_picture_lies_over_another(page: Page, width: int) -> None:
    with another_process(page, "B"):
        page.get_by_label("B's policy").select_option("breaker")
    expect(page.locator("#node-B .breaker")).to_have_text("breaker closed")
    press(page, "Pause B")
    expect(page.locator("#node-B .breaker")).to_have_text("breaker unknown")
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate(JUTTING) == []


# Breaking and mending.


def test_a_fault_from_the_form_breaks_the_wire_and_one_click_mends_it(page: Page, lab: Lab) -> None:
    press(page, "latency")
    press(page, "Break: latency")
    expect(page.locator(".chip")).to_contain_text("delay 2 s")
    assert '"kind":"response_timeout"' in get(lab.b, CALL).body
    expect(page.locator(".chip .count")).to_have_text(re.compile(r"[1-9]\d* of"))
    expect(page.locator("#headline")).to_contain_text("broken on purpose: latency")
    press(page, "Mend latency")
    expect(page.locator(".chip")).to_have_count(0)
    assert get(lab.b, CALL).status == 200


def test_every_fault_of_the_catalogue_has_a_form_with_its_attributes(page: Page, lab: Lab) -> None:
    with urlopen(f"{lab.control}/catalogue", timeout=PATIENCE_S) as answer:  # noqa: S310
        catalogue = json.load(answer)["faults"]
    expect(page.locator(".fault")).to_have_count(len(catalogue))
    for fault in catalogue:
        press(page, fault["name"].replace("_", " "))
        given = page.evaluate(
            "() => [...document.querySelectorAll('#fault-form [name]')].map((one) => one.name)"
        )
        assert {each["name"] for each in fault["attributes"]} | {"rate", "schedule"} <= {*given}
        expect(page.locator("#fault-form .danger")).to_have_text(f"Break: {fault['name']}")


def test_rate_schedule_and_attributes_reach_the_wire(page: Page, lab: Lab) -> None:
    press(page, "status")
    page.get_by_text("Which requests, and for how long").click()
    page.get_by_label("code", exact=True).fill("418")
    page.get_by_label("Of the requests, how many").fill("40")
    page.get_by_label("Which of them").select_option("first")
    page.get_by_label("Schedule").fill("7")
    page.get_by_label("Only the path").fill("/echo")
    page.get_by_label("Called").fill("teapot")
    press(page, "Break: status")
    expect(page.locator(".chip")).to_contain_text("teapot (status)")
    (made,) = faults(lab)
    assert (made["code"], made["rate"], made["first"]) == (418, 0.4, 7)
    assert (made["name"], made["match"]) == ("teapot", {"path": "/echo"})
    press(page, "Mend all")
    expect(page.locator(".chip")).to_have_count(0)
    assert faults(lab) == []


def test_what_the_wire_refuses_is_said(page: Page, lab: Lab) -> None:
    press(page, "latency")
    page.get_by_label("delay (ms)").fill("soon")
    press(page, "Break: latency")
    expect(page.get_by_role("alert")).to_contain_text("delay_ms must be a number")
    assert faults(lab) == []


# The services.


def test_a_is_stopped_and_started(page: Page, lab: Lab) -> None:
    press(page, "Stop A")
    expect(state_of(page, "A")).to_have_text("down")
    assert refuses(lab.a)
    press(page, "Send one")
    expect(first_request(page)).to_contain_text("connection_re")
    press(page, "Start A")
    expect(state_of(page, "A")).to_have_text("up")
    until(lambda: get(lab.b, CALL).status == 200, "B serves again")


def test_a_that_dies_by_itself_is_shown_with_its_reason_and_started_again(
    page: Page, lab: Lab
) -> None:
    os.kill(pid_of(page, "A"), signal.SIGKILL)
    expect(page.locator("#node-A .facts")).to_contain_text("killed by signal 9")
    assert "press Start on" in lab.process.wait_for("To start it again")
    press(page, "Start A")
    expect(state_of(page, "A")).to_have_text("up")
    assert get(lab.a, "/echo?msg=back").body == '{"echo":"back"}'


def test_work_that_a_does_after_b_gave_up_is_shown_as_in_vain(page: Page) -> None:
    press(page, "Pause A")
    expect(state_of(page, "A")).to_have_text("paused")
    press(page, "Send one")
    expect(first_request(page)).to_contain_text("response_timeout")
    expect(page.locator(".gave-up")).to_have_count(1)
    press(page, "Resume A")
    expect(state_of(page, "A")).to_have_text("up")
    expect(page.locator(".steps")).to_contain_text("after B had given up: work in vain")
    expect(page.locator(".bar.is-vain")).to_have_count(1)


def test_a_that_somebody_else_freezes_is_shown_as_paused(page: Page) -> None:
    os.kill(pid_of(page, "A"), signal.SIGSTOP)
    expect(state_of(page, "A")).to_have_text("paused")
    press(page, "Resume A")
    expect(state_of(page, "A")).to_have_text("up")


def test_a_is_restarted(page: Page) -> None:
    with another_process(page, "A"):
        press(page, "Restart A")


def test_b_is_pointed_at_a_wrong_port_and_back(page: Page, lab: Lab) -> None:
    port = page.get_by_label("Which port B calls")
    with another_process(page, "B"):
        port.select_option("nobody")
    expect(page.locator("#node-B .facts")).to_contain_text("calls a wrong port")
    assert '"kind":"connection_refused"' in get(lab.b, CALL).body
    with another_process(page, "B"):
        port.select_option("right")
    expect(page.locator("#node-B .facts")).not_to_contain_text("wrong port")
    assert get(lab.b, CALL).status == 200


def test_b_is_started_with_another_policy(page: Page) -> None:
    with another_process(page, "B"):
        page.get_by_label("B's policy").select_option("retry")
    press(page, "status")
    press(page, "Break: status")
    expect(page.locator(".chip")).to_have_count(1)
    press(page, "Send one")
    expect(first_request(page)).to_contain_text("attempts")
    expect(page.locator(".steps")).to_contain_text("attempts")


def test_the_breaker_is_shown_as_it_stands_even_when_nobody_asks(page: Page, lab: Lab) -> None:
    breaker = page.locator("#node-B .breaker")
    expect(breaker).to_be_hidden()
    with another_process(page, "B"):
        restart_b(page, "breaker(volume=5,open=200ms)")
    expect(breaker).to_have_text("breaker closed")
    press(page, "status")
    press(page, "Break: status")
    expect(page.locator(".chip")).to_have_count(1)
    for _ in range(5):
        assert "upstream_status" in get(lab.b, CALL).body
    expect(breaker).to_have_text("breaker open")
    press(page, "Mend all")
    expect(page.locator("#headline")).to_contain_text("B's breaker is open")
    until(lambda: get(lab.b, CALL).status == 200, "a trial succeeds")
    expect(breaker).to_have_text("breaker half open")
    for _ in range(2):
        assert get(lab.b, CALL).status == 200
    expect(breaker).to_have_text("breaker closed")
    expect(page.locator("#headline")).not_to_contain_text("breaker is open")


def test_a_lesson_begins_with_all_of_them_up_whatever_was_paused(page: Page) -> None:
    for name, whose in (("A", "A"), ("wire", "the wire"), ("B", "B")):
        press(page, f"Pause {whose}")
        expect(state_of(page, name)).to_have_text("paused")
    as_new(page)


def test_what_a_paused_b_would_say_is_unknown(page: Page) -> None:
    with another_process(page, "B"):
        page.get_by_label("B's policy").select_option("breaker")
    expect(page.locator("#node-B .facts")).to_contain_text("0 in flight")
    press(page, "Pause B")
    expect(page.locator("#node-B .breaker")).to_have_text("breaker unknown")
    expect(page.locator("#node-B .facts")).to_contain_text("in flight: unknown")
    press(page, "Resume B")
    expect(page.locator("#node-B .breaker")).to_have_text("breaker closed")


def test_what_is_in_flight_at_a_is_shown(page: Page) -> None:
    with another_process(page, "A"):
        page.get_by_label("How long A's work takes").select_option("2s")
    page.get_by_label("Rate").select_option("5")
    press(page, "Send steadily")
    expect(page.locator("#node-A .facts")).to_contain_text(re.compile(r"[1-9]\d*\sin\sflight"))
    expect(page.locator("#node-B .facts")).to_contain_text(re.compile(r"[1-9]\d*\sin\sflight"))
    press(page, "Stop sending")
    expect(page.locator("#node-B .facts")).to_contain_text(" 0 in flight")


def restart_b(page: Page, policy: str) -> None:
    """Start B anew with a policy that the page does not offer."""
    page.evaluate(
        """(policy) => import('/js/api.js').then(
            ({ post }) => post('/service', { name: 'B', action: 'restart', policy }))""",
        policy,
    )


def test_a_is_made_slow(page: Page) -> None:
    with another_process(page, "A"):
        page.get_by_label("How long A's work takes").select_option("2s")
    expect(page.locator("#headline")).to_contain_text("each echo takes it 2s")
    press(page, "Send one")
    expect(first_request(page)).to_contain_text("response_timeout")
    expect(page.locator(".sentence")).to_contain_text("too slow")


def moving(page: Page) -> int:
    """How many requests are drawn."""
    count: int = page.evaluate("() => import('/js/dots.js').then((dots) => dots.moving())")
    return count


def pid_of(page: Page, name: str) -> int:
    found: int = page.evaluate(
        "(name) => import('/js/store.js').then(({ service }) => service(name).pid)", name
    )
    return found


@contextmanager
def another_process(page: Page, name: str) -> Iterator[None]:
    """What is done starts a service anew; return when it is up."""
    before = pid_of(page, name)
    yield
    until(lambda: pid_of(page, name) not in (0, before), f"{name} is another process")
    expect(state_of(page, name)).to_have_text("up")


# Traffic, requests, logs, charts.


def test_traffic_flows_until_it_is_stopped(page: Page, lab: Lab) -> None:
    before = lab.asked("/call-echo")
    page.get_by_label("Rate").select_option("50")
    press(page, "Send steadily")
    until(lambda: lab.asked("/call-echo") > before + 20, "requests flow")
    press(page, "Stop sending")
    expect(page.get_by_role("button", name="Send steadily")).to_be_visible()
    press(page, "Burst of 50")
    expect(page.locator("#traffic .help")).to_contain_text(" 0 waiting")


def test_the_route_and_the_message_are_the_users(page: Page, lab: Lab) -> None:
    before = lab.asked("/call-foo")
    page.get_by_label("Route").select_option("call-foo")
    press(page, "Send one")
    expect(first_request(page)).to_contain_text("upstream_status")
    until(lambda: lab.asked("/call-foo") == before + 1, "B has logged it")


def test_a_chosen_request_stays_and_its_lines_stand_out_in_every_log(page: Page, lab: Lab) -> None:
    head = get(lab.b, CALL).head
    chosen = head.partition("X-Request-ID: ")[2].split()[0]
    page.locator(f'.request[data-id="{chosen}"]').click()
    expect(page.locator(".line.chosen")).to_have_count(3)
    press(page, "Send one")
    expect(first_request(page)).not_to_have_attribute("data-id", chosen)
    expect(page.locator("#story")).to_contain_text(chosen)
    page.get_by_text("Its log lines").click()
    expect(page.locator("#story .lines li")).to_have_count(3)


def test_the_list_shows_failures_only_and_is_held(page: Page) -> None:
    press(page, "Send one")
    expect(first_request(page)).to_contain_text("ok")
    page.get_by_label("Route").select_option("call-foo")
    press(page, "Send one")
    expect(first_request(page)).to_contain_text("upstream_status")
    page.get_by_label("failed only").check()
    expect(page.locator(".request").filter(has_text=re.compile(r"\bok\b"))).to_have_count(0)
    page.get_by_label("failed only").uncheck()
    page.get_by_label("hold the list").check()
    held = first_request(page).get_attribute("data-id")
    before = page.evaluate(REQUESTS)
    press(page, "Send one")
    until(lambda: page.evaluate(REQUESTS) > before, "the page has been told of another")
    expect(first_request(page)).to_have_attribute("data-id", held or "")
    page.get_by_label("hold the list").uncheck()
    press(page, "Send one")
    expect(first_request(page)).not_to_have_attribute("data-id", held or "")


def test_the_logs_show_their_newest_lines_to_who_comes_late(
    page: Page, browser: Browser, lab: Lab
) -> None:
    for _ in range(20):
        get(lab.b, CALL)
    expect(page.locator(".request")).not_to_have_count(0)
    at_the_end = """() => {
        const frames = [...document.querySelectorAll('.log .lines')];
        return frames.length === 3 && frames.every(
            (one) => one.scrollHeight > one.clientHeight
                && one.scrollTop + one.clientHeight >= one.scrollHeight - 2);
    }"""
    late = browser.new_page(viewport={"width": 1280, "height": 900})
    late.goto(lab.page)
    late.wait_for_function(at_the_end)
    late.set_viewport_size({"width": 700, "height": 900})
    late.wait_for_function(at_the_end)
    late.close()


def test_the_newest_request_is_told_behind_a_burst_and_to_who_comes_late(
    page: Page, browser: Browser, lab: Lab
) -> None:
    press(page, "Burst of 50")
    expect(page.locator("#traffic .help")).to_contain_text(" 0 waiting")
    newest_is_chosen = "() => document.querySelector('.request')?.ariaPressed === 'true'"
    expect(page.locator("#requests .help")).to_have_text(
        re.compile(r"A random sample: \d+ more requests of this time are not listed\.")
    )
    page.wait_for_function(newest_is_chosen)
    late = browser.new_page()
    late.goto(lab.page)
    late.wait_for_function(newest_is_chosen)
    late.close()


def test_a_list_that_is_let_go_shows_at_once_what_has_come(page: Page) -> None:
    press(page, "Send one")
    expect(first_request(page)).to_contain_text("ok")
    page.get_by_label("hold the list").check()
    held = first_request(page).get_attribute("data-id")
    before = page.evaluate(REQUESTS)
    press(page, "Send one")
    until(lambda: page.evaluate(REQUESTS) > before, "the page has been told of another")
    now = """(box) => {
        box.click();
        return document.querySelector('.request').dataset.id;
    }"""
    assert page.get_by_label("hold the list").evaluate(now) != held


def test_the_words_below_the_latencies_are_of_the_last_second_with_answers(page: Page) -> None:
    press(page, "Send one")
    expect(first_request(page)).to_contain_text("ok")
    press(page, "latency")
    page.locator("#fault-form [name=delay_ms]").fill("300ms")
    press(page, "Break: latency")
    expect(page.locator(".chip")).to_contain_text("delay 300 ms")
    press(page, "Send one")
    expect(page.locator(".chart-now").nth(1)).to_have_text(re.compile(r"longest 3\d\d ms"))


def test_the_theme_is_chosen_and_kept(page: Page) -> None:
    theme = page.locator("#theme")
    scheme = "() => getComputedStyle(document.documentElement).colorScheme"
    expect(theme).to_have_text("Theme: auto")
    for name in ("light", "dark"):
        theme.click()
        expect(theme).to_have_text(f"Theme: {name}")
        assert page.evaluate(scheme) == name
    page.reload()
    expect(theme).to_have_text("Theme: dark")
    assert page.evaluate(scheme) == "dark"


def test_the_charts_say_in_words_what_they_draw(page: Page) -> None:
    press(page, "Burst of 50")
    expect(page.locator(".chart canvas")).to_have_count(3)
    expect(page.locator(".chart-now").first).to_contain_text("ok ")
    expect(page.locator(".chart-now").nth(1)).to_contain_text("p99")
    expect(page.locator(".chart-now").nth(2)).to_contain_text("with 1")


# The check.


def test_a_check_is_run_and_its_report_downloaded(
    page: Page, browser: Browser, tmp_path: Path
) -> None:
    page.get_by_label("What to check").select_option("contract")
    press(page, "Run the check")
    expect(page.locator(".verdict").first).to_be_visible()
    said = page.locator("#check .help")
    expect(said).to_contain_text("All that was required holds.", timeout=3 * PATIENCE_S * 1000)
    report = json.loads(downloaded(page, "JSON").read_bytes())
    html = tmp_path / "report.html"
    html.write_bytes(downloaded(page, "HTML").read_bytes())
    assert report["groups"]
    assert [each["id"] for each in report["scenarios"] if each["id"] not in html.read_text()] == []
    assert asked_for_by(browser, html) == [html.as_uri()]


def downloaded(page: Page, form: str) -> Path:
    """The report, as the link in the page gives it."""
    with page.expect_download() as download:
        page.get_by_role("link", name=f"Download the report ({form})").click()
    assert download.value.suggested_filename == f"faultwire-check.{form.lower()}"
    return download.value.path()


def asked_for_by(browser: Browser, file: Path) -> list[str]:
    """All that a page which lies in a file asks for."""
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    expect(page.locator("h1")).to_contain_text("Check")
    page.close()
    return asked


def test_a_check_is_stopped(page: Page) -> None:
    page.get_by_label("What to check").select_option("")
    press(page, "Run the check")
    said = page.locator("#check .help")
    expect(said).to_contain_text(re.compile(r"Running [1-9]"))
    press(page, "Stop it")
    expect(said).to_contain_text("Stopped.")


# Lessons.


def test_a_lesson_predicts_acts_and_says_what_was_seen(page: Page) -> None:
    page.get_by_role("button", name="Guided tour").click()
    press(page, "Lesson 2: A is down")
    page.get_by_label("503, at once").check()
    press(page, "Kill A, send requests")
    seen = page.locator(".seen")
    expect(seen).to_contain_text("connection_refused")
    expect(seen).to_contain_text("You predicted it.")
    expect(state_of(page, "A")).to_have_text("down")
    press(page, "Leave the tour")
    expect(page.locator("#tour")).to_be_hidden()


@pytest.mark.parametrize(
    ("number", "outcomes"),
    [
        (1, ["ok"]),
        (3, ["connection_refused"]),
        (4, ["response_timeout"]),
        (5, ["response_timeout"]),
        (6, ["upstream_status"]),
        (7, ["ok", "connection_reset"]),
        (8, ["upstream_status"]),
        (9, ["upstream_status", "circuit_open"]),
        (10, ["ok", "connection_refused"]),
    ],
)
def test_every_lesson_shows_what_it_teaches(page: Page, number: int, outcomes: list[str]) -> None:
    page.get_by_role("button", name="Guided tour").click()
    page.locator(".step").nth(number - 1).click()
    expect(page.locator("#tour-title")).to_contain_text(f"Lesson {number} of 10")
    page.get_by_label(page.evaluate(RIGHT_ANSWER, number - 1), exact=True).check()
    page.locator("#lesson-go").click()
    seen = page.locator(".seen")
    expect(seen).to_contain_text("You predicted it.", timeout=3 * PATIENCE_S * 1000)
    for outcome in outcomes:
        expect(seen).to_contain_text(f"× {outcome}")  # noqa: RUF001
    press(page, "Leave the tour")


def test_there_are_ten_lessons(page: Page) -> None:
    page.get_by_role("button", name="Guided tour").click()
    for number in range(1, 11):
        expect(page.locator("#tour-title")).to_contain_text(f"Lesson {number} of 10")
        expect(page.locator(".tour input[type=radio]")).to_have_count(3)
        if number < 10:
            press(page, "Next")


# Care.


def test_axe_finds_nothing_in_the_light_and_in_the_dark(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    press(page, "latency")
    press(page, "Break: latency")
    expect(page.locator(".chip")).to_have_count(1)
    press(page, "Send one")
    expect(first_request(page)).to_contain_text("response_timeout")
    page.get_by_role("button", name="Guided tour").click()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = Axe().run(page).response["violations"]
        assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []


def test_the_keyboard_is_enough(page: Page, lab: Lab) -> None:
    before = lab.asked("/call-echo")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the picture")
    page.locator("#send-one").focus()
    page.keyboard.press("Enter")
    until(lambda: lab.asked("/call-echo") == before + 1, "the request is sent")
    expect(first_request(page)).to_contain_text("ok")
    first_request(page).focus()
    page.keyboard.press("Space")
    expect(first_request(page)).to_have_attribute("aria-pressed", "true")


def test_it_asks_nobody_but_its_own_console(browser: Browser, lab: Lab) -> None:
    page = browser.new_page()
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.partition("://")[2].split("/")[0]))
    page.goto(lab.page)
    expect(page.locator(".fault").first).to_be_visible()
    page.close()
    assert hosts == {lab.page.partition("://")[2]}


def test_a_page_that_was_asleep_says_so_and_is_live_again(browser: Browser, lab: Lab) -> None:
    page = browser.new_page()
    page.clock.install()
    page.goto(lab.page)
    link = page.locator("#link")
    expect(link).to_have_text("Live")
    page.evaluate(
        """() => {
            window.said = [];
            const link = document.getElementById('link');
            const seen = new MutationObserver(() => said.push(link.textContent));
            seen.observe(link, {childList: true});
        }"""
    )
    page.clock.fast_forward("10:00")
    page.wait_for_function("() => said.length >= 2")
    expect(link).to_have_text("Live")
    assert page.evaluate("said[0]") == "This page was asleep. Reconnecting …"
    page.close()


HIDE = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => %s})"


def look_at(page: Page) -> None:
    page.evaluate(HIDE % "false")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_any_number_of_hidden_pages_leave_the_browser_s_connections_to_one_that_is_seen(
    browser: Browser, lab: Lab
) -> None:
    context = browser.new_context()  # one browser's six connections to a host
    pages: list[Page] = []
    for _ in range(8):
        page = context.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        page.goto(lab.page)
        expect(page.locator("#link")).to_have_text("Live")
        page.evaluate(HIDE % "true")
        pages.append(page)
    first = pages[0]
    look_at(first)
    press(first, "Send one")
    expect(first_request(first)).to_contain_text("ok")
    context.close()


def test_pages_that_were_opened_in_the_background_wait_until_they_are_seen(
    browser: Browser, lab: Lab
) -> None:
    context = browser.new_context()
    context.add_init_script(HIDE % "true")
    context.set_default_timeout(PATIENCE_S * 1000)
    pages = [context.new_page() for _ in range(8)]
    for page in pages:
        page.goto(lab.page)
        expect(page.locator("#link")).to_have_text("Connecting …")
    look_at(pages[-1])
    expect(pages[-1].locator("#link")).to_have_text("Live")
    context.close()


def test_it_reconnects_to_a_console_that_was_away_and_says_so(browser: Browser) -> None:
    port = str(unused_port())
    up = (*UP[: UP.index("--console-port")], "--console-port", port, "--drain-grace", "0")
    page = browser.new_page()
    with Running(*up) as process:
        page.goto(Lab(process).page)
        expect(page.locator("#link")).to_have_text("Live")
    expect(page.locator("#link")).to_contain_text("Connection lost")
    expect(page.locator("#headline")).to_contain_text("The console does not answer")
    with Running(*up) as process:
        lab = Lab(process)
        expect(page.locator("#link")).to_have_text("Live")
        expect(page.locator("#node-A .facts")).to_contain_text(lab.a.rpartition(":")[2])
        expect(page.locator("#headline")).to_contain_text("All is well")
    page.close()
