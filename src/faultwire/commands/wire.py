"""The commands of the wire: run it, see its faults, mend them, read its ledger."""

import os
from typing import Any

import click

from faultwire.commands.base import Command, at_wire, flags, json_flag, say_json, until_eof
from faultwire.settings import WIRE, ControlSettings, InvalidSettings, read_control, read_wire

_WIRE_EPILOG = """A flag wins over its environment variable. FAULTWIRE_WIRE_LOG_FORMAT and the like
count for the wire alone, FAULTWIRE_LOG_FORMAT for the services as well."""


@click.command(cls=Command, epilog=_WIRE_EPILOG, short_help="Run the wire, until Ctrl+C.")
@flags(WIRE)
@until_eof
def wire(*, until_eof: bool, **given: str | None) -> int:
    """Run the wire, until Ctrl+C: a proxy that passes all on, until it is told to break it.

    Faults are set with `faultwire break`, ended with `faultwire mend`.
    """
    from faultwire.wire.process import run

    return run(read_wire(given, os.environ), until_eof=until_eof)


@click.command(cls=Command, short_help="Show the active faults, and all there are.")
@at_wire
@json_flag
def faults(control: ControlSettings, *, as_json: bool) -> int:
    """Show which faults are active, and every fault there is.

    How often each has acted is counted: requests seen, and requests it was injected in.
    """
    from faultwire.wire.control import report
    from faultwire.wire.control.client import ControlError, ask
    from faultwire.wire.faults import describe

    try:
        active: list[dict[str, Any]] | None = ask(control, lambda client: client.faults())
    except ControlError as error:
        click.echo(f"faultwire faults: {error}", err=True)
        active = None
    if as_json:
        say_json({"active": active, "catalogue": describe()})
        return int(active is None)
    if active is not None:
        click.echo(f"{report.active(active)}\n")
    click.echo(report.catalogue())
    return int(active is None)


def _active_names(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The active faults, for the Tab key; nothing where no wire answers."""
    from faultwire.wire.control.client import ControlError, ask

    try:
        settings = read_control(ctx.params, os.environ)
        active = ask(settings, lambda client: client.faults(), timeout_s=0.5)
    except (ControlError, InvalidSettings):
        return []
    names: list[str] = [made["name"] for made in active]
    return [name for name in names if name.startswith(incomplete)]


def _fault_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """What the ledger can be asked for: any fault, none, or one that is active."""
    words = [word for word in ("any", "none") if word.startswith(incomplete)]
    return words + _active_names(ctx, param, incomplete)


@click.command(cls=Command)
@click.argument("name", required=False, shell_complete=_active_names)
@at_wire
@json_flag
def mend(control: ControlSettings, name: str | None, *, as_json: bool) -> None:
    """End the fault NAME, or all of them."""
    from faultwire.wire.control.client import ask

    mended = ask(control, lambda client: client.mend(name))
    if as_json:
        say_json({"mended": mended})
    elif mended:
        click.echo(f"Mended: {', '.join(mended)}")
    else:
        click.echo("Nothing was broken")


@click.command(cls=Command, short_help="Show what the wire saw, request by request.")
@click.option("--request-id", metavar="ID", help="Those with this X-Request-ID.")
@click.option(
    "--fault",
    metavar="NAME",
    help="Those in which it acted; `any` fault, or `none`.",
    shell_complete=_fault_names,
)
@click.option(
    "--since", metavar="WHEN", help="30s (so long ago), 2026-02-04T23:10:51Z, or a revision."
)
@click.option("--method", metavar="METHOD", help="Those with this method.")
@click.option("--path", metavar="PATH", help="Those with this path, without its query.")
@click.option("--status", metavar="N", help="Those answered with this status; 0: not answered.")
@click.option("--open", "open", is_flag=True, default=None, help="Those under way now.")
@click.option(
    "--limit", metavar="N", default="20", show_default=True, help="At most so many, the newest."
)
@at_wire
@json_flag
def ledger(control: ControlSettings, *, as_json: bool, **query: Any) -> None:
    """Show what the wire saw, request by request: the last ones, or those asked for."""
    from faultwire.wire.control import report
    from faultwire.wire.control.client import ask

    found = ask(control, lambda client: client.ledger(**query))
    if as_json:
        say_json(found)
    else:
        click.echo(report.ledger(found))
