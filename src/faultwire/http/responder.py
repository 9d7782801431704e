"""The responding half of a server's connection: what a service answers, written in order.

    request ==> App == Response =============> one write
                    == Pending, Handling ====> later, a Response or Streamed
                    == Streamed =============> its head, then piece by piece
                    == an exception =========> 500

A response that ends the connection ends it behind its last byte; a stream that breaks off ends
it with a reset, so that nobody takes what came for the whole.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

from faultwire.http.driver import Driver, Handling, Outcome, Pending, unheard
from faultwire.http.message import (
    BadRequest,
    Request,
    Response,
    Streamed,
    render,
    render_head,
)
from faultwire.http.reader import Continue, Due, RequestReader
from faultwire.http.reset import reset
from faultwire.http.stream import Stream

Answer = Response | Streamed | Pending | Handling
App = Callable[[Request], Answer]
"""What a service is to the hop: a response at once or to come, or a coroutine that returns one.
It handles its own errors; what is not finished is cancelled when the client leaves."""

BUSY, STALLED, ENDED = 1, 2, 4  # why no answer can be written now
_NO_REQUEST = Request("", b"", b"", {})


class Service(Protocol):
    """Who answers."""

    @property
    def app(self) -> App: ...
    @property
    def draining(self) -> bool: ...
    @property
    def leaving(self) -> bool: ...
    def refusal(self, refused: BadRequest) -> Response:
        """The response to a request that is not acceptable HTTP."""


class Responder:
    """One client's connection, as far as it answers, one request at a time.

    The other half, which reads, is a `ServerConnection`: the same object, as a call from one
    object to another would cost each request. It lends `_pump` and `_end`.
    """

    __slots__ = (
        "_backlog",
        "_blocked",
        "_client_done",
        "_driver",
        "_loop",
        "_owner",
        "_pending",
        "_queue",
        "_reader",
        "_request",
        "_stream",
        "_transport",
    )

    _transport: asyncio.Transport

    def __init__(
        self, service: Service, loop: asyncio.AbstractEventLoop, reader: RequestReader
    ) -> None:
        self._owner = service
        self._loop = loop
        self._reader = reader
        self._queue: deque[Due] = reader.queue
        self._driver = Driver(loop, self._handled)
        self._pending: Pending | None = None
        self._request = _NO_REQUEST  # the one that the driver, or what is pending, answers
        self._stream: Stream | None = None
        self._blocked = 0
        self._backlog = b""  # what was read and not parsed yet
        self._client_done = False  # it has shut down its side; what is due is still answered

    def _pump(self) -> None:
        """Go on: an answer is written."""
        raise NotImplementedError

    def _end(self) -> None:
        """Send nothing more: the last answer is written."""
        raise NotImplementedError

    def end_stream(self) -> None:
        """End a response that may have no end, and with it the connection."""
        if self._stream is None:
            return
        if self._blocked & STALLED:
            self.abort()
            return
        self._stream.cancel()
        self._stream = None
        self._blocked &= ~BUSY
        self._end()

    def abort(self) -> None:
        """End the connection now, with whatever is unsent."""
        if self._stream is not None:
            self._stream.cancel()
        self._transport.abort()

    def _answer(self, due: Due) -> None:
        if not isinstance(due, Request):
            self._answer_no_request(due)
            return
        try:
            answer = self._owner.app(due)
        except Exception as error:  # noqa: BLE001 - the service's defect, and its 500
            self._fail(error, due)
            return
        if isinstance(answer, Pending):
            answer.answer = self._handled  # type: ignore[misc]  # a subclass has the slot
            self._pending = answer
            self._request = due
            self._blocked |= BUSY
        elif isinstance(answer, Response):
            self._write(answer, due)
        elif isinstance(answer, Streamed):
            self._write_other(answer, due)
        else:
            self._began(self._driver.start(answer), due)

    def _began(self, outcome: Outcome | None, request: Request) -> None:
        """A handler has run so far: to its end, or to its first wait."""
        if outcome is None:
            self._request = request
            self._blocked |= BUSY
        else:
            self._write(outcome, request)

    def _answer_no_request(self, due: BadRequest | Continue) -> None:
        if isinstance(due, BadRequest):
            self._write_refusal(due, None)
        elif self._reader.awaits_continue:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _handled(self, outcome: Outcome) -> None:
        """A handler that had to wait has ended."""
        request = self._request
        self._request = _NO_REQUEST
        self._pending = None
        self._blocked &= ~BUSY
        self._write(outcome, request)
        if self._queue or self._backlog:
            self._pump()

    def _write(self, outcome: Outcome, request: Request) -> None:
        """Write the response, or a 500; the last one ends the connection."""
        if not isinstance(outcome, Response):
            self._write_other(outcome, request)
            return
        try:
            last = outcome.close or not request.keep_alive
            if self._owner.draining or self._client_done:
                last = last or self._is_last()
            answer = render(outcome, request, last)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error, request)
            return
        self._transport.write(answer)
        if last:
            self._end()

    def _write_other(self, outcome: Streamed | BaseException, request: Request) -> None:
        if isinstance(outcome, BaseException):
            self._fail(outcome, request)
            return
        try:
            self._write_streamed(outcome, request)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error, request)

    def _write_streamed(self, streamed: Streamed, request: Request) -> None:
        last = streamed.close or not request.keep_alive or request.http_1_0 or self._is_last()
        head = render_head(streamed, request, closing=last)
        self._blocked |= BUSY
        self._stream = stream = Stream(
            self._transport,
            streamed.pieces,
            partial(self._streamed, last=last),
            chunked=not request.http_1_0,
        )
        stream.start(self._loop, head, bodyless=request.method == "HEAD")
        if self._owner.leaving:
            self.end_stream()

    def _streamed(self, error: BaseException | None, *, last: bool) -> None:
        """A stream has come to its end, or broken off: then nobody must take it for whole."""
        self._stream = None
        if error is not None:
            self._report("A stream failed", error)
            reset(self._transport)
            return
        self._blocked &= ~BUSY
        if last or self._is_last():
            self._end()
        else:
            self._pump()

    def _fail(self, error: BaseException, request: Request) -> None:
        self._report("A handler failed", error)
        self._write_refusal(BadRequest(500, "The service failed"), request)

    def _is_last(self) -> bool:
        """Whether nothing more is to be answered, after what has been asked."""
        ending = self._owner.draining or self._client_done
        return ending and not self._queue and not self._backlog

    def _write_refusal(self, refused: BadRequest, request: Request | None) -> None:
        try:
            answer = render(self._owner.refusal(refused), request, True)
        except Exception as error:  # noqa: BLE001 - as above, and nothing is left to say
            self._report("A refusal failed", error)
            self.abort()
            return
        self._transport.write(answer)
        self._end()

    def _report(self, message: str, error: BaseException) -> None:
        self._loop.call_exception_handler(
            {"message": message, "exception": error, "transport": self._transport}
        )

    def _unhear(self) -> None:
        """The client has left: nobody waits for an answer."""
        self._driver.cancel()
        if self._pending is not None:
            self._pending.answer = unheard  # type: ignore[misc]  # a subclass has the slot
            self._pending.cancel()
            self._pending = None
        if self._stream is not None:
            self._stream.cancel()
