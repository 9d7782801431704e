"""Small requests through each hop, 64 at a time: flat out, and all hops at the same rate."""

from benchmarks.load import run_wrk
from benchmarks.measure import Meter
from benchmarks.wire.hops import Hop, Standing, standing
from benchmarks.wire.samples import Passing

CONNECTIONS = 64
PAUSE_MS = 16  # 64 connections that ask every 16 ms: 4,000 requests/s
WARM_UP_S = 1
PATH = "/echo"


def take_passing(hop: Hop, seconds: int) -> list[Passing]:
    """Start a hop, warm it up, measure it in both ways, stop it.

    Raises StackFailedError or LoadFailedError.
    """
    with standing(hop) as place:
        run_wrk(place.url(PATH), CONNECTIONS, WARM_UP_S)
        return [_measured(hop, place, seconds, paced=paced) for paced in (False, True)]


def _measured(hop: Hop, place: Standing, seconds: int, *, paced: bool) -> Passing:
    meter = Meter(place.session, place.site.log) if place.session else None
    pause_ms = PAUSE_MS if paced else 0
    load = run_wrk(place.url(PATH), CONNECTIONS, seconds, pause_ms=pause_ms)
    return Passing(hop.name, paced, load, meter.read() if meter else None)
