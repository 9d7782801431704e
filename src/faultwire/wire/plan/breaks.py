"""A break: a fault, and which requests get it. Read from JSON, shown as JSON."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import msgspec

from faultwire.wire.faults import CATALOGUE, attributes_of, decode
from faultwire.wire.faults.base import Fault, InvalidFault, Phase, Place
from faultwire.wire.plan.chance import MOST_SEED, any_seed
from faultwire.wire.plan.match import Match, Reader, read_match, read_trait
from faultwire.wire.plan.schedule import ALWAYS, KINDS, Schedule, Sequence, Window, read_schedule
from faultwire.wire.stream.head import Head
from faultwire.wire.units import milliseconds

LONGEST_S = 86_400.0
DEFAULT_FOR_S = 3600.0
KEYS = ("fault", "name", "rate", *KINDS, "match", "key", "phase", "seed", "for", "for_s")
"""What a break's JSON may have beside the attributes of its fault."""

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_ANY = read_match({})
_Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Seed = Annotated[int, msgspec.Meta(ge=0, le=MOST_SEED)]
_ForS = Annotated[float, msgspec.Meta(gt=0, le=LONGEST_S)]


class Break(NamedTuple):
    """A fault, and which requests get it.

    `words` is what the words of a `sequence` make of the fault. `key` is None or the trait of a
    request for each of whose values requests are counted apart. A fault that is not played in
    a request has the phase `before`: the upstream is not called.
    """

    fault: Fault
    name: str
    phase: Phase
    seed: int
    rate: float = 1.0
    schedule: Schedule = ALWAYS
    words: tuple[Fault | None, ...] = ()
    match: Match = _ANY
    key: str | None = None
    read_key: Reader | None = None
    for_s: float = DEFAULT_FOR_S

    def fault_at(self, index: int) -> Fault | None:
        """The fault of a request that has been chosen; None if its word says to spare it."""
        return self.words[index % len(self.words)] if self.words else self.fault

    def key_of(self, head: Head) -> bytes:
        """What requests are counted apart by; empty for those that do not have it."""
        return (self.read_key(head) or b"") if self.read_key is not None else b""

    def shown(self) -> dict[str, Any]:
        """The break as JSON that `read_break` understands, its seed included."""
        shown: dict[str, Any] = {"fault": self.fault.name, "name": self.name}
        shown |= attributes_of(self.fault)
        shown |= {"rate": self.rate, **self.schedule.shown()}
        if self.match.patterns:
            shown["match"] = dict(self.match.patterns)
        if self.key is not None:
            shown["key"] = self.key
        return shown | {"phase": self.phase.value, "seed": self.seed, "for_s": self.for_s}


def read_break(data: object) -> Break:
    """Read a break from JSON. Raises `InvalidFault`.

        {"fault": "latency", "delay_ms": "2s", "rate": 0.3, "match": {"path": "/echo"},
         "first": 5, "seed": 7, "for": "30s"}

    The fault's attributes stand beside the rest, or in an object `attributes`. What is null
    counts as not given. Without a seed, one is drawn.
    """
    if not isinstance(data, dict) or not isinstance(data.get("fault"), str):
        raise InvalidFault(f"A break is an object with a fault, one of {', '.join(CATALOGUE)}")
    given = {key: value for key, value in data.items() if value is not None}
    fault = _fault(given)
    schedule = _schedule(given)
    words = schedule.words if isinstance(schedule, Sequence) else ()
    key = given.get("key")
    made = Break(
        fault,
        _name(given.get("name", fault.name)),
        _phase(fault, given.get("phase")),
        _seed(given["seed"]) if "seed" in given else any_seed(),
        _rate(given.get("rate", 1.0)),
        schedule,
        tuple(fault.in_sequence(word) for word in words),
        read_match(given.get("match", {})),
        key,
        None if key is None else read_trait("key", key),
        _for_s(given),
    )
    _fits_place(made)
    return made


def _fault(data: Mapping[str, Any]) -> Fault:
    attributes = data.get("attributes", {})
    if not isinstance(attributes, dict):
        raise InvalidFault(f"attributes must be an object, not {attributes!r}")
    beside = {key: value for key, value in data.items() if key not in KEYS}
    beside.pop("attributes", None)
    if twice := beside.keys() & attributes.keys():
        raise InvalidFault(f"{', '.join(sorted(twice))} is given twice")
    return decode({**beside, **attributes, "name": data["fault"]}, beside=KEYS)


def _schedule(data: Mapping[str, Any]) -> Schedule:
    given = [kind for kind in KINDS if kind in data]
    if len(given) > 1:
        raise InvalidFault(f"{' and '.join(given)} exclude each other")
    return read_schedule(given[0], data[given[0]]) if given else ALWAYS


def _name(value: object) -> str:
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise InvalidFault(f"name must be up to 100 letters, digits, '_', '-' or '.', not {value!r}")


def _phase(fault: Fault, value: object) -> Phase:
    if value is None:
        return fault.PHASES[0]
    phases = [phase.value for phase in fault.PHASES]
    if value not in phases:
        raise InvalidFault(f"phase of {fault.name} must be {' or '.join(phases)}, not {value!r}")
    return Phase(value)


def _rate(value: object) -> float:
    try:
        return msgspec.convert(value, _Rate, strict=False)
    except msgspec.ValidationError:
        raise InvalidFault(f"rate must be a number from 0 to 1, not {value!r}") from None


def _seed(value: object) -> int:
    try:
        return msgspec.convert(value, _Seed, strict=False)
    except msgspec.ValidationError:
        raise InvalidFault(
            f"seed must be a whole number from 0 to {MOST_SEED}, not {value!r}"
        ) from None


def _for_s(data: Mapping[str, Any]) -> float:
    given = [data[key] for key in ("for", "for_s") if key in data]
    if len(given) > 1:
        raise InvalidFault("for and for_s exclude each other")
    value = given[0] if given else DEFAULT_FOR_S
    try:
        return msgspec.convert(
            milliseconds(value) / 1000 if isinstance(value, str) else value, _ForS
        )
    except (ValueError, msgspec.ValidationError):
        raise InvalidFault(f"for must be a time such as 30s, up to 24h, not {value!r}") from None


def _fits_place(made: Break) -> None:
    """Connections have no method, path or header, and a state has no rate."""
    fault = made.fault
    if fault.PLACE is Place.REQUEST:
        return
    if made.match.patterns or made.key is not None:
        raise InvalidFault(f"{fault.name} acts on connections: it takes no match and no key")
    if fault.PLACE is Place.LISTENER:
        if made.rate != 1:
            raise InvalidFault(f"{fault.name} is a state of the whole wire: its rate must be 1")
        if made.schedule is not ALWAYS and not isinstance(made.schedule, Window):
            raise InvalidFault(
                f"{fault.name} is a state of the whole wire: its schedule can only be a window"
            )
