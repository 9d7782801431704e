"""Several addresses of one upstream: which to call, and which to leave alone for a while.

Of two drawn at random the one with fewer attempts in flight is called (M. Mitzenmacher, "The Power
of Two Choices in Randomized Load Balancing", 2001): nearly as even as looking at all of them, and
without the stampede to the one that looks best. An address that fails several times in a row is
ejected, each time for twice as long, as Envoy does with outliers; but only up to a share of them,
because when all of them fail it is not the addresses.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from faultwire.policy.knob import knob
from faultwire.policy.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceSettings:
    """When an address is ejected, for how long, and how many may be at once."""

    failures: int = knob(5, "Failures in a row that eject an address.", 1, 1_000_000)
    ejection_s: float = knob(5.0, "How long the first time; it doubles with each.", 0.01, 600)
    longest_s: float = knob(300.0, "How long at most.", 0.01, 3600)
    ejected_percent: int = knob(50, "The percentage of addresses ejected at most.", 0, 100)


class Upstream:
    """One address, and how it has done."""

    __slots__ = ("address", "ejected_until", "ejections", "failing", "failures", "in_flight")

    def __init__(self, address: str) -> None:
        self.address = address
        self.in_flight = 0
        self.failures = 0  # in a row
        self.failing = False  # so many in a row as eject, and no success since
        self.ejections = 0  # without a good time between them
        self.ejected_until = 0.0


class Balancer:
    """The addresses. What `choose` gives is to be released, once."""

    __slots__ = ("_settings", "_upstreams")

    def __init__(self, settings: BalanceSettings, addresses: Iterable[str]) -> None:
        self._settings = settings
        self._upstreams: dict[str, Upstream] = {}
        self.update(addresses)

    @property
    def upstreams(self) -> Sequence[Upstream]:
        """All of them, in the order in which they were given."""
        return tuple(self._upstreams.values())

    def update(self, addresses: Iterable[str]) -> None:
        """The addresses have changed: what is known of those that stay is kept.

        An empty set is no news: a name that does not resolve for a moment is not a move.
        """
        known = self._upstreams
        given = {address: known.get(address) or Upstream(address) for address in addresses}
        self._upstreams = given or known

    def choose(self, now: float, random: Random, avoid: str | None = None) -> Upstream:
        """The upstream for one attempt: if there is a choice, not the one to `avoid`.

        Where all that are not ejected fail, those that are may be well by now.
        """
        candidates = everyone = list(self._upstreams.values())
        if len(everyone) > 1:
            candidates = [u for u in everyone if u.ejected_until <= now]
            if all(u.failing for u in candidates):
                candidates = everyone
            candidates = [u for u in candidates if u.address != avoid] or candidates
        chosen = _less_loaded(candidates, random)
        chosen.in_flight += 1
        return chosen

    def release(self, upstream: Upstream, verdict: Verdict, now: float) -> None:
        """An attempt has ended. It may be one at an address that is no longer among them."""
        upstream.in_flight -= 1
        if verdict is Verdict.SUCCEEDED:
            upstream.failures = 0
            upstream.failing = False
            if now >= upstream.ejected_until + self._duration_s(upstream.ejections):
                upstream.ejections = 0
        elif verdict is Verdict.FAILED and upstream.ejected_until <= now:
            upstream.failures += 1
            if upstream.failures >= self._settings.failures:
                upstream.failing = True
                if self._may_eject(now):
                    self._eject(upstream, now)

    def fails_alone(self, upstream: Upstream) -> bool:
        """Whether this address fails and another does not: then it is the address."""
        return upstream.failing and not all(u.failing for u in self._upstreams.values())

    def ejected(self, now: float) -> int:
        """How many are left alone at the moment."""
        return sum(upstream.ejected_until > now for upstream in self._upstreams.values())

    def _may_eject(self, now: float) -> bool:
        most = len(self._upstreams) * self._settings.ejected_percent // 100
        return self.ejected(now) < most

    def _eject(self, upstream: Upstream, now: float) -> None:
        upstream.ejections += 1
        upstream.failures = 0
        upstream.ejected_until = now + self._duration_s(upstream.ejections)

    def _duration_s(self, ejections: int) -> float:
        """How long the so-many-th ejection in a row lasts."""
        if not ejections:
            return 0.0
        doubled: float = self._settings.ejection_s * 2.0 ** min(ejections - 1, 64)
        return min(doubled, self._settings.longest_s)


def _less_loaded(candidates: Sequence[Upstream], random: Random) -> Upstream:
    count = len(candidates)
    if count == 1:
        return candidates[0]
    first = int(random.random() * count)
    second = int(random.random() * (count - 1))
    second += second >= first  # two different ones
    one, other = candidates[first], candidates[second]
    return one if one.in_flight <= other.in_flight else other
