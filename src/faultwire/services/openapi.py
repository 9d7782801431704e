"""The OpenAPI 3.1 documents of A and B, served at `/openapi.json`.

Bodies differ between contracts, so their schemas and examples are taken from what the running
contract really answers.
"""

from typing import Any

import msgspec

from faultwire import __version__
from faultwire.contracts import Contract
from faultwire.contracts.outcome import FAMILY_ERRORS
from faultwire.events import Called
from faultwire.failures import Failure, FailureKind, Phase

Json = dict[str, Any]

_EXAMPLE_URL = "http://127.0.0.1:8080/echo?msg=hello"
_EXAMPLES = {
    "connection_refused": Failure(
        FailureKind.CONNECTION_REFUSED, "[Errno 111] Connection refused: 127.0.0.1:8080"
    ),
    "response_timeout": Failure(
        FailureKind.RESPONSE_TIMEOUT,
        "127.0.0.1:8080 did not answer in 1 s (waiting for the first byte)",
        phase=Phase.FIRST_BYTE,
    ),
    "upstream_status": Failure(
        FailureKind.UPSTREAM_STATUS, "HTTP 500 Internal Server Error", status=500
    ),
}
_ID: Json = {
    "X-Request-ID": {
        "description": "The request's own id, or a new one.",
        "schema": {"type": "string", "maxLength": 128},
    }
}


def document_a() -> bytes:
    """Service A's document."""
    echo = {"type": "object", "required": ["echo"], "properties": {"echo": {"type": "string"}}}
    answered = {
        "200": _json("The text, as it came.", echo, {"echo": "hello"}),
        "400": _error("`msg` is not percent-encoded UTF-8, or X-Deadline-Ms no milliseconds."),
        "504": _error("The time that X-Deadline-Ms named is over: nobody waits any more."),
    }
    paths = {
        "/echo": _get("Echo a text", answered, [_msg(required=False)]),
        "/foo": _get("Fail, always", {"500": _error("What B must cope with.")}),
    }
    return _document("Service A", "It echoes.", paths)


def document_b(contract: Contract, *, accurate: bool) -> bytes:
    """Service B's document, for a contract and for either way of choosing a failure's status."""
    failures = {
        str(status): _failure(contract) for status in ((502, 503, 504) if accurate else (503,))
    }
    answered = {"200": _success(contract), "400": _bad_request()} | failures
    paths = {
        "/call-echo": _get(
            "Call A's /echo and combine its answer", answered, [_msg(contract.REQUIRES_MSG)]
        ),
        "/call-foo": _get("Call A's /foo, which fails", {"200": _success(contract)} | failures),
    }
    title = f"It calls Service A. Contract: {contract.NAME}."
    return _document("Service B", title, paths)


def _document(title: str, description: str, paths: Json) -> bytes:
    document = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": __version__, "description": description},
        "paths": paths | _common_paths(),
    }
    return msgspec.json.encode(document)


def _common_paths() -> Json:
    status = {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string"}},
    }
    healthy = _json("Healthy.", status, {"status": "ok"})
    draining = _json("The service is shutting down.", status, {"status": "draining"})
    lines = {"schema": {"type": "string"}}
    text = {
        "description": "OpenMetrics text, or Prometheus's older text.",
        "headers": _ID,
        "content": {"application/openmetrics-text": lines, "text/plain": lines},
    }
    document = _json("This document.", {"type": "object"}, None)
    return {
        "/health": _get("Health; B's does not depend on A", {"200": healthy}),
        "/livez": _get("Whether the process is alive", {"200": healthy}),
        "/healthz": _get("The same as /livez", {"200": healthy}),
        "/readyz": _get("Whether requests may be sent here", {"200": healthy, "503": draining}),
        "/metrics": _get("Metrics", {"200": text}),
        "/openapi.json": _get("This document", {"200": document}),
    }


def _get(summary: str, responses: Json, parameters: list[Json] | None = None) -> Json:
    head = {code: {k: v for k, v in r.items() if k != "content"} for code, r in responses.items()}
    return {
        "get": {"summary": summary, "parameters": parameters or [], "responses": responses},
        "head": {
            "summary": f"{summary}: the head alone",
            "parameters": parameters or [],
            "responses": head,
        },
    }


def _msg(required: bool) -> Json:
    schema: Json = {"type": "string"} | ({"minLength": 1} if required else {})
    about = "Any Unicode text, percent-encoded; it comes back exactly."
    return {
        "name": "msg",
        "in": "query",
        "required": required,
        "description": about,
        "schema": schema,
    }


def _json(description: str, schema: Json, example: object) -> Json:
    media: Json = {"schema": schema} | ({} if example is None else {"example": example})
    return {
        "description": description,
        "headers": _ID,
        "content": {"application/json": media},
    }


def _error(description: str) -> Json:
    schema = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
    return _json(description, schema, None)


def _bad_request() -> Json:
    return _error("`msg` is missing where it is required, or is not percent-encoded UTF-8.")


def _success(contract: Contract) -> Json:
    example = msgspec.json.decode(contract.success("hello", {"echo": "hello"}))
    schema = {"type": "object", "required": list(example)}
    return _json("A's answer, combined.", schema, example)


def _failure(contract: Contract) -> Json:
    """What every failure of the contract has in common, with an example of each family."""
    bodies = {name: _body(contract, failure) for name, failure in _EXAMPLES.items()}
    required = [
        key for key in next(iter(bodies.values())) if all(key in b for b in bodies.values())
    ]
    families = ", ".join(FAMILY_ERRORS.values())
    media = {
        "schema": {"type": "object", "required": required},
        "examples": {name: {"value": body} for name, body in bodies.items()},
    }
    return {
        "description": f"The call to A failed ({families}); Proxy-Status says how.",
        "headers": _ID | {"Proxy-Status": {"schema": {"type": "string"}}},
        "content": {"application/json": media, "application/problem+json": {}},
    }


def _body(contract: Contract, failure: Failure) -> Json:
    called = Called(
        _EXAMPLE_URL, contract.TIMEOUT_S, "4bf92f35", failure.status or 0, 1, 1.0, failure
    )
    body: Json = msgspec.json.decode(contract.failure(called))
    return body
