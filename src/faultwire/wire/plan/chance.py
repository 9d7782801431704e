"""Chance that can be had again: a function of the seed, the key and the index, of nothing else."""

import hashlib
from collections import OrderedDict
from random import Random, SystemRandom
from typing import NamedTuple

MOST_KEYS = 10_000
"""Keys remembered for each fault. The one longest unseen is forgotten, and counts anew."""

MOST_SEED = 2**53 - 1  # what every JSON reader can hold


class Draw(NamedTuple):
    """What chance says about one request, the `turn`-th of its key, counted from 0.

    It is worked out when it is asked for: a fault that strikes always, and always alike, never
    asks.
    """

    turn: int
    key: bytes

    @property
    def digest(self) -> bytes:
        """Sixteen bytes of chance."""
        return hashlib.blake2b(self.key + self.turn.to_bytes(8), digest_size=16).digest()

    @property
    def share(self) -> float:
        """Even over [0, 1): below the rate means yes."""
        return (int.from_bytes(self.digest[:8]) >> 11) * 2.0**-53

    @property
    def rng(self) -> Random:
        """The fault's own chance, independent of `share`."""
        return Random(int.from_bytes(self.digest[8:]))  # noqa: S311  repeatable on purpose


class Chance:
    """Counts the requests of each key from 0, and draws for each."""

    def __init__(self, seed: int, most_keys: int = MOST_KEYS) -> None:
        self._seed = seed.to_bytes(8)
        self._keyless = self._digest(b"")
        self._most_keys = most_keys
        self._counts: OrderedDict[bytes, int] = OrderedDict()

    def __len__(self) -> int:
        """The number of keys remembered."""
        return len(self._counts)

    def _digest(self, key: bytes) -> bytes:
        return hashlib.blake2b(key, digest_size=16, key=self._seed).digest()

    def draw(self, key: bytes = b"") -> Draw:
        """The next draw of a key. Of a key, only its digest is kept."""
        short = self._digest(key) if key else self._keyless
        index = self._counts.get(short, 0)
        self._counts[short] = index + 1
        self._counts.move_to_end(short)
        if len(self._counts) > self._most_keys:
            self._counts.popitem(last=False)
        return Draw(index, short)


def any_seed() -> int:
    """A seed for who has given none; it is reported, so that the run can be repeated."""
    return SystemRandom().randint(0, MOST_SEED)
