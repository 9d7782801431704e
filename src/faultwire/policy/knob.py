"""One setting of a policy: its default, its bounds, what it means; and how its text is read."""

import re
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T", int, float, str)

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
_NUMBER = r"([0-9]{1,9}(?:\.[0-9]{1,9})?|\.[0-9]{1,9})"


class Knob(NamedTuple):
    """A setting of a policy. `least` and `most` bound a number; `choices` are a word's.

    A name that ends in `_s` is of seconds, and its text may carry another unit.
    """

    policy: str
    name: str
    default: int | float | str
    help: str
    least: float
    most: float
    choices: tuple[str, ...]

    @property
    def is_time(self) -> bool:
        """Whether it is of seconds."""
        return self.name.endswith("_s") and not self.name.endswith("_per_s")

    @property
    def flag(self) -> str:
        """Its flag on a command line."""
        name = self.name.removesuffix("_s") if self.is_time else self.name
        return f"--{self.policy}-{name}".replace("_", "-")

    @property
    def expected(self) -> str:
        """What its text must be, in words."""
        if self.choices:
            return " or ".join(self.choices)
        if self.is_time:
            return f"a time such as 250ms or 2s, from {self.least:.12g}s to {self.most:.12g}s"
        kind = "whole number" if isinstance(self.default, int) else "number"
        return f"a {kind} from {self.least:.12g} to {self.most:.12g}"

    def read(self, text: str) -> int | float | str:
        """The value of a text. Raises ValueError with what was expected."""
        if self.choices:
            value: int | float | str | None = text if text in self.choices else None
        else:
            value = self._number(text)
        if value is None:
            raise ValueError(self.expected)
        return value

    def _number(self, text: str) -> int | float | None:
        found = re.fullmatch(_NUMBER + ("(ms|s|m|h|)" if self.is_time else "()"), text)
        if found is None or (isinstance(self.default, int) and not found[1].isdigit()):
            return None
        value = float(found[1]) * _UNITS_S[found[2]]
        if not self.least <= value <= self.most:
            return None
        return int(value) if isinstance(self.default, int) else value


@dataclass(frozen=True, slots=True)
class _About:
    """What is kept with a field."""

    help: str
    least: float
    most: float
    choices: tuple[str, ...]


def knob(
    default: T, said: str, least: float = 0.0, most: float = 3600.0, choices: tuple[str, ...] = ()
) -> T:
    """A field of a settings class, with what is to be known of it."""
    made: Any = field(default=default, metadata={"about": _About(said, least, most, choices)})
    value: T = made  # a dataclass makes it so
    return value


def knobs(policy: str, settings: type) -> tuple[Knob, ...]:
    """The knobs of a settings class, in their order."""
    return tuple(_knob(policy, each.name, each.default, each.metadata) for each in fields(settings))


def _knob(policy: str, name: str, default: Any, metadata: Any) -> Knob:
    about: _About = metadata["about"]
    return Knob(policy, name, default, about.help, about.least, about.most, about.choices)
