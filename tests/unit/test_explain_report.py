"""What people and programs are shown: text, drawing and JSON."""

import json
import re
from collections.abc import Iterator

import msgspec
import pytest

from faultwire.explain import Entry, Explanation, explain
from faultwire.explain.block import Block
from faultwire.explain.drawing import Pen, draw
from faultwire.explain.inquiry import Inquiry
from faultwire.explain.json_report import JsonReport
from faultwire.explain.source import BLOCK_BYTES, Splitter, merged
from faultwire.explain.summary import MOST_ROWS, Summary
from faultwire.explain.text_report import TextReport
from faultwire.explain.wanted import Wanted, read_moment
from faultwire.explain.window import Window

PLAIN = Pen(80, unicode=False, colour=False)
B = Entry(
    service="B",
    endpoint="/call-echo",
    status="timeout",
    latency_ms=1000,
    end=1001.0,
    http_status=503,
    kind="response_timeout",
    request_id="id1",
)
A = Entry(service="A", endpoint="/echo", status="ok", latency_ms=1990, end=1002.0, request_id="id1")
WIRE = Entry(
    service="wire",
    endpoint="/echo",
    status="error",
    latency_ms=998,
    end=1001.0,
    error="client_reset",
    request_id="id1",
)


def test_a_time_line_shows_who_worked_when_and_for_nobody() -> None:
    lines = draw(explain([A, WIRE, B]), PLAIN).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["client", "B", "wire", "A"]
    bars = {line.split()[0]: re.findall(r"[=.]+", line[8:])[0] for line in lines[1:]}
    assert set(bars["B"]) == {"="}
    assert 0.7 < bars["A"].count(".") / bars["A"].count("=") < 1.4
    assert "1,000 ms too late" in lines[-1]


@pytest.mark.parametrize("width", [1, 20, 40, 79, 200])
def test_no_line_of_a_drawing_is_wider_than_the_terminal_but_for_what_it_must_say(
    width: int,
) -> None:
    drawn = draw(explain([A, WIRE, B]), Pen(width, unicode=True, colour=False))
    assert max(map(len, drawn.splitlines())) <= max(width, 60)
    assert drawn.count("█") >= 4


def test_colour_is_there_only_when_asked_for() -> None:
    found = explain([A, WIRE, B])
    assert "\x1b[" not in draw(found, PLAIN)
    assert "\x1b[31m" in draw(found, Pen(80, unicode=True, colour=True))


def test_what_has_no_time_is_not_drawn() -> None:
    timeless = msgspec.structs.replace(B, end=0.0)
    assert draw(explain([timeless]), PLAIN).startswith("No line")


def test_nothing_to_explain_is_an_error() -> None:
    with pytest.raises(ValueError, match="no line"):
        explain([])


def test_nothing_from_a_log_reaches_the_terminal_raw() -> None:
    evil = msgspec.structs.replace(
        B, service="x\x1b[2J", endpoint="/\x07\n", request_id="\x1b]0;x", fault="\x1b[2J"
    )
    said: list[str] = []
    TextReport(said.append, PLAIN, 0).draw([explain([evil])])
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", "".join(said))


def log(count: int) -> bytes:
    return "".join(
        f"2026-02-04T12:00:{n % 60:02d}Z service=B endpoint=/call-echo status=error latency_ms=1 "
        f"error=HTTPError:500 request_id=id{n}\n"
        for n in range(count)
    ).encode()


def summary_of(data: bytes, report: TextReport | JsonReport) -> Summary:
    inquiry = Inquiry(Wanted(), report.tell)
    inquiry.read(Block(data))
    inquiry.settle()
    report.end(inquiry.tally.summary())
    return inquiry.tally.summary()


def test_the_text_shows_the_first_requests_and_counts_the_rest() -> None:
    said: list[str] = []
    summary_of(log(30), TextReport(said.append, PLAIN, 5))
    text = "".join(said)
    assert text.count("request_id=id") == 5
    assert "... and 25 more" in text
    assert "30 of 30 requests at B failed (100.0 %)" in text
    assert "What to do:" in text


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "There was nothing to read"),
        (b"\n\n", "There was nothing to read"),
        (b"rubbish\n", "1 line read. None is a request"),
        (b"service=B endpoint=/ status=ok latency_ms=1\n", "0 of 1 request at B failed."),
    ],
)
def test_where_nothing_failed_the_report_says_so(data: bytes, says: str) -> None:
    said: list[str] = []
    summary_of(data, TextReport(said.append, PLAIN, 5))
    assert says in "".join(said)


def test_the_json_is_one_document_that_fits_its_schema() -> None:
    said: list[str] = []
    summary_of(log(3), JsonReport(said.append, 2))
    document = json.loads("".join(said))
    assert [each["request_id"] for each in document["explanations"]] == ["id0", "id1"]
    assert document["version"] == 1
    msgspec.convert(document["explanations"], list[Explanation])
    assert msgspec.convert(document["summary"], Summary).failed == 3


def test_the_json_of_a_followed_log_is_an_object_a_line() -> None:
    said: list[str] = []
    summary_of(log(3), JsonReport(said.append, 0, lines=True))
    objects = [json.loads(line) for line in "".join(said).splitlines()]
    assert [set(each) == {"summary"} for each in objects] == [False, False, False, True]


def test_causes_by_unknown_names_are_bounded() -> None:
    lines = "".join(
        f"service=s{n} endpoint=/ status=error latency_ms=1 error=HTTPError:500\n"
        for n in range(MOST_ROWS * 2)
    )
    summary = summary_of(lines.encode(), TextReport(lambda _: None, PLAIN, 1))
    assert len(summary.causes) <= MOST_ROWS + 1
    assert sum(row.count for row in summary.causes) == MOST_ROWS * 2


# Reading.


def test_lines_come_whole_however_the_pieces_fall() -> None:
    splitter = Splitter()
    pieces = [splitter.feed(piece) for piece in (b"a", b"b\nc", b"", b"d\n", b"e")]
    assert b"".join([*pieces, splitter.end()]) == b"ab\ncd\ne"


def test_a_line_without_an_end_takes_bounded_memory_and_the_next_one_is_whole() -> None:
    splitter = Splitter()
    out = b"".join(splitter.feed(b"x" * BLOCK_BYTES) for _ in range(5)) + splitter.feed(
        b"x\nnext\n"
    )
    assert out.count(b"\n") == 2
    assert out.endswith(b"\nnext\n")
    assert len(out) < BLOCK_BYTES


def test_logs_are_merged_by_their_times() -> None:
    def blocks(*times: int) -> Iterator[Block]:
        for at in times:
            yield Block(f"1970-01-01T00:00:{at:02d}Z x\n".encode())

    order = [(block.first, until) for block, until in merged([blocks(1, 5), blocks(2, 3)])]
    assert order == [(1, 2), (2, 3), (3, 5), (5, float("inf"))]


def test_a_window_lets_the_oldest_go_when_it_is_full() -> None:
    window = Window(max_bytes=100)
    for _ in range(3):
        window.add(Block(b"x" * 49 + b"\n"))
    assert window.is_full
    window.drop_oldest()
    assert not window.is_full


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("30s", 970.0),
        ("2m", 880.0),
        ("1970-01-01T00:16:40Z", 1000.0),
        ("1970-01-01T00:16:40.5+00:00", 1000.5),
    ],
)
def test_a_moment_is_a_time_or_how_long_ago(text: str, at: float) -> None:
    assert read_moment(text, 1000.0) == at


def test_a_clock_time_is_today_s() -> None:
    now = read_moment("2026-02-04 12:00:00", 0.0)
    assert read_moment("11:59", now) == now - 60
    assert read_moment("11:59:30.5", now) == now - 29.5
    assert read_moment("2026-02-04", now) == now - 12 * 3600


@pytest.mark.parametrize("text", ["", "yesterday", "25:00", "30", "2026-02-31"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no time"):
        read_moment(text, 1000.0)
