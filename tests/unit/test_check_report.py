"""Every format tells the whole report, and takes no text of the target's for its own."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from xml.etree.ElementTree import fromstring

import pytest
from msgspec.structs import replace

from faultwire.check.model import Evidence, Exchanged, Group, Report, Result, Verdict
from faultwire.check.report import classic, html, junit, markdown, terminal
from faultwire.check.report.timeline import LANES, MOST_BARS, timeline
from faultwire.check.report.words import MARKS, evidence_rows, shown
from tests.unit.check_reports import HOSTILE, evidence, exchanged, one_of_each, report, result

Render = Callable[[Report], str]
FORMATS: dict[str, Render] = {
    "terminal": terminal.render,
    "classic": classic.render,
    "junit": junit.render,
    "markdown": markdown.render,
    "html": html.render,
}
every_format = pytest.mark.parametrize("render", FORMATS.values(), ids=FORMATS)


@every_format
def test_every_scenario_is_told_by_its_title(render: Render) -> None:
    text = " ".join(render(one_of_each()).split())
    assert [v for v in Verdict if f"Something that {v}s" not in text] == []


@every_format
def test_no_control_character_of_the_target_gets_through(render: Render) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", render(one_of_each()))


@every_format
def test_an_empty_report_and_one_that_ended_early_are_reports(render: Render) -> None:
    text = render(report(aborted="Ctrl+C was pressed."))
    assert "Ctrl+C was pressed" in text.replace("\\", "")


@pytest.mark.parametrize("name", ["terminal", "markdown", "html"])
def test_a_letter_below_that_of_the_score_names_what_capped_it(name: str) -> None:
    grave = [replace(result(Verdict.FAIL), id=f"load.of_{n}", weight=5) for n in range(5)]
    best = replace(report(*grave), score=92.0)
    text = " ".join(FORMATS[name](best).replace("\\", "").split())
    assert "No better than C because of load.of_0, load.of_1, load.of_2 and 2 more." in text
    assert "No better than" not in FORMATS[name](replace(best, score=75.0))


@pytest.mark.parametrize("name", ["terminal", "classic", "markdown", "html"])
def test_what_was_not_examined_stands_beside_the_grade(name: str) -> None:
    unexamined = "9 scenarios need the wire: B calls http://a:1 directly; stop A"
    text = FORMATS[name](replace(report(result(Verdict.SKIP)), unexamined=unexamined))
    assert unexamined in " ".join(text.replace("\\", "").split())


def test_classic_counts_what_is_required_and_no_more() -> None:
    lines = classic.render(one_of_each()).splitlines()
    assert lines[-3:] == ["Total Tests: 3", "Passed: 1", "Failed: 2"]
    assert "Test Summary" in lines
    assert "✓ PASSED: Something that passs" in lines


def test_junit_counts_failures_and_skips_and_keeps_the_evidence() -> None:
    root = fromstring(junit.render(one_of_each()))  # noqa: S314 - our own
    suite = root.find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("5", "2", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "asked  GET /call-echo" in (failure.text or "")
    assert "<script>" in (failure.text or "")  # as text, not as an element
    assert suite.find(".//script") is None


def test_junit_shows_an_early_end_as_an_error() -> None:
    root = fromstring(junit.render(report(aborted="Out of time.")))  # noqa: S314 - our own
    error = root.find("testsuite/testcase/error")
    assert error is not None
    assert error.get("message") == "Out of time."


class Tags(HTMLParser):
    """Every element and attribute of a page, and every `id`."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}


def test_the_html_page_needs_no_script_and_nothing_from_elsewhere() -> None:
    page = Tags(html.render(one_of_each()))
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert not {"src", "href", "onclick", "onload"} & page.attributes
    assert page.tags.count("details") == len(Verdict)


def test_the_html_page_names_the_margin_that_is_allowed_beside_the_budget() -> None:
    empty = report()
    page = html.render(replace(empty, target=replace(empty.target, margin_ms=310.0)))
    assert "has to come within 1 s, and 0.31 s more are allowed for what the machine adds" in page
    assert "more are allowed" not in html.render(empty)


def test_the_html_page_draws_each_attempt_and_names_its_fault() -> None:
    page = html.render(report(result(Verdict.FAIL, said="It took 5 s.")))
    assert page.count('class="fault"') == 1
    assert "fault hang, closed by client" in page


def test_markdown_lets_no_text_of_the_target_become_markup() -> None:
    text = markdown.render(report(result(Verdict.FAIL, said=HOSTILE)))
    outside_code = [line for line in text.splitlines() if not line.startswith("    ")]
    assert not [line for line in outside_code if "<script>" in line.replace("\\<", "")]


def test_the_terminal_report_explains_what_failed_and_how_to_mend_it() -> None:
    text = terminal.render(report(result(Verdict.FAIL, said="It took 5 s.")))
    for words in ("It took 5 s.", "A failure in time.", "Set a total deadline.", "RFC 9110"):
        assert words in text


def test_every_verdict_has_a_mark_of_its_own() -> None:
    assert len(set(MARKS.values())) == len(Verdict)


def test_a_time_line_has_every_lane_and_stays_within_it() -> None:
    drawn = timeline(evidence(asked=3))
    assert drawn is not None
    assert set(drawn.lanes) == set(LANES)
    for bar in (bar for lane in drawn.lanes.values() for bar in lane):
        assert 0 <= bar.left <= 100
        assert bar.left + bar.length <= 101


def test_a_time_line_is_bounded_and_says_what_it_leaves_out() -> None:
    drawn = timeline(Evidence(asked=[exchanged(n) for n in range(MOST_BARS + 5)]))
    assert drawn is not None
    assert len(drawn.lanes["client"]) == MOST_BARS
    assert drawn.left_out == 5


def test_without_exchanges_there_is_no_time_line() -> None:
    assert timeline(Evidence()) is None
    assert "<svg" not in html.render(report(bare(Verdict.SKIP)))


def bare(verdict: Verdict) -> Result:
    return replace(result(verdict, Group.RETRY), evidence=Evidence())


def test_long_evidence_keeps_its_end() -> None:
    long = replace(bare(Verdict.FAIL), evidence=Evidence(log=[str(n) for n in range(5)]))
    assert evidence_rows(long, 2) == [("", "… 3 more before"), ("log", "3"), ("log", "4")]


def test_what_was_at_the_same_time_is_drawn_side_by_side() -> None:
    asked = [Exchanged(f"t{n}", "GET /", n / 2, 1.0, 200, {}, "", 0) for n in range(3)]
    drawn = timeline(Evidence(asked=asked))
    assert drawn is not None
    assert [(bar.row, bar.rows) for bar in drawn.lanes["client"]] == [(0, 2), (1, 2), (0, 2)]


def test_control_characters_are_shown_as_escapes() -> None:
    assert shown("a\x1b[31m\x00é🎈") == "a\\x1b[31m\\x00é🎈"
