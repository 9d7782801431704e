"""Metrics as text, through prometheus-client. Import this late: it is slow to import."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, exposition
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from faultwire import __version__
from faultwire.http.accept import accepted
from faultwire.telemetry.policy_exposition import policy_families
from faultwire.telemetry.snapshot import BUCKETS_S, Snapshot

_OPENMETRICS = "application/openmetrics-text"
_OLDER = {"text/plain", "text/*", "text/html"}
_UPSTREAM = ("server_address", "server_port")
_encode: Callable[[Collector], bytes] = openmetrics.generate_latest  # which is not typed
_BOUNDS = (*(str(float(bound)) for bound in BUCKETS_S), "+Inf")


def expose(snapshot: Snapshot, accept: str) -> tuple[bytes, str]:
    """The text of a service's metrics and its content type, for this `Accept` header."""
    return render(_Families(snapshot), accept)


def render(families: Collector, accept: str) -> tuple[bytes, str]:
    """The text and its content type: OpenMetrics, unless only older text is accepted.

    A browser gets that, too, which it shows; OpenMetrics it would save to a file.
    prometheus-client's own negotiation echoes the client's words and fails on odd ones.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(families)
    Process(registry=registry)
    wanted = accepted(accept)
    refused = _OPENMETRICS in accept.lower()  # if it is named, and not wanted all the same
    if _OPENMETRICS not in wanted and (refused or wanted & _OLDER):
        return exposition.generate_latest(registry), exposition.CONTENT_TYPE_PLAIN_0_0_4
    return _encode(registry), openmetrics.CONTENT_TYPE_LATEST


class Process(ProcessCollector):
    """What Linux tells of this process, also where it hides all but processes.

    systemd does with `ProcSubset=pid`: there is no /proc/stat, without which prometheus-client
    tells nothing.
    """

    def _boot_time(self) -> float:
        try:
            return float(super()._boot_time())  # type: ignore[no-untyped-call]
        except OSError:
            if sys.platform != "linux":
                raise
            return round(time.time() - time.clock_gettime(time.CLOCK_BOOTTIME))


class _Families(Collector):
    """The families of one service, in a fixed order."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._now = snapshot

    def collect(self) -> Iterator[Metric]:
        yield self._build()
        yield GaugeMetricFamily(
            "http_server_active_requests",
            "Requests that are being answered now.",
            value=self._now.active_requests,
        )
        yield self._server()
        if self._now.upstream[0]:
            yield self._client()
            yield self._attempts()
        if self._now.policies is not None:
            yield from policy_families(self._now.policies)

    def _build(self) -> Metric:
        build = {
            "version": __version__,
            "service": self._now.service,
            "contract": self._now.contract,
        }
        return InfoMetricFamily("faultwire_build", "What is running.", value=build)

    def _server(self) -> Metric:
        family = durations(
            "http_server_request_duration_seconds",
            "Time to answer a request; error_type is empty unless the answer is a failure.",
            ("http_request_method", "http_route", "http_response_status_code", "error_type"),
        )
        for labels, cells in sorted(self._now.server.items()):
            add(family, labels, cells)
        return family

    def _client(self) -> Metric:
        family = durations(
            "http_client_request_duration_seconds",
            "Time of a whole call to service A; error_type is the failure kind.",
            ("http_request_method", *_UPSTREAM, "http_response_status_code", "error_type"),
        )
        for labels, cells in sorted(self._now.client.items()):
            add(family, ("GET", *self._now.upstream, *labels), cells)
        return family

    def _attempts(self) -> Metric:
        family = CounterMetricFamily(
            "faultwire_upstream_attempts", "Requests tried at service A.", labels=_UPSTREAM
        )
        family.add_metric(self._now.upstream, self._now.attempts)
        return family


def durations(name: str, what: str, labels: Sequence[str]) -> HistogramMetricFamily:
    """An empty histogram of durations in seconds."""
    return HistogramMetricFamily(name, what, labels=labels, unit="seconds")


def add(family: HistogramMetricFamily, labels: Sequence[str], cells: list[float]) -> None:
    """Add one histogram: counts become cumulative, as the format wants them."""
    *counts, total = cells
    family.add_metric(labels, list(zip(_BOUNDS, accumulate(counts), strict=True)), total)
