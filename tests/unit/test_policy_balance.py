"""Of two the less loaded; who fails in a row is left alone, longer each time, but never most."""

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from faultwire.policy.balance import Balancer, BalanceSettings, Upstream
from faultwire.policy.verdict import Verdict

SETTINGS = BalanceSettings(failures=3, ejection_s=5.0, longest_s=15.0, ejected_percent=50)
RANDOM = Random(1)  # noqa: S311 - to be repeatable, not secret


def of(balancer: Balancer, address: str) -> Upstream:
    return next(u for u in balancer.upstreams if u.address == address)


def fail(balancer: Balancer, address: str, now: float, times: int = 3) -> None:
    for _ in range(times):
        upstream = of(balancer, address)
        upstream.in_flight += 1
        balancer.release(upstream, Verdict.FAILED, now)


def chosen(balancer: Balancer, now: float, times: int = 200) -> set[str]:
    found = set()
    for _ in range(times):
        upstream = balancer.choose(now, RANDOM)
        balancer.release(upstream, Verdict.NEUTRAL, now)
        found.add(upstream.address)
    return found


def test_of_two_the_less_loaded_is_called() -> None:
    balancer = Balancer(SETTINGS, ["a", "b"])
    of(balancer, "a").in_flight = 1
    assert chosen(balancer, 0.0) == {"b"}


def test_calls_spread_nearly_evenly_over_many() -> None:
    balancer = Balancer(SETTINGS, map(str, range(10)))
    counts = Counter(balancer.choose(0.0, RANDOM).address for _ in range(1000))
    assert max(counts.values()) - min(counts.values()) <= 10
    assert len(counts) == 10


def test_every_address_can_be_chosen_first_and_second() -> None:
    assert chosen(Balancer(SETTINGS, "abc"), 0.0) == {"a", "b", "c"}


def test_an_address_that_fails_in_a_row_is_ejected_for_a_while() -> None:
    balancer = Balancer(SETTINGS, ["a", "b"])
    fail(balancer, "a", 0.0, times=2)
    assert chosen(balancer, 0.0) == {"a", "b"}
    fail(balancer, "a", 0.0, times=1)
    assert balancer.ejected(0.0) == 1
    assert chosen(balancer, 4.99) == {"b"}
    assert chosen(balancer, 5.0) == {"a", "b"}


def test_a_success_in_between_starts_the_count_again() -> None:
    balancer = Balancer(SETTINGS, ["a", "b"])
    fail(balancer, "a", 0.0, times=2)
    upstream = of(balancer, "a")
    upstream.in_flight += 1
    balancer.release(upstream, Verdict.SUCCEEDED, 0.0)
    fail(balancer, "a", 0.0, times=2)
    assert balancer.ejected(0.0) == 0


def test_each_ejection_in_a_row_is_twice_as_long_up_to_the_longest() -> None:
    balancer = Balancer(SETTINGS, ["a", "b"])
    now, lengths = 0.0, []
    for _ in range(4):
        fail(balancer, "a", now)
        lengths.append(of(balancer, "a").ejected_until - now)
        now = of(balancer, "a").ejected_until
    assert lengths == [5.0, 10.0, 15.0, 15.0]


def test_a_good_time_as_long_as_the_ejection_is_forgiveness() -> None:
    for after_s, ejections in ((4.9, 1), (5.0, 0)):
        balancer = Balancer(SETTINGS, ["a", "b"])
        fail(balancer, "a", 0.0)
        upstream = of(balancer, "a")
        upstream.in_flight += 1
        balancer.release(upstream, Verdict.SUCCEEDED, 5.0 + after_s)
        assert upstream.ejections == ejections


def test_never_more_than_the_share_is_ejected() -> None:
    balancer = Balancer(SETTINGS, ["a", "b", "c"])
    for address in "abc":
        fail(balancer, address, 0.0)
    assert balancer.ejected(0.0) == 1
    alone = Balancer(SETTINGS, ["a"])
    fail(alone, "a", 0.0, times=99)
    assert alone.ejected(0.0) == 0
    assert chosen(alone, 0.0) == {"a"}


def test_one_fails_alone_until_all_do_or_it_succeeds() -> None:
    balancer = Balancer(SETTINGS, ["a", "b"])
    fail(balancer, "a", 0.0, times=2)
    assert not balancer.fails_alone(of(balancer, "a"))
    fail(balancer, "a", 0.0, times=1)
    assert balancer.fails_alone(of(balancer, "a"))
    assert not balancer.fails_alone(of(balancer, "b"))
    fail(balancer, "b", 0.0)
    assert not balancer.fails_alone(of(balancer, "a"))
    balancer.release(balancer.choose(5.0, RANDOM, "b"), Verdict.SUCCEEDED, 5.0)
    assert not balancer.fails_alone(of(balancer, "a"))
    assert balancer.fails_alone(of(balancer, "b"))


def test_after_a_long_outage_of_all_the_first_that_is_back_is_found() -> None:
    """It may have been ejected for minutes, while the other, as bad, must not be."""
    balancer = Balancer(SETTINGS, ["a", "b"])
    for second in range(600):
        fail(balancer, "a", float(second))
        fail(balancer, "b", float(second))
    assert balancer.ejected(599.0) == 1
    assert chosen(balancer, 599.0) == {"a", "b"}


def test_late_failures_of_an_ejected_address_do_not_count() -> None:
    balancer = Balancer(SETTINGS, ["a", "b"])
    fail(balancer, "a", 0.0, times=9)
    assert of(balancer, "a").ejections == 1
    assert of(balancer, "a").failures == 0


def test_a_hedge_goes_elsewhere_if_there_is_elsewhere() -> None:
    balancer = Balancer(SETTINGS, ["a", "b"])
    assert {balancer.choose(0.0, RANDOM, "a").address for _ in range(20)} == {"b"}
    assert Balancer(SETTINGS, ["a"]).choose(0.0, RANDOM, "a").address == "a"


def test_new_addresses_keep_what_is_known_of_those_that_stay() -> None:
    balancer = Balancer(SETTINGS, ["a", "b"])
    fail(balancer, "a", 0.0)
    gone = balancer.choose(0.0, RANDOM)
    balancer.update(["a", "c"])
    assert [u.address for u in balancer.upstreams] == ["a", "c"]
    assert balancer.ejected(0.0) == 1
    balancer.release(gone, Verdict.FAILED, 0.0)
    assert gone.in_flight == 0
    balancer.update([])
    assert [u.address for u in balancer.upstreams] == ["a", "c"], "no address is no news"


@settings(deadline=None)
@given(st.data())
def test_the_healthy_are_chosen_and_what_is_released_is_not_in_flight(data: st.DataObject) -> None:
    balancer = Balancer(SETTINGS, ["a", "b", "c", "d"])
    now = 0.0
    held: list[Upstream] = []
    for _ in range(data.draw(st.integers(0, 40))):
        now += data.draw(st.floats(0.0, 3.0))
        if data.draw(st.booleans()) and held:
            balancer.release(held.pop(), data.draw(st.sampled_from(Verdict)), now)
        else:
            held.append(balancer.choose(now, RANDOM))
            others = [u for u in balancer.upstreams if u.ejected_until <= now]
            assert held[-1] in others or all(u.failing for u in others)
        assert balancer.ejected(now) <= 2
    assert sum(u.in_flight for u in balancer.upstreams) == len(held)


def test_the_most_loaded_of_three_is_never_called_and_the_next_one_sometimes() -> None:
    for order in ("abc", "cba"):
        balancer = Balancer(SETTINGS, "abc")
        for load, address in enumerate(order):
            of(balancer, address).in_flight = 10 * load
        assert chosen(balancer, 0.0) == set(order[:2])
