"""The control API: faults are set and mended here, and the ledger is read.

Who may use it is the guard's business. Health routes are open to everybody: a probe comes from
anywhere and learns nothing.
"""

import asyncio
from collections.abc import Callable, Mapping
from random import Random
from time import time
from urllib.parse import quote

import msgspec

from faultwire.http.message import JSON, BadRequest, Request, Response
from faultwire.http.server import Answer
from faultwire.telemetry.log import Log
from faultwire.wire.control import openapi, report
from faultwire.wire.control.guard import Guard, Unauthorized
from faultwire.wire.faults import describe
from faultwire.wire.faults.base import InvalidFault
from faultwire.wire.ledger import Ledger
from faultwire.wire.ledger.query import parameters, read_query
from faultwire.wire.ledger.tally import Figures
from faultwire.wire.plan import Plan
from faultwire.wire.plan.breaks import read_break
from faultwire.wire.plan.chance import MOST_SEED

Handler = Callable[[Request], Answer]
Methods = Mapping[str, Handler]

_SAFE = b"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
_encode = msgspec.json.Encoder().encode
_HEALTH = (b"/health", b"/livez", b"/healthz", b"/readyz")
_ONE_FAULT = b"/faults/"


class Control:
    """Answers requests to the control API. Changes act at once, on the next request.

    `seed` makes the seeds that breaks get which bring none of their own, in their order.
    """

    def __init__(
        self, plan: Plan, ledger: Ledger, guard: Guard, log: Log, *, seed: int | None = None
    ) -> None:
        self.ready = True
        self._plan = plan
        self._ledger = ledger
        self._guard = guard
        self._log = log
        self._seeds = None if seed is None else Random(seed)  # noqa: S311  repeatable on purpose
        plan.on_expired = lambda name: log.note("INFO", event="fault_expired", name=name)
        self._routes: dict[bytes, Methods] = {
            b"/faults": {"GET": self._list, "POST": self._add, "DELETE": self._mend_all},
            b"/catalogue": {"GET": _catalogue},
            b"/reset": {"POST": self._reset},
            b"/ledger": {"GET": self._read_ledger, "DELETE": self._clear_ledger},
            b"/metrics": {"GET": self._metrics},
            b"/openapi.json": {"GET": _openapi},
            b"/readyz": {"GET": self._readyz},
            **{path: {"GET": _healthy} for path in _HEALTH if path != b"/readyz"},
        }
        self._one_fault: Methods = {"GET": self._show, "DELETE": self._mend}

    def __call__(self, request: Request) -> Answer:
        """Answer a request."""
        try:
            if request.path not in _HEALTH:
                self._guard.check(request.headers)
            answer = self._handler(request)(request)
        except BadRequest as refused:
            answer = self.refusal(refused)
        except InvalidFault as invalid:
            answer = _error(400, str(invalid))
        except Exception as error:  # noqa: BLE001 - a defect of ours is a 500, never a crash
            said = f"{type(error).__name__}: {error}"
            self._log.note("ERROR", event="unexpected_error", error=said, at="control")
            answer = _error(500, "Internal server error")
        return answer

    def refusal(self, refused: BadRequest) -> Response:
        """The response to what is refused, with one sentence that says why."""
        response = _error(refused.status, refused.detail)
        if isinstance(refused, Unauthorized):
            response.headers += b'WWW-Authenticate: Bearer realm="faultwire"\r\n'
        return response

    def _handler(self, request: Request) -> Handler:
        methods = self._routes.get(request.path)
        if methods is None and request.path.startswith(_ONE_FAULT):
            methods = self._one_fault
        if methods is None:
            raise BadRequest(404, "Not found")
        method = "GET" if request.method == "HEAD" else request.method
        return methods.get(method) or (lambda _: _method_not_allowed(methods))

    # Faults.

    def _list(self, _: Request) -> Response:
        return _answer(200, {"faults": self._plan.active()})

    def _show(self, request: Request) -> Response:
        name = _name_in(request)
        for shown in self._plan.active():
            if shown["name"] == name:
                return _answer(200, shown)
        return _not_active(name)

    def _add(self, request: Request) -> Response:
        made = read_break(self._seeded(_json_in(request)))
        replaces = any(shown["name"] == made.name for shown in self._plan.active())
        self._plan.add(made)
        gone = made.shown() | {"seen": 0, "injected": 0, "left_s": 0.0}  # a moment was all it had
        shown = next((one for one in self._plan.active() if one["name"] == made.name), gone)
        said = report.details(made.shown())
        span = report.span(made.for_s)
        self._log.note(
            "INFO",
            event="fault_set",
            name=made.name,
            fault=made.fault.name,
            **said,
            for_at_most=span,
        )
        response = _answer(200 if replaces else 201, shown)
        response.headers += b"Location: /faults/%b\r\n" % quote(made.name, safe="").encode()
        return response

    def _seeded(self, data: object) -> object:
        if self._seeds is None or not isinstance(data, dict) or data.get("seed") is not None:
            return data
        return {**data, "seed": self._seeds.randint(0, MOST_SEED)}

    def _mend(self, request: Request) -> Response:
        name = _name_in(request)
        if not self._plan.remove(name):
            return _not_active(name)
        return self._mended([name])

    def _mend_all(self, _: Request) -> Response:
        return self._mended(self._mend_each())

    def _mend_each(self) -> list[str]:
        names = [shown["name"] for shown in self._plan.active()]
        self._plan.reset()
        return names

    def _mended(self, names: list[str], **more: object) -> Response:
        for name in names:
            self._log.note("INFO", event="fault_mended", name=name)
        return _answer(200, {"mended": names, **more})

    def _reset(self, request: Request) -> Response:
        """Back to the beginning: no fault, and no ledger either if it is asked for."""
        also = parameters(request.query, {"ledger": bool}).get("ledger", "false")
        if also not in ("true", "false"):
            raise BadRequest(400, f"ledger must be true or false, not {also!r}")
        forgotten = self._ledger.clear() if also == "true" else 0
        return self._mended(self._mend_each(), forgotten=forgotten)

    # What has been seen.

    def _read_ledger(self, request: Request) -> Response:
        found = self._ledger.find(read_query(request.query, time()))
        counts = self._ledger.counts()
        return _answer(
            200, {"records": found.records, "revision": found.revision, "counts": counts}
        )

    def _clear_ledger(self, _: Request) -> Response:
        return _answer(200, {"forgotten": self._ledger.clear()})

    async def _metrics(self, request: Request) -> Response:
        accept = request.headers.get(b"accept", b"").decode("latin-1")
        figures = self._ledger.figures(len(self._plan.active()))
        # In a thread: the first exposition imports for 50 ms, in which requests go on.
        text, content_type = await asyncio.to_thread(_exposition, figures, accept)
        return Response(200, text, content_type.encode(), _SAFE)

    def _readyz(self, _: Request) -> Response:
        return _answer(200, {"status": "ok"}) if self.ready else _answer(503, _DRAINING)


_DRAINING = {"status": "draining"}


def _exposition(figures: Figures, accept: str) -> tuple[bytes, str]:
    from faultwire.wire.ledger.metrics import expose  # noqa: PLC0415  slow, rarely needed

    return expose(figures, accept)


def _healthy(_: Request) -> Response:
    return _answer(200, {"status": "ok"})


def _catalogue(_: Request) -> Response:
    return _answer(200, {"faults": describe()})


def _openapi(_: Request) -> Response:
    return Response(200, openapi.document(), JSON, _SAFE)


def _answer(status: int, body: object) -> Response:
    return Response(status, _encode(body), JSON, _SAFE)


def _error(status: int, sentence: str) -> Response:
    return _answer(status, {"error": sentence})


def _method_not_allowed(methods: Methods) -> Response:
    response = _error(405, "Method not allowed")
    allowed = ", ".join(methods).replace("GET", "GET, HEAD")
    response.headers += b"Allow: %b\r\n" % allowed.encode()
    return response


def _not_active(name: str) -> Response:
    return _error(404, f"No fault called {name!r} is active")


def _name_in(request: Request) -> str:
    return request.path[len(_ONE_FAULT) :].decode("utf-8", "replace")


def _json_in(request: Request) -> object:
    """The body. A browser's cross-origin form can send any body, but not of this type."""
    media_type = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type != JSON:
        raise BadRequest(415, "Send JSON, with Content-Type: application/json")
    try:
        return msgspec.json.decode(request.body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(400, f"The body is not JSON: {error}") from error
