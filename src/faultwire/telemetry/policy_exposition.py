"""The metrics of B's policies: what they have decided, and how they stand."""

from collections.abc import Iterator, Mapping

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    StateSetMetricFamily,
)

from faultwire.telemetry.snapshot import Policies

BREAKER_STATES = ("closed", "open", "half_open")
_GAUGES = {
    "shed_limit": ("concurrency_limit", "Calls that may be in flight, as A's latency has it."),
    "shed_in_flight": ("calls_in_flight", "Calls in flight, as load shedding counts them."),
    "bulkhead_in_flight": ("bulkhead_in_flight", "Calls in flight, as the bulkhead counts them."),
    "bulkhead_waiting": ("bulkhead_waiting", "Calls that wait for a place in the bulkhead."),
    "budget_balance": ("retry_budget", "Retries that would be granted now."),
    "hedge_delay_s": ("hedge_delay_seconds", "How long an attempt may take before it is hedged."),
    "upstreams": ("upstreams", "A's addresses."),
    "upstreams_ejected": ("upstreams_ejected", "Those of them that are left alone for a while."),
}
"""By their name in `Conductor.standing`: the metric's name behind `faultwire_`, and its help."""


def policy_families(policies: Policies) -> Iterator[Metric]:
    """All families, those of policies that are off left out."""
    yield _counter(
        "retries", "Attempts after a call's first, hedges not counted.", policies.retries
    )
    yield _counter("hedges", "Attempts beside one that took long.", policies.hedges)
    yield _counter("hedges_won", "Hedges that were the first to answer.", policies.hedges_won)
    yield _by("calls_refused", "Calls without an attempt.", "error_type", policies.refused)
    yield _by("retries_stopped", "Failures not retried.", "reason", policies.stopped)
    for name, value in policies.standing.items():
        if name == "breaker_state":
            states = {state: state == value for state in BREAKER_STATES}
            said = "The circuit breaker's state."
            yield StateSetMetricFamily("faultwire_breaker_state", said, value=states)
        elif isinstance(value, int | float):
            metric, said = _GAUGES[name]
            yield GaugeMetricFamily(f"faultwire_{metric}", said, value=value)


def _counter(name: str, said: str, value: int) -> Metric:
    return CounterMetricFamily(f"faultwire_{name}", said, value=value)


def _by(name: str, said: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"faultwire_{name}", said, labels=(label,))
    for value, count in counts.items():
        family.add_metric((value,), count)
    return family
