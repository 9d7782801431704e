"""Faults of content: a well-formed answer that says the wrong thing."""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal

import msgspec

from faultwire.wire.exchange import Exchange
from faultwire.wire.faults.attributes import KIB, choice, visible, within
from faultwire.wire.faults.base import Fault, InvalidFault
from faultwire.wire.faults.distribution import Choices, pick, read_choices
from faultwire.wire.faults.reading import payload, start_of
from faultwire.wire.faults.sending import (
    end_as_said,
    own_head,
    phrase,
    ready,
    send_whole,
    without,
)
from faultwire.wire.stream.head import Head

_JSON = b"application/json"


class Status(Fault, frozen=True, dict=True):
    """The answer is an error, in JSON.

    The caller sees: the status `code`, or one of the list `codes` by its weights, with a body
    such as `{"error":"Service Unavailable"}` and, if `retry_after_s` is given, `Retry-After`.
    In a `sequence` each word is a status, and one of 200 to 299 leaves the request alone.

    In real life: an overloaded upstream or gateway (502, 503, 504), a rate limit (429), a bug
    (500), a deployment that lost a route (404).
    """

    code: Annotated[int, within(200, 599, "the status, 503 if nothing is said")] | None = None
    codes: Annotated[str, visible("statuses and weights, such as 404:10,503:5")] | None = None
    retry_after_s: Annotated[int, within(0, 86_400, "when to try again")] | None = None

    def __post_init__(self) -> None:
        """Refuse two ways to choose the status, and statuses that are none."""
        if self.code is not None and self.codes is not None:
            raise InvalidFault("status takes code or codes, not both")
        self.choices  # noqa: B018  read now rather than at the first request

    @cached_property
    def choices(self) -> Choices[int]:
        """The statuses and their weights."""
        if self.codes is None:
            return ((self.code or 503, 1.0),)
        try:
            return read_choices(self.codes, _code)
        except ValueError:
            raise InvalidFault(
                f"codes must be statuses from 200 to 599 such as 404:10,503:5, not {self.codes!r}"
            ) from None

    def in_sequence(self, word: str) -> Fault | None:
        if not (word.isascii() and word.isdigit()):
            return super().in_sequence(word)
        try:
            code = _code(word)
        except ValueError:
            raise InvalidFault(f"sequence: {word} is no status from 200 to 599") from None
        if 200 <= code < 300:
            return None
        return msgspec.structs.replace(self, code=code, codes=None)

    async def play(self, exchange: Exchange) -> None:
        closing = await ready(exchange)
        code = pick(self.choices, exchange.rng.random())
        fields = {b"Content-Type": _JSON}
        if self.retry_after_s is not None:
            fields[b"Retry-After"] = b"%d" % self.retry_after_s
        body = json.dumps({"error": phrase(code)}, separators=(",", ":")).encode()
        head = own_head(code, fields, closing=closing)
        await send_whole(exchange, exchange.marked(head), body)


def _code(text: str) -> int:
    code = int(text)
    if not 200 <= code <= 599:
        raise ValueError("a status from 200 to 599")
    return code


class Redirect(Fault, frozen=True):
    """The answer is a redirect: to itself, which makes a loop, or elsewhere.

    The caller sees: the status `code` and a `Location`: its own request's target, or `to`. Who
    follows redirects goes round until its own limit, or to an address that was never meant.

    In real life: a login wall or a captive portal in front of the service, http to https and
    back, a trailing slash that two proxies disagree on.
    """

    code: Annotated[Literal[301, 302, 303, 307, 308], choice("the status")] = 302
    to: Annotated[str, visible("the address to go to; empty for the same again")] = ""

    async def play(self, exchange: Exchange) -> None:
        closing = await ready(exchange)
        fields = {b"Location": self.to.encode() or exchange.request.target}
        head = own_head(self.code, fields, closing=closing)
        await send_whole(exchange, exchange.marked(head), b"")


class WrongContentType(Fault, frozen=True):
    """The body is right, but its Content-Type is not.

    The caller sees: the real answer under `content_type`.

    In real life: a default of the framework, an error page in HTML that somebody turned into a
    200, a static file server.
    """

    content_type: Annotated[str, visible("what the answer claims to be")] = (
        "text/html; charset=utf-8"
    )

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        head = without(answer, b"Content-Type")
        head = head.with_field(b"Content-Type", self.content_type.encode())
        await exchange.send(head.raw)
        async for piece in exchange.body():
            await exchange.send(piece)
        end_as_said(exchange, answer)


class InvalidJson(Fault, frozen=True):
    """The body calls itself JSON and is none: it stops in the middle.

    The caller sees: the real status, `application/json`, a right Content-Length, and the first
    half of the real body.

    In real life: a template with a missing comma, a value that was cut by a column's width, an
    exception while the body was written.
    """

    OF_BODIES = True

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        text = b""
        if answer.field(b"Content-Encoding") is None:
            text = (await start_of(payload(exchange, answer), 64 * KIB))[: 64 * KIB].strip()
        half = text[: len(text) // 2]
        await _send_json(exchange, answer, b'{"' + half if _is_json(half) else half)


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


class WrongShape(Fault, frozen=True):
    """The body is good JSON of another shape than promised.

    The caller sees: the real status and `application/json` with an `object` of other keys, an
    `array`, a `string`, a `number` or `null`.

    In real life: a new version of the upstream, an error inside a 200, another service behind
    the same name.
    """

    OF_BODIES = True

    shape: Annotated[
        Literal["object", "array", "string", "number", "null"], choice("what comes instead")
    ] = "object"

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        await _send_json(exchange, answer, _SHAPES[self.shape])


_SHAPES: Mapping[str, bytes] = {
    "object": b'{"unexpected":true}',
    "array": b"[]",
    "string": b'"unexpected"',
    "number": b"42",
    "null": b"null",
}


async def _send_json(exchange: Exchange, answer: Head, body: bytes) -> None:
    head = without(answer, b"Content-Type", b"Content-Encoding")
    await send_whole(exchange, head.with_field(b"Content-Type", _JSON), body)
