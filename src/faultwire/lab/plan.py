"""What `faultwire up` runs: each process, its command, and where it is found."""

import shlex
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from faultwire.http.address import Origin
from faultwire.http.sockets import CAN_RESERVE, listen, reachable, reserve
from faultwire.settings import (
    DEFAULT_CONTROL,
    SERVICE_A,
    SERVICE_B,
    WIRE,
    Address,
    Flags,
    Kind,
    ServiceASettings,
    ServiceBSettings,
    ServiceSettings,
    WireSettings,
)


class Plan(NamedTuple):
    """What to run: its name on the screen, the command after `faultwire`, where it listens.

    `control` is where it can be told to break, if it can.
    """

    name: str
    command: Sequence[str]
    host: str
    port: int
    control: Address | None = None

    @property
    def url(self) -> str:
        """Where it is called."""
        return Origin(self.host, self.port).url

    @property
    def probed(self) -> Address:
        """Where it says whether it is ready: the wire's own port says that of what is behind."""
        if self.control is None:
            return Address(self.host, self.port)
        return Address(reachable(self.control.host), self.control.port)

    @property
    def where(self) -> str:
        """Its name and address, in words."""
        if self.control is not None:
            return f"the {self.name} on {self.url} (control on http://{self.control})"
        return f"Service {self.name} on {self.url}"

    @property
    def breaking(self) -> str:
        """A command to try that breaks it; empty if there is none."""
        if self.control is None:
            return ""
        elsewhere = "" if self.control == DEFAULT_CONTROL else f" --control {self.control}"
        return f"{program()} break latency --delay 2s{elsewhere}"

    def having(self, flag: str, text: str | None) -> "Plan":
        """The same with another value of one flag; None leaves the flag out."""
        words = list(self.command)
        if flag in words:
            at = words.index(flag)
            del words[at : at + 2]
        return self._replace(command=words if text is None else [*words, flag, text])


def program() -> str:
    """What to type to run a command: the path that we were called by, where no shell finds us."""
    called = sys.argv[0]
    known = shutil.which("faultwire") or Path(called).name != "faultwire"
    return "faultwire" if known else shlex.quote(called)


def plans(
    a: ServiceASettings,
    b: ServiceBSettings,
    wire: WireSettings | None,
    flags: Flags,
    reserved: ExitStack,
) -> list[Plan]:
    """Each process, the one that is called before the one that calls it. Raises `CannotListen`.

    Without a wire, B calls A directly. `flags` are handed on to all. Ports that were asked for as 0
    are theirs until `reserved` is closed, whether they run or not.
    """
    with ExitStack() as tried:  # found free, all at once: nothing is started in vain

        def free(host: str, port: int, flag: str) -> str:
            if port == 0 and CAN_RESERVE:
                sock = reserved.enter_context(reserve(host, flag))
            else:
                sock = tried.enter_context(listen(host, port, flag))
            return str(sock.getsockname()[1])

        a_port = free(a.host, a.port, "--a-port")
        b_port = free(b.host, b.port, "--b-port")
        found = [_service(SERVICE_A, a, {**flags, "port": a_port})]
        if wire is not None:
            port = free(*wire.listen, "--wire")
            control = Address(wire.control.host, int(free(*wire.control, "--control")))
            found.append(_wire(wire, port, control, found[0].url, flags))
        flags_b = {**flags, "port": b_port, "upstream": found[-1].url}
        return [*found, _service(SERVICE_B, b, flags_b)]


def _service(kind: Kind, settings: ServiceSettings, flags: Flags) -> Plan:
    words = [f"service-{kind.name.lower()}", *kind.arguments(flags)]
    return Plan(kind.name, words, reachable(settings.host), int(flags["port"] or 0))


def _wire(wire: WireSettings, port: str, control: Address, to: str, flags: Flags) -> Plan:
    address = Address(wire.listen.host, int(port))
    own = {"listen": str(address), "to": to, "control": str(control)}
    words = ["wire", *WIRE.arguments({**flags, **own})]
    return Plan("wire", words, reachable(address.host), address.port, control)
