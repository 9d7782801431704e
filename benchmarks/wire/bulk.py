"""A large body through each hop, read as fast as it comes."""

import socket
import time

from benchmarks.measure import Meter
from benchmarks.processes import StackFailedError
from benchmarks.wire.hops import Hop, Site, standing
from benchmarks.wire.samples import Bulk

BODY_BYTES = 256_000_000
DOWNLOADS = 4
DEADLINE_S = 30.0
_BUFFER_BYTES = 1 << 20
_MOST_HEAD_BYTES = 1 << 14
_REQUEST = b"GET /bulk HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


def take_bulk(hop: Hop) -> Bulk:
    """Start a hop, download once to warm it up, then measure some downloads, stop it.

    Raises StackFailedError.
    """
    with standing(hop) as place:
        _serve_body(place.site)
        download(place.port, BODY_BYTES)
        meter = Meter(place.session, place.site.log) if place.session else None
        duration_s = sum(download(place.port, BODY_BYTES) for _ in range(DOWNLOADS))
        usage = meter.read() if meter else None
        return Bulk(hop.name, BODY_BYTES * DOWNLOADS, duration_s, usage)


def download(port: int, expected_bytes: int) -> float:
    """Return the seconds that a body takes, from the request to the last byte.

    Raises StackFailedError if it is not a 200 of that length or takes longer than 30 s.
    """
    started = time.perf_counter()
    deadline = started + DEADLINE_S
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as sock:
            sock.sendall(_REQUEST)
            left = expected_bytes - _bytes_behind_head(sock, deadline)
            buffer = bytearray(_BUFFER_BYTES)
            while left > 0 and (size := sock.recv_into(buffer)):
                left -= size
                _check_time(deadline)
    except OSError as error:
        raise StackFailedError(f"the download broke: {error}") from error
    if left:
        raise StackFailedError(f"the body was {-left} bytes longer than expected")
    return time.perf_counter() - started


def _bytes_behind_head(sock: socket.socket, deadline: float) -> int:
    """Read the head of the answer; return how much of the body came with it."""
    data = b""
    while b"\r\n\r\n" not in data and len(data) < _MOST_HEAD_BYTES:
        piece = sock.recv(_MOST_HEAD_BYTES)
        if not piece:
            break
        data += piece
        _check_time(deadline)
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise StackFailedError(f"the download was answered {head[:100]!r}")
    return len(body)


def _check_time(deadline: float) -> None:
    if time.perf_counter() > deadline:
        raise StackFailedError(f"the download was not done in {DEADLINE_S:.0f} s")


def _serve_body(site: Site) -> None:
    """Give the upstream a body to serve: a file of zeros that takes no space."""
    with (site.served / "bulk").open("wb") as file:
        file.truncate(BODY_BYTES)
