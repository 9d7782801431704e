"""The wire's metrics as text. Import this late: prometheus-client is slow to import."""

from collections.abc import Iterator

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from faultwire import __version__
from faultwire.telemetry import exposition
from faultwire.wire.ledger.tally import Figures, Tally

_BY = ("http_response_status_class", "fault")


def expose(figures: Figures, accept: str) -> tuple[bytes, str]:
    """The text and its content type, for this `Accept` header."""
    return exposition.render(_Families(figures), accept)


class _Families(Collector):
    """The families of the wire, in a fixed order."""

    def __init__(self, figures: Figures) -> None:
        self._now = figures

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            "faultwire_build",
            "What is running.",
            value={"version": __version__, "service": "wire"},
        )
        yield GaugeMetricFamily(
            "faultwire_wire_active_requests",
            "Requests that are on the wire now.",
            value=self._now.open_exchanges,
        )
        yield GaugeMetricFamily(
            "faultwire_wire_open_connections",
            "Clients' connections that are open now.",
            value=self._now.connections_open,
        )
        yield CounterMetricFamily(
            "faultwire_wire_connections",
            "Clients' connections accepted.",
            value=self._now.connections,
        )
        yield GaugeMetricFamily(
            "faultwire_wire_active_faults",
            "Faults that are set now.",
            value=self._now.active_faults,
        )
        yield from _counted(self._now.tally)


def _counted(tally: Tally) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "faultwire_wire_requests",
        'Requests, by the class of the status passed on ("none": no answer began) and fault.',
        labels=_BY,
    )
    times = exposition.durations(
        "faultwire_wire_request_duration_seconds",
        "From a request's first byte to its answer's last.",
        _BY,
    )
    for (fault, name), cells in sorted(tally.histograms().items()):
        requests.add_metric((name, fault), int(sum(cells[:-1])))
        exposition.add(times, (name, fault), cells)
    yield requests
    yield _by_label("faultwire_wire_faults", "Faults injected.", "fault", tally.by_fault())
    yield _by_label(
        "faultwire_wire_bytes",
        "Bytes from clients, from the upstream, and to clients.",
        "direction",
        {
            "request": tally.request_bytes,
            "upstream": tally.upstream_bytes,
            "response": tally.response_bytes,
        },
    )
    yield times


def _by_label(name: str, what: str, label: str, counts: dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, what, labels=(label,))
    for key, count in sorted(counts.items()):
        family.add_metric((key,), count)
    return family
