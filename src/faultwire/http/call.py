"""Asking an upstream, as a future: for coroutines."""

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context

from faultwire.failures import Failure
from faultwire.http.asking import Asking
from faultwire.http.client import Reply

Wake = Callable[["Call"], object]


class Call(Asking, eq=False):
    """One request and its future answer, settled exactly once.

    It is a future by behaviour, for tasks (`await`, `asyncio.wait_for`, `gather`, `shield`, …) as
    for the server's own way of running a handler. The latter goes on in the moment in which the
    answer arrives, a task in the loop's next round. Cancelling the call, or whoever awaits it,
    aborts the connection; `asyncio.shield` protects it. A callback without a context runs at
    once, not in the next round as a future's would.
    """

    _asyncio_future_blocking: bool = False
    _outcome: Reply | BaseException | None = None
    _wake: Wake | None = None
    _context: Context | None = None

    _cancel_message = None  # asyncio.gather reads it

    def settled(self, outcome: Reply | BaseException) -> None:
        """Keep the outcome, and tell whoever waits."""
        self._outcome = outcome
        wake = self._wake
        if wake is not None:
            self._wake = None
            self._tell(wake, self._context)

    # A future by behaviour.

    def __await__(self) -> Generator["Call", None, Reply]:
        if self._outcome is None:
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    def result(self) -> Reply:
        """The answer, once settled. Raises `Failure`, or `CancelledError`."""
        outcome = self._outcome
        if isinstance(outcome, Reply):
            return outcome
        if outcome is None:
            raise asyncio.InvalidStateError("The call is not settled yet")
        try:
            raise outcome
        finally:
            del self, outcome  # else the traceback would refer back to the call

    def exception(self) -> BaseException | None:
        """The failure, once settled; None if there is an answer. Raises `CancelledError`."""
        if isinstance(self._outcome, Failure):
            return self._outcome
        self.result()
        return None

    def done(self) -> bool:
        """Whether the call is settled."""
        return self._outcome is not None

    def cancelled(self) -> bool:
        """Whether the call was cancelled."""
        return isinstance(self._outcome, asyncio.CancelledError)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the call belongs to."""
        return self.pool.loop

    def cancel(self, msg: object = None) -> bool:  # noqa: ARG002 - a future's signature
        """Abort the call; whoever awaits it is told that it was cancelled."""
        return self._outcome is None and super().cancel()

    def add_done_callback(self, wake: Wake, *, context: Context | None = None) -> None:
        """Call `wake` when settled: at once, or with a context (a task's) in the next round."""
        if self._outcome is not None:
            self.pool.loop.call_soon(wake, self, context=context)
        elif self._wake is None:
            self._wake, self._context = wake, context
        else:
            if not isinstance(self._wake, _Wakes):
                self._wake, self._context = _Wakes([(self._wake, self._context)]), None
            self._wake.append((wake, context))

    def remove_done_callback(self, wake: Wake) -> int:
        """Forget every such callback; how many there were."""
        if isinstance(self._wake, _Wakes):
            return self._wake.discard(wake)
        if self._wake != wake:
            return 0
        self._wake = None
        return 1

    def _make_cancelled_error(self) -> asyncio.CancelledError:
        return asyncio.CancelledError()

    def _tell(self, wake: Wake, context: Context | None) -> None:
        """A defect of whoever waited must not reach the connection, which others use by now."""
        if context is not None:
            self.pool.loop.call_soon(wake, self, context=context)
            return
        try:
            wake(self)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
            self.pool.loop.call_exception_handler(
                {"message": "A call's callback failed", "exception": error}
            )


class _Wakes(list[tuple[Wake, Context | None]]):
    """Several callbacks in the place of one."""

    def __call__(self, call: Call) -> None:
        for wake, context in self:
            call._tell(wake, context)  # noqa: SLF001 - a part of it

    def discard(self, wake: Wake) -> int:
        kept = [entry for entry in self if entry[0] != wake]
        count = len(self) - len(kept)
        self[:] = kept
        return count
