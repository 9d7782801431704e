"""What every command has in common: flags made of settings, and refusals in one line."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click
import msgspec

from faultwire.http.sockets import CannotListen
from faultwire.settings import CONTROL, InvalidSettings, Kind, Setting, read_control

F = TypeVar("F", bound=Callable[..., object])
VARIABLES = """A flag wins over its environment variable. A variable without the service's letter,
such as FAULTWIRE_CONTRACT, counts for both services; the one with the letter wins. (A port has
no such variable.)"""


class Refused(click.ClickException):
    """The command cannot be run as it was asked for."""

    exit_code = 2


class Failed(click.ClickException):
    """The command was right, and did not succeed."""

    exit_code = 1


class Command(click.Command):
    """A command whose settings may turn out to be unusable."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the flags. Whatever is wrong with them is this command's, and its help helps."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; raises `Refused`, whose message begins with the command's name."""
        try:
            return super().invoke(ctx)
        except (InvalidSettings, CannotListen) as error:
            raise Refused(f"{ctx.command_path}: {error}") from error


def a_file(_context: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
    """A file, for the Tab key: the shell knows them."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def a_folder(_context: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
    """A folder, for the Tab key."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="dir")]


def flag(setting: Setting, field: str, variables: tuple[str, ...]) -> Callable[[F], F]:
    """A setting as a flag. Its text is read elsewhere, where the environment is read, too."""
    if not setting.metavar:  # a matter of yes or no
        said = f"{setting.help}  [env: {', '.join(variables)}]"
        return click.option(setting.flag, field, is_flag=True, flag_value="true", help=said)
    return click.option(
        setting.flag,
        field,
        type=click.Choice(setting.choices) if setting.choices else click.STRING,
        metavar=setting.metavar,
        help=f"{setting.help}  [default: {setting.shown_default}; env: {', '.join(variables)}]",
        multiple=setting.repeated,
        callback=_joined if setting.repeated else None,
        shell_complete=a_file if setting.metavar == "FILE" else lambda *_: list(setting.examples),
    )


def _joined(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> Any:
    """A flag that was repeated, as one text. One that is empty was given all the same."""
    return ",".join(given) if given else None


def flags(kind: Kind) -> Callable[[F], F]:
    """Every setting of a service as a flag."""

    def decorate(command: F) -> F:
        for setting in reversed(kind.settings):
            command = flag(setting, setting.field, kind.shown_variables(setting))(command)
        return command

    return decorate


until_eof = click.option("--until-eof", is_flag=True, hidden=True)
json_flag = click.option("--json", "as_json", is_flag=True, help="As JSON.")


def at_wire(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `control`: the settings of the wire that it is about, from two flags.

    What the wire refuses, and that there is none, is said in one line.
    """

    @wraps(command)
    def run(*, control: str | None, control_token: str | None, **given: Any) -> Any:
        from faultwire.wire.control.client import ControlError

        flags = {"control": control, "control_token": control_token}
        try:
            return command(read_control(flags, os.environ), **given)
        except ControlError as error:
            name = click.get_current_context().command_path
            raise (Refused if error.status == 400 else Failed)(f"{name}: {error}") from error

    for setting in reversed(CONTROL.settings):
        run = flag(setting, setting.field, CONTROL.variables(setting)[1:])(run)
    return run


def takes_bars() -> bool:
    """Whether standard output can show them."""
    try:
        "▁█".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def say_json(value: object) -> None:
    """Print a value as JSON for people and programs alike."""
    click.echo(msgspec.json.format(msgspec.json.encode(value)))
