"""The client's side of one connection: a request goes out, one answer comes back, told apart.

    CONNECTED --send--> AWAITING --first byte--> HEADERS --> BODY --whole--> reusable, or closed
        every arrow may instead end in a `Failure` that says how far the answer had come

A connection is reusable only when the answer was whole, the server keeps it, and not one byte
followed: whatever arrives while nothing was asked ends the connection. (What arrives unasked in
the moment in which a request is sent looks like its answer; whoever asked must compare.)
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

import msgspec

from faultwire.failures import Failure, FailureKind, Phase
from faultwire.http.address import os_failure
from faultwire.http.answer import AnswerReader, Malformed
from faultwire.http.coding import TooLarge, Undecodable, decode_body
from faultwire.http.fields import FieldsTooLarge
from faultwire.http.limits import Limits
from faultwire.http.reset import reset

_FIRST_FAILURE = 300
_REQUEST_TIMEOUT = 408


class Reply(msgspec.Struct, gc=False):
    """An upstream's answer, whole. Header names are lower case; the body is decoded.

    (With a status of 300 or more, a body in a coding that cannot be undone is left as it is.)
    """

    status: int
    headers: dict[bytes, bytes]
    body: bytes


class Owner(Protocol):
    """What a connection needs of its pool."""

    @property
    def limits(self) -> Limits: ...
    def disconnected(self, connection: "ClientConnection") -> None:
        """The connection is gone."""

    def freed(self, connection: "ClientConnection") -> None:
        """The connection may carry another request."""


class Asker(Protocol):
    """Who waits for the answer: told exactly once."""

    connection: "ClientConnection | None"
    """The one that the request was sent on."""

    @property
    def request(self) -> bytes: ...
    def replied(self, reply: Reply) -> None:
        """The answer is here."""

    def failed(self, failure: Failure) -> None:
        """There will be none."""

    def resend(self) -> bool:
        """The server had closed a reused connection before it saw the request.

        Whether the request is sent again elsewhere; then this connection's part is over.
        """

    def cancel(self) -> bool:
        """The connection must end now."""


class ClientConnection(AnswerReader, asyncio.Protocol):
    """One connection to an upstream. `connected` is called as soon as it stands."""

    __slots__ = (
        "_asker",
        "_connected",
        "_owner",
        "_used",
        "_where",
        "idle_since",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(
        self,
        owner: Owner,
        where: str,
        connected: Callable[["ClientConnection"], None] | None = None,
    ) -> None:
        super().__init__(owner.limits)
        self._owner = owner
        self._where = where
        self._connected = connected
        self._asker: Asker | None = None
        self._used = False  # it has carried an answer already
        self.idle_since = 0  # as its pool counts

    # What the pool says.

    def send(self, asker: Asker) -> None:
        """Send a request whose answer goes to `asker`."""
        self._asker = asker
        asker.connection = self
        self._start_answer()
        try:
            self.transport.write(asker.request)
        except (OSError, RuntimeError) as error:  # uvloop: the connection is gone already
            self._fail(asker, os_failure(error, self._where, Phase.FIRST_BYTE))

    def distrust(self) -> None:
        """What it has just answered is another request's: each further answer would be, too."""
        self._keep_alive = False

    def abandon(self) -> Phase:
        """Nobody waits any more: reset the connection. Says how far the answer had come.

        By the RST the server knows at once that its work is in vain.
        """
        phase = self._phase()
        self._asker = None
        reset(self.transport)
        return phase

    def close(self) -> None:
        """End the connection, cancelling whoever waits for an answer."""
        if self._asker is not None:
            self._asker.cancel()
        self.transport.abort()

    # What the transport says.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one by behaviour only
        connected, self._connected = self._connected, None
        if connected is not None:
            connected(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.disconnected(self)
        asker = self._asker
        if asker is not None:
            if exc is not None:
                self._fail(asker, os_failure(exc, self._where, self._phase()))
            elif self._to_the_end:
                self._deliver(asker)
            else:
                self._fail(asker, self._cut_short())
        del self._parser  # it refers back here

    def data_received(self, data: bytes) -> None:
        asker = self._asker
        if asker is None:
            self.transport.abort()  # bytes that nobody asked for
            return
        try:
            self._read(data)
        except (Malformed, FieldsTooLarge, TooLarge) as error:
            self._fail(asker, self._unacceptable(error))
        if self._whole:
            self._deliver(asker)

    # How it ends.

    def _deliver(self, asker: Asker) -> None:
        """The answer is whole: hand it over and, if it is believed, the connection back."""
        self._asker = None
        if self._plain:
            asker.replied(Reply(self._status, self._fields, self._body))  # type: ignore[arg-type]
        elif not self._delivered_carefully(asker):
            return
        self._used = True
        if self._keep_alive:
            self._owner.freed(self)
        else:
            self.transport.abort()

    def _delivered_carefully(self, asker: Asker) -> bool:
        """Hand over an answer that has something unusual about it. Whether there was one."""
        fields = self._fields
        try:
            body = self._decoded(fields.get(b"content-encoding"), bytes(self._body))
        except (TooLarge, Undecodable) as error:
            self._fail(asker, self._unacceptable(error))
            return False
        if self._status == _REQUEST_TIMEOUT and self._used and asker.resend():
            # It was sent to an idle connection, not to this request (RFC 9110 section 15.5.9).
            self.transport.abort()
            return False
        asker.replied(Reply(self._status, fields, body))
        return True

    def _decoded(self, coding: bytes | None, body: bytes) -> bytes:
        if coding is None:
            return body
        try:
            return decode_body(coding, body, self._limits.body_bytes)
        except Undecodable:
            if self._status < _FIRST_FAILURE:
                raise
            return body

    def _fail(self, asker: Asker, failure: Failure) -> None:
        self._asker = None
        self.transport.abort()
        if self._used and not self._started and asker.resend():
            return
        asker.failed(failure)

    def _cut_short(self) -> Failure:
        phase = self._phase()
        if phase is Phase.FIRST_BYTE:
            kind, said = FailureKind.EMPTY_RESPONSE, "closed the connection without an answer"
        else:
            kind, said = FailureKind.RESPONSE_TRUNCATED, f"closed the connection in the {phase}"
        return Failure(kind, f"{self._where} {said}", phase=phase)

    def _unacceptable(self, error: Exception) -> Failure:
        kind, said = FailureKind.RESPONSE_TOO_LARGE, "sent too much"
        if isinstance(error, Malformed):
            kind, said = FailureKind.RESPONSE_MALFORMED, "did not answer in HTTP/1.1"
        elif isinstance(error, Undecodable):
            kind, said = FailureKind.RESPONSE_INVALID, "sent a body that cannot be read"
        return Failure(kind, f"{self._where} {said}: {error}", phase=self._phase())
