"""Deadlines pass on time, each once, in virtual time."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultwire.http.deadlines import Bucket, Deadlines
from tests.unit.virtual_time import VirtualTime

TICK_S = 0.01
TINY_S = 1e-6


class Item:
    """Remembers when it expired, and may do something then."""

    def __init__(self, clock: VirtualTime) -> None:
        self._clock = clock
        self.expired: list[float] = []

    def expire(self) -> None:
        self.expired.append(self._clock.time())


@given(
    now=st.floats(0, 1e7),
    timeouts=st.lists(st.floats(0, 100) | st.integers(0, 300).map(lambda n: n / 100), max_size=30),
)
def test_an_item_expires_once_never_early_and_at_most_10_ms_late(
    now: float, timeouts: list[float]
) -> None:
    clock = VirtualTime(now)
    deadlines = Deadlines(clock.loop)
    items = [(Item(clock), clock.time() + timeout) for timeout in timeouts]
    for item, when in items:
        deadlines.add(item, when)
    ran = clock.advance(101)
    for item, when in items:
        (expired,) = item.expired
        assert when - TINY_S <= expired <= when + TICK_S + TINY_S
    assert ran <= len(items), "one timer serves all"
    assert clock.timers == 0


@pytest.mark.parametrize("hundredths", range(100, 130))
def test_a_deadline_on_a_tick_does_not_set_the_timer_again_and_again(hundredths: int) -> None:
    """1.15 * 100 is 114.99999999999999: the tick for 1.15 s must not think itself early."""
    clock = VirtualTime()
    deadlines = Deadlines(clock.loop)
    item = Item(clock)
    deadlines.add(item, hundredths / 100 - 0.005)
    assert clock.advance(2) == 1
    assert len(item.expired) == 1


def test_an_earlier_deadline_that_comes_later_is_not_late() -> None:
    clock = VirtualTime(50.0)
    deadlines = Deadlines(clock.loop)
    late, early = Item(clock), Item(clock)
    deadlines.add(late, 60.0)
    deadlines.add(early, 51.0)
    assert clock.timers == 1
    clock.advance(1.02)
    assert (len(early.expired), late.expired) == (1, [])
    clock.advance(10)
    assert len(late.expired) == 1


def test_a_deadline_that_has_passed_is_not_lost_with_those_of_its_moment() -> None:
    clock = VirtualTime(50.0)
    deadlines = Deadlines(clock.loop)
    when = clock.time() + 0.005
    deadlines.add(Item(clock), when)
    clock.advance(1)
    late = Item(clock)
    deadlines.add(late, when)
    clock.advance(1)
    assert len(late.expired) == 1


def test_a_deadline_whose_moment_was_empty_for_a_while_is_not_lost() -> None:
    clock = VirtualTime(50.0)
    deadlines = Deadlines(clock.loop)
    moments = [clock.time() + 1 + number for number in range(1000)]
    for moment in moments:
        first, second = Item(clock), Item(clock)
        deadlines.add(first, moment).discard(first)
        deadlines._sweep()
        deadlines.add(second, moment)
        deadlines.add(first, moment + 5000).discard(first)
        clock.advance(1.02)
        assert len(second.expired) == 1


def test_a_discarded_item_does_not_expire() -> None:
    clock = VirtualTime()
    deadlines = Deadlines(clock.loop)
    kept, discarded = Item(clock), Item(clock)
    deadlines.add(kept, 1.0)
    deadlines.add(discarded, 1.0).discard(discarded)
    clock.advance(2)
    assert (len(kept.expired), discarded.expired) == (1, [])


def test_discarding_what_has_expired_is_no_error() -> None:
    clock = VirtualTime()
    deadlines = Deadlines(clock.loop)
    item = Item(clock)
    bucket = deadlines.add(item, 1.0)
    clock.advance(2)
    bucket.discard(item)
    assert len(item.expired) == 1


def test_an_item_may_join_another_s_deadline() -> None:
    clock = VirtualTime()
    deadlines = Deadlines(clock.loop)
    first, second = Item(clock), Item(clock)
    deadlines.add(first, 1.0).add(second)
    clock.advance(2)
    assert first.expired == second.expired != []


def test_an_item_that_expires_may_discard_another_of_the_same_moment() -> None:
    clock = VirtualTime()
    deadlines = Deadlines(clock.loop)

    class Discarding(Item):
        other: "Discarding"
        bucket: Bucket

        def expire(self) -> None:
            super().expire()
            self.other.bucket.discard(self.other)

    one, other = Discarding(clock), Discarding(clock)
    one.other, other.other = other, one
    for item in (one, other):
        item.bucket = deadlines.add(item, 1.0)
    clock.advance(2)
    assert len(one.expired) + len(other.expired) == 1


def test_an_item_that_expires_may_add_others() -> None:
    clock = VirtualTime()
    deadlines = Deadlines(clock.loop)

    class Adding(Item):
        def expire(self) -> None:
            super().expire()
            if len(self.expired) < 4:
                deadlines.add(self, clock.time() + (0.0, 0.005, 1.0)[len(self.expired) - 1])

    item = Adding(clock)
    deadlines.add(item, 1.0)
    clock.advance(5)
    assert item.expired == pytest.approx([1.01, 1.02, 1.03, 2.04], abs=0.0101)
    assert clock.timers == 0


def test_one_item_s_defect_does_not_keep_others_from_expiring() -> None:
    clock = VirtualTime()
    deadlines = Deadlines(clock.loop)

    class Failing(Item):
        def expire(self) -> None:
            super().expire()
            raise ZeroDivisionError

    items = [Item(clock), Failing(clock), Item(clock), Failing(clock), Item(clock)]
    for item in items:
        deadlines.add(item, 1.0)
    last = Item(clock)
    deadlines.add(last, 2.0)
    clock.advance(3)
    assert all(len(item.expired) == 1 for item in [*items, last])
    assert [type(problem["exception"]) for problem in clock.problems] == [ZeroDivisionError] * 2


def test_closing_forgets_all() -> None:
    clock = VirtualTime()
    deadlines = Deadlines(clock.loop)
    item = Item(clock)
    deadlines.add(item, 1.0)
    deadlines.close()
    deadlines.close()
    assert clock.timers == 0
    clock.advance(2)
    assert item.expired == []


def test_closing_while_items_expire_ends_it() -> None:
    clock = VirtualTime()
    deadlines = Deadlines(clock.loop)

    class Closing(Item):
        def expire(self) -> None:
            super().expire()
            deadlines.close()

    first, later = Closing(clock), Item(clock)
    deadlines.add(first, 1.0)
    deadlines.add(later, 1.5)
    clock.advance(3)
    assert (len(first.expired), later.expired, clock.timers) == (1, [], 0)


def test_a_million_calls_with_long_deadlines_keep_no_buckets() -> None:
    """At 100 calls a second and a deadline of an hour there would be 360,000 of them."""
    clock = VirtualTime()
    deadlines = Deadlines(clock.loop)
    most = 0
    in_flight: list[tuple[Item, Bucket]] = []
    for _ in range(20_000):
        item = Item(clock)
        in_flight.append((item, deadlines.add(item, clock.time() + 3600)))
        if len(in_flight) > 20:
            done, bucket = in_flight.pop(7)
            bucket.discard(done)
        clock.advance(0.01)
        most = max(most, len(deadlines._buckets))
    assert most < 1000
    clock.advance(3700)
    assert all(len(item.expired) == 1 for item, _ in in_flight)


async def test_a_real_loop_agrees() -> None:
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop)
    done = asyncio.Event()

    class Setting:
        def expire(self) -> None:
            done.set()

    when = loop.time() + 0.03
    deadlines.add(Setting(), when)
    await asyncio.wait_for(done.wait(), 10)
    assert when <= loop.time() + TINY_S
