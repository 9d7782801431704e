"""Steady load from within the cluster: so many requests a second, whatever becomes of them.

    python steady_load.py URL RATE

Runs in a pod of its own with no more than Python. Open loop: a request is sent when its time
has come, not when the last was answered. Nothing is sent twice, nothing is forgiven: whatever
is not 200 with the text that was sent is a failure. Every other connection is kept for ten
requests, or until the server says that it ends; the rest are new.

One JSON line a second on stdout, and one with the total at SIGTERM.
"""

import asyncio
import collections
import contextlib
import json
import signal
import sys
import time
from urllib.parse import urlsplit

_DEADLINE_S = 5.0
_REQUESTS_A_CONNECTION = 10
_MOST_IN_FLIGHT = 1000

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter, int]


class Load:
    def __init__(self, url: str, rate: float) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._path = parts.hostname or "", parts.port or 80, parts.path
        self._pause_s = 1 / rate
        self._idle: list[Streams] = []
        self._sent = 0
        self._answered = 0
        self._failed: collections.Counter[str] = collections.Counter()
        self._waits_ms: list[float] = []
        self._before = (0, 0)

    async def run(self, stop: asyncio.Event) -> None:
        flying: set[asyncio.Task[None]] = set()
        begin = due = time.monotonic()
        second = 0
        while not stop.is_set():
            due += self._pause_s
            await asyncio.sleep(max(due - time.monotonic(), 0))
            if len(flying) < _MOST_IN_FLIGHT:
                task = asyncio.create_task(self._ask(self._sent))
                flying.add(task)
                task.add_done_callback(flying.discard)
            else:
                self._failed["too many in flight"] += 1
            self._sent += 1
            if time.monotonic() - begin >= second + 1:
                second += 1
                self._say(second)
        await asyncio.gather(*flying)
        for _, writer, _ in self._idle:
            writer.close()
        self._total(time.monotonic() - begin)

    async def _ask(self, number: int) -> None:
        begin = time.monotonic()
        try:
            async with asyncio.timeout(_DEADLINE_S):
                failure = await self._exchange(f"message-{number}", keep=number % 2 == 0)
        except (OSError, EOFError, ValueError) as error:
            failure = type(error).__name__
        self._waits_ms.append((time.monotonic() - begin) * 1000)
        if failure:
            self._failed[failure] += 1
        else:
            self._answered += 1

    async def _exchange(self, message: str, *, keep: bool) -> str:
        """Send one request; what was wrong with its answer, or nothing."""
        reader, writer, used = await self._connection(keep=keep)
        kept = False
        try:
            more = "" if keep else "Connection: close\r\n"
            target = f"{self._path}?msg={message}"
            writer.write(f"GET {target} HTTP/1.1\r\nHost: {self._host}\r\n{more}\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.partition("content-length: ")[2].partition("\r")[0])
            body = await reader.readexactly(length)
            kept = keep and "connection: close" not in head and used < _REQUESTS_A_CONNECTION
            return self._judge(head, body, message)
        finally:
            if kept:
                self._idle.append((reader, writer, used + 1))
            else:
                writer.close()

    async def _connection(self, *, keep: bool) -> Streams:
        while keep and self._idle:
            reader, writer, used = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer, used
            writer.close()
        reader, writer = await asyncio.open_connection(self._host, self._port)
        return reader, writer, 0

    def _judge(self, head: str, body: bytes, message: str) -> str:
        status = head.split(" ", 2)[1]
        if status != "200":
            with contextlib.suppress(ValueError):
                return f"{status} {json.loads(body).get('kind', '')}"
            return status
        return "" if message.encode() in body else "another's answer"

    def _say(self, second: int) -> None:
        answered, failed = self._answered, self._failed.total()
        now = {"second": second, "ok": answered - self._before[0]}
        print(json.dumps(now | {"failed": failed - self._before[1]}), flush=True)  # noqa: T201
        self._before = (answered, failed)

    def _total(self, seconds: float) -> None:
        waits = sorted(self._waits_ms) or [0.0]
        total = {
            "requests": self._sent,
            "answered": self._answered,
            "failures": dict(self._failed),
            "seconds": round(seconds, 1),
            "p50_ms": round(waits[len(waits) // 2], 1),
            "p99_ms": round(waits[len(waits) * 99 // 100], 1),
        }
        print(json.dumps({"total": total}), flush=True)  # noqa: T201


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await Load(sys.argv[1], float(sys.argv[2])).run(stop)


if __name__ == "__main__":
    asyncio.run(main())
