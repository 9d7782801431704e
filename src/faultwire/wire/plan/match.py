"""Which requests a fault is meant for, and what tells their keys apart."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

from faultwire.wire.faults.base import InvalidFault
from faultwire.wire.stream.head import Head

Reader = Callable[[Head], bytes | None]
"""Reads one trait of a request; None if the request does not have it."""

SPARED = frozenset({b"/health", b"/healthz", b"/livez", b"/readyz", b"/metrics"})
"""Paths that escape every fault whose match names no path."""

_LONGEST = 1000
_TRAITS = "method, path, query:NAME and header:NAME"


class Match(NamedTuple):
    """Every trait must fit its pattern. A `*` in a pattern stands for any text."""

    patterns: Mapping[str, str]
    tests: tuple[tuple[Reader, re.Pattern[bytes]], ...]

    def __call__(self, head: Head) -> bool:
        """Whether a request is meant."""
        if "path" not in self.patterns and path(head) in SPARED:
            return False
        return all(_fits(read(head), pattern) for read, pattern in self.tests)


def _fits(value: bytes | None, pattern: re.Pattern[bytes]) -> bool:
    return value is not None and pattern.fullmatch(value) is not None


def read_match(value: object) -> Match:
    """The match of `{"path": "/echo*", "header:x-test": "1"}`. Raises `InvalidFault`."""
    if not isinstance(value, dict):
        raise InvalidFault(f"match must be an object of {_TRAITS}, not {value!r}")
    tests = []
    for trait, pattern in value.items():
        if not isinstance(pattern, str) or len(pattern) > _LONGEST:
            raise InvalidFault(f"match: {trait} must be a text of up to {_LONGEST} characters")
        tests.append((read_trait("match", trait), _compiled(_encoded(f"match: {trait}", pattern))))
    return Match(dict(value), tuple(tests))


def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    """Each part is looked for once, from the left: no text takes long, however many stars."""
    first, *parts = (re.escape(part) for part in pattern.split(b"*"))
    if not parts:
        return re.compile(first)
    *middle, last = parts
    found = b"".join(b"(?>.*?%b)" % part for part in middle)
    return re.compile(first + found + b".*" + last, re.DOTALL)


def _encoded(where: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # the shell's arguments may be any bytes
        raise InvalidFault(f"{where} must be UTF-8, not {text!r}") from None


def read_trait(where: str, trait: object) -> Reader:
    """What reads `method`, `path`, `query:NAME` or `header:NAME`. Raises `InvalidFault`."""
    if isinstance(trait, str) and len(trait) <= _LONGEST:
        kind, colon, name = trait.partition(":")
        if trait == "method":
            return _method
        if trait == "path":
            return path
        if kind == "query" and colon:
            wanted = _encoded(f"{where}: {trait}", name)
            return lambda head: query(head, wanted)
        if kind == "header" and name.isascii() and name:
            wanted = name.encode()
            return lambda head: head.field(wanted)
    raise InvalidFault(f"{where} knows {_TRAITS}, not {trait!r}")


# Traits


def _method(head: Head) -> bytes:
    return head.method.encode("latin-1")


def path(head: Head) -> bytes:
    """The path, percent-decoded; that of an absolute target too."""
    target = head.target
    if not target.startswith(b"/"):
        target = _after_authority(target)
    sent = target.partition(b"?")[0].partition(b"#")[0]
    return unquote_to_bytes(sent) if b"%" in sent else sent


def _after_authority(target: bytes) -> bytes:
    try:
        return urlsplit(target).path or b"/"
    except ValueError:
        return target


def query(head: Head, name: bytes) -> bytes | None:
    """The first value of a query parameter, decoded as forms are."""
    for pair in head.target.partition(b"?")[2].split(b"&"):
        key, _, value = pair.partition(b"=")
        if _decoded(key) == name:
            return _decoded(value)
    return None


def _decoded(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))
