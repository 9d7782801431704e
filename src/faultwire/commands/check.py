"""`faultwire check`: every failure played against a pair of services, with a verdict."""

from collections.abc import Callable
from typing import Any

import click

from faultwire.commands.base import Command, a_file, a_folder

_EPILOG = """\b
  faultwire check                                            our own pair, on free ports
  faultwire check --b-cmd 'python service_b/app.py'          a B that calls 127.0.0.1:8080
  faultwire check --b-cmd 'node b.js --port {port} --upstream {upstream}'
  faultwire check --running                                  what listens on 8080 and 8081
  faultwire check --spec check.toml                          any other service
  faultwire check --class 'submissions/*' --output table.html

\b
Exit status: 0 all held; 1 something did not, or the score is below --fail-under;
2 it could not be done: wrong usage, or the target does not start; 130 after Ctrl+C."""

_FORMATS = ("terminal", "json", "junit", "html", "markdown", "csv")
"""As in `check.report.RENDERERS`, which is imported when a report is written; csv is --class's."""


def _ids(_context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The scenarios, for the Tab key."""
    from faultwire.check.scenarios import CATALOGUE

    return [each.id for each in CATALOGUE if each.id.startswith(incomplete)]


def _groups(_context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The groups, for the Tab key."""
    from faultwire.check.model import Group

    return [each.value for each in Group if each.startswith(incomplete)]


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_TARGET + _CHOICE + _JUDGEMENT + _OUTPUT):
        command = option(command)
    return command


_TARGET = (
    click.option("--preset", type=click.Choice(["lab"]), help="What the target is: a pair A, B."),
    click.option("--b-cmd", metavar="COMMAND", default="", help="Start Service B like this."),
    click.option("--a-cmd", metavar="COMMAND", default="", help="Start Service A like this."),
    click.option(
        "--cwd",
        metavar="FOLDER",
        default="",
        shell_complete=a_folder,
        help="The folder to start them in.",
    ),
    click.option("--env", metavar="K=V", multiple=True, help="A variable for them; repeatable."),
    click.option("--b-url", metavar="URL", default="", help="Service B runs already, here."),
    click.option("--a-url", metavar="URL", default="", help="Service A runs already, here."),
    click.option(
        "--upstream-port",
        metavar="PORT",
        type=click.IntRange(1, 65535),
        help="Where B expects A, if not by {upstream}.  [default: 8080]",
    ),
    click.option(
        "--budget", "--timeout", metavar="TIME", help="By when B has to answer.  [default: 1s]"
    ),
    click.option("--ready-within", metavar="TIME", help="May take to start.  [default: 20s]"),
    click.option("--running", is_flag=True, help="Examine what listens on 8080 and 8081."),
    click.option(
        "--spec",
        metavar="FILE",
        shell_complete=a_file,
        help="Any service, described in a check.toml.",
    ),
    click.option(
        "--class",
        "submissions",
        metavar="GLOB",
        shell_complete=a_folder,
        help="Examine each folder, and make a table (text, csv, html). A submission is started as "
        "its faultwire.toml says (a --spec), by --b-cmd and --a-cmd, or by the usual names: "
        "service_b/app.py, service-b/main.py, b/server.js, app_b.py, b.py and the like, "
        "in .py, .js, .mjs, .rb or .go.",
    ),
)
_CHOICE = (
    click.option(
        "--only",
        metavar="ID",
        multiple=True,
        shell_complete=_ids,
        help="Scenarios, such as 'deadline.*'.",
    ),
    click.option("--skip", metavar="ID", multiple=True, shell_complete=_ids, help="But not these."),
    click.option(
        "--group",
        "groups",
        metavar="NAME",
        multiple=True,
        shell_complete=_groups,
        help="Those of a group.",
    ),
    click.option("--list", "as_list", is_flag=True, help="Show the scenarios, and play none."),
)
_JUDGEMENT = (
    click.option(
        "--fail-under",
        metavar="SCORE",
        type=click.FloatRange(0, 100),
        help="Fail below this score, and only then.",
    ),
    click.option(
        "--repeat",
        metavar="N",
        type=click.IntRange(1, 1000),
        default=1,
        help="Play each scenario so often: what is flaky shows.",
    ),
    click.option(
        "--within", metavar="TIME", help="End after this time, whatever is left.  [default: 5m]"
    ),
)
_OUTPUT = (
    click.option(
        "--format", "form", type=click.Choice(_FORMATS), help="[default: by --output's ending]"
    ),
    click.option(
        "--style",
        type=click.Choice(["plain", "classic"]),
        default="plain",
        help="Of the terminal's report; classic is that of the old scenario script.",
    ),
    click.option(
        "--output",
        metavar="FILE",
        default="",
        shell_complete=a_file,
        help="Write the report here.",
    ),
    click.option(
        "--progress",
        type=click.Choice(["auto", "json", "none"]),
        default="auto",
        help="How it goes, on standard error; json has one object a line.",
    ),
)


@click.command(cls=Command, epilog=_EPILOG, short_help="Play every failure against a pair.")
@_options
def check(**given: Any) -> int:
    """Play every failure against a pair of services, and say what held.

    Without a target it is our own pair. In commands and variables, {port} and {upstream} are
    filled in; without them B listens on 8081 and calls 127.0.0.1:8080, where the wire then
    stands.
    """
    from faultwire.commands.checking import run

    return run(given)
