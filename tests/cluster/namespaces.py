"""Hosts on a switch, each in a network namespace of its own, and cables that can be cut.

Needs root and iproute2. Addresses are of 198.18.0.0/15, which no network uses (RFC 2544).
"""

import ctypes
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_CLONE_NEWNET = 0x40000000
_PATIENCE_S = 15.0
_RESOLVE_AGAIN_MS = 100
"""How soon a host asks again for a neighbour that is silent: the kernel's second, shortened."""


class Unavailable(Exception):
    """Namespaces cannot be made here; the message says why."""


class Network:
    """A switch, and the hosts that are plugged into it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._hosts: list[str] = []
        self._silenced: set[str] = set()
        self._switch = f"{name}-switch"
        _ip("netns", "add", self._switch)
        _ip("-n", self._switch, "link", "add", "switch", "type", "bridge")
        _ip("-n", self._switch, "link", "set", "switch", "up")

    def plug_in(self, host: str) -> str:
        """Add a host; its address."""
        space = self.space(host)
        self._hosts.append(host)
        address = f"198.18.0.{len(self._hosts)}"
        _ip("netns", "add", space)
        peer = ("peer", "name", "eth0", "netns", space)
        # `name` and `dev` are said: `ip` would read the host "a" as `address`, abbreviated.
        _ip("-n", self._switch, "link", "add", "name", host, "type", "veth", *peer)
        _ip("-n", self._switch, "link", "set", "dev", host, "master", "switch", "up")
        _ip("-n", space, "link", "set", "lo", "up")
        _ip("-n", space, "address", "add", f"{address}/24", "dev", "eth0")
        _ip("-n", space, "link", "set", "eth0", "up")
        again = ("retrans", str(_RESOLVE_AGAIN_MS))
        _ip("-n", space, "ntable", "change", "name", "arp_cache", "dev", "eth0", *again)
        return address

    def space(self, host: str) -> str:
        """The name of a host's namespace."""
        return f"{self._name}-{host}"

    def command(self, host: str) -> tuple[str, ...]:
        """What to put in front of words that are to run on the host."""
        return ("nsenter", f"--net=/run/netns/{self.space(host)}")

    def faultwire(self, host: str) -> tuple[str, ...]:
        """`faultwire`, on that host."""
        return (*self.command(host), sys.executable, "-m", "faultwire")

    def run_on(self, host: str, function: Callable[[], T]) -> T:
        """Call a function in a thread of that host: the sockets that it opens are the host's."""
        outcome: list[T | BaseException] = []

        def run() -> None:
            try:
                _enter(self.space(host))
                outcome.append(function())
            except BaseException as error:  # noqa: BLE001 - handed on to the caller
                outcome.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(_PATIENCE_S)
        assert outcome, f"no end on {host}"
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        return outcome[0]

    def cut(self, host: str, *, silently: bool) -> None:
        """Cut a host's cable: the link goes down, or every frame is dropped and it stays up."""
        if silently:
            self._silenced.add(host)
            _run("bridge", "-n", self._switch, "link", "set", "dev", host, "state", "disabled")
        else:
            _ip("-n", self._switch, "link", "set", "dev", host, "down")

    def mend(self, host: str) -> None:
        """Undo either. A link that comes up is forwarded by itself, once it is found to be up."""
        if host in self._silenced:
            self._silenced.remove(host)
            _run("bridge", "-n", self._switch, "link", "set", "dev", host, "state", "forwarding")
        else:
            _ip("-n", self._switch, "link", "set", "dev", host, "up")

    def remove(self) -> None:
        """Take all of it down; interfaces go with their namespaces."""
        with ExitStack() as stack:
            for space in [*map(self.space, self._hosts), self._switch]:
                if Path("/run/netns", space).exists():
                    stack.callback(_ip, "netns", "delete", space)


@contextmanager
def network() -> Iterator[Network]:
    """An empty network, taken down at the end. Raises `Unavailable`."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "bridge", "nsenter"))):
        raise Unavailable("network namespaces need root, iproute2 and nsenter")
    try:
        made = Network(f"fw{os.getpid()}")
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"network namespaces cannot be made here: {error.stderr}") from error
    try:
        yield made
    finally:
        made.remove()


def _enter(space: str) -> None:
    """Move this thread into a namespace (os.setns came with Python 3.12)."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/run/netns", space).open() as file:
        if libc.setns(file.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True, timeout=_PATIENCE_S)
