"""Tokens: texts that no other request has, of one length, so that none contains another."""

import random

_CHANCE = random.SystemRandom()


class Tokens:
    """Tokens of one check. Each play draws from a series of its own."""

    def __init__(self) -> None:
        self._check = f"fw{_CHANCE.randrange(16**4):04x}"
        self._plays = 0

    def series(self) -> "Series":
        """A series for one play."""
        self._plays += 1
        return Series(f"{self._check}{self._plays % 16**4:04x}")


class Series:
    """The tokens of one play; all begin with `prefix`."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._count = 0

    def next(self) -> str:
        """Another token."""
        self._count += 1
        return f"{self.prefix}{self._count % 16**4:04x}"
