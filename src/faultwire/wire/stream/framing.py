"""How long a message's body is, by the fields of its head (RFC 9112 section 6.3)."""

import re
from typing import NamedTuple

CHUNKED = -1
NONE = -2
UNTIL_CLOSE = -3

_FIELD = rb"(?i)\r\n(?:%b)([ \t]*):[ \t]*([^\r\n]*)(?=(\r\n[ \t]?)?)"
_FRAMING = rb"(content-length|transfer-encoding|connection)"
_TELLING = (
    rb"(x-request-id|traceparent|tracestate|x-envoy-attempt-count|grpc-timeout|"
    rb"x-envoy-expected-rq-timeout-ms|(?:x-)?(?:request-)?(?:deadline|timeout)(?:-ms)?)"
)
OF_ANSWER = re.compile(_FIELD % (_FRAMING + b"()"))
OF_REQUEST = re.compile(_FIELD % (_FRAMING + b"|" + _TELLING))
"""A request's also tell who asks, for which attempt, and until when."""

_LINE_END = b"\r\n"
_MOST_DIGITS = 18
_MOST_TOLD = 16
_LONGEST_TOLD = 256


class NotUnderstood(Exception):
    """This has no meaning, or more than one."""


class Framing(NamedTuple):
    """`length` is the body's in bytes, or CHUNKED, NONE (nothing said) or UNTIL_CLOSE.

    `closing` says that the sender closes behind this message.
    """

    length: int
    closing: bool


def framing(head: bytes, at: int, *, http_1_0: bool) -> Framing:
    """What the fields of a head say; `at` is where its first line's CRLF is.

    Raises `NotUnderstood` where a line or the length has no single meaning.
    """
    return Framing(*read_fields(head, at, http_1_0)[:2])


def read_fields(
    head: bytes, at: int, http_1_0: bool, pattern: re.Pattern[bytes] = OF_ANSWER
) -> tuple[int, bool, dict[str, str] | None]:
    """The same as `framing`, in half the time; and the telling fields by name, if there are any.

    Names are in lower case. Fields of one name are joined by a comma, and cut when they are long.
    """
    if head.count(b"\r\n") != head.count(b"\n"):
        raise NotUnderstood  # a bare LF ends a line for some and not for others
    length, codings, options, told = NONE, b"", b"", None
    for name, telling, blank, value, end in pattern.findall(head, at):
        if blank or end != _LINE_END:
            raise NotUnderstood  # RFC 9112 section 5: a blank before the colon, a folded line
        kind = len(name)
        if kind == _CONTENT_LENGTH:
            plain = length == NONE and len(value) < _MOST_DIGITS and value.isdigit()
            length = int(value) if plain else _number(value, length)
        elif kind == _CONNECTION:
            if http_1_0 or value != b"keep-alive":
                options += b"," + value
        elif kind:
            codings += b"," + value
        else:
            told = _tell(telling, value, told)
    if codings:
        length = _coded(codings, length, http_1_0=http_1_0)
    if options:
        said = options.lower()
        http_1_0 = b"close" in said or (http_1_0 and b"keep-alive" not in said)
    return length, http_1_0, told


_CONTENT_LENGTH = len("content-length")
_CONNECTION = len("connection")


def _tell(name: bytes, value: bytes, told: dict[str, str] | None) -> dict[str, str]:
    told = {} if told is None else told
    text = value.rstrip(b" \t").decode("latin-1")
    key = name.decode().lower()
    if key in told:
        text = f"{told[key]}, {text}"
    if len(told) < _MOST_TOLD or key in told:
        told[key] = text[:_LONGEST_TOLD]
    return told


def _number(value: bytes, other: int) -> int:
    """The value of a Content-Length that agrees with the other one, if there is one."""
    value = value.strip(b" \t")
    if not value.isdigit() or len(value) > _MOST_DIGITS:
        raise NotUnderstood
    number = int(value)
    if other not in (NONE, number):
        raise NotUnderstood
    return number


def _coded(codings: bytes, length: int, *, http_1_0: bool) -> int:
    names = [name.strip(b" \t").lower() for name in codings.split(b",")[1:]]
    if length != NONE or http_1_0 or b"chunked" in names[:-1]:
        raise NotUnderstood
    return CHUNKED if names[-1] == b"chunked" else UNTIL_CLOSE
