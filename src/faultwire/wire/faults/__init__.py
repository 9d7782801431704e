"""The catalogue of faults: what there is, reading one from its data, describing them all."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from inspect import getdoc
from types import MappingProxyType
from typing import Any

import msgspec

from faultwire.wire.faults import (
    answer_content,
    answer_cut,
    answer_malformed,
    answer_size,
    answer_stale,
    answer_surplus,
    connection,
    waiting,
    waiting_drip,
)
from faultwire.wire.faults.aliases import ALIASES, translated
from faultwire.wire.faults.attributes import Attribute, attributes, read_attribute
from faultwire.wire.faults.base import Fault, InvalidFault, Phase, Place, family_of, name_of

__all__ = [
    "CATALOGUE",
    "Description",
    "Fault",
    "InvalidFault",
    "Phase",
    "Place",
    "attributes_of",
    "decode",
    "describe",
]

_ALL: tuple[type[Fault], ...] = (
    connection.Refuse,
    connection.Blackhole,
    connection.ResetOnAccept,
    connection.CloseOnAccept,
    connection.SlowAccept,
    connection.StaleKeepalive,
    waiting.Latency,
    waiting.Hang,
    waiting_drip.SlowHeaders,
    waiting_drip.SlowBody,
    waiting_drip.Bandwidth,
    waiting_drip.EndlessBody,
    waiting_drip.SlowClose,
    answer_content.Status,
    answer_cut.EmptyResponse,
    answer_cut.Reset,
    answer_cut.Truncate,
    answer_malformed.Malformed,
    answer_malformed.MalformedChunk,
    answer_malformed.GarbageThenClose,
    answer_size.HugeHeaders,
    answer_size.HugeBody,
    answer_size.CompressionBomb,
    answer_content.WrongContentType,
    answer_content.InvalidJson,
    answer_content.WrongShape,
    answer_stale.StaleAnswer,
    answer_surplus.Surplus,
    answer_content.Redirect,
    answer_malformed.Corrupt,
)

CATALOGUE: Mapping[str, type[Fault]] = MappingProxyType({name_of(fault): fault for fault in _ALL})
"""Every fault by its name, family by family."""


def decode(data: Mapping[str, Any], *, beside: Iterable[str] = ()) -> Fault:
    """The fault of its `name` and attributes, in our own words or those of `ALIASES`.

    An attribute that is None counts as not given. `beside` are words that may stand beside
    attributes, and be what was meant. Raises `InvalidFault` with one plain sentence.
    """
    said = {word: value for word, value in data.items() if word != "name" and value is not None}
    name, given = _known(data.get("name"), said)
    fault = CATALOGUE[name]
    known = attributes(fault)
    for word in given:
        if word not in known:
            meant = _meant(word, [*known, *beside])
            raise InvalidFault(f"{name} has no attribute {word!r}{meant or _all_of(known)}")
    return fault(**{word: read_attribute(fault, word, value) for word, value in given.items()})


def _known(name: object, given: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    names = [*CATALOGUE, *(alias for alias in ALIASES if alias not in CATALOGUE)]
    if not isinstance(name, str) or name not in (*names, "delayDistribution"):
        raise InvalidFault(f"There is no fault {name!r}{_meant(name, names) or _all_of(CATALOGUE)}")
    return translated(name, given)


def _meant(word: object, words: Iterable[str]) -> str:
    near = get_close_matches(str(word), list(words), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _all_of(words: Iterable[str]) -> str:
    return f"; there are {', '.join(words)}" if words else "; it has none"


def attributes_of(fault: Fault) -> dict[str, Any]:
    """The attributes of a fault that have a value."""
    values = {name: getattr(fault, name) for name in attributes(type(fault))}
    return {name: value for name, value in values.items() if value is not None}


class Description(msgspec.Struct, frozen=True):
    """One entry of the catalogue, for documents, the API and forms.

    `place` is where it acts: listener, accept or request. The first of `phases` is the default.
    """

    name: str
    family: str
    place: Place
    phases: tuple[Phase, ...]
    composes: bool
    doc: str
    attributes: tuple[Attribute, ...]


def describe() -> list[Description]:
    """Every fault of the catalogue, in its order."""
    return [
        Description(
            name,
            family_of(fault),
            fault.PLACE,
            fault.PHASES,
            fault.COMPOSES,
            getdoc(fault) or "",
            tuple(attributes(fault).values()),
        )
        for name, fault in CATALOGUE.items()
    ]
