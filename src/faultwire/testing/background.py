"""An event loop in a thread of its own: what runs in it goes on while a test blocks or awaits."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

T = TypeVar("T")
PATIENCE_S = 30.0


class Background:
    """Runs coroutines for code that has no event loop, or another one."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="faultwire", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.run(_cancel_the_rest())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    def run(self, coroutine: Coroutine[Any, Any, T], within_s: float = PATIENCE_S) -> T:
        """What a coroutine returns. Raises `TimeoutError`, and cancels it, after `within_s`."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result(within_s)
        except BaseException:
            future.cancel()
            raise

    def call(self, function: Callable[..., T], *arguments: object) -> T:
        """What a function returns that must be called in the loop's thread."""

        async def called() -> T:
            return function(*arguments)

        return self.run(called())


async def _cancel_the_rest() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
