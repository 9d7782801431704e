"""The listening socket, which is there when the upstream is there.

    OPEN --the upstream refuses, or the fault `refuse`--> REFUSING --it is back, or mended--> OPEN
    OPEN --the fault `blackhole`--> SILENT --mended--> OPEN

While the upstream refuses connections, the wire's port does not listen, so that a caller gets a
genuine refusal from its own kernel (ECONNREFUSED) and not a connection that dies. How the wire
knows: every dial that is refused closes the gate; whenever the upstream ends a connection without
having announced it, the wire looks at once whether it still listens; and when nothing was dialled
for a second, it looks as well. While it is refused, it looks every 50 ms and, with time, every
250 ms. The window that remains: who connects between the upstream's death and the moment the wire
notices (well under a millisecond where a connection dies with it, else up to a second) is
accepted and then reset. An upstream that is there but silent (its packets vanish) is not mirrored:
the wire accepts, and resets when dialling has taken 10 s.

To look, the wire connects, sends a FIN and waits for the upstream's: a server that handles one
connection at a time sees an empty connection come and go. While such a look is not answered, the
server is busy and not gone (its kernel would reset us), so nothing else is sent to it.

The port stays ours while the gate is shut: on Linux the socket stays bound and merely stops
listening. Elsewhere it is bound anew; if another process has taken the port meanwhile, the log
says so and the wire tries on.

The fault `blackhole` needs no rights: the socket listens with a backlog of none and the gate's own
connection fills the queue, so that the kernel drops every further SYN.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from enum import Enum

from faultwire.http.sockets import CannotListen, listen
from faultwire.wire.gate.accept import Acceptor
from faultwire.wire.gate.blackhole import Blackhole
from faultwire.wire.gate.telling import Notes, Telling
from faultwire.wire.gate.watch import Watch
from faultwire.wire.plan import Plan

_RETRY_S = 0.25
_TRIES = 5


class State(Enum):
    """What becomes of a SYN."""

    OPEN = "accepted"
    REFUSING = "refused"
    SILENT = "dropped"


class Gate:
    """Listens on `host` and `port` as the plan and the upstream let it; port 0 is any free one.

    `make` makes the protocol of a client's connection. Raises `CannotListen` when made.
    """

    def __init__(
        self,
        host: str,
        port: int,
        make: Callable[[], asyncio.Protocol],
        *,
        plan: Plan,
        watch: Watch,
        log: Notes,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._sock: socket.socket | None = _bound(host, port)
        self.host = host
        self.port: int = self._sock.getsockname()[1]
        self.state = State.REFUSING
        self.changed = asyncio.Event()  # set at every change of `state`
        self._make = make
        self._plan = plan
        self._watch = watch
        self._log = log
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._telling = Telling(log, watch.url, self._loop)
        self._acceptor: Acceptor | None = None
        self._blackhole: Blackhole | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._stop_listening()

    async def start(self) -> None:
        """Follow the plan and the upstream. Returns when the gate stands as it should."""
        self._plan.on_change = self._settle
        self._watch.on_change = self._upstream_changed
        await self._watch.start()
        self._upstream_changed()

    def close(self) -> None:
        """Listen no more. Connections that were accepted live on."""
        self._plan.on_change = self._watch.on_change = lambda: None
        self._watch.close()
        self._telling.close()
        self._leave()
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _upstream_changed(self) -> None:
        self._telling.upstream_is(up=self._watch.up)
        self._settle()

    def _settle(self) -> None:
        """Make the state what it should be now, or try again soon."""
        wanted = self._wanted()
        if wanted is self.state:
            return
        complained = self._leave()
        try:
            if wanted is State.OPEN:
                self._acceptor = Acceptor(self._bound_socket(), self._make, self._tls)
            elif wanted is State.SILENT:
                self._blackhole = Blackhole(self._bound_socket())
        except (OSError, CannotListen) as error:
            if not complained:
                self._log.note("ERROR", event="cannot_listen", port=self.port, error=error)
            self._retry = self._loop.call_later(_RETRY_S, self._settle)
            wanted = State.REFUSING
        self.state = wanted
        self.changed.set()

    def _wanted(self) -> State:
        match self._plan.listener_state:
            case "refuse":
                return State.REFUSING
            case "blackhole":
                return State.SILENT
        return State.OPEN if self._watch.up else State.REFUSING

    def _bound_socket(self) -> socket.socket:
        """The socket, which listens when somebody makes it."""
        if self._sock is None:
            self._sock = listen(self.host, self.port, "--listen")
        return self._sock

    def _leave(self) -> bool:
        """Refuse from now on. True if this is not the first try to do something else."""
        if self._acceptor is not None:
            self._acceptor.stop()
            self._acceptor = None
        if self._blackhole is not None:
            self._blackhole.end()
            self._blackhole = None
        trying, self._retry = self._retry, None
        if trying is not None:
            trying.cancel()
        self._stop_listening()
        return trying is not None

    def _stop_listening(self) -> None:
        if self._sock is None:
            return
        try:
            self._sock.shutdown(socket.SHUT_RDWR)  # Linux: it stays bound
        except OSError:
            self._sock.close()
            self._sock = None


def _bound(host: str, port: int) -> socket.socket:
    """A listening socket, bound to a port by its number.

    Only such a one keeps its port when it stops listening (Linux: SOCK_BINDPORT_LOCK).
    """
    for _ in range(_TRIES):
        sock = listen(host, port, "--listen")
        if port:
            return sock
        chosen = sock.getsockname()[1]
        sock.close()
        try:
            return listen(host, chosen, "--listen")
        except CannotListen:
            continue  # somebody was quicker
    raise CannotListen(f"no free port could be kept on {host}")
