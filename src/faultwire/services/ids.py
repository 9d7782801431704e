"""Request ids: one that a client sends is kept if it is sane, else a new one is made."""

import os
import re
from random import Random

_SANE = re.compile(rb"[!-~]{1,128}")
_random = Random()  # noqa: S311  seeded by the system; an id must be unique, not secret
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)  # else all workers would draw alike


def request_id(headers: dict[bytes, bytes]) -> bytes:
    """The `X-Request-ID` given, if it is at most 128 visible ASCII characters; else a new one.

    A new one is 128 random bits in hex.
    """
    given = headers.get(b"x-request-id")
    if given is not None and _SANE.fullmatch(given):
        return given
    return b"%032x" % _random.getrandbits(128)
