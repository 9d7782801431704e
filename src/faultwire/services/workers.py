"""Several processes on one port: a parent that starts them, replaces the dead, and ends them.

The parent holds every listening socket, forks before any event loop exists, and never serves.
So connections that wait in a dead worker's queue are not lost: its successor finds them there.
Workers watch a pipe that nobody writes to: it ends when the parent does, however that dies.
"""

import gc
import os
import select
import signal
import socket
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Self

from faultwire.http.sockets import listen_shared, url_of
from faultwire.services.process import MakeService, ServiceProcess, make_log
from faultwire.services.stopping import (
    GRACEFUL,
    STOP_SIGNALS,
    StopRequest,
    is_echo,
    stay,
    take_over,
)
from faultwire.settings import InvalidSettings, ServiceSettings

_STDIN = 0
_YOUNG_S = 2.0
_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 5.0
_KILL_AFTER_S = 1.0
"""So much longer than its drain may take does a worker have to end."""


def restart_delay_s(young_deaths: int) -> float:
    """Seconds to wait before a worker is replaced, after so many early deaths in a row.

    The first is replaced at once, the next later and later, up to a bound.
    """
    if young_deaths < 2:
        return 0.0
    return min(_FIRST_DELAY_S * 2.0 ** min(young_deaths - 2, 20), _LONGEST_DELAY_S)


def run(name: str, make: MakeService, settings: ServiceSettings, *, until_eof: bool = False) -> int:
    """Serve with `settings.workers` processes until told to stop; the exit status.

    Raises `CannotListen`, and `InvalidSettings` where processes cannot be forked. `until_eof`:
    the end of standard input stops it, too.
    """
    if not hasattr(os, "fork"):
        raise InvalidSettings("--workers above 1 needs a system that can fork; use --workers 1")
    with _Wakeups(until_eof=until_eof) as wakeups:
        socks = listen_shared(settings.host, settings.port, settings.workers)
        return _Parent(name, make, settings, socks, wakeups).run()


@dataclass(slots=True)
class _Worker:
    """One place among the workers, and the process that fills it (pid 0: nobody)."""

    number: int
    sock: socket.socket
    pid: int = 0
    since: float = 0.0
    young_deaths: int = 0
    due: float = 0.0


def _noted(_number: int, _frame: FrameType | None) -> None:
    """Nothing: its number stands in the pipe. Without a handler it would not."""


def _named(number: int) -> str:
    """A signal's name; the number where it has none, as most real-time signals."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


class _Wakeups:
    """What the parent waits for: signals (its children's deaths among them) and its input's end."""

    def __init__(self, *, until_eof: bool) -> None:
        self._read, self._write = os.pipe()
        self._poll = select.poll()
        self._poll.register(self._read, select.POLLIN)
        if until_eof:
            self._poll.register(_STDIN, select.POLLIN)

    def __enter__(self) -> Self:
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _noted)
        take_over(_noted)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go, here or in a child."""
        signal.set_wakeup_fd(-1)
        os.close(self._read)
        os.close(self._write)

    def wait(self, timeout_s: float | None) -> list[str]:
        """Who asks to stop, in order: names of signals, or EOF. Returns at any child's death."""
        reasons: list[str] = []
        timeout_ms = None if timeout_s is None else max(timeout_s, 0.0) * 1000
        for fd, _ in self._poll.poll(timeout_ms):
            if fd == self._read:
                numbers = [n for n in os.read(fd, 512) if n in STOP_SIGNALS]
                reasons += [signal.Signals(n).name for n in numbers]
            elif not os.read(fd, 4096):
                self._poll.unregister(fd)
                reasons.append("EOF")
        return reasons


class _Parent:
    """Keeps every place filled until it is told to stop."""

    def __init__(
        self,
        name: str,
        make: MakeService,
        settings: ServiceSettings,
        socks: Sequence[socket.socket],
        wakeups: _Wakeups,
    ) -> None:
        self._name = name
        self._make = make
        self._settings = settings
        self._wakeups = wakeups
        self._workers = [_Worker(number, sock) for number, sock in enumerate(socks, 1)]
        self._log = make_log(name, settings)
        self._lifeline, self._lifeline_end = os.pipe()
        self._stopping = ""  # who has asked, and when
        self._stopping_since = 0.0
        self._kill_at = 0.0

    def run(self) -> int:
        gc.collect()
        gc.freeze()  # shared pages stay shared: the collector does not write to them
        try:
            self._start_due()
            self._log.note(
                "INFO",
                event="listening",
                url=url_of(self._workers[0].sock),
                workers=len(self._workers),
            )
            while not self._stopping or self._running():
                for reason in self._wakeups.wait(self._pause_s()):
                    if self._insists(reason):
                        return 128 + signal.Signals[reason]
                    self._stop(reason)
                self._reap()
                self._start_due()
            return 0
        finally:
            self._kill()
            self._log.close()

    def _insists(self, reason: str) -> bool:
        """Whether somebody who has asked already does not want to wait."""
        if not self._stopping or reason == "EOF":
            return False
        return not is_echo(self._stopping, self._stopping_since, reason)

    def _running(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.pid]

    def _pause_s(self) -> float | None:
        """How long nothing is due."""
        times = [self._kill_at] if self._stopping else []
        times += [worker.due for worker in self._workers if not worker.pid and not self._stopping]
        return min(times) - time.monotonic() if times else None

    def _stop(self, reason: str) -> None:
        """Hand the wish on. From here the sockets are the workers' alone, who close them."""
        if self._stopping:
            return
        self._stopping, self._stopping_since = reason, time.monotonic()
        graceful = reason in GRACEFUL
        grace_s = self._settings.drain_grace_s if graceful else 0.0
        wait_s = grace_s + self._settings.drain_timeout_s + _KILL_AFTER_S
        self._kill_at = time.monotonic() + wait_s
        for worker in self._workers:
            worker.sock.close()
        for worker in self._running():
            os.kill(worker.pid, signal.SIGTERM if graceful else signal.SIGINT)

    def _kill(self) -> None:
        for worker in self._running():
            os.kill(worker.pid, signal.SIGKILL)
            os.waitpid(worker.pid, 0)
            worker.pid = 0

    def _reap(self) -> None:
        """See who has died."""
        if self._stopping and time.monotonic() >= self._kill_at:
            self._kill()
        for worker in self._running():
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid:
                self._buried(worker, os.waitstatus_to_exitcode(status))

    def _buried(self, worker: _Worker, code: int) -> None:
        now = time.monotonic()
        young = now - worker.since < _YOUNG_S
        worker.young_deaths = worker.young_deaths + 1 if young else 0
        delay_s = restart_delay_s(worker.young_deaths)
        worker.due = now + delay_s
        pid, worker.pid = worker.pid, 0
        if self._stopping and code == 0:
            return
        how = {"signal": _named(-code)} if code < 0 else {"status": str(code)}
        plan = {} if self._stopping else {"restart_in_ms": f"{delay_s * 1000:.0f}"}
        self._log.note("ERROR", event="worker_died", worker=worker.number, pid=pid, **how, **plan)

    def _start_due(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if not worker.pid and not self._stopping and worker.due <= now:
                self._start(worker)

    def _start(self, worker: _Worker) -> None:
        """Fork. Signals wait meanwhile: the child must not lose one that is meant for it."""
        worker.since = time.monotonic()
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            worker.pid = os.fork()
            if not worker.pid:
                os._exit(self._as_child(worker))
        except OSError as error:  # no memory, or too many processes, for now
            worker.due = worker.since + _LONGEST_DELAY_S
            self._log.note("ERROR", event="worker_not_started", worker=worker.number, error=error)
            return
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        self._log.note("INFO", event="worker_started", worker=worker.number, pid=worker.pid)

    def _as_child(self, worker: _Worker) -> int:
        """Serve on one of the sockets; the exit status. Never returns into the parent's code."""
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._wakeups.close()
            os.close(self._lifeline_end)
            for other in self._workers:
                if other is not worker:
                    other.sock.close()
            stop = StopRequest(stay)
            stop.listen_to_signals()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
            stop.watch(self._lifeline, "EOF")
            log = make_log(self._name, self._settings)
            process = ServiceProcess(self._make(log), self._settings, log, stop)
            process.serve(worker.sock, announce=lambda: None)
        except BaseException:  # noqa: BLE001 - whatever it is, the parent's code is not the child's
            traceback.print_exc()
            return 1
        return 0
