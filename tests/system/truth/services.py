"""A careful Service B, and its relatives that are each careless in one way.

    python services.py Careful|NoHealth|… --port 8081 --upstream http://127.0.0.1:8080

They are what the check is held to: it must find nothing to say against the careful one, and
each defect by the scenario that `found_by` names, if not by others too. aiohttp serves and calls
here, so that nothing of our own hop is on both sides.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
import time
import traceback
import uuid
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

import aiohttp
from aiohttp import web
from yarl import URL

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
DEADLINE_S = 1.0
MOST_BYTES = 1 << 20
_TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_SANE_ID = re.compile(r"[!-~]{1,128}")


class CallFailed(Exception):
    """A's answer did not come, or is none to hand on: the word for the log, and the sentence."""

    def __init__(self, word: str, said: str) -> None:
        super().__init__(said)
        self.word = word


class Careful:
    """Service B with every care taken. What follows it overrides one method each."""

    found_by: ClassVar[str] = ""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.counts: dict[int, int] = {}

    # Calling A.

    async def started(self, _app: web.Application) -> None:
        self.session = self.open_session()

    async def stopped(self, _app: web.Application) -> None:
        await self.session.close()

    def open_session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        return aiohttp.ClientSession(connector=connector, auto_decompress=False)

    def timeout(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=DEADLINE_S)

    def target(self, msg: str) -> str:
        return f"{self.upstream}/echo?msg={quote(msg, safe='')}"

    def passed_on(self, request: web.Request) -> dict[str, str]:
        headers = {"X-Request-ID": request["id"], "Accept-Encoding": "identity"}
        trace = request.headers.get("traceparent", "")
        if _TRACE.fullmatch(trace):
            headers["traceparent"] = trace
        return headers

    async def fetch(self, url: str, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        """A's status, content type and body. Raises whatever aiohttp does."""
        async with self.session.get(
            URL(url, encoded=True),
            headers=headers,
            timeout=self.timeout(),
            allow_redirects=self.follows_redirects,
        ) as response:
            if "Content-Encoding" in response.headers:
                raise CallFailed("ContentEncoding", "A answered in a coding nobody asked for")
            return response.status, response.content_type, await self.body(response)

    follows_redirects = False

    async def body(self, response: aiohttp.ClientResponse) -> bytes:
        data = await response.content.read(MOST_BYTES)
        while len(data) <= MOST_BYTES and (more := await response.content.read(MOST_BYTES)):
            data += more
        if len(data) > MOST_BYTES:
            raise CallFailed("TooLarge", f"A's answer is over {MOST_BYTES} bytes")
        return data

    async def call(self, url: str, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        """A's answer. Raises `CallFailed`."""
        try:
            return await self.fetch(url, headers)
        except TimeoutError:
            raise CallFailed("ReadTimeout", "Service A timeout") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            said = f"Service A unavailable: {type(error).__name__}"
            raise CallFailed("ConnectionError", said) from error

    async def echo(self, request: web.Request, msg: str) -> Any:
        """A's echo of the message. Raises `CallFailed`."""
        status, content_type, body = await self.call(self.target(msg), self.passed_on(request))
        return self.checked(status, content_type, body, msg)

    def checked(self, status: int, content_type: str, body: bytes, msg: str) -> Any:
        if status != 200:
            raise CallFailed(f"HTTPError:{status}", "Service A returned error")
        if content_type != "application/json":
            raise CallFailed("WrongType", "Service A did not answer JSON")
        try:
            answer = json.loads(body)
        except ValueError:
            raise CallFailed("InvalidJSON", "Service A did not answer JSON") from None
        if not isinstance(answer, dict) or answer.get("echo") != msg:
            raise CallFailed("WrongAnswer", "Service A answered something else")
        return answer

    # Answering.

    async def call_echo(self, request: web.Request) -> web.StreamResponse:
        msg = request.query.get("msg", "")
        if not msg:
            return self.missing_msg()
        try:
            answer = await self.echo(request, msg)
        except CallFailed as failed:
            return self.failed(request, failed)
        return self.succeeded(answer)

    async def call_foo(self, request: web.Request) -> web.StreamResponse:
        try:
            status, *_ = await self.call(f"{self.upstream}/foo", self.passed_on(request))
        except CallFailed as failed:
            return self.failed(request, failed)
        answered = CallFailed(f"HTTPError:{status}", "Service A returned error")
        return self.failed(request, answered)

    def missing_msg(self) -> web.StreamResponse:
        return web.json_response({"error": "Missing 'msg' parameter"}, status=400)

    def succeeded(self, answer: Any) -> web.StreamResponse:
        return web.json_response({"service_b": "ok", "service_a": answer})

    def failed(self, request: web.Request, failed: CallFailed) -> web.StreamResponse:
        request["error"] = failed.word
        body = {"service_b": "ok", "service_a": "unavailable", "error": str(failed)}
        return web.json_response(body, status=503)

    async def health(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "ok"})

    async def metrics(self, _request: web.Request) -> web.StreamResponse:
        lines = [
            f'http_requests_total{{status="{status}"}} {count}\n'
            for status, count in self.counts.items()
        ]
        return web.Response(text="# TYPE http_requests_total counter\n" + "".join(lines))

    # Around every request.

    @web.middleware
    async def around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        given = request.headers.get("X-Request-ID", "")
        request["id"] = given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex
        try:
            response = await handler(request)
        except web.HTTPException as error:
            response = self.refused(error)
        except Exception as error:
            response = self.crashed(request, error)
        response.headers["X-Request-ID"] = request["id"]
        self.counts[response.status] = self.counts.get(response.status, 0) + 1
        self.log(request, response.status, 1000 * (time.perf_counter() - began))
        return response

    def refused(self, error: web.HTTPException) -> web.StreamResponse:
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return web.json_response({"error": error.reason}, status=error.status, headers=headers)

    def crashed(self, request: web.Request, error: Exception) -> web.StreamResponse:
        request["error"] = type(error).__name__
        return web.json_response({"error": "Internal error"}, status=500)

    def log(self, request: web.Request, status: int, took_ms: float) -> None:
        level, word = ("INFO", "ok") if status < 400 else ("ERROR", "error")
        error = f" error={request['error']}" if "error" in request else ""
        path = json.dumps(request.path)[1:-1].replace(" ", "%20")
        self.say(
            f"{level} service=B endpoint={path} status={word} latency_ms={took_ms:.0f} "
            f"http_status={status} request_id={request['id']}{error}"
        )

    def say(self, line: str) -> None:
        print(time.strftime("%Y-%m-%d %H:%M:%S,000"), line, file=sys.stderr, flush=True)

    # Running.

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self.around])
        app.on_startup.append(self.started)
        app.on_cleanup.append(self.stopped)
        for path, handler in self.routes().items():
            app.router.add_get(path, handler)
        return app

    def routes(self) -> dict[str, Handler]:
        return {
            "/health": self.health,
            "/metrics": self.metrics,
            "/call-echo": self.call_echo,
            "/call-foo": self.call_foo,
        }

    async def run(self, port: int) -> None:
        runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        asked = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.asked_to_stop, asked)
        await asked.wait()
        await runner.cleanup()

    def asked_to_stop(self, asked: asyncio.Event) -> None:
        asked.set()


# contract


class NoHealth(Careful):
    found_by = "contract.health"

    def routes(self) -> dict[str, Handler]:
        return {path: handler for path, handler in super().routes().items() if path != "/health"}


class HealthAsksA(Careful):
    """Its own health fails when A's does."""

    found_by = "isolation.health_without_upstream"

    async def health(self, request: web.Request) -> web.StreamResponse:
        try:
            await self.call(f"{self.upstream}/health", self.passed_on(request))
        except CallFailed as failed:
            return self.failed(request, failed)
        return await super().health(request)


class MissingMsgCrashes(Careful):
    found_by = "contract.missing_msg"

    def missing_msg(self) -> web.StreamResponse:
        raise KeyError("msg")


class SuccessAsText(Careful):
    found_by = "contract.content_type"

    def succeeded(self, answer: Any) -> web.StreamResponse:
        return web.Response(text=json.dumps(answer))


class SuccessWithoutEcho(Careful):
    found_by = "contract.good_answer"

    def succeeded(self, answer: Any) -> web.StreamResponse:
        return web.json_response({"service_b": "ok", "service_a": "ok"})


class UnknownPathIsFine(Careful):
    found_by = "contract.unknown_path"

    def refused(self, error: web.HTTPException) -> web.StreamResponse:
        return web.json_response({"error": error.reason}, status=200)


class FooIsFine(Careful):
    found_by = "contract.call_foo"

    async def call_foo(self, request: web.Request) -> web.StreamResponse:
        _, _, body = await self.call(f"{self.upstream}/foo", self.passed_on(request))
        return web.Response(body=body, status=200, content_type="application/json")


# integrity


class Unencoded(Careful):
    """The message goes into A's URL as it is."""

    found_by = "integrity.text_ampersand"

    def target(self, msg: str) -> str:
        return f"{self.upstream}/echo?msg=" + msg.replace(" ", "%20")

    def checked(self, status: int, content_type: str, body: bytes, msg: str) -> Any:
        answer = json.loads(body)
        return super().checked(status, content_type, body, answer.get("echo", ""))


class OnlyAscii(Careful):
    found_by = "integrity.text_unicode"

    async def echo(self, request: web.Request, msg: str) -> Any:
        return await super().echo(request, msg.encode("ascii", "replace").decode())


class Strips(Careful):
    found_by = "integrity.text_controls"

    async def echo(self, request: web.Request, msg: str) -> Any:
        return await super().echo(request, " ".join(msg.split()) or "?")


class CutsLongTexts(Careful):
    found_by = "integrity.text_long"

    async def echo(self, request: web.Request, msg: str) -> Any:
        return await super().echo(request, msg[:1000])


class MixesAnswers(Careful):
    """What belongs to one request is kept where all share it."""

    found_by = "integrity.mixing"

    async def call_echo(self, request: web.Request) -> web.StreamResponse:
        self.msg = request.query.get("msg", "")
        if not self.msg:
            return self.missing_msg()
        await asyncio.sleep(0.002)
        try:
            answer = await self.echo(request, self.msg)
        except CallFailed as failed:
            return self.failed(request, failed)
        return self.succeeded(answer)


class ForgedLog(Careful):
    found_by = "integrity.log_forging"

    def log(self, request: web.Request, status: int, took_ms: float) -> None:
        self.say(f"INFO called with msg={request.query.get('msg', '')}")
        super().log(request, status, took_ms)


class Leftovers(Careful):
    """One connection for all, read as far as an answer goes: what follows is the next one's."""

    found_by = "integrity.surplus"
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def started(self, app: web.Application) -> None:
        await super().started(app)
        self.turn = asyncio.Lock()

    async def fetch(self, url: str, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        async with asyncio.timeout(DEADLINE_S), self.turn:
            try:
                return await self.exchange(URL(url, encoded=True), headers)
            except BaseException:
                if self.streams:
                    self.streams[1].close()
                self.streams = None
                raise

    async def exchange(self, url: URL, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        fresh = self.streams is None or self.streams[1].is_closing() or self.streams[0].at_eof()
        if fresh:
            self.streams = await asyncio.open_connection(url.host, url.port, limit=MOST_BYTES)
        assert self.streams is not None
        reader, writer = self.streams
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"GET {url.raw_path_qs} HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode())
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            if not fresh and not getattr(error, "partial", b""):
                self.streams = None
                return await self.exchange(url, headers)
            raise ValueError(str(error)) from error
        except asyncio.LimitOverrunError as error:
            raise ValueError(str(error)) from error
        return await self.rest(head, reader)

    async def rest(self, head: str, reader: asyncio.StreamReader) -> tuple[int, str, bytes]:
        fields = dict(line.partition(": ")[::2] for line in head.split("\r\n")[1:])
        length = int(fields["content-length"]) if "content-length" in fields else -1
        if not 0 <= length <= MOST_BYTES or "content-encoding" in fields:
            raise ValueError("no length that we like")
        try:
            body = await reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise ValueError(str(error)) from error
        content_type = fields.get("content-type", "").partition(";")[0]
        return int(head.split(" ", 2)[1]), content_type, body

    def checked(self, status: int, content_type: str, body: bytes, msg: str) -> Any:
        with contextlib.suppress(ValueError, LookupError, TypeError):
            msg = json.loads(body)["echo"]
        return super().checked(status, content_type, body, msg)


class StaleCache(Careful):
    """When A fails, the last good answer is as good as any."""

    found_by = "integrity.stale_cache"
    last: Any = None

    async def call_echo(self, request: web.Request) -> web.StreamResponse:
        msg = request.query.get("msg", "")
        if not msg:
            return self.missing_msg()
        try:
            self.last = await self.echo(request, msg)
        except CallFailed as failed:
            if self.last is None:
                return self.failed(request, failed)
        return self.succeeded(self.last)


# failure


class FailureAs200(Careful):
    found_by = "failure.status_500"

    def failed(self, request: web.Request, failed: CallFailed) -> web.StreamResponse:
        request["error"] = failed.word
        return web.json_response({"error": str(failed)})


class FailureAs404(Careful):
    found_by = "failure.status_503"

    def failed(self, request: web.Request, failed: CallFailed) -> web.StreamResponse:
        request["error"] = failed.word
        return web.json_response({"error": str(failed)}, status=404)


class FailureAsHTML(Careful):
    found_by = "failure.reset_before"

    def failed(self, request: web.Request, failed: CallFailed) -> web.StreamResponse:
        request["error"] = failed.word
        page = f"<h1>503</h1><p>{failed}</p>"
        return web.Response(text=page, content_type="text/html", status=503)


class FiveHundredAs200(Careful):
    """A's 500 is handed on as a success."""

    found_by = "failure.status_500"

    def checked(self, status: int, content_type: str, body: bytes, msg: str) -> Any:
        if status >= 500:
            return {"echo": msg, "raw": body.decode("latin-1")}
        return super().checked(status, content_type, body, msg)


class AnyShapeIsFine(Careful):
    found_by = "failure.wrong_shape"

    def checked(self, status: int, content_type: str, body: bytes, msg: str) -> Any:
        try:
            return super().checked(status, content_type, body, msg)
        except CallFailed as failed:
            if failed.word == "WrongAnswer":
                return json.loads(body)
            raise


class InvalidJSONCrashes(Careful):
    """It ends the connection without an answer."""

    found_by = "failure.invalid_json"

    def checked(self, status: int, content_type: str, body: bytes, msg: str) -> Any:
        try:
            return super().checked(status, content_type, body, msg)
        except CallFailed as failed:
            if failed.word == "InvalidJSON":
                raise asyncio.CancelledError from failed
            raise


class ResetKills(Careful):
    found_by = "failure.reset_before"

    async def call(self, url: str, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        try:
            return await self.fetch(url, headers)
        except ConnectionResetError:
            os._exit(3)
        except aiohttp.ClientOSError as error:
            if isinstance(error, aiohttp.ClientConnectorError):
                raise CallFailed("ConnectionError", "Service A unavailable") from error
            os._exit(3)
        except TimeoutError:
            raise CallFailed("ReadTimeout", "Service A timeout") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise CallFailed("ConnectionError", "Service A unavailable") from error


class TruncatedIsFine(Careful):
    """It takes what came before the connection broke for the whole."""

    found_by = "failure.truncate_body"

    async def body(self, response: aiohttp.ClientResponse) -> bytes:
        try:
            return await super().body(response)
        except aiohttp.ClientPayloadError:
            return b'{"echo":""}'

    def checked(self, status: int, content_type: str, body: bytes, msg: str) -> Any:
        if body == b'{"echo":""}':
            return {"echo": msg}
        return super().checked(status, content_type, body, msg)


# deadline


class NoTimeout(Careful):
    found_by = "deadline.hang"

    def timeout(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=None)


class TimeoutPerRead(Careful):
    """As requests and httpx do it: an answer that drips never ends."""

    found_by = "deadline.slow_body"

    def timeout(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(
            total=None, sock_connect=DEADLINE_S, connect=DEADLINE_S, sock_read=DEADLINE_S
        )


class TimeoutOnConnect(Careful):
    found_by = "deadline.hang"

    def timeout(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=None, sock_connect=DEADLINE_S)


class TimeoutTooLong(Careful):
    found_by = "deadline.latency"

    def timeout(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=5 * DEADLINE_S)


class TimeoutForHeaders(Careful):
    """The deadline ends where the body begins."""

    found_by = "deadline.endless_body"

    async def fetch(self, url: str, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        response = await asyncio.wait_for(
            self.session.get(
                URL(url, encoded=True), headers=headers, allow_redirects=False, timeout=None
            ),
            DEADLINE_S,
        )
        async with response:
            if "Content-Encoding" in response.headers:
                raise CallFailed("ContentEncoding", "A answered in a coding nobody asked for")
            return response.status, response.content_type, await self.body(response)


class RefusalWaits(Careful):
    """It tries again until all its time is over, though nobody listens."""

    found_by = "deadline.refused_quickly"

    async def fetch(self, url: str, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                try:
                    return await super().fetch(url, headers)
                except aiohttp.ClientConnectorError:
                    await asyncio.sleep(0.2)


# isolation


class Blocks(Careful):
    """It waits for A in the event loop's thread."""

    found_by = "isolation.health_while_hanging"

    async def fetch(self, url: str, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        try:
            with urlopen(Request(url, headers=dict(headers)), timeout=DEADLINE_S) as response:
                data = response.read(MOST_BYTES)
                return response.status, response.headers.get_content_type(), data
        except HTTPError as error:
            return error.code, "text/plain", b""
        except URLError as error:
            raise TimeoutError if isinstance(error.reason, TimeoutError) else OSError from error


class HealthWaitsForA(Careful):
    """Its own health does not depend on A's, but tells it, when A has said how it is."""

    found_by = "isolation.health_while_hanging"

    async def health(self, request: web.Request) -> web.StreamResponse:
        with contextlib.suppress(CallFailed):
            await self.call(f"{self.upstream}/health", self.passed_on(request))
        return await super().health(request)


class OneAtATime(Careful):
    found_by = "isolation.others_while_hanging"

    async def started(self, app: web.Application) -> None:
        await super().started(app)
        self.turn = asyncio.Lock()

    async def call(self, url: str, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        async with self.turn:
            return await super().call(url, headers)


class LeaksConnections(Careful):
    """After a time-out, A's connection stays open."""

    found_by = "isolation.connections_return"

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self.lost: list[object] = []

    async def call(self, url: str, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        try:
            return await super().call(url, headers)
        except CallFailed as failed:
            if len(self.lost) < self.most_lost(failed):
                self.lose()
            raise

    def most_lost(self, _failed: CallFailed) -> int:
        return 5000

    def lose(self) -> None:
        """Where somebody listens on this machine, the system connects at once, however busy."""
        address = URL(self.upstream)
        with contextlib.suppress(OSError):
            self.lost.append(socket.create_connection((address.host, address.port), timeout=0.05))


class OpensAnew(LeaksConnections):
    """For each call that was too slow it has a new connection at hand, as Node's fetch does."""

    found_by = ""

    def most_lost(self, failed: CallFailed) -> int:
        return 32 if failed.word == "ReadTimeout" else 0


class LeaksMemory(Careful):
    """Every failure is kept, with half a megabyte of what was around it."""

    found_by = "isolation.memory_after_failures"

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self.kept: list[bytes] = []

    def failed(self, request: web.Request, failed: CallFailed) -> web.StreamResponse:
        self.kept.append(os.urandom(1 << 19))
        return super().failed(request, failed)


class FailsSlowly(OneAtATime):
    """A failure takes a while, and the next one has to wait for it."""

    found_by = ""

    async def echo(self, request: web.Request, msg: str) -> Any:
        try:
            return await super().echo(request, msg)
        except CallFailed:
            async with self.turn:
                await asyncio.sleep(0.5)
            raise


# recovery


class NeverTriesAgain(Careful):
    """Once A has failed ten times, it is taken to be down for ever."""

    found_by = "recovery.long_outage"
    failures = 0

    async def call(self, url: str, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        if self.failures >= 10:
            raise CallFailed("ConnectionError", "Service A unavailable")
        try:
            return await super().call(url, headers)
        except CallFailed:
            self.failures += 1
            raise


class TriesAgainLate(Careful):
    """A breaker that stays open for half a minute after three failures in a row."""

    found_by = "recovery.long_outage"
    failures = 0
    open_until = 0.0

    async def call(self, url: str, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        if time.monotonic() < self.open_until:
            raise CallFailed("CircuitOpen", "Service A unavailable")
        try:
            answer = await super().call(url, headers)
        except CallFailed:
            self.failures += 1
            if self.failures >= 3:
                self.open_until = time.monotonic() + 30
            raise
        self.failures = 0
        return answer


class StaleConnection(Leftovers):
    """A connection that A has closed meanwhile costs a request."""

    found_by = "recovery.keepalive_fin"

    async def exchange(self, url: URL, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        if self.streams is None:
            self.streams = await asyncio.open_connection(url.host, url.port, limit=MOST_BYTES)
        reader, writer = self.streams
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"GET {url.raw_path_qs} HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode())
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise ValueError(str(error)) from error
        return await self.rest(head, reader)

    def checked(self, status: int, content_type: str, body: bytes, msg: str) -> Any:
        return Careful.checked(self, status, content_type, body, msg)


# retry


class RetriesTenTimes(Careful):
    found_by = "retry.amplification_error"

    async def fetch(self, url: str, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        async with asyncio.timeout(DEADLINE_S):
            for _ in range(9):
                try:
                    status, content_type, body = await super().fetch(url, headers)
                except (aiohttp.ClientError, CallFailed):
                    continue
                if status < 500:
                    return status, content_type, body
            return await super().fetch(url, headers)


# load


class OnlyTenAtOnce(Careful):
    """More than ten requests at once are failures, each."""

    found_by = "load.concurrent"
    inside = 0

    async def call(self, url: str, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        self.inside += 1
        try:
            if self.inside > 10:
                raise CallFailed("Busy", "Service B is busy")
            return await super().call(url, headers)
        finally:
            self.inside -= 1


class DropsOnSigterm(Careful):
    """It ends at once, whatever is in flight."""

    found_by = "load.drain"

    def asked_to_stop(self, _asked: asyncio.Event) -> None:
        os._exit(0)


class IgnoresSigterm(Careful):
    found_by = "load.drain"

    def asked_to_stop(self, _asked: asyncio.Event) -> None:
        pass


# observability


class LogsNothing(Careful):
    found_by = "observability.log_of_failure"

    def say(self, line: str) -> None:
        pass


class LogsFailuresAsOK(Careful):
    found_by = "observability.log_of_failure"

    def log(self, request: web.Request, status: int, took_ms: float) -> None:
        request.pop("error", None)
        super().log(request, 200, took_ms)


class DropsRequestID(Careful):
    found_by = "observability.request_id"

    def passed_on(self, request: web.Request) -> dict[str, str]:
        headers = super().passed_on(request)
        del headers["X-Request-ID"]
        return headers


class DropsTrace(Careful):
    found_by = "observability.traceparent"

    def passed_on(self, request: web.Request) -> dict[str, str]:
        headers = super().passed_on(request)
        headers.pop("traceparent", None)
        return headers


# safety


class TracebackInBody(Careful):
    found_by = "safety.no_traceback"

    def failed(self, request: web.Request, failed: CallFailed) -> web.StreamResponse:
        request["error"] = failed.word
        said = "".join(traceback.format_exception(failed))
        return web.json_response({"error": said}, status=503)


class StackInBody(Careful):
    """An error's own text has a stack in it, as that of Node's `error.stack` does."""

    found_by = "safety.no_traceback"

    def failed(self, request: web.Request, failed: CallFailed) -> web.StreamResponse:
        request["error"] = failed.word
        said = f"Error: {failed}\n    at ClientRequest.<anonymous> (/srv/b/app.js:11:78)"
        return web.json_response({"error": said}, status=503)


class FollowsRedirects(Careful):
    found_by = "safety.redirect_302"
    follows_redirects = True


class Unbounded(Careful):
    """The whole answer is read, however long it is and takes, as long as something comes."""

    found_by = "safety.huge_body_chunked"

    def timeout(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(sock_read=DEADLINE_S)

    async def body(self, response: aiohttp.ClientResponse) -> bytes:
        return await response.read()


class Bombed(Careful):
    """A compressed answer is unpacked whole."""

    found_by = "safety.compression_bomb"

    async def fetch(self, url: str, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        async with self.session.get(
            URL(url, encoded=True), headers=headers, timeout=self.timeout(), allow_redirects=False
        ) as response:
            body = await self.body(response)
            if response.headers.get("Content-Encoding") == "gzip":
                body = zlib.decompress(body, 31)
            return response.status, response.content_type, body


def family() -> dict[str, type[Careful]]:
    """Everybody by name; the careful one first."""
    classes = [each for each in globals().values() if isinstance(each, type)]
    return {each.__name__: each for each in classes if issubclass(each, Careful)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=family())
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    given = parser.parse_args()
    asyncio.run(family()[given.name](given.upstream).run(given.port))


if __name__ == "__main__":
    main()
