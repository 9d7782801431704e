"""One request, as far as its client, B, the wire and A have told of it."""

from typing import Any

import msgspec

from faultwire.explain.surroundings import NOTHING, Surroundings
from faultwire.lab.console.reading import Line

_SLACK_S = 0.02

Json = dict[str, Any]


class Client(msgspec.Struct, gc=False):
    """What our own client saw. `ended` is 0 while it waits, `status` 0 where none arrived."""

    started: float
    ended: float = 0.0
    status: int = 0
    said: str = ""


class Told(msgspec.Struct, gc=False):
    """One request, as far as it has been told. `shown` once the page knows it.

    `around` is how the system stood when B was done with it.
    """

    id: str
    born: float
    b: Line | None = None
    wire: list[Line] = []
    a: list[Line] = []
    client: Client | None = None
    around: Surroundings = NOTHING
    shown: bool = False
    vain: bool = False

    def fits(self, line: Line) -> bool:
        """Whether a line of A or B that names no request may be about this one."""
        if self.client is None or (self.b is not None if line.service == "B" else self.a):
            return False
        slack = _SLACK_S if line.at % 1 else 1.0  # some write whole seconds
        began, ended = self.client.started, self.client.ended or line.at
        return began - slack <= line.at <= ended + slack

    @property
    def whole(self) -> bool:
        """Whether its outcome is known."""
        if self.client is not None:
            return self.client.ended > 0
        return self.b is not None


def is_failed(told: Told) -> bool:
    """Whether it went wrong, for whoever asked."""
    if told.client is not None and told.client.ended:
        return not 200 <= told.client.status < 400
    return told.b is not None and outcome(told.b) != "ok"


def outcome(line: Line) -> str:
    """What became of a request, in one word: `ok`, a failure kind, or the log's own word."""
    fields = line.fields
    if kind := fields.get("kind"):
        return kind
    status = fields.get("http_status", "")
    if status == "499":
        return "client_left"
    if status[:1] == "4":
        return "bad_request"
    return fields.get("status") or "error"


def summary(told: Told) -> Json:
    """The request as the page is shown it. Times are milliseconds since 1970."""
    first = next(iter([told.b] if told.b else [*told.wire, *told.a]), None)
    shown: Json = {"id": told.id, "at": round(told.born * 1000), "failed": is_failed(told)}
    if first is not None:
        shown["path"] = first.text_of("endpoint")
    if told.client is not None:
        shown["client"] = _client(told.client)
    if told.b is not None:
        shown["b"] = {
            **_seen(told.b),
            "kind": outcome(told.b),
            "attempts": int(told.b.number("attempts")),
            "upstream_ms": told.b.number("upstream_ms"),
            "phase": told.b.fields.get("phase", ""),
            "details": told.b.text_of("details"),
        }
    shown["wire"] = [{**_seen(line), **_wire(line)} for line in told.wire]
    shown["a"] = [_seen(line) for line in told.a]
    shown["vain"] = told.vain
    return shown


def _client(client: Client) -> Json:
    return {
        "started": round(client.started * 1000, 1),
        "ended": round(client.ended * 1000, 1),
        "status": client.status,
        "said": client.said,
    }


def _seen(line: Line) -> Json:
    ended = line.at * 1000
    return {
        "ended": round(ended, 1),
        "ms": line.number("latency_ms"),
        "status": int(line.number("http_status")),
        "said": line.fields.get("status", ""),
    }


def _wire(line: Line) -> Json:
    return {
        "fault": line.text_of("fault"),
        "error": line.text_of("error"),
        "closed_by": line.fields.get("closed_by", ""),
        "closed_how": line.fields.get("closed_how", ""),
    }
