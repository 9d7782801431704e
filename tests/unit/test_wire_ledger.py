"""The ledger: bounded in memory, exact in its counts, and complete for whoever polls it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultwire.wire.ledger import Found, Ledger, Query, Record
from faultwire.wire.ledger.tally import OTHER_FAULT, Tally

NOW = 1770246651.0


def ledger(capacity: int = 100) -> Ledger:
    return Ledger(capacity, clock=lambda: NOW + 60)


def record(request_id: str = "", *, fault: str = "", started: float = NOW) -> Record:
    return Record(0, request_id, 1, 1, 0.0, "GET", "/echo?msg=hello", started, fault=fault)


def pass_one(book: Ledger, one: Record, status: int = 200) -> Record:
    book.begin(one)
    one.status = status
    book.end(one)
    return one


def ids(found: Found) -> list[str]:
    return [one.request_id for one in found.records]


def test_the_ring_keeps_the_newest_records_and_the_counts_keep_all() -> None:
    book = ledger(capacity=3)
    for number in range(10):
        pass_one(book, record(str(number), fault="latency" if number % 2 else ""))
    assert ids(book.find(Query())) == ["7", "8", "9"]
    assert book.counts() == {
        "since": NOW + 60,
        "requests": 10,
        "open": 0,
        "ended": 10,
        "by_fault": {"latency": 5},
        "by_status": {"2xx": 10},
        "request_bytes": 0,
        "upstream_bytes": 0,
        "response_bytes": 0,
    }


def test_an_open_exchange_stays_visible_when_the_ring_has_moved_on() -> None:
    book = ledger(capacity=2)
    hanging = record("hanging")
    book.begin(hanging)
    for number in range(5):
        pass_one(book, record(str(number)))
    assert ids(book.find(Query())) == ["hanging", "3", "4"]
    assert ids(book.find(Query(open=True))) == ["hanging"]
    book.end(hanging)
    assert ids(book.find(Query())) == ["3", "4"]
    assert book.counts()["ended"] == 6


def test_an_open_exchange_in_the_ring_is_listed_once() -> None:
    book = ledger()
    book.begin(record("a"))
    pass_one(book, record("b"))
    book.begin(record("c"))
    assert ids(book.find(Query())) == ["a", "b", "c"]
    assert (book.open_count, book.counts()["requests"]) == (2, 3)


def test_an_end_that_is_told_twice_counts_once() -> None:
    lines: list[Record] = []
    book = Ledger(10, on_end=lines.append)
    one = pass_one(book, record())
    book.end(one)
    assert book.counts()["ended"] == 1
    assert lines == [one]


def test_a_record_that_was_not_ended_by_the_proxy_gets_the_time_of_its_end() -> None:
    assert pass_one(ledger(), record()).ended == NOW + 60


def test_texts_from_outside_are_cut_so_that_memory_is_bounded() -> None:
    book = ledger()
    long = record("i" * 9999)
    long.target, long.method = "/" + "x" * 1_000_000, "M" * 9999
    book.begin(long)
    assert [len(long.target), len(long.request_id), len(long.method)] == [2048, 128, 128]
    assert long.target.endswith("…")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(request_id="b"), ["b"]),
        (Query(fault="latency"), ["b", "c"]),
        (Query(fault="status"), ["c"]),
        (Query(fault="any"), ["b", "c"]),
        (Query(fault="none"), ["a"]),
        (Query(started_from=NOW + 2), ["c"]),
        (Query(status=503), ["c"]),
        (Query(path="/echo"), ["a", "b", "c"]),
        (Query(path="/ech"), []),
        (Query(method="POST"), []),
        (Query(open=False, fault="latency", limit=1), ["c"]),
        (Query(limit=2), ["b", "c"]),
    ],
)
def test_a_query_finds_what_every_part_of_it_fits(query: Query, expected: list[str]) -> None:
    book = ledger()
    pass_one(book, record("a"))
    pass_one(book, record("b", fault="latency", started=NOW + 1))
    pass_one(book, record("c", fault="latency,status", started=NOW + 2), status=503)
    assert ids(book.find(query)) == expected


def test_two_faults_on_one_request_count_once_each() -> None:
    book = ledger()
    pass_one(book, record(fault="latency,status"), status=503)
    pass_one(book, record(fault="latency"))
    assert book.counts()["by_fault"] == {"latency": 2, "status": 1}


@given(st.lists(st.sampled_from(["begin", "end", "change", "poll"]), max_size=60))
def test_whoever_polls_by_revision_sees_the_last_state_of_every_record(steps: list[str]) -> None:
    book = ledger()
    seen: dict[int, Record] = {}
    known: list[Record] = []
    revision = 0
    for step in [*steps, "poll", "poll", "poll", "poll"]:
        if step == "begin":
            known.append(record(started=NOW))
            book.begin(known[-1])
        elif step == "end" and known:
            book.end(known[len(known) // 2])
        elif step == "change" and known:
            known[0].closed_by = "client"
            book.changed(known[0])
        elif step == "poll":
            found = book.find(Query(since=revision, limit=20))
            revision = found.revision
            copies = msgspec.json.decode(msgspec.json.encode(found.records), type=list[Record])
            seen.update({copy.id: copy for copy in copies})
    assert seen == {one.id: one for one in known}


def test_clearing_forgets_what_has_ended_and_leaves_the_metrics_alone() -> None:
    book = ledger()
    pass_one(book, record("old"), status=500)
    going_on = record("open")
    book.begin(going_on)
    assert book.clear() == 1
    assert ids(book.find(Query())) == ["open"]
    assert (book.counts()["requests"], book.counts()["by_status"]) == (1, {})
    book.end(going_on)
    assert book.counts()["by_status"] == {"none": 1}
    assert book.figures(0).tally.by_status() == {"5xx": 1, "none": 1}


def test_connections_are_numbered_and_counted() -> None:
    book = ledger()
    assert [book.connected(), book.connected()] == [1, 2]
    book.disconnected()
    assert (book.connections, book.connections_open) == (2, 1)


def test_a_flood_of_fault_names_does_not_grow_the_counts_without_bound() -> None:
    tally = Tally()
    for number in range(5000):
        tally.add(f"fault-{number}", 200, 0.001)
    assert tally.ended == 5000
    assert tally.by_fault()[OTHER_FAULT] == 4000
    assert len(tally.by_fault()) == 1001


def test_a_status_without_a_class_counts_as_none() -> None:
    tally = Tally()
    for status in (0, 99, 100, 204, 304, 404, 599, 600, 999):
        tally.add("", status, 0.001)
    expected = {"none": 4, "1xx": 1, "2xx": 1, "3xx": 1, "4xx": 1, "5xx": 1}
    assert tally.by_status() == expected
    assert sum(sum(cells[:-1]) for cells in tally.histograms().values()) == 9
