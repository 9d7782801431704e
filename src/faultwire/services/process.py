"""One service as one process: a socket, an event loop, signals, and an orderly end."""

import asyncio
import gc
import socket
from collections.abc import Callable
from typing import Any

from faultwire.contracts import CONTRACTS
from faultwire.http.limits import DEFAULT_LIMITS
from faultwire.http.listener import Listener
from faultwire.http.loop import new_event_loop
from faultwire.http.server import State
from faultwire.http.sockets import listen, url_of
from faultwire.services.application import Service
from faultwire.services.descriptors import connections_within_limit
from faultwire.services.stopping import StopRequest
from faultwire.settings import ServiceSettings
from faultwire.telemetry.log import Log

_STDIN = 0
_FLUSH_EVERY_S = 0.5
_COLLECT_AFTER = (10_000, 20, 50)
"""What is over is freed at once, without the collector, which would look through all that lives
again and again while a crowd comes: 5,000 connections and their tasks were stopped for 0.3 s, and
of each request's time it took a thirtieth. It stays at work, seldom, for what libraries may leave
behind."""
_ANSWERED = (State.IDLE, State.ENDING)

MakeService = Callable[[Log], Service]


def run(name: str, make: MakeService, settings: ServiceSettings, *, until_eof: bool = False) -> int:
    """Serve until told to stop; the exit status. Raises `CannotListen`.

    `until_eof`: the end of standard input is such a word, too. It cannot be missed: whoever
    holds the other end may die in any way.
    """
    stop = StopRequest()
    stop.listen_to_signals()
    sock = listen(settings.host, settings.port)
    if until_eof:
        stop.watch(_STDIN, "EOF")
    log = make_log(name, settings)
    url = url_of(sock)
    process = ServiceProcess(make(log), settings, log, stop)
    process.serve(sock, lambda: log.note("INFO", event="listening", url=url))
    return 0


def make_log(name: str, settings: ServiceSettings) -> Log:
    """The log of the service `name`."""
    return Log(CONTRACTS[settings.contract], settings.log_format, service=name)


class _Listener(Listener):
    """A listener that knows which of its clients are still owed an answer."""

    @property
    def unanswered(self) -> int:
        """How many connections carry a request that is not answered in full."""
        return sum(c.state not in _ANSWERED for c in self._connections)


class ServiceProcess:
    """One service in this process, from its start until `stop` and its drain."""

    def __init__(
        self, service: Service, settings: ServiceSettings, log: Log, stop: StopRequest
    ) -> None:
        self._service = service
        self._settings = settings
        self._log = log
        self._stop = stop

    def serve(self, sock: socket.socket, announce: Callable[[], None]) -> None:
        """Serve on a listening socket and return when all is over.

        `announce` is called as soon as requests are answered.
        """
        try:
            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(self._serve(sock, announce))
        finally:
            self._log.close()

    async def _serve(self, sock: socket.socket, announce: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: _log_defect(self._log, context))
        self._log.round.end_soon(loop.call_soon)
        flushing = loop.create_task(_keep_flushing(self._log))
        most = connections_within_limit(self._settings, self._log)
        limits = DEFAULT_LIMITS._replace(connections=most)
        app = self._service.__call__  # bound once, not for each request
        listener = _Listener(app, self._service.refusal, limits)
        await self._service.start()
        try:
            await listener.start(sock)
            announce()
            freeze()
            await self._stop.wait()
            await self._drain(listener)
        finally:
            listener.close()
            await self._service.close()
            flushing.cancel()

    async def _drain(self, listener: _Listener) -> None:
        """Not ready, then deaf, then done: every request that was taken in is answered."""
        self._service.ready = False
        grace_s = self._settings.drain_grace_s if self._stop.graceful else 0.0
        self._log.note(
            "INFO", event="draining", reason=self._stop.reason, grace_ms=f"{grace_s * 1000:.0f}"
        )
        listener.draining = True  # each answer from now on closes its connection: clients move on
        await asyncio.sleep(grace_s)
        cut = await self._service.drain(self._settings.drain_timeout_s)
        if not await listener.drain(self._settings.drain_timeout_s):
            cut += listener.unanswered
            self._service.cutting = True
            await _next_rounds()
        if not cut:
            self._log.note("INFO", event="stopped")
            return
        self._log.note("WARNING", event="stopped", connections_cut=cut)


def freeze() -> None:
    """Spare the collector what is there to stay: a full collection took 9 ms, and now 1 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


async def _next_rounds() -> None:
    """Let connections that were ended learn it, and log what they carried, before all is gone."""
    for _ in range(2):
        await asyncio.sleep(0)


async def _keep_flushing(log: Log) -> None:
    """Lines that a stalled reader has kept waiting go out when it reads on."""
    while True:
        await asyncio.sleep(_FLUSH_EVERY_S)
        log.flush()


def _log_defect(log: Log, context: dict[str, Any]) -> None:
    """One line for an exception that nobody caught."""
    error = context.get("exception")
    said = f"{type(error).__name__}: {error}" if error else str(context.get("message"))
    frames = getattr(error, "__traceback__", None)
    while frames is not None and frames.tb_next is not None:
        frames = frames.tb_next
    at = f"{frames.tb_frame.f_code.co_filename}:{frames.tb_lineno}" if frames else "-"
    log.note("ERROR", event="unexpected_error", error=said, at=at)
