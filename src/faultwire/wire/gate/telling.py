"""What the log says of an upstream that refuses: so does the wire, and no fault is to blame."""

import asyncio
from typing import Protocol

_LASTS_S = 1.0
"""A service that starts beside the wire, or is started anew, is back before that."""


class Notes(Protocol):
    """Where the wire says how it fares: the log."""

    def note(self, level: str, **fields: object) -> None: ...


class Telling:
    """Says once that the upstream at `url` refuses, when that lasts, and once that it is back."""

    def __init__(self, log: Notes, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self._log = log
        self._url = url
        self._loop = loop
        self._waiting: asyncio.TimerHandle | None = None
        self._said = False

    def upstream_is(self, *, up: bool) -> None:
        """Hear how it stands."""
        if not up:
            if self._waiting is None and not self._said:
                when = self._loop.time() + _LASTS_S
                self._waiting = self._loop.call_at(when, self._say_that_it_refuses)
            return
        self.close()
        if self._said:
            self._said = False
            self._log.note("INFO", event="upstream_back", to=self._url)

    def close(self) -> None:
        """Say no more."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _say_that_it_refuses(self) -> None:
        self._waiting = None
        self._said = True
        self._log.note("WARNING", event="upstream_refuses", to=self._url, wire="refuses, too")
