"""Times and sizes as people write them: 250ms, 2s, 64KiB, 1MB."""

import re

_NUMBER = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?|\.[0-9]{1,9}) ?([A-Za-zµμ]*)")
_MS = {"us": 0.001, "µs": 0.001, "μs": 0.001, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_BYTES = {
    "b": 1,
    "": 1,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
}


def milliseconds(text: str) -> float:
    """The milliseconds of 150us, 250ms, 2s, 1m or 1h. Raises ValueError for anything else."""
    number, unit = _split(text, "a time with its unit, such as 250ms or 2s")
    if unit not in _MS:
        raise ValueError("a time with its unit, such as 250ms or 2s")
    return number * _MS[unit]


def size_bytes(text: str) -> int:
    """The bytes of 100, 64KiB or 1MB. Raises ValueError for anything else."""
    number, unit = _split(text, "a size such as 1000, 64KiB or 1MB")
    size = number * _BYTES.get(unit.lower(), -1)
    if size < 0 or size != int(size):
        raise ValueError("a size such as 1000, 64KiB or 1MB")
    return int(size)


def _split(text: str, expected: str) -> tuple[float, str]:
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise ValueError(expected)
    return float(match[1]), match[2]
