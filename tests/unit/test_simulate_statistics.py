"""Figures from counts per second, the order of events, and how a report says them."""

import json

import msgspec
import pytest

from faultwire.simulate.clock import Clock
from faultwire.simulate.experiment import Experiment
from faultwire.simulate.lessons import LESSONS
from faultwire.simulate.lessons.lesson import Claim
from faultwire.simulate.record import Record
from faultwire.simulate.report import data, introduction, text
from faultwire.simulate.run import Result
from faultwire.simulate.scenario import Scenario
from faultwire.simulate.statistics import recovery_s, share, sparkline


def test_a_share_of_nothing_is_all_of_it() -> None:
    assert share([], []) == 1.0
    assert share([1, 2], [4, 2]) == 0.5


@pytest.mark.parametrize(
    ("good", "mended_s", "seconds"),
    [
        ([10] * 30, 5, 0),
        ([10] * 5 + [0] * 5 + [10] * 20, 5, 5),
        ([10] * 5 + [0] * 25, 5, None),
        ([0] * 20 + [10] * 9, 5, None),
        ([0] * 20 + [10] * 10, 5, 15),
        ([0] * 10 + [9] + [10] * 19, 5, 5),
        ([10] * 30, 25, None),
    ],
)
def test_it_has_recovered_when_ten_seconds_in_a_row_are_good(
    good: list[int], mended_s: int, seconds: int | None
) -> None:
    assert recovery_s(good, [10] * len(good), mended_s) == seconds


def test_a_sparkline_fits_its_width() -> None:
    assert sparkline([0.0, 0.5, 1.0], 60, unicode=True) == "▁▅█"
    assert sparkline([0.0] * 60 + [1.0] * 60, 4, unicode=True) == "▁▁██"
    assert sparkline([1.0] * 601, 60, unicode=True) == "█" * 55
    assert sparkline([0.0, 1.0], 60, unicode=False) == "_#"


def test_what_is_due_together_happens_in_the_order_in_which_it_was_set() -> None:
    clock = Clock()
    seen: list[tuple[float, str]] = []

    def note(name: str) -> None:
        seen.append((clock.now, name))
        if name == "b":
            clock.at(clock.now, note, "later")

    for when, name in ((2.0, "c"), (1.0, "a"), (1.0, "b"), (9.0, "never")):
        clock.at(when, note, name)
    clock.run(5.0)
    assert seen == [(1.0, "a"), (1.0, "b"), (1.0, "later"), (2.0, "c")]
    assert (clock.now, clock.events) == (5.0, 4)


def test_latencies_count_from_the_arrival() -> None:
    record = Record(10.0)
    for number in range(1, 101):
        record.ended(0.5, 0.5 + number / 1000, good=number <= 90)
    record.counted(3.0, good=False)
    p50, p99 = record.latencies_ms((50.0, 99.0))
    assert p50 == pytest.approx(50.0, rel=0.01)
    assert p99 == pytest.approx(99.0, rel=0.01)
    assert (record.requests[0], record.good[0]) == (100, 90)
    assert (record.requests[3], record.good[3]) == (1, 0)


def result(name: str, policies: str, recovery: int | None) -> Result:
    return Result(
        variant=name,
        policies=policies,
        requests=120,
        events=9,
        goodput=0.5,
        before=1.0,
        during=0.25,
        after=0.75,
        p50_ms=1.4,
        p99_ms=20.0,
        p999_ms=300.6,
        attempts_per_request=1.5,
        load_during=1.25,
        load_peak=2.0,
        wasted=0.125,
        recovery_s=recovery,
        good_per_s=(2,) * 30 + (0,) * 30,
        requests_per_s=(2,) * 59 + (0,),
        attempts_per_s=(3,) * 60,
    )


def experiment() -> Experiment:
    return Experiment(
        lesson=LESSONS["metastable"],
        seed=7,
        scenario=Scenario(),
        results=[result("none", "none", 3), result("retries", "retry", None)],
        claims=[Claim("this is so", True), Claim("this is not", False)],
    )


def test_a_report_says_what_was_run_and_what_came_of_it() -> None:
    said = text(experiment(), unicode=True)
    assert "20,000 clients, 100 requests/s together, 600 s: 120 requests" in said
    row = next(line for line in said.splitlines() if line.startswith("retries"))
    assert row == (
        "retries  50.0%   25.0%  75.0%    1   20    301      1.50  1.25   2.0   12.5%      never"
    )
    assert "none     ██████████████████████████████▁▁▁" in said
    assert "retries: retry" in said
    assert "Held: this is so." in said
    assert "NOT SO: this is not." in said
    assert all(len(line) <= 100 for line in said.splitlines())


def test_a_report_needs_no_more_than_ascii() -> None:
    text(experiment(), unicode=False).encode("ascii")


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_says_what_to_expect(name: str) -> None:
    said = introduction(LESSONS[name])
    assert said.startswith(LESSONS[name].title)
    assert len(said) > 200
    assert all(len(line) <= 100 for line in said.splitlines())


def test_a_report_is_data_too() -> None:
    found = json.loads(msgspec.json.encode(data(experiment())))
    assert found["lesson"] == "metastable"
    assert found["results"][1]["recovery_s"] is None
    assert found["claims"][1] == {"sentence": "this is not", "held": False}
    assert found["held"] is False
    assert found["scenario"]["clients"] == 20_000
