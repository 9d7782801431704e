"""Running a handler's coroutine without a task.

A task would do the same three rounds of the event loop later, which is most of what a request
costs. A handler may await whatever a task may: futures, tasks, `sleep`, and calls that wake it
in the moment in which they end. Only what needs a current task is not for it
(`asyncio.timeout`, a `TaskGroup`); it may await a task that does.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from faultwire.http.message import Response, Streamed


class Awaited(Protocol):
    """What a handler may await: a future, or what behaves like one."""

    def add_done_callback(self, wake: Callable[[Any], object], /) -> object:
        """Call `wake` once, when there is a result."""

    def cancel(self) -> bool:
        """Nobody waits any more.

        True: `wake` will be called, and the awaiting coroutine finds a `CancelledError`.
        False: `wake` will be called, but it is too late for that.
        """


Handling = Coroutine[Awaited | None, None, Response | Streamed]
Outcome = Response | Streamed | BaseException


class Pending:
    """A response to come without a coroutine, which costs a busy service a tenth of its time.

    An `App` returns it, and later calls `answer` with the outcome, once. The server has set
    `answer` by then, but not before the `App` has returned.
    """

    __slots__ = ()
    answer: Callable[[Outcome], object] | None

    def cancel(self) -> object:
        """The client has left: `answer` may be called or not, nobody hears it."""
        raise NotImplementedError


class _NextRound:
    """What a bare yield awaits, as in `sleep(0)`: the event loop's next round."""

    def cancel(self) -> bool:
        return False


_NEXT_ROUND = _NextRound()


class Driver:
    """Runs one coroutine at a time; `ended` is told how one that had to wait has ended."""

    __slots__ = ("_awaited", "_coroutine", "_ended", "_interrupt", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, ended: Callable[[Outcome], object]) -> None:
        self._loop = loop
        self._ended = ended
        self._coroutine: Handling | None = None
        self._awaited: Awaited | _NextRound | None = None
        self._interrupt = False

    def start(self, coroutine: Handling) -> Outcome | None:
        """Run the coroutine until it waits; how it ended if it did not wait."""
        self._coroutine = coroutine
        return self._resume(coroutine)

    def cancel(self) -> None:
        """Nobody wants the response any more: the coroutine is told as a cancelled task is."""
        self._ended = unheard
        awaited = self._awaited
        if awaited is not None and not awaited.cancel():
            self._interrupt = True  # it wakes all the same

    def _resume(self, coroutine: Handling) -> Outcome | None:
        """Go on to the next wait, or to the end.

        Its callers keep no outcome in a variable: a failure's traceback refers to their frames.
        """
        try:
            if self._interrupt:
                self._interrupt = False
                awaited = coroutine.throw(asyncio.CancelledError())
            else:
                awaited = coroutine.send(None)
            if awaited is None:
                self._loop.call_soon(self._wake)
                self._awaited = _NEXT_ROUND
            else:
                awaited.add_done_callback(self._wake)
                self._awaited = awaited
        except StopIteration as finished:
            self._coroutine = None
            return finished.value or TypeError("A handler returned nothing")
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - the owner's to judge
            self._coroutine = None
            return error
        return None

    def _wake(self, _: object = None) -> None:
        coroutine = self._coroutine
        if coroutine is None:
            return
        if self._awaited is None:
            # Called by `add_done_callback` itself. Not now: a coroutine that never really waits
            # would go deeper with each step.
            self._loop.call_soon(self._wake)
            return
        self._awaited = None
        self._deliver(self._resume(coroutine))

    def _deliver(self, outcome: Outcome | None) -> None:
        if outcome is not None:
            self._ended(outcome)


def unheard(outcome: Outcome) -> None:
    """What becomes of an outcome whose client has left."""
    if isinstance(outcome, Exception):
        asyncio.get_running_loop().call_exception_handler(
            {"message": "A handler failed after its client had left", "exception": outcome}
        )
