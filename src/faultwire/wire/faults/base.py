"""What a fault is: data with a name, bounded attributes, and one small act."""

import re
from enum import StrEnum
from typing import ClassVar

import msgspec

from faultwire.wire.exchange import Exchange


class InvalidFault(Exception):
    """A fault, or what says when it acts, cannot be used. One sentence that says why."""


class Phase(StrEnum):
    """Whether the upstream is called: before it, or after it has answered."""

    BEFORE = "before"
    AFTER = "after"


class Place(StrEnum):
    """Where a fault acts."""

    LISTENER = "listener"  # connections that do not come about: a state, not a choice per request
    ACCEPT = "accept"  # each new connection
    REQUEST = "request"  # each request


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


class Fault(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="name",
    tag=_snake,
):
    """A fault. A subclass's docstring is its documentation; its fields are its attributes.

    The name is the class's: `SlowBody` is `slow_body`. Bounds and descriptions of attributes
    stand in `msgspec.Meta`; units are in the names (`_ms`, `_s`, `_bytes`, `_bytes_per_s`).
    """

    PLACE: ClassVar[Place] = Place.REQUEST
    PHASES: ClassVar[tuple[Phase, ...]] = (Phase.AFTER, Phase.BEFORE)  # the default first
    COMPOSES: ClassVar[bool] = False  # acts first, and another fault may follow (latency)
    OF_BODIES: ClassVar[bool] = False  # what leaves HTTP (101, 2xx to CONNECT) has none: it passes
    REUSED_ONLY: ClassVar[bool] = False  # the first request of a connection is not its business

    @property
    def name(self) -> str:
        """The name in the catalogue."""
        return name_of(type(self))

    async def play(self, exchange: Exchange) -> None:
        """Break this request. Only for faults whose place is `request`."""
        raise NotImplementedError

    def in_sequence(self, word: str) -> "Fault | None":
        """What one word of a `sequence` schedule asks for; None leaves the request alone.

        Raises `InvalidFault` for a word that this fault does not know.
        """
        if word not in ("fault", "ok"):
            raise InvalidFault(f"sequence: {word!r} is neither 'fault' nor 'ok'")
        return self if word == "fault" else None


def name_of(fault: type[Fault]) -> str:
    """The name of a fault in the catalogue."""
    return _snake(fault.__name__)


def family_of(fault: type[Fault]) -> str:
    """The family of a fault: connection, waiting or answer."""
    return fault.__module__.rpartition(".")[2].partition("_")[0]
