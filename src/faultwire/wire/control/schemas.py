"""The schemas of the control API's document: breaks, by the catalogue, and records."""

from itertools import combinations
from typing import Any

import msgspec

from faultwire.wire.faults import Description, describe
from faultwire.wire.faults.attributes import Attribute
from faultwire.wire.faults.base import Place
from faultwire.wire.ledger import Record
from faultwire.wire.plan.breaks import LONGEST_S
from faultwire.wire.plan.chance import MOST_SEED
from faultwire.wire.plan.schedule import KINDS

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
NUMBER: Json = {"type": "number"}
COUNT: Json = {"type": "integer", "minimum": 0}
_COUNTS: Json = {"type": "object", "additionalProperties": COUNT}
NAME: Json = {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,100}$"}


def an_object(properties: Json) -> Json:
    return {"type": "object", "required": list(properties), "properties": properties}


def a_list(items: Json) -> Json:
    return {"type": "array", "items": items}


def whole(least: int, most: int) -> Json:
    return {"type": "integer", "minimum": least, "maximum": most}


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def fault_schemas() -> Json:
    """A break is one of the faults with its attributes, and when it acts."""
    faults = describe()
    return {
        "Error": an_object({"error": TEXT}),
        "When": {"properties": _when(), "not": {"anyOf": _exclusions()}},
        "Break": {
            "oneOf": [ref(f"Break_{fault.name}") for fault in faults],
            "discriminator": {
                "propertyName": "fault",
                "mapping": {f.name: f"#/components/schemas/Break_{f.name}" for f in faults},
            },
        },
        **{f"Break_{fault.name}": _break(fault) for fault in faults},
        "Active": _active(faults),
        "Fault": _described(),
    }


def _active(faults: list[Description]) -> Json:
    return an_object(
        {
            "fault": {"enum": [fault.name for fault in faults]},
            "name": NAME,
            "rate": NUMBER,
            "seed": COUNT,
            "for_s": NUMBER,
            "seen": COUNT,
            "injected": COUNT,
            "left_s": NUMBER,
        }
    )


def _described() -> Json:
    return an_object(
        {
            "name": NAME,
            "family": {"enum": ["connection", "waiting", "answer"]},
            "place": {"enum": [place.value for place in Place]},
            "phases": a_list({"enum": ["before", "after"]}),
            "composes": {"type": "boolean"},
            "doc": TEXT,
            "attributes": a_list({"type": "object", "required": ["name", "type"]}),
        }
    )


def _when() -> Json:
    sequence = {"type": "array", "minItems": 1, "maxItems": 1000, "items": TEXT}
    match = {
        "type": "object",
        "propertyNames": {"pattern": "^(method|path|query:.*|header:.+)$"},
        "additionalProperties": {"type": "string", "maxLength": 1000},
        "examples": [{"path": "/echo*", "header:x-test": "1"}],
    }
    return {
        "name": _or_null(NAME),
        "rate": _or_text({"type": "number", "minimum": 0, "maximum": 1}),
        "first": _or_text(whole(1, 1_000_000)),
        "every": _or_text(whole(1, 1_000_000)),
        "sequence": _or_text(sequence),
        "window": _or_null({"type": "string", "examples": ["10s-30s", "5s/60s"]}),
        "ramp": _or_null({"type": "string", "examples": ["0-0.5/60s"]}),
        "match": _or_null(match),
        "key": _or_null({"type": "string", "examples": ["path", "header:x-test"]}),
        "phase": {"enum": ["before", "after", None]},
        "seed": _or_text(whole(0, MOST_SEED)),
        "for": _or_text(_SECONDS),
        "for_s": _or_text(_SECONDS),
    }


_SECONDS = {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST_S}
_GIVEN = {"not": {"type": "null"}}


def _or_null(schema: Json) -> Json:
    """Null is as good as nothing."""
    return {"anyOf": [schema, {"type": "null"}]}


def _or_text(schema: Json) -> Json:
    """A text may say the same: a number with its unit, or a list with commas."""
    return {"anyOf": [schema, TEXT, {"type": "null"}]}


def _exclusions() -> list[Json]:
    """Of these, no two may be given."""
    pairs = [*combinations(KINDS, 2), ("for", "for_s")]
    return [
        {"required": [one, other], "properties": {one: _GIVEN, other: _GIVEN}}
        for one, other in pairs
    ]


def _break(fault: Description) -> Json:
    own = {attribute.name: _attribute(attribute) for attribute in fault.attributes}
    return {
        "type": "object",
        "description": fault.doc,
        "required": ["fault"],
        "properties": {"fault": {"const": fault.name}, **own},
        "allOf": [ref("When")],
        "unevaluatedProperties": {"type": "null"},
    }


def _attribute(attribute: Attribute) -> Json:
    """A number in the attribute's unit; a text may carry another: `2s`, `64KiB`."""
    about: Json = {"description": attribute.description}
    if attribute.default is not None:
        about["default"] = attribute.default
    if attribute.choices:
        return about | {"enum": [*attribute.choices, *map(str, attribute.choices), None]}
    if attribute.type == "text":
        return about | _or_null({"type": "string", "maxLength": attribute.most})
    number = {"type": attribute.type, "minimum": attribute.least, "maximum": attribute.most}
    return about | _or_text(number)


def record_schemas() -> Json:
    (_, components) = msgspec.json.schema_components([Record], ref_template="{name}")
    return {
        "Record": components["Record"],
        "Counts": an_object(
            {
                "since": NUMBER,
                "requests": COUNT,
                "open": COUNT,
                "ended": COUNT,
                "by_fault": _COUNTS,
                "by_status": _COUNTS,
                "request_bytes": COUNT,
                "upstream_bytes": COUNT,
                "response_bytes": COUNT,
            }
        ),
    }
