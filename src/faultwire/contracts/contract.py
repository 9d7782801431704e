"""What a response contract is: outcome in, body and log text out. Nothing here does I/O."""

from collections.abc import Mapping
from typing import Protocol

from faultwire.events import Called, Calling, Served


class Contract(Protocol):
    """One description of the pair: the bodies B answers with and the lines A and B log.

    Each contract is a small module. Bodies are compact JSON in UTF-8. A log text is one
    line without timestamp and newline, its level included where the contract has levels;
    None means that the contract has no line for this event.
    """

    NAME: str
    TIMEOUT_S: float
    """B's total deadline for a call to A, unless a setting says otherwise."""
    REQUIRES_MSG: bool
    """Whether a missing or empty `msg` is a 400; else the empty text goes to A."""
    MILLISECONDS: bool
    """Whether a line's timestamp has milliseconds: `12:00:00,358`, else `12:00:00`."""
    TELLS_CALLS: bool
    """Whether there are lines for calls to A, besides the one for the request."""

    def success(self, msg: str, answer: Mapping[str, object]) -> bytes:
        """The body of B's 200: A's answer, combined."""
        ...

    def failure(self, called: Called) -> bytes:
        """The body of B's answer when the call failed. `called.failure` is set."""
        ...

    def calling(self, event: Calling) -> str | None:
        """The line before a call to A."""
        ...

    def called(self, event: Called) -> str | None:
        """The line after a call to A."""
        ...

    def served(self, event: Served) -> str:
        """The one line per request of A or B."""
        ...

    def note(self, level: str, fields: Mapping[str, object]) -> str:
        """A line of the service's own life; `fields` starts with `service` and `event`."""
        ...
