"""Request ids: one that a client sends is kept if it is sane, else a new one is made."""

import os
import re
from collections.abc import Iterator

_SANE = re.compile(rb"[!-~]{1,128}")
_BYTES = 16
_AT_ONCE = 64


def _new_ids() -> Iterator[bytes]:
    """128 random bits in hex each, drawn many at a time: the system's chance costs a call."""
    while True:
        ids = os.urandom(_BYTES * _AT_ONCE).hex().encode()
        for start in range(0, len(ids), 2 * _BYTES):
            yield ids[start : start + 2 * _BYTES]


class _Source:
    """New ids."""

    def __init__(self) -> None:
        self.begin_anew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.begin_anew)  # else all workers' were alike

    def begin_anew(self) -> None:
        self.ids = _new_ids()


_source = _Source()


def request_id(headers: dict[bytes, bytes]) -> bytes:
    """The `X-Request-ID` given, if it is at most 128 visible ASCII characters; else a new one.

    A new one is 128 random bits in hex.
    """
    given = headers.get(b"x-request-id")
    if given is not None and _SANE.fullmatch(given):
        return given
    return next(_source.ids)
