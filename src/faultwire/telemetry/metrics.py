"""The metrics: a sink that counts, cheaply, and an exposition in OpenMetrics text.

Names and buckets are OpenTelemetry's HTTP semantic conventions in Prometheus's form. Recording
is a dictionary look-up and two additions; prometheus-client, which takes some 50 ms and 7 MB
to import, is loaded when somebody first asks for the exposition.
"""

from bisect import bisect_left
from collections.abc import Callable
from typing import TypeVar

from faultwire.contracts.outcome import CLIENT_LEFT, failure_of
from faultwire.events import Served
from faultwire.telemetry.snapshot import BUCKETS_S, SUM, Histograms, Policies, Snapshot

OTHER_METHOD = "_OTHER"
"""The label of a method that OpenTelemetry does not list: no label value comes from outside."""

_METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}
)
_AT_ONCE = 64
_FIRST_S = BUCKETS_S[0]
K = TypeVar("K")
ServerKey = tuple[str, str, int, str]
ClientKey = tuple[int, str]


class Metrics:
    """What one service has done since it started.

    `active_requests` is for the server to count up and down; `policies` is asked for theirs. A
    snapshot may be exposed in another thread while events come in.
    """

    def __init__(
        self, service: str, contract: str, upstream_host: str = "", upstream_port: int = 0
    ) -> None:
        self.service = service
        self.contract = contract
        self.upstream = (upstream_host, str(upstream_port or ""))
        self.active_requests = 0
        self.attempts = 0
        self.policies: Callable[[], Policies | None] = lambda: None
        self._uncounted: list[Served] = []
        self._server: dict[ServerKey, list[float]] = {}
        self._client: dict[ClientKey, list[float]] = {}

    def served(self, event: Served) -> None:
        """A request has been answered; `event.called` is the call that it took, if any."""
        self._uncounted.append(event)
        if len(self._uncounted) >= _AT_ONCE:
            self._count()

    def _count(self) -> None:
        """Count what has come: many at once cost a third of one at a time."""
        events, self._uncounted = self._uncounted, []
        server, client = self._server, self._client
        for event in events:
            method = event.method if event.method in _METHODS else OTHER_METHOD
            error = error_type(event) if event.status >= CLIENT_LEFT else ""
            _record(server, (method, event.route, event.status, error), event.duration_s)
            call = event.called
            if call is not None:
                error = "" if call.failure is None else call.failure.kind.value
                _record(client, (call.status, error), call.duration_s)
                self.attempts += call.attempts

    def snapshot(self) -> Snapshot:
        """All of it, as it stands."""
        self._count()
        server: Histograms = {
            (method, route, str(status), error): cells[:]
            for (method, route, status, error), cells in list(self._server.items())
        }
        client: Histograms = {
            (str(status or ""), error): cells[:]
            for (status, error), cells in list(self._client.items())
        }
        return Snapshot(
            self.service,
            self.contract,
            self.upstream,
            self.active_requests,
            self.attempts,
            server,
            client,
            self.policies(),
        )


def _record(histograms: dict[K, list[float]], key: K, duration_s: float) -> None:
    cells = histograms.get(key)
    if cells is None:
        cells = histograms[key] = [0] * (SUM + 1)
    # Most requests take no longer than the first bound.
    cells[0 if duration_s <= _FIRST_S else bisect_left(BUCKETS_S, duration_s)] += 1
    cells[SUM] += duration_s


def known_method(method: str) -> str:
    """The method, if OpenTelemetry lists it; `OTHER_METHOD` for any other."""
    return method if method in _METHODS else OTHER_METHOD


def error_type(event: Served) -> str:
    """The failure's kind, or what else made an answer impossible, of a status from 499 on."""
    if event.status == CLIENT_LEFT:
        return "client_disconnected"
    failed = failure_of(event)
    return str(event.status) if failed is None else failed.kind.value
