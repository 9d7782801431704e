"""One request to an upstream under one total deadline, and how it ends."""

import asyncio
from typing import Final, Protocol

import msgspec

from faultwire.failures import Failure, FailureKind, Phase
from faultwire.http.address import Origin
from faultwire.http.client import ClientConnection, Reply
from faultwire.http.deadlines import Bucket, Deadlines

_NO_BUCKET: Final[Bucket] = set()


class Owner(Protocol):
    """What asking needs of its pool."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def deadlines(self) -> Deadlines: ...
    @property
    def origin(self) -> Origin: ...
    def replay(self, asking: "Asking") -> None:
        """Send the request once more, on a fresh connection."""

    def timed_out(self) -> None:
        """A call has had no answer in time."""

    def give_up(self, asking: "Asking") -> Failure:
        """Stop looking for a connection for it. Says why there was none in time."""


class Asking(msgspec.Struct, eq=False):
    """A request to send, under a total deadline. A subclass says in `settled` what comes of it.

    `attempts` is how often the request was sent or tried.
    """

    pool: Owner
    request: bytes
    timeout_s: float
    idempotent: bool
    attempts: int = 1
    bucket: Bucket = _NO_BUCKET
    connection: ClientConnection | None = None

    def settled(self, outcome: Reply | BaseException) -> None:
        """Called once: the answer, a `Failure`, or `CancelledError`."""
        raise NotImplementedError

    def cancel(self) -> bool:
        """Abort it, unless it is settled; it is settled by a `CancelledError` then."""
        self.let_go()
        self.settled(asyncio.CancelledError())
        return True

    def distrust(self) -> None:
        """What was answered is not the answer to this request. To be said in `settled`."""
        if self.connection is not None:
            self.connection.distrust()

    # What the connection and the deadline say.

    def replied(self, reply: Reply) -> None:
        """The answer is here."""
        self.bucket.discard(self)
        self.settled(reply)
        self.connection = None

    def failed(self, failure: Failure) -> None:
        """The attempt has failed."""
        self.bucket.discard(self)
        self.connection = None
        self.settled(failure)

    def resend(self) -> bool:
        """A stale connection is replaced once: RFC 9110 section 9.2.2."""
        if not self.idempotent or self.attempts > 1:
            return False
        self.attempts += 1
        self.connection = None
        self.pool.replay(self)
        return True

    def expire(self) -> None:
        """The deadline has passed: abort the attempt and say how far it had come."""
        failure = self.let_go()
        self.pool.timed_out()
        self.settled(failure)

    def let_go(self) -> Failure:
        """Abort the attempt. Says how far it had come."""
        self.bucket.discard(self)
        connection, self.connection = self.connection, None
        if connection is None:
            return self.pool.give_up(self)
        phase = connection.abandon()
        where = self.pool.origin.authority
        took = f"{round(self.timeout_s, 3):g} s"
        detail = f"{where} did not answer in {took} (waiting for {_AWAITED[phase]})"
        return Failure(FailureKind.RESPONSE_TIMEOUT, detail, phase=phase)


_AWAITED = {
    Phase.CONNECT: "the connection",
    Phase.FIRST_BYTE: "the first byte",
    Phase.HEADERS: "the rest of the headers",
    Phase.BODY: "the rest of the body",
}
