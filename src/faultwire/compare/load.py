"""An open-loop load: requests are sent when they are due, however long earlier ones take."""

import asyncio
from functools import partial
from math import ceil
from time import monotonic
from typing import Protocol

from faultwire.failures import Failure
from faultwire.http.address import Origin, parse_origin
from faultwire.http.call import Call
from faultwire.http.pool import Pool

MOST_IN_FLIGHT = 2000
_OK = 200


class Told(Protocol):
    """Who is told what came of each request. Times are seconds since the load began."""

    def ended(self, arrived: float, now: float, *, good: bool) -> None:
        """It was due at `arrived`, and has been answered, or failed, now."""

    def unsent(self, arrived: float) -> None:
        """It was due when as many as there may be were under way: it was not sent."""


class Load:
    """`rate` requests a second to Service B at `url`, at equal distances, for `duration_s`.

    When `stop` is set nothing more is sent, and what is under way is not waited for.

    Latency counts from when a request was due, not from when it was sent: what the sender or the
    service is late is the user's time (no coordinated omission). An answer is good if it is a 200
    that carries the text of its own request. `latest_s` is how late a request was sent at worst.
    Needs a running event loop; `close` it.
    """

    def __init__(
        self,
        url: str,
        told: Told,
        *,
        rate: float,
        duration_s: float,
        patience_s: float,
        stop: asyncio.Event,
        most: int = MOST_IN_FLIGHT,
    ) -> None:
        self._origin: Origin = parse_origin(url)
        self._pool = Pool(self._origin, most=most)
        self._told = told
        self._rate = rate
        self._duration_s = duration_s
        self._total = ceil(duration_s * rate)
        self._patience_s = patience_s
        self._most = most
        self._in_flight = 0
        self._stopped = stop
        self._quiet = asyncio.Event()
        self._began = 0.0
        self.latest_s = 0.0

    async def play(self) -> float:
        """Send what is due, and return when all is answered: for how many seconds it was sent."""
        self._began = monotonic()
        played_s = await self._send_all()
        await self._answered()
        return played_s

    def close(self) -> None:
        """End what is under way, and every connection. Nobody is told of it."""
        self._pool.close()

    async def try_once(self) -> str:
        """Ask once, before anything is measured. What is wrong with the answer; empty if nothing.

        It opens a connection, too. When `stop` is set, the answer is not waited for.
        """
        asking = asyncio.create_task(self._asked_once())
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait({asking, stopped}, return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else ""
        finally:
            asking.cancel()
            stopped.cancel()

    async def _asked_once(self) -> str:
        call = self._pool.call(self._request(0), timeout_s=self._patience_s, idempotent=True)
        try:
            reply = await call
        except Failure as failure:
            return str(failure)
        if reply.status == _OK and _text(0) in reply.body:
            return ""
        return f"{reply.status} {reply.body[:300].decode('utf-8', 'replace')}"

    def _now(self) -> float:
        return monotonic() - self._began

    async def _send_all(self) -> float:
        number = 0
        while number < self._total and not self._stopped.is_set():
            now = self._now()
            due = min(int(now * self._rate) + 1, self._total)
            if number < due:
                self.latest_s = max(self.latest_s, now - number / self._rate)
            for each in range(number, due):
                self._send(each)
            number = due
            await asyncio.sleep(max(number / self._rate - self._now(), 0.0))
        return self._duration_s if number == self._total else self._now()

    def _send(self, number: int) -> None:
        if self._in_flight >= self._most:
            self._told.unsent(number / self._rate)
            return
        self._in_flight += 1
        request = self._request(number)
        call = self._pool.call(request, timeout_s=self._patience_s, idempotent=True)
        call.add_done_callback(partial(self._ended, number))

    def _request(self, number: int) -> bytes:
        return (
            b"GET /call-echo?msg=%b HTTP/1.1\r\nHost: %b\r\nAccept: application/json\r\n\r\n"
        ) % (_text(number), self._origin.authority.encode())

    def _ended(self, number: int, call: Call) -> None:
        self._in_flight -= 1
        if call.cancelled():
            return  # the load has been stopped
        good = False
        if call.exception() is None:
            reply = call.result()
            good = reply.status == _OK and _text(number) in reply.body
        self._told.ended(number / self._rate, self._now(), good=good)
        if not self._in_flight:
            self._quiet.set()

    async def _answered(self) -> None:
        """Wait for what is under way: each has its own deadline."""
        while self._in_flight and not self._stopped.is_set():
            self._quiet.clear()
            quiet = asyncio.ensure_future(self._quiet.wait())
            stopped = asyncio.ensure_future(self._stopped.wait())
            try:
                await asyncio.wait({quiet, stopped}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                quiet.cancel()
                stopped.cancel()


def _text(number: int) -> bytes:
    """What a request asks to be echoed: no other one asks for it."""
    return b"request-%d-" % number
