"""Every bound of the hop in one record."""

from typing import NamedTuple


class Limits(NamedTuple):
    """Bounds on what a peer may send and how long it may take; sizes in bytes, times in seconds.

    The request target may be long because a message of 64 Ki characters travels in it,
    percent-encoded: twelve bytes for each emoji. `target_bytes` and `header_bytes` are exact
    from `fields.SLICE_BYTES` on; smaller bounds count as that. `header_count` counts lines.

    `held_bytes` is for all connections of a listener together: what they have sent of requests
    that are not whole or have to wait, and what they do not read of their answers. Beyond it
    requests get a 503, and who does not read is cut off.
    """

    target_bytes: int = 1 << 20
    header_bytes: int = 32 << 10
    header_count: int = 100
    body_bytes: int = 1 << 20
    connections: int = 10_000
    held_bytes: int = 128 << 20
    head_timeout_s: float = 10.0
    body_timeout_s: float = 30.0
    write_timeout_s: float = 30.0
    idle_timeout_s: float = 75.0
    linger_s: float = 2.0


DEFAULT_LIMITS = Limits()
