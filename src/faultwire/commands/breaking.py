"""`faultwire break`: a command for each fault of the catalogue, its attributes as flags."""

from inspect import getdoc
from typing import Any

import click
from click.shell_completion import CompletionItem

from faultwire.commands.base import Command, Refused, at_wire, json_flag, say_json
from faultwire.commands.fault_flags import (
    as_data,
    attribute_flags,
    foreign_flags,
    when_flags,
)
from faultwire.settings import ControlSettings

_EPILOG = """\b
Examples:
  faultwire break latency --delay 2s --rate 0.3
  faultwire break status --code 503 --first 3 --match path=/echo
  faultwire break slow_body --for 30s
What is broken is mended with: faultwire mend
Names of WireMock and Toxiproxy work, too: CONNECTION_RESET_BY_PEER, slicer, ..."""


class BreakGroup(click.Group):
    """The faults as commands. The catalogue is imported when one is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        from faultwire.wire.faults import CATALOGUE

        return list(CATALOGUE)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        from faultwire.wire.faults import CATALOGUE
        from faultwire.wire.faults.aliases import ALIASES

        name = cmd_name.replace("-", "_")
        if name in CATALOGUE:
            return _command(name, attribute_flags(CATALOGUE[name]), getdoc(CATALOGUE[name]) or "")
        if cmd_name in ALIASES:
            alias = ALIASES[cmd_name]
            about = f"{alias.origin}'s {alias.name}.\n\nIt means: {alias.means}"
            return _command(alias.name, foreign_flags(alias.takes), about)
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The fault that is meant; for a name that none has, one that is near."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            from difflib import get_close_matches

            close = get_close_matches(args[0].lower(), self.list_commands(ctx), 1)
            hint = f"did you mean {close[0]}?" if close else "faultwire break --help lists them"
            raise Refused(f"{ctx.command_path}: there is no fault {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Faults, flags and, once it is begun, a name of WireMock or Toxiproxy."""
        from faultwire.wire.faults.aliases import ALIASES, OURS

        names = [name for name in ALIASES if incomplete and name.startswith(incomplete)]
        foreign = [CompletionItem(name) for name in names if name not in OURS]
        return super().shell_complete(ctx, incomplete) + foreign

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        from faultwire.wire.control.report import families

        for family, faults in families().items():
            with formatter.section(f"Faults: {family}"):
                formatter.write_dl(faults)


# One command for each fault.


def _command(name: str, own: list[click.Option], about: str) -> click.Command:
    """The command of a fault: its own flags, then those that every fault has."""

    @at_wire
    @json_flag
    def run(control: ControlSettings, *, as_json: bool, **given: Any) -> None:
        _break(control, {"fault": name, **as_data(given)}, as_json=as_json)

    everywhere = click.command(run).params
    return Command(
        name,
        callback=run,
        params=[*own, *when_flags(), *everywhere],
        help=about.replace("`", ""),
        short_help=about.partition("\n")[0],
    )


def _break(control: ControlSettings, data: dict[str, Any], *, as_json: bool) -> None:
    """Ask the wire for a break that is known to be sound."""
    from faultwire.wire.control import report
    from faultwire.wire.control.client import ask
    from faultwire.wire.faults.base import InvalidFault
    from faultwire.wire.plan.breaks import read_break

    path = click.get_current_context().command_path
    try:
        read_break(data)
    except InvalidFault as error:
        raise Refused(f"{path}: {error}. See {path} --help") from error
    made = ask(control, lambda client: client.set(data))
    if as_json:
        say_json(made)
    else:
        click.echo(f"Active for {report.span(made['for_s'])}: {report.one(made)}")
        click.echo(f"To end it: faultwire mend {made['name']}")


breaking = BreakGroup(
    "break",
    help="Break the wire with a fault, until it is mended.",
    epilog=_EPILOG,
    short_help="Break the wire with a fault.",
    subcommand_metavar="FAULT [FLAGS]...",
)
