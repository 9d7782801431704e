"""A small load generator: open loop, bounded, and ended when nobody watches any more.

Open loop: requests are sent when they are due, however long earlier ones take, as the users of a
real service do. (A client that waits for its answers slows down with the service, and hides what
it was to show.)
"""

import asyncio
import secrets
from collections.abc import Callable
from time import monotonic, time
from typing import Any, Protocol
from urllib.parse import quote

import msgspec

from faultwire.failures import Failure
from faultwire.http.address import Origin
from faultwire.http.pool import Pool

MOST_RATE = 2000
MOST_BURST = 500
MOST_S = 600
MOST_TEXT = 200
_MOST_OPEN = 1000
_TIMEOUT_S = 10.0
_TICK_S = 0.005
"""Requests that are due within one tick are sent together."""
_ALONE_S = 30.0
_FIRST_FAILURE = 400

Json = dict[str, Any]


class Listener(Protocol):
    """Who is told of each request."""

    def begin(self, request_id: str, now: float) -> None:
        """It is sent."""

    def end(self, request_id: str, now: float, status: int, said: str) -> None:
        """It is answered, or failed: then `status` is 0."""


class Traffic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to send to B: `count` at once, or `rate` a second for `for_s` seconds."""

    rate: float = 0
    for_s: float = 60
    count: int = 0
    route: str = "call-echo"
    msg: str = "hello"

    def problem(self) -> str:
        """What is wrong with it, in one sentence; empty if nothing is."""
        if bool(self.rate) == bool(self.count):
            return "Give either a rate or a count"
        if not 0 <= self.rate <= MOST_RATE or not 0 <= self.count <= MOST_BURST:
            return f"rate goes up to {MOST_RATE} a second, count up to {MOST_BURST}"
        if not 0 < self.for_s <= MOST_S:
            return f"for_s must be above 0, and at most {MOST_S}"
        if self.route not in _TARGETS or len(self.msg) > MOST_TEXT:
            return f"route is one of {', '.join(_TARGETS)}; msg has at most {MOST_TEXT} letters"
        return ""

    @property
    def target(self) -> str:
        """The request target."""
        return _TARGETS[self.route].format(quote(self.msg, safe=""))


_TARGETS = {"call-echo": "/call-echo?msg={}", "call-foo": "/call-foo", "health": "/health"}


class Drive:
    """Sends requests to B. `alone_s` says for how long nobody has been watching."""

    def __init__(self, origin: Origin, listener: Listener, alone_s: Callable[[], float]) -> None:
        self._pool = Pool(origin, most=256)
        self._origin = origin
        self._listener = listener
        self._alone_s = alone_s
        self._steady: asyncio.Task[None] | None = None
        self._traffic = Traffic()
        self._ends = 0.0
        self._open: set[asyncio.Task[None]] = set()
        self._prefix = f"console-{secrets.token_hex(3)}"
        self._sent = self._answered = self._failed = self._held_back = 0

    def close(self) -> None:
        """End it all now."""
        self.stop()
        for task in self._open:
            task.cancel()
        self._pool.close()

    def begin(self, traffic: Traffic) -> None:
        """Send as asked; a steady stream takes the place of an earlier one."""
        if traffic.count:
            for _ in range(traffic.count):
                self._send(traffic)
            return
        self.stop()
        self._traffic = traffic
        self._ends = monotonic() + traffic.for_s
        self._steady = asyncio.create_task(self._stream(traffic))

    def stop(self) -> None:
        """End the steady stream. What is under way goes on."""
        if self._steady is not None:
            self._steady.cancel()
            self._steady = None

    def shown(self) -> Json:
        """What it does, as the page is shown it. `held_back`: too many were under way."""
        running = self._steady is not None and not self._steady.done()
        return {
            "running": running,
            "rate": self._traffic.rate if running else 0,
            "route": self._traffic.route,
            "left_s": round(max(self._ends - monotonic(), 0)) if running else 0,
            "open": len(self._open),
            "sent": self._sent,
            "answered": self._answered,
            "failed": self._failed,
            "held_back": self._held_back,
        }

    async def _stream(self, traffic: Traffic) -> None:
        began, sent = monotonic(), 0
        while (now := monotonic()) < self._ends and self._alone_s() < _ALONE_S:
            due = int((now - began) * traffic.rate) + 1
            for _ in range(min(due - sent, MOST_BURST)):
                self._send(traffic)
            sent = due
            await asyncio.sleep(max(_TICK_S, began + sent / traffic.rate - monotonic()))

    def _send(self, traffic: Traffic) -> None:
        if len(self._open) >= _MOST_OPEN:
            self._held_back += 1
            return
        self._sent += 1
        task = asyncio.create_task(self._ask(f"{self._prefix}-{self._sent}", traffic.target))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _ask(self, request_id: str, target: str) -> None:
        head = (
            f"GET {target} HTTP/1.1\r\nHost: {self._origin.authority}\r\n"
            f"X-Request-ID: {request_id}\r\n\r\n"
        )
        self._listener.begin(request_id, time())
        status, said = 0, ""
        try:
            reply = await self._pool.call(head.encode(), timeout_s=_TIMEOUT_S, idempotent=True)
            status = reply.status
            said = reply.body[:300].decode("utf-8", "replace")
        except Failure as failure:
            said = f"{failure.kind}: {failure.detail}"
        self._answered += 1
        self._failed += not 0 < status < _FIRST_FAILURE
        self._listener.end(request_id, time(), status, said)
