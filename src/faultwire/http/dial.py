"""One connection being opened, for as long as somebody waits for it."""

import asyncio
from typing import Protocol

from faultwire.failures import Failure
from faultwire.http import client
from faultwire.http.address import Origin, Resolver, connect, os_failure
from faultwire.http.client import ClientConnection
from faultwire.http.deadlines import Bucket


class Owner(client.Owner, Protocol):
    """What a dial needs of its pool."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def origin(self) -> Origin: ...
    @property
    def resolver(self) -> Resolver: ...
    def connected(self, dial: "Dial", connection: ClientConnection) -> None:
        """The connection stands: the dial may no longer be cancelled."""

    def drop(self, dial: "Dial") -> None:
        """The dial has lasted for too long."""

    def dial_ended(self, dial: "Dial", failure: Failure | None) -> None:
        """The dial is over; `failure` where it has failed by itself."""


class Dial:
    """Opens one connection in a task, unless its `bucket` expires before."""

    __slots__ = ("_cancelled", "_owner", "_task", "bucket")

    def __init__(self, owner: Owner, bucket: Bucket) -> None:
        self._owner = owner
        self._cancelled = False
        self.bucket = bucket
        bucket.add(self)
        self._task = owner.loop.create_task(self._run())
        self._task.add_done_callback(self._ended)

    def cancel(self) -> None:
        """Nobody waits for the connection any more."""
        self._cancelled = True
        self._task.cancel()

    def expire(self) -> None:
        """Whoever wanted the connection has been answered by now."""
        self._owner.drop(self)

    async def _run(self) -> None:
        owner = self._owner
        addresses = await owner.resolver.addresses()
        connection = await connect(addresses, owner.origin, self._connection)
        if self._cancelled:  # but it was too late, or swallowed on the way
            connection.close()

    def _connection(self) -> ClientConnection:
        return ClientConnection(self._owner, self._owner.origin.authority, self._stands)

    def _stands(self, connection: ClientConnection) -> None:
        """The connection must not be ended in here: uvloop has yet to take the socket over."""
        if not self._cancelled:
            self._owner.connected(self, connection)

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        self._owner.dial_ended(
            self, error if isinstance(error, Failure | None) else self._defect(error)
        )

    def _defect(self, error: BaseException) -> Failure:
        """What no part of opening a connection should raise is reported, and a failure too."""
        self._owner.loop.call_exception_handler(
            {"message": "Opening a connection failed", "exception": error, "task": self._task}
        )
        return os_failure(OSError(None, str(error)), self._owner.origin.authority)
