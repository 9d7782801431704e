"""The spec's request with a text where the token stands."""

import json
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from faultwire.check.spec import Ask

_TOKEN = "{token}"  # noqa: S105 - no password


class Request(NamedTuple):
    """What is sent: `target` is path and query as they stand in the request line."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    def elsewhere(self, target: str) -> "Request":
        """A GET of another route, with the same headers but for those of a body."""
        headers = {k: v for k, v in self.headers.items() if not k.lower().startswith("content-")}
        return Request("GET", target, headers, b"")


def request_of(ask: Ask, text: str) -> Request:
    """The request with `text` for its token, encoded as its place demands."""
    headers = {name: value.replace(_TOKEN, text) for name, value in ask.headers.items()}
    kind = next((v for k, v in headers.items() if k.lower() == "content-type"), "")
    in_body = json.dumps(text)[1:-1] if "json" in kind else text
    return Request(
        ask.method,
        _target(ask, text),
        headers,
        ask.body.replace(_TOKEN, in_body).encode("utf-8", "surrogateescape"),
    )


def _target(ask: Ask, text: str) -> str:
    path = ask.path.replace(_TOKEN, _quoted(text))
    pairs = (
        f"{_quoted(name)}={_quoted(value.replace(_TOKEN, text))}"
        for name, value in ask.query.items()
    )
    query = "&".join(pairs)
    if not query:
        return path
    return f"{path}{'&' if '?' in path else '?'}{query}"


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogateescape")
