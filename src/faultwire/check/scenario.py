"""A scenario: one experiment with an expectation, and the words that explain it."""

from collections.abc import Awaitable, Callable
from enum import StrEnum

import msgspec

from faultwire.check.model import Group
from faultwire.check.stage import Stage

Play = Callable[[Stage], Awaitable[None]]
"""Plays the experiment. Returns when all held; raises `Unmet` or `CannotPlay`."""


class Need(StrEnum):
    """What a scenario needs of a target; without it, it is skipped and said so."""

    WIRE = "wire"
    """The wire stands between the target and its upstream."""
    TRACE = "trace"
    """The token of a request can be found in the target's request to its upstream."""
    UPSTREAM = "upstream"
    """The upstream can be stopped, started and paused."""
    PROCESS = "process"
    """The target's process is ours: its memory, its descriptors, its signals."""
    LOG = "log"
    """The target's log lines can be read."""
    LAB = "lab"
    """The target is B of the preset `lab`, with the routes of the pair."""
    LAB_A = "lab-a"
    """The upstream is A of the preset `lab`, and not the check's own."""
    HEALTH = "health"
    """The target has a health route."""


TRACED = frozenset({Need.WIRE, Need.TRACE})
"""For who looks at the wire for a request of its own."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the catalogue.

    `id` is "group.name". `weight` is 1 to 5. `does`, `expects`, `why` and `mend` are plain
    sentences; `source` is an RFC, a CWE, an incident or a project. `advice` warns and never
    fails. `alone` keeps others from being played at the same time. `within_s` ends a play that
    does not end by itself.
    """

    id: str
    group: Group
    title: str
    weight: int
    does: str
    expects: str
    why: str
    mend: str
    source: str
    play: Play
    needs: frozenset[Need] = frozenset({Need.WIRE})
    advice: bool = False
    alone: bool = False
    within_s: float = 20.0
