"""The flags of a fault: its attributes, and what says which requests get it."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from faultwire.wire.faults.attributes import Attribute
    from faultwire.wire.faults.base import Fault

_WHEN = {
    "rate": ("--rate", "R", "How many of the requests, from 0 to 1; 1 unless told."),
    "first": ("--first", "N", "The first N requests alone."),
    "every": ("--every", "N", "Each Nth request."),
    "sequence": ("--sequence", "LIST", "Request by request, such as 503,503,200; * begins anew."),
    "window": ("--window", "TIMES", "From 10s-30s after now, or 5s/60s: 5 s of each minute."),
    "ramp": ("--ramp", "RAMP", "0-0.5/60s: the rate goes from 0 to 0.5 in 60 s."),
    "match": ("--match", "TRAIT=TEXT", "Only requests such as path=/echo*; may be repeated."),
    "key": ("--key", "TRAIT", "Count apart by a trait, such as header:x-test or path."),
    "phase": ("--phase", "before|after", "Before the upstream is called, or after it answered."),
    "seed": ("--seed", "S", "The same seed meets the same requests again."),
    "for": ("--for", "TIME", "Mended by itself after so long; an hour unless told."),
    "name": ("--name", "NAME", "To have one fault twice, and to mend it by; else the fault's."),
}
_TRAITS = "method=, path=, query:NAME= or header:NAME="


_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_BARE = "__bare"
"""Marks the flag of an attribute that takes a number without its unit."""


def when_flags() -> list[click.Option]:
    """What every fault has: which requests get it, and for how long."""
    return [
        click.Option(
            [key, flag],
            metavar=metavar,
            help=said,
            multiple=key == "match",
            shell_complete=_completing(metavar.split("|") if "|" in metavar else ()),
        )
        for key, (flag, metavar, said) in _WHEN.items()
    ]


def _completing(
    choices: Iterable[str | int],
) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """What the Tab key offers."""
    return lambda _context, _parameter, begun: [
        str(choice) for choice in choices if str(choice).startswith(begun)
    ]


def attribute_flags(fault: "type[Fault]") -> list[click.Option]:
    """`--delay 2s` for an attribute `delay_ms`, and `--delay-ms 2000` as well."""
    from faultwire.wire.faults.attributes import attributes

    found = attributes(fault)
    taken = {*_WHEN, "json", "control", *found}
    return [option for attribute in found.values() for option in _attribute_flags(attribute, taken)]


def _attribute_flags(attribute: "Attribute", taken: Iterable[str]) -> list[click.Option]:
    full = attribute.name
    short = _without_unit(attribute)
    default = "" if attribute.default is None else f"  [default: {_shown(attribute)}]"
    said = f"{attribute.description}{default}"
    if short == full or short in taken:
        names, unit = [full, _dashed(full)], _or_bare if attribute.unit in ("ms", "s") else None
        return [
            click.Option(
                names,
                callback=unit,
                metavar=_metavar(attribute),
                help=said,
                shell_complete=_completing(attribute.choices),
            )
        ]
    if attribute.unit == "bytes":
        names = [full, _dashed(short), _dashed(full)]
        return [click.Option(names, metavar=_metavar(attribute), help=said)]
    bare = click.Option([full + _BARE, _dashed(full)], metavar="N", type=float, hidden=True)
    time = click.Option([full, _dashed(short)], callback=_with_unit, metavar="TIME", help=said)
    return [time, bare]


def foreign_flags(takes: Mapping[str, object]) -> list[click.Option]:
    """The attributes of a name that is not ours, as they are."""
    return [
        click.Option([name, f"--{name}"], metavar="VALUE", help=_foreign_help(default))
        for name, default in takes.items()
    ]


def _foreign_help(default: object) -> str:
    return "Needed." if default is None else f"[default: {default}]"


def _with_unit(_: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A time that says its unit: 2 might be meant as seconds or as milliseconds."""
    if value is not None and _NUMBER.fullmatch(value):
        said = f"{value!r} needs a unit, such as {value}ms or {value}s"
        raise click.BadParameter(said, param=param)
    return value


def _or_bare(_: click.Context, __: click.Parameter, value: str | None) -> str | float | None:
    """A time that says its unit, or a number: the flag's name says it then."""
    return float(value) if value is not None and _NUMBER.fullmatch(value) else value


def _without_unit(attribute: "Attribute") -> str:
    """`delay` for `delay_ms`: the value may carry its unit instead."""
    end = {"ms": "_ms", "s": "_s", "bytes": "_bytes"}.get(attribute.unit, "")
    return attribute.name.removesuffix(end)


def _dashed(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _metavar(attribute: "Attribute") -> str:
    if attribute.choices:
        return "|".join(map(str, attribute.choices))
    if attribute.unit:
        return "SIZE" if "bytes" in attribute.unit else "TIME"
    return "TEXT" if attribute.type == "text" else "N"


def _shown(attribute: "Attribute") -> str:
    value = attribute.default
    number = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{number} {attribute.unit}".rstrip()


def as_data(given: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of a break from its flags. Raises `click.UsageError`."""
    data: dict[str, Any] = {}
    for key, value in given.items():
        if value is None or value == ():
            continue
        name = key.removesuffix(_BARE)
        if name in data:
            raise _usage(f"{_dashed(name)} is given twice, with a unit and without.")
        data[name] = _matches(value) if name == "match" else value
    return data


def _usage(said: str) -> click.UsageError:
    return click.UsageError(said, click.get_current_context())


def _matches(texts: Iterable[str]) -> dict[str, str]:
    match: dict[str, str] = {}
    for text in texts:
        trait, equals, pattern = text.partition("=")
        if not equals:
            raise _usage(f"--match is {text!r}: expected {_TRAITS} and a text.")
        match[trait] = pattern
    return match
