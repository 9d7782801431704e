"""Faults of connections: they do not come about, do not last, or end at the wrong moment."""

from typing import Annotated, Literal

from faultwire.wire.exchange import Exchange
from faultwire.wire.faults.attributes import choice, span
from faultwire.wire.faults.base import Fault, Phase, Place


class Refuse(Fault, frozen=True):
    """Nobody listens: connecting is refused at once.

    The caller sees: `ECONNREFUSED` (an RST in answer to its SYN). Connections that exist stay.

    In real life: the process has crashed or is not up yet, the port is wrong, a firewall rejects.
    """

    PLACE = Place.LISTENER
    PHASES = (Phase.BEFORE,)


class Blackhole(Fault, frozen=True):
    """Packets vanish: the handshake is never answered.

    The caller sees: nothing. Its SYN is sent again after 1, 3, 7, … seconds, and only its own
    timeout for connecting ends the wait. Connections that exist stay.

    In real life: a firewall or security group that drops, a host that is down, a wrong route, a
    full backlog.
    """

    PLACE = Place.LISTENER
    PHASES = (Phase.BEFORE,)


class ResetOnAccept(Fault, frozen=True):
    """The connection is accepted and at once reset.

    The caller sees: connecting succeeds; the first read or write fails with `ECONNRESET`, or the
    end of connecting already does when the reset is quicker.

    In real life: a load balancer whose back end is gone, an overfull server, `kill -9` at the
    wrong moment.
    """

    PLACE = Place.ACCEPT
    PHASES = (Phase.BEFORE,)


class CloseOnAccept(Fault, frozen=True):
    """The connection is accepted and at once closed in good order, without a byte.

    The caller sees: connecting succeeds; the first read gives the end of the stream (FIN).

    In real life: a server over its limit of connections, a proxy that is shutting down, TLS
    spoken to a port that expects something else.
    """

    PLACE = Place.ACCEPT
    PHASES = (Phase.BEFORE,)


class SlowAccept(Fault, frozen=True):
    """The connection is accepted, but nobody serves it for a while.

    The caller sees: connecting succeeds at once, the request can be sent, and the answer comes
    `delay_ms` later.

    In real life: all workers are busy and the request waits in the listen queue, a cold start,
    a paused container.
    """

    PLACE = Place.ACCEPT
    PHASES = (Phase.BEFORE,)

    delay_ms: Annotated[float, span("how long nobody serves the connection")] = 1000


class StaleKeepalive(Fault, frozen=True):
    """A kept-alive connection ends just as the next request arrives on it.

    The caller sees: the request is sent on a pooled connection, and instead of an answer comes
    the end of the stream, or a reset. The request is not passed on. The first request of a
    connection is never hit and does not count.

    In real life: the server's idle timeout is shorter than the client's, so that the two cross
    on the way; the commonest cause of sporadic 502s behind load balancers.
    """

    PHASES = (Phase.BEFORE,)
    REUSED_ONLY = True

    how: Annotated[Literal["fin", "rst"], choice("how it ends: in good order, or by a reset")] = (
        "fin"
    )

    async def play(self, exchange: Exchange) -> None:
        if self.how == "rst":
            exchange.reset()
        else:
            exchange.close()
