"""`faultwire up`: the system's processes and the console, started and stopped together."""

import asyncio
import contextlib
import socket
import sys
import threading
import webbrowser

from faultwire.http.address import Origin
from faultwire.http.loop import new_event_loop
from faultwire.http.sockets import listen, reachable
from faultwire.lab.console.process import Console
from faultwire.lab.plan import plans
from faultwire.lab.screen import screen_for
from faultwire.lab.system import Stop, System
from faultwire.settings import (
    ConsoleSettings,
    Flags,
    ServiceASettings,
    ServiceBSettings,
    WireSettings,
)
from faultwire.wire.control.guard import check_guarded


def run(
    a: ServiceASettings,
    b: ServiceBSettings,
    wire: WireSettings | None,
    console: ConsoleSettings | None,
    flags: Flags,
    *,
    stop: Stop,
    open_page: bool = False,
) -> int:
    """Run the system until it is stopped; the exit status. Raises `CannotListen`.

    Without a wire, B calls A directly. Without a console, no page is served; `open_page` opens it
    in a browser. `flags` are handed on to all, whose environment is ours. Raises
    `InvalidSettings` for a wire that anybody could break.
    """
    if wire is not None:
        check_guarded(wire)
    with contextlib.ExitStack() as held:
        sock = None
        if console is not None:
            address = (console.console_host, console.console_port)
            sock = held.enter_context(listen(*address, "--console-port"))
        found = plans(a, b, wire, flags, reserved=held)
        drain_s = max(each.drain_grace_s + each.drain_timeout_s for each in (a, b, wire or a))
        screen = screen_for([plan.name for plan in found])
        system = System(found, screen, stop, drain_s, welcome)
        if sock is not None:
            system.page = page_at(sock)
            system.beside = Console(system, sock, wire.control_token if wire else "")
            system.welcome = welcome_and_open if open_page else welcome
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(system.run())


def page_at(sock: socket.socket) -> str:
    """The URL of the page that a socket serves, for a browser on this machine."""
    host, port = sock.getsockname()[:2]
    return Origin(reachable(host), port).url


def welcome(system: System) -> None:
    """Three lines: what runs where, what to open, what to try."""
    found = [member.plan for member in system.members.values()]
    where = ", ".join(plan.where for plan in found)
    call = f'curl -i "{found[-1].url}/call-echo?msg=hello"'
    first = next(iter(system.members.values()))
    pid = first.child.pid if first.child else 0
    ways = [plan.breaking for plan in found if plan.breaking]
    ways.append(f"stop {first.name} (kill {pid})")
    stops = f"Ctrl+C stops {'both' if len(found) == 2 else 'all'}"
    watch = f"Open {system.page} to watch it, break it and mend it. " if system.page else ""
    with contextlib.suppress(OSError):  # nobody reads it
        sys.stdout.write(
            f"{where}\n{watch}{stops}\nTry: {call} - then {', or '.join(ways)} and try it again\n"
        )
        sys.stdout.flush()


def welcome_and_open(system: System) -> None:
    """The three lines, and the page in a browser; one that is slow to start holds up nothing."""
    welcome(system)
    threading.Thread(target=webbrowser.open, args=(system.page,), daemon=True).start()
