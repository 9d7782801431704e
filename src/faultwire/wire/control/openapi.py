"""The OpenAPI 3.1 document of the control API, made from the catalogue and the records."""

from functools import cache

import msgspec

from faultwire import __version__
from faultwire.wire.control.schemas import (
    COUNT,
    NAME,
    TEXT,
    Json,
    a_list,
    an_object,
    fault_schemas,
    record_schemas,
    ref,
    whole,
)
from faultwire.wire.ledger.query import MOST_RECORDS, MOST_REVISION

_ABOUT = """\
Faults are set with POST /faults and end with DELETE, or by themselves. Browsers' cross-origin
requests are refused (403), and so is a Host that is not this address (421). A control API that
other machines can reach asks for a token (401)."""
_FAULT_NAME: Json = {
    "name": "name",
    "in": "path",
    "required": True,
    "schema": NAME,
    "description": "The break's name: the fault's own unless it was given another.",
}


@cache
def document() -> bytes:
    """The document, as served."""
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Faultwire's wire: control",
                "version": __version__,
                "description": _ABOUT,
            },
            "paths": {**_fault_paths(), **_ledger_paths(), **_common_paths()},
            "components": {
                "schemas": {**fault_schemas(), **record_schemas()},
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
            "security": [{}, {"token": []}],
        }
    )


# Paths.


def _fault_paths() -> Json:
    active = an_object({"faults": a_list(ref("Active"))})
    mended = an_object({"mended": a_list(NAME)})
    reset = an_object({"mended": a_list(NAME), "forgotten": COUNT})
    catalogue = an_object({"faults": a_list(ref("Fault"))})
    gone = {"404": _error("No fault of this name is active.")}
    ledger = _query("ledger", {"type": "boolean"}, "Whether to clear the ledger as well.")
    return {
        "/faults": {
            **_get("Which faults are active, with their counts", _ok(active)),
            "post": {
                "summary": "Set a fault; one of the same name is replaced",
                "requestBody": {"required": True, "content": _json(ref("Break"))},
                "responses": _with_refusals(
                    {
                        "200": _answer("It replaces another.", ref("Active")),
                        "201": _answer("It is active.", ref("Active")),
                        "413": _error("The body is too large."),
                        "415": _error("The body is not declared to be JSON."),
                    }
                ),
            },
            "delete": _operation("Mend all", _ok(mended)),
        },
        "/faults/{name}": {
            "parameters": [_FAULT_NAME],
            **_get("One active fault", _ok(ref("Active")) | gone),
            "delete": _operation("Mend one", _ok(mended) | gone),
        },
        "/catalogue": _get("Every fault there is, with its attributes", _ok(catalogue)),
        "/reset": {"post": _operation("Mend all", _ok(reset), [ledger])},
    }


def _ledger_paths() -> Json:
    found = an_object(
        {"records": a_list(ref("Record")), "revision": COUNT, "counts": ref("Counts")}
    )
    parameters = [
        _query("request_id", TEXT, "The request's X-Request-ID."),
        _query("fault", TEXT, "A fault that acted; `any`, or `none`."),
        _query(
            "since",
            {
                "anyOf": [
                    {"type": "integer", "minimum": 0, "maximum": MOST_REVISION},
                    {"type": "string", "enum": ["30s", "5m", "1h"]},
                    {"type": "string", "enum": ["2026-02-04T23:10:51Z"]},
                ]
            },
            "The `revision` of an earlier answer: what has changed since, the oldest change "
            "first. Or what began after a time (RFC 3339), or so long ago.",
        ),
        _query("method", TEXT, "The request's method."),
        _query("path", TEXT, "The request's path, without its query."),
        _query("status", whole(0, 999), "The answer's status; 0: none began."),
        _query("open", {"type": "boolean"}, "Whether the exchange is still under way."),
        _query("limit", whole(1, MOST_RECORDS), "So many at most, the newest; else 100."),
    ]
    cleared = an_object({"forgotten": COUNT})
    return {
        "/ledger": {
            **_get("What the wire saw, request by request", _ok(found), parameters),
            "delete": _operation("Forget the records and count anew", _ok(cleared)),
        }
    }


def _common_paths() -> Json:
    status = an_object({"status": TEXT})
    text = {
        "description": "OpenMetrics text, or Prometheus's older text.",
        "content": {"application/openmetrics-text": {}, "text/plain": {}},
    }
    ready = _ok(status) | {"503": _answer("It is shutting down.", status)}
    return {
        "/livez": _get("Whether the process is alive", _ok(status), guarded=False),
        "/healthz": _get("The same as /livez", _ok(status), guarded=False),
        "/health": _get("The same as /livez", _ok(status), guarded=False),
        "/readyz": _get("Whether the wire may be used", ready, guarded=False),
        "/metrics": _get("Metrics", {"200": text}),
        "/openapi.json": _get("This document", _ok({"type": "object"})),
    }


def _get(
    summary: str, responses: Json, parameters: list[Json] | None = None, *, guarded: bool = True
) -> Json:
    get = _operation(summary, responses, parameters, guarded=guarded)
    heads = {code: _head(response) for code, response in get["responses"].items()}
    head = get | {"summary": f"{summary}: the head alone", "responses": heads}
    return {"get": get, "head": head}


def _head(response: Json) -> Json:
    return {key: value for key, value in response.items() if key != "content"}


def _operation(
    summary: str, responses: Json, parameters: list[Json] | None = None, *, guarded: bool = True
) -> Json:
    responses = _with_refusals(responses) if guarded else responses
    operation: Json = {"summary": summary, "responses": responses}
    return operation | ({"parameters": parameters} if parameters else {})


def _with_refusals(responses: Json) -> Json:
    return {
        **responses,
        "400": _error("What was asked for cannot be understood."),
        "401": _error("The token is missing or wrong."),
        "403": _error("The request comes from a page of another origin."),
        "421": _error("The Host is not this address."),
    }


def _ok(schema: Json) -> Json:
    return {"200": _answer("Done.", schema)}


def _answer(description: str, schema: Json) -> Json:
    return {"description": description, "content": _json(schema)}


def _error(description: str) -> Json:
    return _answer(description, ref("Error"))


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _query(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "schema": schema, "description": description}
