"""`faultwire up`: both services, the wire between them, and the page to watch them."""

import os
from collections.abc import Callable
from typing import TypeVar

import click

from faultwire.commands.base import VARIABLES, flag
from faultwire.commands.policy_flags import POLICY_FLAGS, PolicyCommand
from faultwire.settings import (
    CONSOLE,
    PAIR_A,
    PAIR_B,
    PAIR_WIRE,
    check_apart,
    read_console,
    read_pair,
    read_pair_wire,
)

F = TypeVar("F", bound=Callable[..., object])

_OF_THE_PAIR = (
    "timeout_s", "policy", "status", "host", "contract", "log_format", "workers", "drain_grace_s",
    "drain_timeout_s",
)  # fmt: skip
_OF_A = ("work_s", "at_once")
_OF_ITS_WIRE = {"listen": "wire", "control": "control", "control_token": "control_token"}


def _pair_flags(command: F) -> F:
    """The settings that make sense for both services at once, and a port for each."""
    for setting in reversed(PAIR_B.settings):
        if setting.field in _OF_THE_PAIR:
            command = flag(setting, setting.field, PAIR_B.variables(setting)[1:])(command)
    for setting in reversed(PAIR_A.settings):
        if setting.field in _OF_A:
            command = flag(setting, setting.field, PAIR_A.variables(setting)[:1])(command)
    for kind in (PAIR_B, PAIR_A):
        port = next(setting for setting in kind.settings if setting.field == "port")
        command = flag(port, f"{kind.name.lower()}_port", kind.variables(port))(command)
    return command


def _wire_flags(command: F) -> F:
    """What is to be said of the wire between the two services."""
    for setting in reversed(PAIR_WIRE.settings):
        if setting.field in _OF_ITS_WIRE:
            field = _OF_ITS_WIRE[setting.field]
            command = flag(setting, field, PAIR_WIRE.shown_variables(setting))(command)
    return click.option("--direct", is_flag=True, help="No wire: B calls A directly.")(command)


def _console_flags(command: F) -> F:
    """What is to be said of the page."""
    for setting in CONSOLE.settings:
        command = flag(setting, setting.field, CONSOLE.variables(setting)[1:])(command)
    command = click.option("--no-console", is_flag=True, help="Serve no page.")(command)
    help_open = "Open the page in a browser."
    return click.option("--open", "open_page", is_flag=True, help=help_open)(command)


@click.command(
    "up",
    short_help="Run both services, the wire and a page.",
    cls=PolicyCommand,
    epilog=f"{POLICY_FLAGS}\n\n{VARIABLES}",
)
@_pair_flags
@_wire_flags
@_console_flags
def up(*, direct: bool, no_console: bool, open_page: bool, **given: str | None) -> int:
    """Run both services, the wire between them and a page to watch them, until Ctrl+C.

    Their log lines stand side by side. One that dies is reported, and the others go on.
    """
    from faultwire.lab.up import run
    from faultwire.services.stopping import StopRequest

    if no_console and open_page:
        raise click.UsageError("--open and --no-console exclude each other.")
    a, b = read_pair(given, os.environ)
    wire = None if direct else read_pair_wire(given, os.environ)
    console = None if no_console else read_console(given, os.environ)
    check_apart(a, b, wire, console)
    return run(a, b, wire, console, given, stop=StopRequest(), open_page=open_page)
