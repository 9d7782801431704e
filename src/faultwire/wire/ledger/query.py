"""Reading the query of `GET /ledger`: an unknown name and a strange value are errors."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from faultwire.http.message import BadRequest
from faultwire.wire.ledger import Query
from faultwire.wire.units import milliseconds

MOST_RECORDS = 1000
"""Records in one answer: more would hold up the requests on the wire while they are encoded."""

MOST_REVISION = 2**53 - 1
_MOST_PARAMETERS = 20
_OFFSET = re.compile(r"(?:Z|z|[+-]\d\d:\d\d)$")


def parameters(query: bytes, known: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of a query, each at most once. Raises `BadRequest`."""
    try:
        pairs = parse_qsl(
            query.decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError as error:
        raise BadRequest(400, "The query is not UTF-8, or has too many parameters") from error
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            names = ", ".join(known)
            raise BadRequest(400, f"{name!r} is no parameter of this; those known are {names}")
        if name in given:
            raise BadRequest(400, f"{name} is given twice")
        given[name] = value
    return given


def read_query(query: bytes, now: float) -> Query:
    """The query of a request to `/ledger`; `now` is in seconds since 1970. Raises `BadRequest`."""
    values: dict[str, Any] = {}
    for name, text in parameters(query, _READERS).items():
        if name == "since":
            values |= _since(text, now)
        else:
            values[name] = _READERS[name](text)
    return Query(**values)


def _since(text: str, now: float) -> dict[str, int | float]:
    """A revision, a time, or how long ago."""
    if _is_number(text, MOST_REVISION):
        return {"since": int(text)}
    try:
        if _OFFSET.search(text):
            return {"started_from": datetime.fromisoformat(text).timestamp()}
        return {"started_from": now - milliseconds(text) / 1000}
    except (ValueError, OverflowError):
        raise BadRequest(
            400,
            "since must be the revision of an earlier answer, a time such as "
            f"2026-02-04T23:10:51Z, or how long ago, such as 30s; not {text!r}",
        ) from None


def _whole(name: str, least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not _is_number(text, most) or int(text) < least:
            raise BadRequest(
                400, f"{name} must be a whole number from {least} to {most}, not {text!r}"
            )
        return int(text)

    return read


def _is_number(text: str, most: int) -> bool:
    return re.fullmatch("[0-9]{1,16}", text) is not None and int(text) <= most


def _bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise BadRequest(400, f"open must be true or false, not {text!r}")
    return text == "true"


_READERS: dict[str, Callable[[str], object]] = {
    "request_id": str,
    "fault": str,
    "since": str,
    "method": str,
    "path": str,
    "status": _whole("status", 0, 999),
    "open": _bool,
    "limit": _whole("limit", 1, MOST_RECORDS),
}
