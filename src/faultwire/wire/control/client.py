"""A client of the control API, for the commands and the console."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from faultwire.failures import Failure, FailureKind
from faultwire.http.address import Origin
from faultwire.http.client import Reply
from faultwire.http.pool import Pool
from faultwire.http.sockets import reachable
from faultwire.settings import ControlSettings

_TIMEOUT_S = 5.0
_FIRST_ERROR = 300
_ANY_BYTES = "surrogateescape"  # what the shell hands over need not be UTF-8: the wire judges it
T = TypeVar("T")
Json = dict[str, Any]


class ControlError(Exception):
    """The wire has refused, or cannot be reached. The message is one sentence.

    `status` is the HTTP status of the refusal, 0 where none arrived.
    """

    def __init__(self, said: str, status: int = 0) -> None:
        super().__init__(said)
        self.status = status


class NoWire(ControlError):
    """Nothing listens at the control address."""

    def __init__(self, origin: Origin) -> None:
        super().__init__(
            f"no wire has its control API at {origin.url}; start one with `faultwire wire` or "
            "`faultwire up`, or say where it is with --control [HOST:]PORT"
        )


class ControlClient:
    """Speaks to one wire. Needs a running event loop; close it in the end.

    Every method raises `ControlError`. `token` is empty for a wire that asks for none.
    """

    def __init__(self, origin: Origin, token: str = "", *, timeout_s: float = _TIMEOUT_S) -> None:
        self.origin = origin
        self._pool = Pool(origin, most=4)
        self._timeout_s = timeout_s
        self._fields = f"Host: {origin.authority}\r\nAccept: application/json\r\n"
        if token:
            self._fields += f"Authorization: Bearer {token}\r\n"

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.close()

    async def set(self, made: Mapping[str, object]) -> Json:
        """Begin a break; one of the same name is replaced. What is active now, with its seed."""
        return await self._json("POST", "/faults", made)

    async def mend(self, name: str | None = None) -> list[str]:
        """End one break, or all; their names."""
        target = "/faults" if name is None else f"/faults/{_quoted(name)}"
        mended: list[str] = (await self._json("DELETE", target))["mended"]
        return mended

    async def faults(self) -> list[Json]:
        """Every active break, with its counts."""
        active: list[Json] = (await self._json("GET", "/faults"))["faults"]
        return active

    async def catalogue(self) -> Json:
        """Every fault there is, with its attributes."""
        return await self._json("GET", "/catalogue")

    async def ledger(self, **query: object) -> Json:
        """The records that fit, the revision to go on from, and the counts."""
        given = {name: _text(value) for name, value in query.items() if value is not None}
        return await self._json("GET", f"/ledger?{urlencode(given, errors=_ANY_BYTES)}")

    async def reset(self, *, ledger: bool = False) -> Json:
        """Mend all; with `ledger`, forget the records, too."""
        return await self._json("POST", f"/reset?ledger={_text(ledger)}")

    async def ready(self) -> bool:
        """Whether the wire may be sent requests."""
        return (await self._call("GET", "/readyz")).status == 200

    async def _json(self, method: str, target: str, body: object = None) -> Json:
        reply = await self._call(method, target, body)
        try:
            answer = msgspec.json.decode(reply.body, type=dict[str, Any])
        except ValueError as error:
            said = f"What listens at {self.origin.url} is not a wire's control API"
            raise ControlError(said, reply.status) from error
        if reply.status >= _FIRST_ERROR:
            raise ControlError(str(answer.get("error", f"HTTP {reply.status}")), reply.status)
        return answer

    async def _call(self, method: str, target: str, body: object = None) -> Reply:
        content = b"" if body is None else msgspec.json.encode(body)
        fields = self._fields
        if body is not None:
            fields += "Content-Type: application/json\r\n"
        if method != "GET":
            fields += f"Content-Length: {len(content)}\r\n"
        head = f"{method} {self.origin.base}{target} HTTP/1.1\r\n{fields}\r\n".encode()
        try:
            return await self._pool.call(
                head + content, timeout_s=self._timeout_s, idempotent=method != "POST"
            )
        except Failure as failure:
            if failure.kind is FailureKind.CONNECTION_REFUSED:
                raise NoWire(self.origin) from failure
            raise ControlError(failure.detail) from failure


def ask(
    wire: ControlSettings,
    act: Callable[[ControlClient], Coroutine[Any, Any, T]],
    *,
    timeout_s: float = _TIMEOUT_S,
) -> T:
    """Do something with a wire and wait for it: `ask(settings, lambda wire: wire.mend())`.

    Raises `ControlError`.
    """
    host, port = wire.control

    async def run() -> T:
        origin = Origin(reachable(host), port)
        client = ControlClient(origin, wire.control_token, timeout_s=timeout_s)
        try:
            return await act(client)
        finally:
            client.close()

    return asyncio.run(run())


def _quoted(name: str) -> str:
    return quote(name, safe="", errors=_ANY_BYTES)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
