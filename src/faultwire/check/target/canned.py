"""The check's own upstream: a server in this process that answers what the spec says."""

import asyncio
import json
import re
import socket

from faultwire.check.spec import Canned
from faultwire.check.target.sightings import TOKEN
from faultwire.http.address import Origin
from faultwire.http.listener import Listener
from faultwire.http.message import BadRequest, Request, Response, query_value
from faultwire.http.server import Answer
from faultwire.http.sockets import listen

_HOST = "127.0.0.1"
_ROUNDS = 8
"""After so many rounds of the event loop a connection that was being accepted has ended, too."""
_PLACEHOLDER = re.compile(r"\{(token|path|query\.[^{}]+)\}")


class CannedServer:
    """Serves a `Canned` answer on `port`. Needs a running event loop."""

    own = True
    controlled = True

    def __init__(self, canned: Canned, port: int) -> None:
        self._canned = canned
        self._port = port
        self._listener: Listener | None = None
        self._going = asyncio.Event()
        self._going.set()

    @property
    def url(self) -> str:
        """Where it is found."""
        return Origin(_HOST, self._port).url

    async def start(self) -> None:
        """Listen. Raises `CannotListen`."""
        if self._listener is None:
            listener = Listener(self._answer, _refusal)
            await listener.start(listen(_HOST, self._port))
            self._listener = listener

    async def stop(self) -> None:
        """End it: connections are reset, and its port refuses."""
        listener, self._listener = self._listener, None
        if listener is not None:
            await listener.drain(0.0)  # not by `close`: asyncio loses who is just being accepted
            await _until_refusing(self._port)
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
        self.resume()

    def pause(self) -> None:
        """Accept, and answer nobody."""
        self._going.clear()

    def resume(self) -> None:
        """Answer those who wait, and others."""
        self._going.set()

    def alive(self) -> bool:
        """Whether it listens."""
        return self._listener is not None

    def _answer(self, request: Request) -> Answer:
        if self._going.is_set():
            return self._response(request)
        return self._later(request)

    async def _later(self, request: Request) -> Response:
        await self._going.wait()
        return self._response(request)

    def _response(self, request: Request) -> Response:
        canned = self._canned
        headers = {name.lower(): value for name, value in canned.headers.items()}
        content_type = headers.pop("content-type", "application/json")
        lines = (f"{name}: {_filled(value, request)}\r\n" for name, value in headers.items())
        in_json = "json" in content_type
        body = _filled(canned.body, request, in_json=in_json).encode("utf-8", "replace")
        fields = "".join(lines).encode("latin-1", "replace")
        return Response(canned.status, body, content_type.encode("latin-1"), fields)


def _filled(text: str, request: Request, *, in_json: bool = False) -> str:
    def value(found: "re.Match[str]") -> str:
        said = _value(found[1], request)
        return json.dumps(said)[1:-1] if in_json else re.sub(r"[\r\n\0]", " ", said)

    return _PLACEHOLDER.sub(value, text)


def _value(name: str, request: Request) -> str:
    if name == "path":
        return request.path.decode("utf-8", "replace")
    if name == "token":
        return _token(request)
    try:
        return query_value(request.query, name.partition(".")[2].encode()) or ""
    except BadRequest:
        return ""


def _token(request: Request) -> str:
    """The token, wherever in the request it stands."""
    for text in (request.path, request.query, *request.headers.values(), request.body):
        if found := TOKEN.search(text):
            return found[0].decode()
    return ""


def _refusal(refused: BadRequest) -> Response:
    return Response(refused.status, json.dumps({"error": refused.detail}).encode())


_LAST_GUESTS_S = 0.02
"""Until a probe that was accepted at the last moment is known to have left."""


async def _until_refusing(port: int) -> None:
    """A server's socket is closed in a later round of the loop."""
    for _ in range(1000):
        with socket.socket() as probe:
            probe.setblocking(False)
            try:
                async with asyncio.timeout(1.0):
                    await asyncio.get_running_loop().sock_connect(probe, (_HOST, port))
            except (OSError, TimeoutError):
                break
        await asyncio.sleep(0)
    await asyncio.sleep(_LAST_GUESTS_S)
