"""The policies of one upstream at work: it begins calls, and says how things stand."""

from collections.abc import Callable, Iterable, Mapping
from random import Random

from faultwire.policy.breaker import Changed
from faultwire.policy.deadline import deadline
from faultwire.policy.layers import Layers, Tally
from faultwire.policy.plan import Plan
from faultwire.policy.sets import PolicySet


class Conductor:
    """One for all calls to an upstream.

    `addresses` are those of the upstream, if there are several to choose from; `random` is all
    the chance there is; `changed` is told of each change of the breaker's state.
    """

    __slots__ = ("_layers", "policies")

    def __init__(
        self,
        policies: PolicySet,
        random: Random,
        addresses: Iterable[str] = (),
        changed: Callable[[Changed], object] | None = None,
    ) -> None:
        self.policies = policies
        self._layers = Layers(policies, tuple(addresses), random, changed)

    def begin(
        self,
        now: float,
        timeout_s: float,
        *,
        idempotent: bool = True,
        asked_s: float | None = None,
        wake: Callable[[], object] | None = None,
    ) -> Plan:
        """A call that may take `timeout_s`, or `asked_s` if its client waits no longer.

        `wake` is called when the plan, told to wait, is to be asked again before its time.
        """
        layers = self._layers
        return Plan(
            layers,
            deadline(now, timeout_s, asked_s),
            layers.attempt_timeout.limit_s(timeout_s),
            idempotent=idempotent,
            wake=wake,
        )

    def update(self, addresses: Iterable[str]) -> None:
        """The upstream's addresses have changed. Those that stay keep what is known of them."""
        if self._layers.balancer is not None:
            self._layers.balancer.update(addresses)

    @property
    def tally(self) -> Tally:
        """What the policies have decided so far."""
        return self._layers.tally

    def standing(self, now: float) -> Mapping[str, object]:
        """How each policy stands, by name: for the metrics and for people."""
        layers = self._layers
        found: dict[str, object] = {}
        if layers.shed is not None:
            found |= {"shed_limit": int(layers.shed.limit), "shed_in_flight": layers.shed.in_flight}
        if layers.bulkhead is not None:
            found["bulkhead_in_flight"] = layers.bulkhead.in_flight
            found["bulkhead_waiting"] = layers.bulkhead.waiting
        if layers.budget is not None:
            found["budget_balance"] = layers.budget.balance(now)
        if layers.hedge is not None:
            found["hedge_delay_s"] = layers.hedge.delay_s(now)
        if layers.breaker is not None:
            found["breaker_state"] = layers.breaker.state.value
        if layers.balancer is not None:
            found["upstreams"] = len(layers.balancer.upstreams)
            found["upstreams_ejected"] = layers.balancer.ejected(now)
        return found
