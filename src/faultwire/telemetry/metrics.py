"""The metrics: a sink that counts, cheaply, and an exposition in OpenMetrics text.

Names and buckets are OpenTelemetry's HTTP semantic conventions in Prometheus's form. Recording
is a dictionary look-up and an append; prometheus-client, which takes some 50 ms and 7 MB
to import, is loaded when somebody first asks for the exposition.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence

from faultwire.contracts.outcome import CLIENT_LEFT, failure_of
from faultwire.events import Served
from faultwire.telemetry.round import Entry
from faultwire.telemetry.snapshot import BUCKETS_S, SUM, Histograms, Policies, Snapshot

OTHER_METHOD = "_OTHER"
"""The label of a method that OpenTelemetry does not list: no label value comes from outside."""

_METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}
)
_AT_ONCE = 64
ServerKey = tuple[str, str, int, str]
ClientKey = tuple[int, str]


class Metrics:
    """What one service has done since it started.

    `begun` is for the server to count up; `policies` is asked for theirs. A snapshot may be
    exposed in another thread while events come in.
    """

    def __init__(
        self, service: str, contract: str, upstream_host: str = "", upstream_port: int = 0
    ) -> None:
        self.service = service
        self.contract = contract
        self.upstream = (upstream_host, str(upstream_port or ""))
        self.begun = 0
        self.policies: Callable[[], Policies | None] = lambda: None
        self._ended = 0
        self._attempts = 0
        self._uncounted: list[Entry] = []
        self._server: Histograms = {}
        self._client: Histograms = {}

    def told(self, entries: Sequence[Entry]) -> None:
        """This has happened: what of it are requests is counted, with the calls they took."""
        self._uncounted += entries
        if len(self._uncounted) >= _AT_ONCE:
            self._count()

    def _count(self) -> None:
        """Count what has come: many at once cost a fifth of one at a time."""
        entries, self._uncounted = self._uncounted, []
        server: defaultdict[ServerKey, list[float]] = defaultdict(list)
        client: defaultdict[ClientKey, list[float]] = defaultdict(list)
        attempts = 0
        for event in entries:
            if isinstance(event, str):
                continue
            status, call = event.status, event.called
            error = error_type(event) if status >= CLIENT_LEFT else ""
            server[event.method, event.route, status, error].append(event.duration_s)
            if call is not None:
                error = "" if call.failure is None else call.failure.kind.value
                client[call.status, error].append(call.duration_s)
                attempts += call.attempts
        for (method, route, status, error), durations_s in server.items():
            self._ended += len(durations_s)
            _record(self._server, (known_method(method), route, str(status), error), durations_s)
        for (status, error), durations_s in client.items():
            _record(self._client, (str(status or ""), error), durations_s)
        self._attempts += attempts

    def snapshot(self) -> Snapshot:
        """All of it, as it stands."""
        self._count()
        return Snapshot(
            self.service,
            self.contract,
            self.upstream,
            self.begun - self._ended,
            self._attempts,
            {labels: cells[:] for labels, cells in self._server.items()},
            {labels: cells[:] for labels, cells in self._client.items()},
            self.policies(),
        )


def _record(histograms: Histograms, labels: tuple[str, ...], durations_s: list[float]) -> None:
    cells = histograms.setdefault(labels, [0] * (SUM + 1))
    cells[SUM] += sum(durations_s)
    durations_s.sort()
    low = bucket = 0
    while low < len(durations_s):
        if bucket < len(BUCKETS_S):
            high = bisect_right(durations_s, BUCKETS_S[bucket], low)  # a bound is inclusive
        else:
            high = len(durations_s)
        cells[bucket] += high - low
        low, bucket = high, bucket + 1


def known_method(method: str) -> str:
    """The method, if OpenTelemetry lists it; `OTHER_METHOD` for any other."""
    return method if method in _METHODS else OTHER_METHOD


def error_type(event: Served) -> str:
    """The failure's kind, or what else made an answer impossible, of a status from 499 on."""
    if event.status == CLIENT_LEFT:
        return "client_disconnected"
    failed = failure_of(event)
    return str(event.status) if failed is None else failed.kind.value
