"""What one client connection has carried: a record for each request, filled in as it happens."""

from collections import deque
from time import time
from typing import Protocol

from faultwire.wire.ledger import Record
from faultwire.wire.link.afterwards import Afterwards
from faultwire.wire.stream.messages import RequestStream, leaves_http


class Book(Protocol):
    """Where records are kept: the ledger."""

    def connected(self) -> int: ...
    def disconnected(self) -> None: ...
    def begin(self, record: Record, head: bytes = b"") -> None: ...
    def end(self, record: Record) -> None: ...
    def changed(self, record: Record) -> None: ...


class Account:
    """The records of one client connection. Answers belong to requests in order.

    `pending` are the requests whose answers are not whole yet, the oldest first.
    """

    __slots__ = (
        "_book",
        "_client_closed",
        "_client_how",
        "_closed",
        "_how",
        "_last",
        "_opened",
        "afterwards",
        "number",
        "pending",
        "place",
        "who",
    )

    def __init__(self, book: Book, afterwards: Afterwards) -> None:
        self._book = book
        self.afterwards = afterwards
        self.number = book.connected()
        self.place = 0
        self.pending: deque[Record] = deque()
        self._opened = time()
        self._last: Record | None = None
        self.who = self._how = ""  # who has ended the connection, and how
        self._closed = 0.0
        self._client_how = ""
        self._client_closed = 0.0

    @property
    def asked(self) -> str | None:
        """The method that the next answer answers."""
        return self.pending[0].method if self.pending else None

    @property
    def end(self) -> str:
        """What has ended the connection, in the words of a record's `error`."""
        return f"{self.who}_{_WORDS[self._how]}"

    def begin(self, stream: RequestStream, now: float, *, forwarded: bool) -> Record:
        """The head of a request is here."""
        self.place += 1
        told = stream.told
        record = Record(
            0,
            told.get("x-request-id", "") if told else "",
            self.number,
            self.place,
            now - self._opened,
            stream.method,
            stream.target,
            now,
            request_bytes=len(stream.raw),
            forwarded=now if forwarded else 0.0,
        )
        if told:
            record.headers = told
        if self.who:  # the client has said its last already
            self._mark(record)
        self._last = record
        self.pending.append(record)
        self._book.begin(record, stream.raw)
        return record

    def carried_up(self, count: int) -> None:
        """More bytes of the last request."""
        if self._last is not None:
            self._last.request_bytes += count

    def answering(self, status: int) -> None:
        """The final head of the oldest answer is here."""
        record = self.pending[0]
        record.status = record.upstream_status = status

    def carried_down(self, count: int, now: float) -> None:
        """More bytes of an answer, passed on as they came."""
        if self.pending:
            record = self.pending[0]
            if not record.first_byte:
                record.first_byte = now
            record.upstream_bytes += count
            record.response_bytes += count

    def answered_whole(self, status: int, count: int, now: float) -> None:
        """The oldest answer is here, all at once, and has been passed on as it came."""
        record = self.pending.popleft()
        record.status = record.upstream_status = status
        record.upstream_bytes += count
        record.response_bytes += count
        record.ended = now
        if not record.first_byte:
            record.first_byte = now
        self._book.end(record)

    def answered(self, now: float = 0.0) -> None:
        """The oldest answer is whole, now unless another time is given."""
        if self.pending:
            record = self.pending.popleft()
            record.ended = now or time()
            self._book.end(record)

    def closed(self, who: str, how: str) -> None:
        """A FIN or RST ("fin", "rst") of "client", "upstream" or "wire"."""
        first, news = not self.who, who == "client" and self._client_how != how
        if not (first or news):
            return
        now = time()
        if first:
            self.who, self._how, self._closed = who, how, now
        if news:  # a client that has sent a FIN may still reset the connection
            self._client_how, self._client_closed = how, now
        touched = self.pending or ([self._last] if self._last is not None else [])
        for record in touched:
            self._mark(record)
            self._book.changed(record)

    def _mark(self, record: Record) -> None:
        record.closed_by, record.closed_how, record.closed = self.who, self._how, self._closed
        record.client_closed, record.client_closed_how = self._client_closed, self._client_how

    def lost(self, error: str = "") -> None:
        """No answer comes any more: what is pending has ended, by `error` if no fault did it."""
        while self.pending:
            record = self.pending[0]
            if not (record.fault or self._has_ended_well(record)):
                record.error = error or self.end
            if self.who:
                self._mark(record)
            self.answered()

    def _has_ended_well(self, record: Record) -> bool:
        """A WebSocket and the like are over when somebody says so: there is no other end."""
        return self._how == "fin" and leaves_http(record.method, record.status)

    def note(self, *, fault: str = "", error: str = "") -> None:
        """The connection came to nothing before it carried a request."""
        now = time()
        record = Record(0, "", self.number, 0, now - self._opened, "", "", now)
        record.fault, record.error, record.phase = fault, error, "before" if fault else ""
        self._mark(record)
        self._book.begin(record)
        self._book.end(record)

    def over(self) -> None:
        """The connection is gone."""
        self.lost()
        self._book.disconnected()


_WORDS = {"fin": "closed", "rst": "reset", "": "lost"}
