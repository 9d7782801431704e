"""Who is told how a check goes: the terminal, the lines of `--progress json`, the console."""

from collections.abc import Sequence
from typing import Protocol

from faultwire.check.model import Result, Target
from faultwire.check.scenario import Scenario


class Listener(Protocol):
    """Called in the check's event loop: must not block."""

    def started(self, target: Target, scenarios: Sequence[Scenario], /) -> None:
        """The target stands and was measured; these will be played."""

    def began(self, scenario: Scenario, /) -> None:
        """A play begins. A scenario may be played more than once."""

    def verdict(self, result: Result, done: int, total: int) -> None:
        """A scenario is through, as one of `done` of `total`."""


class Silent:
    """Tells nobody."""

    def started(self, target: Target, scenarios: Sequence[Scenario]) -> None:
        """Nothing."""

    def began(self, scenario: Scenario) -> None:
        """Nothing."""

    def verdict(self, result: Result, done: int, total: int) -> None:
        """Nothing."""
