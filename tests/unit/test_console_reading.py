"""What the console reads in a log line, and what it makes of the lines of one request."""

import json
from random import Random
from typing import Any

import pytest

from faultwire.lab.console.book import Book
from faultwire.lab.console.reading import Line, Reader
from faultwire.lab.console.recent import Recent
from faultwire.lab.console.tally import Tally, percentiles
from faultwire.lab.console.told import is_failed, outcome, summary

AT = 1_771_000_000.0
OK = (
    "2026-02-13 17:26:40,123 INFO service=B endpoint=/call-echo status=ok latency_ms=3 "
    "http_status=200 request_id=abc attempts=1 upstream_ms=2"
)
TIMEOUT = (
    "2026-02-13 17:26:40,500 ERROR service=B endpoint=/call-echo status=timeout latency_ms=1002 "
    "error=ReadTimeout http_status=503 kind=response_timeout request_id=abc attempts=1 "
    'upstream_ms=1001 phase=first_byte details="said \\"no\\"\\n kind=ok"'
)
JSON_LINE = (
    '{"ts":"2026-02-13T17:26:40.123+00:00","level":"INFO","service":"B","endpoint":"/call-echo",'
    '"status":"ok","latency_ms":3.25,"http_status":200,"request_id":"abc","attempts":2}'
)
DETAILED = "2026-02-13 17:26:40 INFO service_b GET /call-echo 200 45.23ms"


def read(text: str, service: str = "B") -> Line:
    return Reader().read(service, text.encode())


def line(service: str, at: float = AT, **fields: Any) -> Line:
    said = {"endpoint": "/echo", "request_id": "abc", **fields}
    return Line(service, at, "text", {key: str(value) for key, value in said.items()})


def book() -> Book:
    return Book(lambda _: None, Random(1))  # noqa: S311  the same each time


def test_the_usual_line_is_read_with_its_milliseconds() -> None:
    first = read(OK)
    assert (first.endpoint, first.request_id, outcome(first)) == ("/call-echo", "abc", "ok")
    assert first.at % 1 == pytest.approx(0.123, abs=1e-6)
    assert first.number("latency_ms") == 3


def test_what_a_line_quotes_is_no_key_of_its_own() -> None:
    line = read(TIMEOUT)
    assert outcome(line) == "response_timeout"
    assert line.text_of("details") == 'said "no"\n kind=ok'


@pytest.mark.parametrize("text", [JSON_LINE, DETAILED])
def test_other_forms_are_read_too(text: str) -> None:
    line = read(text)
    assert (line.endpoint, outcome(line)) == ("/call-echo", "ok")
    assert line.number("latency_ms") in (3.25, 45.23)


@pytest.mark.parametrize("text", ["Traceback (most recent call last):", "", "{", "\x00\xff", "{}"])
def test_a_line_that_says_nothing_known_is_about_no_request(text: str) -> None:
    line = read(text)
    assert line.endpoint == line.request_id == ""
    assert line.number("latency_ms") == 0


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"status": "ok", "http_status": 200}, "ok"),
        ({"status": "error", "http_status": 400}, "bad_request"),
        ({"status": "error", "http_status": 499}, "client_left"),
        ({"status": "unavailable"}, "unavailable"),
        ({"status": "error", "kind": "circuit_open", "http_status": 503}, "circuit_open"),
        ({}, "error"),
    ],
)
def test_an_outcome_is_one_word(fields: dict[str, Any], kind: str) -> None:
    assert outcome(line("B", **fields)) == kind


def test_a_request_is_put_together_from_lines_in_any_order() -> None:
    told = book()
    told.add(line("A", status="ok", latency_ms=1, http_status=200))
    told.add(line("B", status="ok", latency_ms=3, http_status=200, attempts=1))
    told.add(line("wire", status="ok", latency_ms=2, http_status=200, fault="latency"))
    found = told.find("abc")
    assert found is not None
    shown = summary(found)
    assert (shown["b"]["kind"], shown["wire"][0]["fault"], len(shown["a"])) == ("ok", "latency", 1)
    assert not shown["failed"]
    json.dumps(shown)


def test_probes_are_no_requests() -> None:
    told = book()
    told.add(line("A", endpoint="/readyz"))
    assert told.find("abc") is None


def test_a_that_ends_after_b_gave_up_worked_in_vain_once() -> None:
    told = book()
    told.add(line("B", status="timeout", kind="response_timeout", http_status=503))
    for _ in range(2):
        told.add(line("A", AT + 1, status="ok"))
    found = told.find("abc")
    assert found is not None
    assert found.vain
    assert told.in_vain == 1


def test_a_sample_is_told_after_its_lines_have_ripened_and_again_when_it_changes() -> None:
    told = book()
    told.add(line("B", status="ok"))
    assert told.sample(AT, 5, 5) == ([], [])
    (chosen,), beside = told.sample(AT, 5, 5)
    assert (chosen.id, beside) == ("abc", [])
    assert told.sample(AT, 5, 5) == ([], [])
    told.add(line("A", AT + 2, status="ok"))
    told.sample(AT, 5, 5)
    assert [one.id for one in told.sample(AT, 5, 5)[1]] == ["abc"]


def test_of_many_requests_some_are_shown_and_failures_beside_them() -> None:
    told = book()
    for number in range(200):
        bad = number % 50 == 0
        kind = "upstream_status" if bad else "ok"
        told.add(line("B", request_id=f"r{number}", kind=kind))
    told.sample(AT, 8, 3)
    sample, beside = told.sample(AT, 8, 3)
    assert len(sample) == 8
    assert 1 <= len(beside) <= 3
    assert all(is_failed(one) for one in beside)
    assert len(told.last(100)) == len(sample) + len(beside)


def test_memory_is_bounded_however_many_requests_come() -> None:
    told, recent, tally = book(), Recent(), Tally()
    for number in range(20_000):
        one = line("B", request_id=f"r{number}", status="ok", latency_ms=number, kind=number % 99)
        told.add(one)
        recent.add(one)
        tally.add(one, AT + number // 40)
        if number % 50 == 0:
            told.sample(AT, 8, 3)
    assert len(told._held) == 5000
    assert len(told._kept) <= 300
    assert len(recent.all()["lines"]) == 150
    assert len(tally.history()) == 300
    assert len(tally.totals) <= 41


def test_lines_that_do_not_name_a_request_are_requests_of_their_own() -> None:
    told = book()
    for _ in range(2):
        told.add(line("B", request_id="", status="ok"))
    told.sample(AT, 5, 5)
    assert len(told.sample(AT, 5, 5)[0]) == 2


def test_lines_that_do_not_name_it_join_the_one_request_that_was_under_way() -> None:
    told = book()
    told.begin("ours", AT)
    told.add(line("A", AT + 0.001, request_id="", status="ok"))
    told.add(line("B", AT + 0.002, request_id="", status="ok"))
    told.end("ours", AT + 0.003, 200, "")
    found = told.find("ours")
    assert found is not None
    assert found.b is not None
    assert len(found.a) == 1


def test_where_two_were_under_way_nothing_is_guessed() -> None:
    told = book()
    told.begin("one", AT)
    told.begin("other", AT)
    told.add(line("B", AT + 0.002, request_id="", status="ok"))
    assert all(found.b is None for each in ("one", "other") if (found := told.find(each)))


def test_new_lines_are_told_once_and_the_missing_ones_are_counted() -> None:
    recent = Recent()
    assert recent.new() is None
    for number in range(100):
        recent.add(line("B", request_id=f"r{number}"))
    new = recent.new()
    assert new is not None
    assert (len(new["lines"]), new["missed"], new["lines"][-1][1]) == (30, 70, "r99")
    assert recent.new() is None


def test_counts_by_the_second_are_exact() -> None:
    tally = Tally()
    for number in range(100):
        tally.add(line("B", status="ok", latency_ms=number + 1, attempts=1), AT)
    tally.add(line("B", status="timeout", kind="response_timeout", attempts=3), AT + 1)
    first, second = tally.history()
    assert first["kinds"] == {"ok": 100}
    assert first["ms"] == [50, 90, 99, 100]
    assert second["attempts"] == {"3": 1}
    assert tally.totals == {"ok": 100, "response_timeout": 1}


def test_counts_are_bounded_whatever_the_lines_say() -> None:
    tally = Tally()
    for number in range(5000):
        tally.add(line("B", status="error", kind=f"k{number}", latency_ms=number), AT)
    (second,) = tally.history()
    assert (len(second["kinds"]), second["kinds"]["other"]) == (41, 4960)
    assert (len(tally.totals), second["ms"]) == (40, [1999] * 4)


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert percentiles({}) == []
    assert percentiles({7: 1}) == [7, 7, 7, 7]
    assert percentiles({1: 99, 500: 1}) == [1, 1, 1, 500]
