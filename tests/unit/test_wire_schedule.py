"""A schedule says at which requests, or times, a fault acts; it knows nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultwire.wire.faults.base import InvalidFault
from faultwire.wire.plan.schedule import (
    ALWAYS,
    Every,
    First,
    Ramp,
    Schedule,
    Sequence,
    Window,
    read_schedule,
)

TIMES = st.floats(0, 1e6)
READABLE = [
    ("first", 5, First(5)),
    ("first", "5", First(5)),
    ("every", 3, Every(3)),
    ("sequence", "503,503,200", Sequence(("503", "503", "200"))),
    ("sequence", [503, 200, "*"], Sequence(("503", "200"), again=True)),
    ("sequence", "fault, ok", Sequence(("fault", "ok"))),
    ("window", "10s-30s", Window(10, 30)),
    ("window", "-500ms", Window(0, 0.5)),
    ("window", "1m-", Window(60, float("inf"))),
    ("window", "5s/60s", Window(0, 5, 60)),
    ("ramp", "0-0.5/60s", Ramp(0, 0.5, 60)),
    ("ramp", "1-.25/1h", Ramp(1, 0.25, 3600)),
]
UNREADABLE = [
    ("first", 0),
    ("first", -1),
    ("first", 1.5),
    ("first", True),
    ("first", "x"),
    ("every", 1_000_001),
    ("every", None),
    ("sequence", ""),
    ("sequence", "503,,200"),
    ("sequence", []),
    ("sequence", "*"),
    ("sequence", ["ok"] * 1001),
    ("sequence", 503),
    ("window", "30s-10s"),
    ("window", "10s-10s"),
    ("window", "10s"),
    ("window", "10-30"),
    ("window", "70s/60s"),
    ("window", "0s/60s"),
    ("window", "1s-2s-3s"),
    ("window", 10),
    ("ramp", "0-2/60s"),
    ("ramp", "0-1/0s"),
    ("ramp", "0-1/60"),
    ("ramp", "0-1"),
    ("ramp", "a-b/60s"),
    ("ramp", "1.2.3-1/60s"),
]


def shares(schedule: Schedule, count: int) -> list[float]:
    return [schedule.share(index, 0) for index in range(count)]


def test_first_acts_on_the_first_requests_only() -> None:
    assert shares(First(2), 4) == [1, 1, 0, 0]


def test_every_acts_on_the_last_of_each_group() -> None:
    assert shares(Every(3), 7) == [0, 0, 1, 0, 0, 1, 0]
    assert shares(Every(1), 3) == [1, 1, 1]


def test_a_sequence_is_played_once_and_then_spares_all() -> None:
    sequence = Sequence(("503", "200"))
    assert [sequence.word(index) for index in range(4)] == ["503", "200", None, None]
    assert shares(sequence, 4) == [1, 1, 0, 0]


def test_a_sequence_with_a_star_begins_again() -> None:
    sequence = Sequence(("503", "200"), again=True)
    assert [sequence.word(index) for index in range(4)] == ["503", "200", "503", "200"]
    assert shares(sequence, 4) == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("window", "open_at", "closed_at"),
    [
        (Window(10, 30), [10, 29.9], [0, 9.9, 30, 100]),
        (Window(0, 5, 60), [0, 4.9, 60, 124.9], [5, 59.9, 65]),
        (Window(10, float("inf")), [10, 1e9], [0, 9.9]),
    ],
)
def test_a_window_is_open_from_its_start_and_up_to_its_end(
    window: Window, open_at: list[float], closed_at: list[float]
) -> None:
    assert {window.share(0, at) for at in open_at} == {1}
    assert {window.share(0, at) for at in closed_at} == {0}


@given(
    st.sampled_from([Window(10, 30), Window(0, 5, 60), Window(1, float("inf")), Window(0, 7, 7)]),
    TIMES,
)
def test_between_two_edges_a_window_does_not_change(window: Window, at: float) -> None:
    edge = window.next_edge(at)
    assert edge is None or edge > at
    until = at + 1000 if edge is None or edge == float("inf") else edge
    middle = at + (until - at) / 2
    if middle < until:
        assert window.share(0, middle) == window.share(0, at)


def test_a_ramp_goes_from_one_rate_to_the_other_and_stays_there() -> None:
    ramp = Ramp(0.2, 0.8, 60)
    assert [round(ramp.share(0, at), 6) for at in (0, 30, 60, 1000)] == [0.2, 0.5, 0.8, 0.8]
    assert Ramp(1, 0, 10).share(7, 5) == 0.5


@given(
    st.sampled_from([schedule for _, _, schedule in READABLE] + [ALWAYS]),
    st.integers(0, 10**9),
    TIMES,
)
def test_a_share_is_between_0_and_1(schedule: Schedule, index: int, at: float) -> None:
    assert 0 <= schedule.share(index, at) <= 1


@pytest.mark.parametrize(("kind", "value", "expected"), READABLE)
def test_a_schedule_is_read_and_shown_again(kind: str, value: object, expected: Schedule) -> None:
    read = read_schedule(kind, value)
    assert read == expected
    assert [read_schedule(*item) for item in read.shown().items()] == [read]


@pytest.mark.parametrize(("kind", "value"), UNREADABLE)
def test_what_is_no_schedule_is_refused_by_name(kind: str, value: object) -> None:
    with pytest.raises(InvalidFault, match=f"^{kind}"):
        read_schedule(kind, value)


def test_always_shows_nothing() -> None:
    assert ALWAYS.shown() == {}
    assert ALWAYS.share(3, 7) == 1
