"""What is made of the answers of a run: figures, ranking, report and chart."""

import json
from dataclasses import replace
from xml.etree.ElementTree import fromstring

import msgspec
import pytest

from faultwire.compare.course import Course
from faultwire.compare.faults import read_faults
from faultwire.compare.figures import Answers, Attempts, Figures, figures
from faultwire.compare.plot import plot
from faultwire.compare.ranking import ranking
from faultwire.compare.report import Comparison, data, text
from faultwire.simulate.statistics import steady_after_s

COURSE = Course(
    faults=read_faults(["status=503 rate=0.3"], 1),
    rate=100.0,
    duration_s=6.0,
    fault_from_s=1.0,
    fault_for_s=3.0,
)
SVG = "{http://www.w3.org/2000/svg}"


def played(bad: float, until_s: float, name: str = "none", played_s: float = 6.0) -> Figures:
    """A run in which a share of what is due between second 1 and `until_s` fails."""
    answers, attempts = Answers(COURSE), Attempts(8)
    for number in range(int(played_s * 100)):
        due = number / 100
        fails = 1.0 <= due < until_s and number % 100 < bad * 100
        answers.ended(due, due + 0.01, good=not fails)
    return figures(COURSE, name, answers, attempts, played_s=played_s, late_s=0.002)


def test_answers_are_counted_before_during_and_after_the_fault() -> None:
    found = played(0.3, 5.0)
    assert found.good_per_s == (100, 70, 70, 70, 70, 100)
    assert (found.requests, found.good, found.unsent) == (600, 480, 0)
    assert (found.goodput, found.goodput_per_s) == (0.8, 80.0)
    assert (found.before, found.during, found.during_per_s) == (1.0, 0.7, 70.0)
    assert (found.during_requests, found.during_good) == (300, 210)
    assert found.p50_ms == pytest.approx(10.0, rel=0.01)
    assert found.recovery_s == 1


def test_what_was_not_sent_is_no_good_answer_and_has_no_latency() -> None:
    answers = Answers(COURSE)
    answers.unsent(2.0)
    found = figures(COURSE, "none", answers, Attempts(8), played_s=6.0, late_s=0.0)
    assert (found.requests, found.unsent, found.during) == (1, 1, 0.0)
    assert (found.p50_ms, found.p999_ms) == (None, None)


def test_a_run_that_was_stopped_counts_the_seconds_that_it_lasted() -> None:
    found = played(0.3, 4.0, played_s=2.5)
    assert found.requests_per_s == (100, 100, 50)
    assert found.during_per_s == pytest.approx(105 / 1.5, rel=0.2)
    assert found.recovery_s is None


def test_attempts_are_counted_from_the_start_and_within_bounds() -> None:
    attempts = Attempts(1)
    attempts.seen(None, b"")
    assert attempts.per_s == [0]
    attempts.start()
    attempts.seen(None, b"")
    assert attempts.per_s == [1]


@pytest.mark.parametrize(
    ("good", "mended_s", "seconds"),
    [
        ([10, 5, 5, 10, 10], 3, 0),
        ([10, 5, 5, 9, 10], 3, 1),
        ([10, 5, 5, 10, 9], 3, None),
        ([10, 5, 5], 3, None),
        ([10, 0, 0, 0, 10, 10], 2, 2),
    ],
)
def test_it_has_recovered_from_the_second_on_that_no_bad_one_follows(
    good: list[int], mended_s: int, seconds: int | None
) -> None:
    assert steady_after_s(good, [10] * len(good), mended_s, 0.95) == seconds


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"rate": 0.5}, "--rate must be from 1 to 2000"),
        ({"rate": float("nan")}, "--rate must be"),
        ({"duration_s": 601.0}, "--for must not be longer than 600s"),
        ({"fault_from_s": 0.5}, "--fault-from must be 1s or more"),
        ({"fault_for_s": 9.0}, "the fault would last until 10s, and the load only until 6s"),
        ({"work_s": 1.0}, "--work must be less than --timeout"),
    ],
)
def test_a_course_that_cannot_be_played_says_why(changes: dict[str, float], said: str) -> None:
    problem = replace(COURSE, **changes).problem  # type: ignore[arg-type]
    assert said in problem
    assert bool(said) == bool(problem)


# The ranking.


def test_the_ranking_is_by_good_answers_during_the_fault() -> None:
    found = [
        replace(played(0.3, 4.0, "none"), attempts_per_request=1.0),
        replace(played(0.0, 4.0, "retry"), attempts_per_request=1.4),
        replace(played(0.01, 4.0, "budget"), attempts_per_request=1.2),
    ]
    assert ranking(found) == (
        "While the fault lasted, most answers were good with retry (100.0%) and, too close to "
        "tell apart, budget (99.0%), then none (70.0%); retry asked A for most, 1.40 attempts a "
        "request, none for least, 1.00."
    )


def test_who_costs_a_the_same_is_not_said_to_cost_more() -> None:
    one = replace(played(0.3, 4.0), attempts_per_request=1.0)
    assert ranking([one]) == "While the fault lasted, most answers were good with none (70.0%)."


def test_too_few_requests_are_not_ranked() -> None:
    early = played(0.0, 4.0, "stopped", played_s=0.5)
    assert ranking([early]).startswith("Too few requests")
    assert ranking([]).startswith("Too few requests")
    assert "stopped" not in ranking([early, played(0.3, 4.0)])


# The report.


def comparison(*found: Figures, stopped: bool = False) -> Comparison:
    return Comparison(course=COURSE, seed=1, found=found, stopped=stopped)


def test_a_report_says_what_was_played_and_what_came_of_it() -> None:
    good = played(0.0, 4.0, "retry")
    good = replace(good, attempts_per_request=1.25, load_peak=150, p50_ms=4.26, p999_ms=1234.5)
    said = text(comparison(played(0.3, 4.0), good), unicode=True)
    assert "100 requests/s for 6 s; from 1 s to 4 s: status code=503 rate=0.3; seed 1" in said
    rows = {line.split()[0]: line.split()[1:] for line in said.splitlines()[2:5]}
    assert " ".join(rows["none"]) == "600 85.0% 85 70.0% 70 10 10 10 0.00 0/s 0 s"
    assert " ".join(rows["retry"]) == "600 100.0% 100 100.0% 100 4.3 10 1234 1.25 150/s 0 s"
    assert "none   █▆▆▆██\nretry  ██████\n        ^^^ the fault" in said
    assert said.endswith("1.25 attempts a request, none for least, 0.00.")
    assert all(len(line) <= 100 for line in said.splitlines())


def test_a_report_needs_no_more_than_ascii() -> None:
    text(comparison(played(0.3, 4.0)), unicode=False).encode("ascii")


def test_a_report_says_what_to_doubt() -> None:
    doubtful = replace(played(0.3, 9.0), before=0.5, unsent=1200, late_ms=250.0, recovery_s=None)
    said = text(comparison(doubtful, stopped=True), unicode=True)
    assert "Stopped before all was played." in said
    assert "none: before the fault only 50.0% of the answers were good" in said
    assert "none: 1,200 requests were not sent" in said
    assert "up to\n250 ms late" in said or "up to 250 ms late" in said
    assert " never\n" in said


def test_a_set_that_was_stopped_early_has_no_figures_that_it_did_not_come_to() -> None:
    early = replace(played(0.0, 4.0, played_s=0.5), p50_ms=None, p99_ms=None, p999_ms=None)
    said = text(comparison(early, stopped=True), unicode=True)
    row = next(line for line in said.splitlines() if line.startswith("none"))
    assert row.split()[4:9] == ["-", "-", "-", "-", "-"]


def test_a_report_is_data_too() -> None:
    found = json.loads(msgspec.json.encode(data(comparison(played(0.3, 4.0)))))
    assert found["faults"][0]["code"] == 503
    assert (found["seed"], found["stopped"]) == (1, False)
    assert found["sets"][0]["policies"] == "none"
    assert found["sets"][0]["good_per_s"] == [100, 70, 70, 70, 100, 100]
    assert found["ranking"].startswith("While the fault lasted")


# The chart.


def test_the_chart_has_a_line_for_each_set_and_the_fault_is_shaded() -> None:
    found = (played(0.3, 4.0), played(0.0, 4.0, "retry(attempts=5)"))
    root = fromstring(plot(comparison(*found)))  # noqa: S314 - our own
    lines = root.findall(f".//{SVG}polyline")
    assert [line.findtext(f"{SVG}title") for line in lines] == ["none", "retry(attempts=5)"]
    assert [len(line.attrib["points"].split()) for line in lines] == [6, 6]
    heights = {point.split(",")[1] for point in lines[0].attrib["points"].split()}
    assert len(heights) == 2, "70 a second, or 100"
    shade = root.findall(f"{SVG}rect")[1]
    assert shade.findtext(f"{SVG}title") == "the fault"
    assert float(shade.attrib["width"]) == 320.0, "three seconds of six"
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert {"the fault", "none", "retry(attempts=5)", "100"} <= set(texts)


def test_the_chart_can_be_read_aloud() -> None:
    root = fromstring(plot(comparison(played(0.3, 4.0))))  # noqa: S314 - our own
    assert root.attrib["role"] == "img"
    ids = {each.attrib.get("id"): each.text for each in root}
    title, about = (ids[name] for name in root.attrib["aria-labelledby"].split())
    assert title == "Good answers per second, by set of policies"
    assert about is not None
    assert "status code=503 rate=0.3" in about
    assert "none (70.0%)" in about


def test_nothing_in_the_chart_comes_from_elsewhere_and_all_is_escaped() -> None:
    drawn = plot(comparison(played(0.3, 4.0, "<script>&")))
    assert "<script" not in drawn
    assert "href" not in drawn
    assert drawn.count("http") == 1, "the namespace alone"


@pytest.mark.parametrize("rate", [1.0, 7.0, 30.0, 2000.0])
def test_the_chart_has_round_numbers_at_its_side(rate: float) -> None:
    course = replace(COURSE, rate=rate)
    empty = figures(course, "none", Answers(course), Attempts(8), played_s=0.0, late_s=0.0)
    done = Comparison(course=course, seed=1, found=[empty], stopped=True)
    root = fromstring(plot(done))  # noqa: S314 - our own
    marks = [each.text for each in root.findall(f"{SVG}g")[1]]
    assert len(marks) == 6
    assert float(marks[-1] or 0) >= rate
    assert all(len(mark or "") <= 4 for mark in marks)
