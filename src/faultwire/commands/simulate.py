"""`faultwire simulate`: what policies do to a failure, in virtual time."""

from typing import Any

import click

from faultwire.commands.base import Command, Refused, say_json, takes_bars

_EPILOG = """\b
Examples:
  faultwire simulate metastable
  faultwire simulate retry-storm --policies 'none,retry(attempts=5),production'
What there is to say of each policy is in docs/resilience.md.
The exit status is 1 if something asserted of the lesson does not hold."""


def _lessons(_ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The lessons, for the Tab key."""
    from faultwire.simulate.lessons import LESSONS

    return [name for name in LESSONS if name.startswith(incomplete)]


@click.command(
    cls=Command, epilog=_EPILOG, short_help="Simulate an overload, with and without policies."
)
@click.argument("lesson", required=False, shell_complete=_lessons)
@click.option(
    "--clients",
    type=click.IntRange(20_000, 1_000_000),
    default=20_000,
    show_default=True,
    metavar="N",
    help="Each sends a request every 200 s on average; A has workers in proportion.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**53 - 1),
    default=1,
    show_default=True,
    metavar="N",
    help="The same seed gives the same result.",
)
@click.option("--policies", metavar="SETS", help="Sets of policies of your own to compare.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people or for programs.",
)
@click.option("--list", "listing", is_flag=True, help="Show the lessons.")
def simulate(
    lesson: str | None, *, clients: int, seed: int, policies: str | None, form: str, listing: bool
) -> int:
    """Simulate LESSON: clients, B and A in virtual time, ten minutes in a few seconds.

    B's decisions are made by the very code that the real B runs; A is a queue with workers.
    """
    from faultwire.simulate import report
    from faultwire.simulate.experiment import experiment
    from faultwire.simulate.lessons import LESSONS

    if listing:
        _show_list(LESSONS, form)
        return 0
    chosen = _chosen(lesson, LESSONS)
    sets = _sets(policies)
    if form == "text":
        click.echo(report.introduction(chosen))
    done = experiment(chosen, clients, seed, sets)
    if form == "json":
        say_json(report.data(done))
    else:
        click.echo(report.text(done, unicode=takes_bars()))
    return int(not done.held)


def _show_list(lessons: Any, form: str) -> None:
    if form == "json":
        say_json([{"name": name, "title": each.title} for name, each in lessons.items()])
        return
    width = max(map(len, lessons))
    for name, each in lessons.items():
        click.echo(f"{name:{width}}  {each.title}")


def _chosen(lesson: str | None, lessons: Any) -> Any:
    if lesson in lessons:
        return lessons[lesson]
    problem = "which lesson?" if lesson is None else f"there is no lesson {lesson!r}."
    path = click.get_current_context().command_path
    raise Refused(f"{path}: {problem} Choose one of {', '.join(lessons)}")


def _sets(policies: str | None) -> Any:
    from faultwire.policy.sets import InvalidPolicies, read_sets

    if policies is None:
        return None
    try:
        return read_sets(policies)
    except InvalidPolicies as error:
        path = click.get_current_context().command_path
        raise Refused(f"{path}: --policies: {error}") from error
