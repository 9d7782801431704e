"""The bounds and words that attributes of faults share, and how their values are read."""

from functools import cache
from typing import Any

import msgspec
from msgspec import Meta, inspect

from faultwire.wire.faults.base import Fault, InvalidFault
from faultwire.wire.units import milliseconds, size_bytes

HOUR_MS = 3_600_000
KIB = 1024
MIB = 1024**2
GIB = 1024**3

_UNITS = (("bytes_per_s", "bytes/s"), ("bytes", "bytes"), ("_ms", "ms"), ("_s", "s"))


def within(least: float, most: float, description: str) -> Meta:
    """The bounds of a number, both included, and what it means."""
    return Meta(ge=least, le=most, description=description)


def span(description: str) -> Meta:
    """The bounds of a time in milliseconds: up to an hour."""
    return within(0, HOUR_MS, description)


def size(description: str, least: int = 1) -> Meta:
    """The bounds of a number of bytes: up to 100 GiB."""
    return within(least, 100 * GIB, description)


def choice(description: str) -> Meta:
    """What a choice means."""
    return Meta(description=description)


def visible(description: str) -> Meta:
    """A text of visible ASCII and inner blanks, which can stand in a header field."""
    return Meta(max_length=2000, pattern=r"^([!-~]([ -~]*[!-~])?)?$", description=description)


class Attribute(msgspec.Struct, frozen=True, omit_defaults=True):
    """One attribute of a fault, for documents and forms. What does not apply is absent."""

    name: str
    type: str  # integer | number | text | choice
    description: str
    default: int | float | str | None = None
    unit: str = ""
    least: float | None = None
    most: float | None = None
    choices: tuple[str | int, ...] = ()

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        if self.choices:
            return " or ".join(str(choice) for choice in self.choices)
        if self.type == "text":
            return f"a text of up to {self.most:,.0f} visible ASCII characters"
        kind = "a whole number" if self.type == "integer" else "a number"
        unit = f" {self.unit}" if self.unit else ""
        text = ", or a text such as 250ms" if self.unit in ("ms", "s") else ""
        return f"{kind} from {self.least:,.16g} to {self.most:,.16g}{unit}{text}"


@cache
def attributes(fault: type[Fault]) -> dict[str, Attribute]:
    """The attributes of a fault by their names, in the order of the class."""
    info = inspect.type_info(fault)
    assert isinstance(info, inspect.StructType)  # noqa: S101  what a Struct is
    return {field.name: _attribute(field) for field in info.fields}


def _attribute(field: inspect.Field) -> Attribute:
    kind, description = _unwrapped(field.type)
    unit = next((unit for end, unit in _UNITS if field.name.endswith(end)), "")
    made = Attribute(field.name, "text", description, field.default, unit)
    if isinstance(kind, inspect.LiteralType):
        return msgspec.structs.replace(made, type="choice", choices=tuple(kind.values))
    if isinstance(kind, inspect.StrType):
        return msgspec.structs.replace(made, most=kind.max_length)
    assert isinstance(kind, inspect.IntType | inspect.FloatType)  # noqa: S101  there are no others
    name = "integer" if isinstance(kind, inspect.IntType) else "number"
    return msgspec.structs.replace(made, type=name, least=kind.ge, most=kind.le)


def _unwrapped(kind: inspect.Type) -> tuple[inspect.Type, str]:
    """The type below None and Annotated, and its description."""
    if isinstance(kind, inspect.UnionType):
        kind = next(one for one in kind.types if not isinstance(one, inspect.NoneType))
    assert isinstance(kind, inspect.Metadata)  # noqa: S101  every attribute has a description
    return kind.type, (kind.extra_json_schema or {})["description"]


@cache
def _types(fault: type[Fault]) -> dict[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(fault)}


def read_attribute(fault: type[Fault], name: str, value: object) -> object:
    """The value of an attribute from JSON, in which a text may carry a unit: 2s, 64KiB.

    Raises `InvalidFault` with what is expected.
    """
    attribute = attributes(fault)[name]
    try:
        if isinstance(value, str):
            value = _read_text(value, attribute)
        if isinstance(value, float) and value.is_integer() and attribute.type == "integer":
            value = int(value)
        return msgspec.convert(value, _types(fault)[name], strict=False)
    except (ValueError, msgspec.ValidationError):
        raise InvalidFault(f"{name} must be {attribute.expected}, not {value!r}") from None


def _read_text(text: str, attribute: Attribute) -> object:
    if attribute.unit == "ms":
        return milliseconds(text)
    if attribute.unit == "s":
        seconds = milliseconds(text) / 1000
        return int(seconds) if seconds == int(seconds) else seconds
    if attribute.unit:
        return size_bytes(text)
    return text
