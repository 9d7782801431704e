"""What is known beside the lines of one request: who ran, where, and what was broken on purpose."""

import msgspec


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the system when a request failed, as far as the logs tell it.

    Times are seconds since 1970, 0.0 where unknown. `upstream_logged` says whether the logs have
    lines of A at all, `upstream_alive` whether there are some around that time, before and after.
    `upstream_url` and `wire_url` are where A and the wire said that they listen, `wire_to` where
    the wire leads; `upstream_stopped` and `wire_stopped` when they said that they had ended.
    `worked_before` says whether the same caller had had good answers before. `faults` are those
    that were set on the wire.
    """

    upstream_logged: bool = False
    upstream_alive: bool = False
    upstream_url: str = ""
    upstream_stopped: float = 0.0
    wire_url: str = ""
    wire_to: str = ""
    wire_stopped: float = 0.0
    worked_before: bool = False
    faults: tuple[str, ...] = ()
    breaker_since: float = 0.0
    breaker_reason: str = ""


NOTHING = Surroundings()
"""Nothing is known but the request's own lines."""
