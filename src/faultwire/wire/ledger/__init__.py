"""What the wire saw, request by request, in a bounded ring with exact counters.

The proxy makes a `Record` for each request, tells the ledger when it begins and ends, and fills
it in between. A record may still change after its end: when its connection closes.
"""

from collections import deque
from collections.abc import Callable, Iterator
from time import time

import msgspec

from faultwire.wire.ledger.tally import Figures, Tally

DEFAULT_CAPACITY = 10_000
_LONGEST_TARGET = 2048
_LONGEST_WORD = 128


class Record(msgspec.Struct, gc=False):
    """One request on the wire. Times are seconds since 1970; bytes are counted as seen here.

    `connection` numbers client connections from 1; `place` is the request's place on it, from 1;
    `age_s` the connection's age when the request began. A connection that a fault ended before
    it carried a request has a record of its own, with place 0 and no method.
    `fault` names what was injected; where several acted, in order and joined by a comma.
    `error` says what kept the upstream's answer from arriving whole: "upstream_reset",
    "client_closed" and the like; it is empty where all went well and where a fault did it.
    `status` is what the client was sent, `upstream_status` what the upstream had said; 0 if it
    came to none. `closed_by` is "client", "upstream", "wire" or "" while the connection lives:
    who was the first to end it, `closed` is when, and `closed_how` is "fin" or "rst".
    `client_closed` is when the client itself let go of it, before or after that, and how; these
    five are told by the connection's last record, and by those that were open.
    `headers` are the request's fields, by their names in lower case, that tell who asks and until
    when: x-request-id, traceparent, tracestate, x-envoy-attempt-count, grpc-timeout,
    x-envoy-expected-rq-timeout-ms and x-request-deadline-ms, x-deadline, x-timeout-ms or the like.
    `id` counts requests in the order they began; `revision` grows with every change of any
    record. The ledger sets both.
    """

    id: int
    request_id: str
    connection: int
    place: int
    age_s: float
    method: str
    target: str
    started: float
    fault: str = ""
    phase: str = ""
    forwarded: float = 0.0
    first_byte: float = 0.0
    ended: float = 0.0
    status: int = 0
    request_bytes: int = 0
    upstream_bytes: int = 0
    response_bytes: int = 0
    closed_by: str = ""
    closed_how: str = ""
    closed: float = 0.0
    error: str = ""
    revision: int = 0
    upstream_status: int = 0
    client_closed: float = 0.0
    client_closed_how: str = ""
    headers: dict[str, str] = {}

    @property
    def faults(self) -> list[str]:
        """The faults that were injected, in order."""
        return self.fault.split(",") if self.fault else []

    @property
    def connected(self) -> float:
        """When its connection was made."""
        return self.started - self.age_s

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which records are wanted: those that every given part fits.

    `since` is a revision: what has changed after it. `started_from` is in seconds since 1970.
    `fault` fits a record in which it acted; "none" fits one without a fault, "any" one with.
    """

    request_id: str | None = None
    fault: str | None = None
    since: int | None = None
    started_from: float = 0.0
    method: str | None = None
    path: str | None = None
    status: int | None = None
    open: bool | None = None
    limit: int = 100

    def fits(self, record: Record) -> bool:
        """Whether the record is wanted."""
        return (
            (self.since is None or record.revision > self.since)
            and (self.request_id is None or record.request_id == self.request_id)
            and (self.fault is None or _acted(self.fault, record))
            and (self.method is None or record.method == self.method)
            and (self.path is None or record.path == self.path)
            and (self.status is None or record.status == self.status)
            and (self.open is None or (record.ended == 0.0) is self.open)
            and record.started >= self.started_from
        )


class Found(msgspec.Struct, frozen=True):
    """What a query found. Ask again with `since=revision` for what comes after it."""

    records: list[Record]
    revision: int


class Ledger:
    """The last `capacity` records, every exchange that is still open, and counts of all.

    `on_begin` is called with each record at its begin and the request's head as it came, and as it
    is passed on; `on_end` with each record at its end: the log's line is written there. A ledger
    belongs to one wire, which is told by `before_read` that somebody is about to look.
    """

    def __init__(
        self,
        capacity: int = DEFAULT_CAPACITY,
        on_end: Callable[[Record], object] | None = None,
        on_begin: Callable[[Record, bytes], object] | None = None,
        clock: Callable[[], float] = time,
    ) -> None:
        self.capacity = capacity
        self.revision = 0
        self.connections = 0
        self.connections_open = 0
        self._on_end = on_end
        self._on_begin = on_begin
        self.before_read: Callable[[], None] = lambda: None
        self._clock = clock
        self._last_id = 0
        self._ring: deque[Record] = deque(maxlen=capacity)
        self._open: dict[int, Record] = {}
        self._counted_since = clock()
        self._counted = Tally()
        self._counted_before = Tally()

    # What the proxy says.

    def connected(self) -> int:
        """A client has connected. The number of its connection."""
        self.connections += 1
        self.connections_open += 1
        return self.connections

    def disconnected(self) -> None:
        """A client's connection is gone."""
        self.connections_open -= 1

    def begin(self, record: Record, head: bytes = b"") -> None:
        """A request has arrived. Texts that are very long are cut: memory is bounded."""
        self._last_id = record.id = self._last_id + 1
        self.revision = record.revision = self.revision + 1
        if len(record.target) > _LONGEST_TARGET:
            record.target = _cut(record.target, _LONGEST_TARGET)
        if len(record.request_id) > _LONGEST_WORD or len(record.method) > _LONGEST_WORD:
            record.request_id = _cut(record.request_id, _LONGEST_WORD)
            record.method = _cut(record.method, _LONGEST_WORD)
        self._open[record.id] = record
        self._ring.append(record)
        if self._on_begin is not None:
            self._on_begin(record, head)

    def end(self, record: Record) -> None:
        """The exchange is over, however it went: count it. A second time changes nothing."""
        if self._open.pop(record.id, None) is None:
            return
        self.revision = record.revision = self.revision + 1
        if not record.ended:
            record.ended = self._clock()
        counted = self._counted
        counted.add(record.fault, record.status, record.ended - record.started)
        counted.add_bytes(record.request_bytes, record.upstream_bytes, record.response_bytes)
        if self._on_end is not None:
            self._on_end(record)

    def changed(self, record: Record) -> None:
        """Something more is known of a record, such as who closed its connection."""
        self.revision = record.revision = self.revision + 1

    # What others ask.

    @property
    def open_count(self) -> int:
        """How many exchanges are under way."""
        self.before_read()
        return len(self._open)

    def find(self, query: Query) -> Found:
        """The records wanted, oldest first: the newest `limit` of them.

        With `since`, those that changed first come first and none is left out: when there are
        more than `limit`, ask again from the `revision` found.
        """
        self.before_read()
        fitting = [record for record in self._all() if query.fits(record)]
        if len(fitting) <= query.limit:
            return Found(fitting, self.revision)
        if query.since is None:
            return Found(fitting[-query.limit :], self.revision)
        fitting.sort(key=lambda record: record.revision)
        del fitting[query.limit :]
        return Found(fitting, fitting[-1].revision)

    def counts(self) -> dict[str, object]:
        """Exact counts since the start or the last `clear`, whatever the ring still holds."""
        self.before_read()
        tally = self._counted
        return {
            "since": self._counted_since,
            "requests": tally.ended + len(self._open),
            "open": len(self._open),
            "ended": tally.ended,
            "by_fault": tally.by_fault(),
            "by_status": tally.by_status(),
            "request_bytes": tally.request_bytes,
            "upstream_bytes": tally.upstream_bytes,
            "response_bytes": tally.response_bytes,
        }

    def figures(self, active_faults: int) -> Figures:
        """Counts since the start. `clear` does not touch them: metrics never fall."""
        self.before_read()
        total = Tally()
        total.merge(self._counted_before)
        total.merge(self._counted)
        return Figures(
            len(self._open), self.connections, self.connections_open, active_faults, total
        )

    def clear(self) -> int:
        """Forget every record that has ended, and count from zero. How many were forgotten."""
        self.before_read()
        forgotten = sum(record.id not in self._open for record in self._ring)
        self._ring.clear()
        self._counted_before.merge(self._counted)
        self._counted = Tally()
        self._counted_since = self._clock()
        return forgotten

    def _all(self) -> Iterator[Record]:
        """Records in the order they began; old ones that are still open first."""
        first = self._ring[0].id if self._ring else self._last_id + 1
        for record in self._open.values():
            if record.id >= first:
                break
            yield record
        yield from self._ring


def _acted(fault: str, record: Record) -> bool:
    if fault == "none":
        return not record.fault
    return bool(record.fault) if fault == "any" else fault in record.faults


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
