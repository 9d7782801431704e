"""What the page can ask of the console: its files, the stream of events, and its buttons.

State is changed by POST with a JSON body only. The guard refuses other hosts and other origins.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from faultwire.http.message import JSON, BadRequest, Request, Response, Streamed, query_value
from faultwire.http.server import Answer
from faultwire.lab.console import assets
from faultwire.lab.console.checking import FORMS, CannotCheck
from faultwire.lab.console.drive import Traffic
from faultwire.lab.console.hub import Hub
from faultwire.lab.console.watch import Watch
from faultwire.lab.member import CannotAct
from faultwire.wire.control.client import ControlError
from faultwire.wire.control.guard import Guard

_MOST_WATCHERS = 32
_NO_STORE = assets.SAFE + b"Cache-Control: no-store\r\n"
_encode = msgspec.json.Encoder().encode

Json = dict[str, Any]
Act = Callable[[Json], Awaitable[object]]


class App:
    """Answers the page."""

    def __init__(self, watch: Watch, hub: Hub, guard: Guard) -> None:
        self._watch = watch
        self._hub = hub
        self._guard = guard
        self._assets = assets.load()
        self._asks: Mapping[bytes, Callable[[Request], Awaitable[Response]]] = {
            b"/catalogue": self._catalogue,
            b"/request": self._request,
            b"/check/report": self._report,
        }
        self._acts: Mapping[bytes, Act] = {
            b"/break": self._break,
            b"/mend": self._mend,
            b"/service": self._service,
            b"/traffic": self._traffic,
            b"/check": self._check,
        }

    def __call__(self, request: Request) -> Answer:
        """Answer a request."""
        try:
            self._guard.check(request.headers)
            return self._answer(request)
        except BadRequest as refused:
            return self.refusal(refused)

    def refusal(self, refused: BadRequest) -> Response:
        """The response to what is refused, with one sentence that says why."""
        return _json(refused.status, {"error": refused.detail})

    def _answer(self, request: Request) -> Answer:
        path, act = request.path, self._acts.get(request.path)
        if act is not None:
            if request.method != "POST":
                return _not_allowed("POST", "State is changed by POST")
            return self._do(act, _body(request))
        if request.method not in ("GET", "HEAD"):
            return _not_allowed("GET, HEAD", "Only GET and HEAD work here")
        if path == b"/events":
            return self._events(request)
        if path in self._asks:
            return self._say(self._asks[path], request)
        if path in self._assets:
            return self._assets[path].response(request)
        raise BadRequest(404, "Not found")

    def _events(self, request: Request) -> Streamed:
        if request.headers.get(b"sec-fetch-site") not in (None, b"same-origin", b"none"):
            raise BadRequest(403, "Pages of another origin may not watch this one")
        if self._hub.watchers >= _MOST_WATCHERS:
            raise BadRequest(503, "Too many pages watch already: close one")
        return Streamed(200, self._hub.follow(), b"text/event-stream", _NO_STORE)

    async def _say(
        self, ask: Callable[[Request], Awaitable[Response]], request: Request
    ) -> Response:
        try:
            return await ask(request)
        except (BadRequest, CannotCheck, ControlError) as error:
            return _refused(error)

    async def _do(self, act: Act, body: Json) -> Response:
        try:
            return _json(200, await act(body))
        except (BadRequest, CannotAct, CannotCheck, ControlError) as error:
            return _refused(error)

    # What it asks.

    async def _catalogue(self, _: Request) -> Response:
        return _json(200, await self._watch.wire_view().catalogue())

    async def _request(self, request: Request) -> Response:
        story = await self._watch.story(query_value(request.query, b"id") or "")
        if story is None:
            raise BadRequest(404, "The console does not hold this request any more")
        return _json(200, story)

    async def _report(self, request: Request) -> Response:
        form = query_value(request.query, b"format") or "json"
        if form not in FORMS:
            raise BadRequest(400, f"format is one of {', '.join(FORMS)}")
        named = f'Content-Disposition: attachment; filename="faultwire-check.{form}"\r\n'
        report = await self._watch.checking.report(form)
        return Response(200, report, FORMS[form], _NO_STORE + named.encode())

    # What it does.

    async def _break(self, body: Json) -> object:
        return await self._watch.wire_view().set(body)

    async def _mend(self, body: Json) -> object:
        name = body.get("name")
        if name is not None and not isinstance(name, str):
            raise BadRequest(400, "name must be the name of a fault, or left out for all")
        return {"mended": await self._watch.wire_view().mend(name)}

    async def _service(self, body: Json) -> object:
        return await self._watch.services.act(body)

    async def _traffic(self, body: Json) -> object:
        if body.get("stop") is True:
            self._watch.drive.stop()
            return self._watch.drive.shown()
        try:
            traffic = msgspec.convert(body, Traffic, strict=True)
        except msgspec.ValidationError as error:
            raise BadRequest(400, str(error)) from error
        if problem := traffic.problem():
            raise BadRequest(400, problem)
        self._watch.drive.begin(traffic)
        return self._watch.drive.shown()

    async def _check(self, body: Json) -> object:
        if body.get("stop") is True:
            self._watch.checking.stop()
        else:
            self._watch.checking.start(str(body.get("group") or ""))
        return {"state": self._watch.checking.shown()["state"]}


def _body(request: Request) -> Json:
    """A JSON object. A cross-origin form can send any body, but not of this type."""
    media_type = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type != JSON:
        raise BadRequest(415, "Send JSON, with Content-Type: application/json")
    try:
        return msgspec.json.decode(request.body, type=dict[str, Any])
    except (ValueError, RecursionError) as error:
        raise BadRequest(400, f"The body is not a JSON object: {error}") from error


def _not_allowed(allowed: str, said: str) -> Response:
    response = _json(405, {"error": said})
    response.headers += f"Allow: {allowed}\r\n".encode()
    return response


def _json(status: int, body: object) -> Response:
    return Response(status, _encode(body), JSON, _NO_STORE)


def _refused(error: Exception) -> Response:
    """The status of a refusal and its sentence; what cannot be done now is a conflict."""
    if isinstance(error, BadRequest):
        return _json(error.status, {"error": error.detail})
    status = 409
    if isinstance(error, ControlError):
        status = error.status or 502
    return _json(status, {"error": str(error)})
