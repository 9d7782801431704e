"""The command line. A command imports what it needs when it runs, so that `--help` is quick."""

import codecs
import errno
import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any

import click

from faultwire import __version__
from faultwire.commands.base import VARIABLES, Command, flags, until_eof
from faultwire.commands.policy_flags import POLICY_FLAGS, PolicyCommand
from faultwire.settings import (
    SERVICE_A,
    SERVICE_B,
    read_service_a,
    read_service_b,
)

_COMPLETION = """\b
To complete commands and flags with the Tab key, say in the shell's start-up file:
  bash  eval "$(_FAULTWIRE_COMPLETE=bash_source faultwire)"
  zsh   eval "$(_FAULTWIRE_COMPLETE=zsh_source faultwire)"
  fish  _FAULTWIRE_COMPLETE=fish_source faultwire | source
"""

_ELSEWHERE = {
    "break": ("breaking", "breaking"),
    "check": ("check", "check"),
    "compare": ("compare", "compare"),
    "explain": ("explain", "explain"),
    "faults": ("wire", "faults"),
    "ledger": ("wire", "ledger"),
    "mend": ("wire", "mend"),
    "simulate": ("simulate", "simulate"),
    "up": ("up", "up"),
    "wire": ("wire", "wire"),
}
"""The module below `faultwire.commands` that each command is in, and what it is called there."""


class Commands(click.Group):
    """Imports a command when it is asked for: half a megabyte that no service has to carry."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of `--help`."""
        return sorted({*super().list_commands(ctx), *_ELSEWHERE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; None if there is none."""
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module, name = _ELSEWHERE[cmd_name]
        command: click.Command = getattr(import_module(f"faultwire.commands.{module}"), name)
        return command


@click.group(cls=Commands, epilog=_COMPLETION, context_settings={"max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """Two HTTP services, the wire between them, and every way that wire can fail."""


@cli.command("service-a", cls=Command, epilog=VARIABLES)
@flags(SERVICE_A)
@until_eof
def service_a(*, until_eof: bool, **given: str | None) -> int:
    """Run Service A, which echoes, until Ctrl+C."""
    settings = read_service_a(given, os.environ)
    from faultwire.services.service_a import ServiceA

    run = _runner(settings.workers)
    return run("A", lambda log: ServiceA(settings, log), settings, until_eof=until_eof)


@cli.command("service-b", cls=PolicyCommand, epilog=f"{POLICY_FLAGS}\n\n{VARIABLES}")
@flags(SERVICE_B)
@until_eof
def service_b(*, until_eof: bool, **given: str | None) -> int:
    """Run Service B, which calls A, until Ctrl+C."""
    settings = read_service_b(given, os.environ)
    if settings.is_plain:
        from faultwire.services.service_b import ServiceB as Service
    else:
        from faultwire.services.resilient_b import ResilientB as Service

    run = _runner(settings.workers)
    return run("B", lambda log: Service(settings, log), settings, until_eof=until_eof)


def _runner(workers: int) -> Callable[..., int]:
    """What serves with so many processes."""
    if workers == 1:
        from faultwire.services.process import run
    else:
        from faultwire.services.workers import run
    return run


def main() -> None:
    """Run the command line. What cannot be done is said in one line, with exit status 2."""
    _open_standard_descriptors()
    _write_whole()
    _write_anywhere()
    sys.exit(_written(sys.argv[1:]))


def _open_standard_descriptors() -> None:
    """Let no socket or pipe take the number of a standard stream that was closed at start.

    The log would be written into it, and libuv aborts when it is to close such a number. What is
    printed goes nowhere: for Python there is no such stream, and whoever asks it anything fails.
    """
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest that is free
    if sys.stdout is None:
        sys.stdout = _into(1)
    if sys.stderr is None:
        sys.stderr = _into(2)


def _into(fd: int) -> io.TextIOWrapper:
    return open(fd, "w", encoding="utf-8", closefd=False)


def _write_whole() -> None:
    """Let no output be cut where Python runs unbuffered (`python -u`), as it does in containers.

    There `print` makes one system call and drops what that does not take. A pipe may take less
    than all after an event loop of uvloop's has ended (its io_uring interrupts the call).
    """
    raw = getattr(sys.stdout, "buffer", None)
    if isinstance(raw, io.RawIOBase):
        whole = io.BufferedWriter(raw)
        sys.stdout = io.TextIOWrapper(
            whole, encoding=sys.stdout.encoding, errors=sys.stdout.errors, line_buffering=True
        )


_PLAINLY = {"✓": "+", "✗": "x", "\N{EN DASH}": "-", "\N{EM DASH}": "-", "→": "->", "…": "..."}


def _write_anywhere() -> None:
    """Let a terminal that is not of Unicode cost nobody what was found, with a check in it."""
    codecs.register_error("plainly", _plainly)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="plainly")


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Say in ASCII what a terminal cannot show."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(_PLAINLY.get(sign, "?") for sign in lost), error.end


def _written(arguments: list[str]) -> Any:
    """The exit status; 2 where not all that there was to say could be written.

    1, as click says it, where nobody reads on: whoever says `| head` does not want to hear of it.
    """
    try:
        status = _main(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _write_no_more()
        return 1
    except OSError as error:
        if error.errno not in _UNWRITTEN or error.filename:
            raise
        _write_no_more()
        with suppress(OSError):
            said = f"faultwire: standard output could not be written: {error.strerror}"
            click.echo(said, err=True)
        return 2
    return status


_UNWRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def _write_no_more() -> None:
    """Let nobody try again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _main(arguments: list[str]) -> Any:
    try:
        return cli.main(arguments, "faultwire", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "faultwire"
        said = error.format_message()
        end = "" if said.endswith((".", "?")) else "."
        click.echo(f"{command}: {said}{end} See {command} --help", err=True)
    except click.ClickException as error:
        click.echo(error.message, err=True)
        return error.exit_code
    except click.Abort:  # Ctrl+C before there is anything to stop
        return 130
    return 2
