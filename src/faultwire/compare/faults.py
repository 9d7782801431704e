"""Faults in one line of text: `status=503 rate=0.3`, `latency delay=300ms first=20`."""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from faultwire.wire.faults import CATALOGUE
from faultwire.wire.faults.attributes import Attribute, attributes
from faultwire.wire.faults.base import InvalidFault
from faultwire.wire.plan.breaks import KEYS, Break, read_break
from faultwire.wire.plan.chance import MOST_SEED

_EXPECTED = "expected NAME key=value …, such as 'status=503 rate=0.3'"
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_UNITS = ("_ms", "_s", "_bytes")


def read_faults(texts: Sequence[str], seed: int) -> tuple[Break, ...]:
    """The breaks that the texts say; those without a seed of their own get one made of `seed`.

    A text is a fault of the catalogue, or one of WireMock's or Toxiproxy's, then what
    `faultwire break` has as flags: attributes (`delay=2s` for `delay_ms`), `rate=`, `first=`,
    `phase=`, `match=path=/echo` and so on. `NAME=VALUE` at the beginning gives the fault's first
    attribute. The same fault twice acts twice. Raises `InvalidFault` with one sentence.
    """
    made: list[Break] = []
    for index, text in enumerate(texts):
        one = _read(text, (seed + index) % (MOST_SEED + 1))
        made.append(one._replace(name=_unused(one.name, [each.name for each in made])))
    return tuple(made)


def _read(text: str, seed: int) -> Break:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InvalidFault(f"{text!r} cannot be read: {error}") from error
    if not words:
        raise InvalidFault(f"a fault is empty: {_EXPECTED}")
    name, equals, value = words[0].partition("=")
    if name.replace("-", "_") in CATALOGUE:
        name = name.replace("-", "_")
    known = attributes(CATALOGUE[name]) if name in CATALOGUE else {}
    data: dict[str, Any] = {"fault": name}
    if equals:
        data[_main(name, known, value)] = value
    for word in words[1:]:
        _add(data, word, known)
    return read_break({"seed": seed, **data})


def _main(name: str, known: Mapping[str, Attribute], value: str) -> str:
    """The attribute that `NAME=VALUE` gives: the first one."""
    if name == "status" and not value.isdigit():
        return "codes"  # a list with weights
    if not known:
        raise InvalidFault(f"{name}={value}: {name} takes no value; {_EXPECTED}")
    return next(iter(known))


def _add(data: dict[str, Any], word: str, known: Mapping[str, Attribute]) -> None:
    key, equals, value = word.partition("=")
    if not equals:
        raise InvalidFault(f"{word!r} is no key=value; {_EXPECTED}")
    full = _full(key, known)
    if full == "match":
        trait, _, pattern = value.partition("=")
        data.setdefault("match", {})[trait] = pattern
        return
    if full in data:
        raise InvalidFault(f"{full} is given twice")
    data[full] = float(value) if _is_bare(full, key, value, known) else value


def _is_bare(full: str, key: str, value: str, known: Mapping[str, Attribute]) -> bool:
    """Whether a time is given as a number alone: the key, `delay_ms`, says its unit."""
    timed = full in known and known[full].unit in ("ms", "s")
    return timed and full == key.replace("-", "_") and _NUMBER.fullmatch(value) is not None


def _full(key: str, known: Mapping[str, Attribute]) -> str:
    """`delay_ms` for `delay`, where that is no word of its own."""
    name = key.replace("-", "_")
    if name in known or name in KEYS:
        return name
    return next((name + unit for unit in _UNITS if name + unit in known), key)


def _unused(name: str, taken: Iterable[str]) -> str:
    """Two breaks of one name would be one: the second is `status-2`."""
    names, number, free = set(taken), 1, name
    while free in names:
        number += 1
        free = f"{name}-{number}"
    return free
