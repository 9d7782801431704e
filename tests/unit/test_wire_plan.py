"""Which request gets which fault: as often as asked, in order, repeatably, for a bounded time."""

import asyncio
import heapq
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultwire.wire.faults import InvalidFault, Phase
from faultwire.wire.plan import MOST, Chosen, Plan
from faultwire.wire.plan.breaks import DEFAULT_FOR_S, read_break
from faultwire.wire.plan.chance import MOST_KEYS
from faultwire.wire.stream.head import Head

RATES = (0.01, 0.1, 0.3, 0.5, 0.9)
SURE_999 = 3.2905  # two-sided, in standard deviations


class Timer:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._due: list[tuple[float, int, Timer, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None], /) -> Timer:
        timer = Timer()
        heapq.heappush(self._due, (when, len(self._due), timer, callback))
        return timer

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while self._due and self._due[0][0] <= until:
            self.now, _, timer, callback = heapq.heappop(self._due)
            if not timer.cancelled:
                callback()
        self.now = until

    @property
    def pending(self) -> int:
        return sum(not timer.cancelled for _, _, timer, _ in self._due)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def plan(clock: Clock) -> Plan:
    return Plan(clock)


def begin(plan: Plan, fault: str = "status", **data: Any) -> None:
    plan.add(read_break({"fault": fault, "seed": 1, **data}))


def request(target: str = "/echo", **headers: str) -> Head:
    fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return Head(f"GET {target} HTTP/1.1\r\n{fields}\r\n".encode())


def names(chosen: Iterable[Chosen]) -> list[str]:
    return [one.name for one in chosen]


def fates(plan: Plan, count: int, head: Head | None = None) -> list[bool]:
    head = head or request()
    return [bool(plan.choose(head)) for _ in range(count)]


# How often


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_share_is_the_rate_in_the_binomial_sense(plan: Plan, rate: float, seed: int) -> None:
    count = 10_000
    begin(plan, rate=rate, seed=seed)
    injected = sum(fates(plan, count))
    assert abs(injected - count * rate) <= SURE_999 * (count * rate * (1 - rate)) ** 0.5 + 0.5
    assert [(shown["seen"], shown["injected"]) for shown in plan.active()] == [(count, injected)]


@given(st.integers(0, 2**53 - 1))
def test_rate_0_touches_nothing_and_rate_1_everything(seed: int) -> None:
    for rate in (0, 1):
        plan = Plan(Clock())
        begin(plan, rate=rate, seed=seed)
        assert fates(plan, 20) == [bool(rate)] * 20


def test_a_ramp_moves_the_share_as_time_passes(plan: Plan, clock: Clock) -> None:
    begin(plan, ramp="0-1/100s", rate=0.5)
    assert sum(fates(plan, 1000)) == 0
    clock.advance(50)
    assert abs(sum(fates(plan, 1000)) - 250) < 60
    clock.advance(50)
    assert abs(sum(fates(plan, 1000)) - 500) < 70


# The same again


def test_the_same_seed_meets_the_same_requests_and_another_seed_others() -> None:
    runs = []
    for seed in (5, 5, 6):
        plan = Plan(Clock())
        begin(plan, rate=0.5, seed=seed)
        runs.append([[one.rng.random() for one in plan.choose(request())] for _ in range(64)])
    assert runs[0] == runs[1] != runs[2]


def test_a_drawn_seed_is_shown_and_repeats_the_run() -> None:
    plan = Plan(Clock())
    plan.add(read_break({"fault": "status", "rate": 0.5}))
    first = fates(plan, 64)
    again = Plan(Clock())
    (shown,) = plan.active()
    again.add(read_break({key: shown[key] for key in ("fault", "rate", "seed")}))
    assert fates(again, 64) == first


@given(st.lists(st.sampled_from("abc"), max_size=60))
def test_keys_never_disturb_each_other(order: list[str]) -> None:
    mixed = Plan(Clock())
    begin(mixed, rate=0.5, first=5, key="header:x-test")
    found: dict[str, list[bool]] = {}
    for key in order:
        found.setdefault(key, []).append(bool(mixed.choose(request(X_Test=key))))
    for key, expected in found.items():
        alone = Plan(Clock())
        begin(alone, rate=0.5, first=5, key="header:x-test")
        assert fates(alone, len(expected), request(X_Test=key)) == expected


@pytest.mark.parametrize(
    ("key", "one", "other"),
    [
        ("path", request("/a?x=1"), request("/b?x=1")),
        ("query:msg", request("/?msg=1"), request("/?msg=2")),
        ("header:x-test", request(X_Test="1"), request()),
    ],
)
def test_each_key_has_its_own_first_request(plan: Plan, key: str, one: Head, other: Head) -> None:
    begin(plan, first=1, key=key)
    assert [fates(plan, 2, head) for head in (one, other)] == [[True, False]] * 2


def test_memory_of_keys_is_bounded(plan: Plan) -> None:
    begin(plan, first=1, key="query:id")
    for number in range(MOST_KEYS + 100):
        assert plan.choose(request(f"/?id={number}"))
    (active,) = plan._active.values()
    assert len(active.chance) == MOST_KEYS


# Schedules


def test_first_and_every_count_only_the_requests_that_match(plan: Plan) -> None:
    begin(plan, first=2, match={"path": "/echo"}, name="first")
    begin(plan, every=2, match={"path": "/foo"}, name="every")
    heads = [request("/foo"), request("/echo")] * 4
    assert [names(plan.choose(head)) for head in heads] == [
        [],
        ["first"],
        ["every"],
        ["first"],
        [],
        [],
        ["every"],
        [],
    ]


def test_a_sequence_of_statuses_answers_each_and_spares_the_good_ones(plan: Plan) -> None:
    begin(plan, sequence="503,404,200,500")
    chosen = [plan.choose(request()) for _ in range(5)]
    codes = [[one.fault.code for one in choice] for choice in chosen]  # type: ignore[attr-defined]
    assert codes == [[503], [404], [], [500], []]
    assert [(shown["seen"], shown["injected"]) for shown in plan.active()] == [(5, 3)]


def test_other_faults_take_the_words_fault_and_ok(plan: Plan) -> None:
    begin(plan, "reset", sequence="fault,ok,*")
    assert fates(plan, 5) == [True, False, True, False, True]


def test_a_window_opens_and_closes_with_time(plan: Plan, clock: Clock) -> None:
    begin(plan, window="10s-20s")
    found = []
    for _ in range(4):
        found += fates(plan, 1)
        clock.advance(8)
    assert found == [False, False, True, False]


# Order


def test_the_first_match_in_order_wins(plan: Plan) -> None:
    begin(plan, "reset", match={"path": "/a*"})
    begin(plan, "status")
    assert names(plan.choose(request("/abc"))) == ["reset"]
    assert names(plan.choose(request("/xyz"))) == ["status"]
    assert [shown["seen"] for shown in plan.active()] == [1, 1]


def test_who_is_spared_by_one_meets_the_next(plan: Plan) -> None:
    begin(plan, "reset", first=1)
    begin(plan, "status")
    assert [names(plan.choose(request())) for _ in range(2)] == [["reset"], ["status"]]


def test_latency_acts_first_and_another_fault_follows(plan: Plan) -> None:
    begin(plan, "status")
    begin(plan, "latency")
    begin(plan, "latency", name="more")
    begin(plan, "reset")
    assert names(plan.choose(request())) == ["latency", "more", "status"]


def test_latency_calls_the_upstream_only_if_what_follows_does(plan: Plan) -> None:
    begin(plan, "latency")
    assert [one.phase for one in plan.choose(request())] == [Phase.AFTER]
    begin(plan, "status", phase="before")
    assert [one.phase for one in plan.choose(request())] == [Phase.BEFORE, Phase.BEFORE]


def test_a_first_request_is_no_business_of_stale_keepalive(plan: Plan) -> None:
    begin(plan, "stale_keepalive", first=1)
    assert plan.choose(request()) == []
    assert names(plan.choose(request(), reused=True)) == ["stale_keepalive"]
    assert plan.choose(request(), reused=True) == []
    assert [shown["seen"] for shown in plan.active()] == [2]


def test_connections_and_requests_have_faults_of_their_own(plan: Plan) -> None:
    begin(plan, "reset_on_accept", first=1)
    begin(plan, "slow_accept")
    begin(plan, "status")
    assert [names(plan.on_accept()) for _ in range(2)] == [["reset_on_accept"], ["slow_accept"]]
    assert names(plan.choose(request())) == ["status"]


def test_the_plan_is_armed_while_a_request_or_connection_can_be_hit(plan: Plan) -> None:
    found = [plan.armed]
    for fault in ("refuse", "reset_on_accept", "status"):
        begin(plan, fault)
        found.append(plan.armed)
        plan.reset()
    assert found == [False, False, True, True]
    assert not plan.armed


# The listener


def test_the_first_state_of_the_listener_in_order_holds(plan: Plan) -> None:
    states: list[str] = []
    plan.on_change = lambda: states.append(plan.listener_state)
    begin(plan, "status")
    begin(plan, "blackhole")
    begin(plan, "refuse")
    plan.remove("blackhole")
    plan.reset()
    assert states == ["open", "blackhole", "blackhole", "refuse", "open"]


def test_a_window_of_the_listener_is_told_at_its_edges(plan: Plan, clock: Clock) -> None:
    told: list[tuple[float, str]] = []
    plan.on_change = lambda: told.append((clock.now - 1000, plan.listener_state))
    begin(plan, "refuse", window="5s/60s", **{"for": "70s"})
    clock.advance(100)
    assert told == [(0, "refuse"), (5, "open"), (60, "refuse"), (65, "open"), (70, "open")]
    assert clock.pending == 0


# How long


def test_every_break_ends_after_its_time(plan: Plan, clock: Clock) -> None:
    changes: list[int] = []
    plan.on_change = lambda: changes.append(len(plan.active()))
    begin(plan)
    begin(plan, "reset", **{"for": "30s"})
    assert [shown["left_s"] for shown in plan.active()] == [DEFAULT_FOR_S, 30]
    clock.advance(30)
    assert names(plan.choose(request())) == ["status"]
    clock.advance(DEFAULT_FOR_S)
    assert plan.active() == []
    assert not plan.armed
    assert changes == [1, 2, 1, 0]
    assert clock.pending == 0


def test_what_has_expired_acts_no_more_even_if_its_timer_is_late(plan: Plan, clock: Clock) -> None:
    begin(plan, for_s=10)
    begin(plan, "refuse", for_s=10)
    begin(plan, "reset_on_accept", for_s=10)
    clock.now += 10
    assert (plan.choose(request()), plan.on_accept(), plan.active()) == ([], [], [])
    assert plan.listener_state == "open"


async def test_mending_wakes_who_sleeps_and_nobody_sleeps_again(plan: Plan) -> None:
    begin(plan, "latency")
    begin(plan, "hang")
    sleepers = []
    chosen = plan.choose(request())
    for one in chosen:
        sleepers.append(asyncio.get_running_loop().create_future())
        one.sleepers.add(sleepers[-1])
    assert plan.remove("latency")
    assert [
        (one.mended, sleeper.done()) for one, sleeper in zip(chosen, sleepers, strict=True)
    ] == [
        (True, True),
        (False, False),
    ]
    sleepers[1].cancel()
    assert plan.reset() == 1
    assert chosen[1].mended


def test_removing_what_is_not_there_says_so(plan: Plan) -> None:
    assert not plan.remove("status")
    assert plan.reset() == 0


def test_a_break_of_the_same_name_takes_the_others_place(plan: Plan) -> None:
    begin(plan, "status", code=503)
    begin(plan, "reset")
    (before,) = plan.choose(request())
    begin(plan, "status", code=404)
    assert before.mended
    assert [(shown["name"], shown.get("code")) for shown in plan.active()] == [
        ("status", 404),
        ("reset", None),
    ]


def test_there_is_a_bound_on_what_is_active(plan: Plan) -> None:
    for number in range(MOST):
        begin(plan, name=f"status-{number}")
    begin(plan, name="status-0", code=404)
    with pytest.raises(InvalidFault, match="No more than 100"):
        begin(plan, name="one-more")


def test_a_closed_plan_has_mended_all_and_tells_nobody(plan: Plan, clock: Clock) -> None:
    told: list[str] = []
    begin(plan)
    plan.on_change = lambda: told.append("changed")
    plan.close()
    assert (plan.active(), told, clock.pending) == ([], [], 0)
