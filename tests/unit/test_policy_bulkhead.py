"""So many at once and no more; places are handed on, and none is lost."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from faultwire.policy.bulkhead import Bulkhead, BulkheadSettings, Entry

SETTINGS = BulkheadSettings(in_flight=2, queue=2, wait_s=1.0)


def test_beyond_its_places_callers_queue_and_beyond_the_queue_they_are_refused() -> None:
    bulkhead = Bulkhead[str](SETTINGS)
    entries = [bulkhead.enter(name, 0.0) for name in "abcde"]
    assert entries == [Entry.ENTERED, Entry.ENTERED, Entry.QUEUED, Entry.QUEUED, Entry.FULL]
    assert (bulkhead.in_flight, bulkhead.waiting) == (2, 2)
    assert bulkhead.waits_until("c") == 1.0


def test_a_place_goes_to_the_one_who_has_waited_longest_and_still_waits() -> None:
    bulkhead = Bulkhead[str](SETTINGS)
    for name, now in (("a", 0.0), ("b", 0.0), ("c", 0.0), ("d", 0.5)):
        bulkhead.enter(name, now)
    assert bulkhead.leave(1.2) == "d", "c's time is over"
    assert bulkhead.waits_until("c") == 0.0
    assert bulkhead.leave(1.2) is None
    assert bulkhead.in_flight == 1


def test_a_waiter_is_served_up_to_its_last_moment() -> None:
    bulkhead = Bulkhead[str](BulkheadSettings(in_flight=1, queue=1, wait_s=1.0))
    bulkhead.enter("a", 0.0)
    bulkhead.enter("b", 0.0)
    assert bulkhead.leave(1.0) == "b"


def test_who_no_longer_waits_gets_no_place() -> None:
    bulkhead = Bulkhead[str](SETTINGS)
    for name in "abcd":
        bulkhead.enter(name, 0.0)
    bulkhead.abandon("c")
    bulkhead.abandon("nobody")
    assert bulkhead.leave(0.0) == "d"


def test_without_a_queue_nobody_waits() -> None:
    bulkhead = Bulkhead[str](BulkheadSettings(in_flight=1))
    assert [bulkhead.enter(name, 0.0) for name in "ab"] == [Entry.ENTERED, Entry.FULL]


class BulkheadMachine(RuleBasedStateMachine):
    """Held against a plain list of who is in and who waits."""

    def __init__(self) -> None:
        super().__init__()
        self.bulkhead = Bulkhead[int](SETTINGS)
        self.now = 0.0
        self.inside: list[int] = []
        self.waiting: dict[int, float] = {}
        self.names = 0

    @rule(seconds=st.floats(0.0, 0.7))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def enter(self) -> None:
        self.names += 1
        entry = self.bulkhead.enter(self.names, self.now)
        if entry is Entry.ENTERED:
            self.inside.append(self.names)
        elif entry is Entry.QUEUED:
            assert len(self.inside) == SETTINGS.in_flight
            self.waiting[self.names] = self.now + SETTINGS.wait_s
        else:
            assert len(self.waiting) == SETTINGS.queue

    @precondition(lambda self: self.inside)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        self.inside.remove(data.draw(st.sampled_from(self.inside)))
        patient = [name for name, until in self.waiting.items() if self.now <= until]
        handed = self.bulkhead.leave(self.now)
        assert handed == (patient[0] if patient else None)
        for name in list(self.waiting):
            if handed is None or name <= handed:
                del self.waiting[name]
        if handed is not None:
            self.inside.append(handed)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def abandon(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.waiting)))
        del self.waiting[name]
        self.bulkhead.abandon(name)

    @invariant()
    def no_place_is_lost_or_given_twice(self) -> None:
        assert self.bulkhead.in_flight == len(self.inside) <= SETTINGS.in_flight
        assert self.bulkhead.waiting == len(self.waiting) <= SETTINGS.queue
        assert len(set(self.inside)) == len(self.inside)


TestBulkhead = BulkheadMachine.TestCase
TestBulkhead.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
