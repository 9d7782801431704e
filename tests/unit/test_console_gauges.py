"""What the console reads in a service's own metrics."""

import pytest

from faultwire.lab.console.gauges import read
from faultwire.policy.breaker import State
from faultwire.telemetry.exposition import expose
from faultwire.telemetry.snapshot import Policies, Snapshot


def metrics(active_requests: int, policies: Policies | None = None, accept: str = "") -> bytes:
    """The text that B answers with."""
    upstream = ("127.0.0.1", "8080")
    return expose(Snapshot("B", "unified", upstream, active_requests, 0, {}, {}, policies), accept)[
        0
    ]


@pytest.mark.parametrize("accept", ["application/openmetrics-text", "text/plain"])
@pytest.mark.parametrize("state", State)
def test_the_breaker_and_what_is_in_flight_are_read(state: State, accept: str) -> None:
    policies = Policies(0, 0, 0, {}, {}, {"breaker_state": state.value, "bulkhead_in_flight": 3})
    assert read(metrics(12, policies, accept)) == (11, state.value)


def test_a_service_without_a_breaker_has_none() -> None:
    assert read(metrics(1)) == (0, "")
    assert read(metrics(1, Policies(0, 0, 0, {}, {}, {}))) == (0, "")


@pytest.mark.parametrize("text", [b"", b"<html>", b"http_server_active_requests many"])
def test_what_says_nothing_of_it_is_unknown(text: bytes) -> None:
    assert read(text) == (None, "")
