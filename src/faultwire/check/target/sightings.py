"""What the wire sees of the target's requests, found by the tokens of the check's."""

import asyncio
import re
from collections import deque
from typing import NamedTuple

from faultwire.check.model import WireSaw
from faultwire.wire.ledger import Ledger, Record
from faultwire.wire.plan.match import Reader, read_trait
from faultwire.wire.stream.head import Head

MOST = 10_000
TOKEN = re.compile(rb"fw[0-9a-f]{12}")
"""What tokens look like: see `play.tokens`."""

_LONGEST_REQUEST = 2000
_LONGEST_HEAD = 4000


class Sighting(NamedTuple):
    """One request on the wire; `trait` is the text that should hold the token."""

    number: int
    trait: bytes
    token: str
    head: bytes
    record: Record


class Sightings:
    """The last requests that the wire saw. `traces` is that of a `Spec`."""

    def __init__(self, traces: str) -> None:
        self._read: Reader | None = read_trait("traces", traces) if traces else None
        self._all: deque[Sighting] = deque(maxlen=MOST)
        self._more = asyncio.Event()
        self.count = 0
        self.ledger = Ledger(on_begin=self._begun)

    def of(self, *texts: str, since: int = 0) -> list[Sighting]:
        """The requests that hold one of the texts, in order; all where none is given."""
        wanted = [text.encode("utf-8", "surrogateescape") for text in texts]
        return [
            each
            for each in self._all
            if each.number > since and (not wanted or any(text in each.trait for text in wanted))
        ]

    def unasked(self, since: int) -> list[Sighting]:
        """Connections that a fault ended before they carried a request."""
        return [each for each in self._all if each.number > since and each.record.place == 0]

    async def more(self) -> None:
        """Return when another request has come."""
        self._more.clear()
        await self._more.wait()

    def _begun(self, record: Record, head: bytes) -> None:
        trait = (self._read(Head(head)) or b"") if self._read is not None else b""
        self.count += 1
        token = TOKEN.search(trait)
        found = token[0].decode() if token else ""
        self._all.append(Sighting(self.count, trait, found, head[:_LONGEST_HEAD], record))
        self._more.set()


def saw(sighting: Sighting) -> WireSaw:
    """A sighting as evidence. A break's name is its fault's, a dot and what makes it unique."""
    record = sighting.record
    request = f"{record.method} {record.target}".strip()
    if len(request) > _LONGEST_REQUEST:
        request = request[: _LONGEST_REQUEST - 1] + "…"
    return WireSaw(
        token=sighting.token,
        request=request,
        connection=record.connection,
        place=record.place,
        started_at=record.started,
        ended_at=record.ended,
        status=record.status,
        fault=",".join(name.partition(".")[0] for name in record.faults),
        request_bytes=record.request_bytes,
        response_bytes=record.response_bytes,
        closed_by=record.closed_by,
        closed_how=record.closed_how,
        closed_at=record.closed,
        forwarded_at=record.forwarded,
        answered_at=record.first_byte,
        headers=_fields(sighting.head),
        let_go_at=record.client_closed,
    )


def _fields(head: bytes) -> dict[str, str]:
    """A head's fields by their names in lower case; values of repeated ones are joined."""
    fields: dict[str, str] = {}
    for line in head.decode("latin-1").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            key, value = name.strip().lower(), value.strip()
            fields[key] = f"{fields[key]}, {value}" if key in fields else value
    return fields
