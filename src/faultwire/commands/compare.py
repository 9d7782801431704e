"""`faultwire compare`: what sets of policies do for the real pair under one fault."""

from collections.abc import Callable
from typing import Any

import click

from faultwire.commands.base import Command, a_file, takes_bars
from faultwire.settings.text import duration_s, grace_s

_EPILOG = """\b
Examples:
  faultwire compare --policies none,retry,production
  faultwire compare --fault 'latency delay=300ms rate=0.5' --policies none,hedge --plot out.svg
  faultwire compare --fault 'status=503 rate=0.2' --fault 'hang rate=0.1 phase=before'
A fault is NAME key=value ..., with what faultwire break has as flags. What there is to say of
each policy is in docs/resilience.md.
Exit status: 0 compared, 1 something could not be measured, 2 wrong usage; 130 after Ctrl+C."""

_MOST_SEED = 2**53 - 1


def _time(read: Callable[[str], float]) -> Callable[..., float]:
    """Reads a time for click."""

    def convert(_: click.Context, param: click.Parameter, value: str) -> float:
        try:
            return read(value)
        except ValueError as error:
            raise click.BadParameter(f"{value!r} is not {error}.", param=param) from error

    return convert


def _duration(
    flag: str, field: str, default: str, said: str, read: Callable[[str], float] = duration_s
) -> Callable[..., Any]:
    return click.option(
        flag,
        field,
        metavar="TIME",
        default=default,
        show_default=True,
        callback=_time(read),
        help=said,
    )


@click.command(cls=Command, epilog=_EPILOG, short_help="Compare sets of policies on the real pair.")
@click.option(
    "--fault",
    "faults",
    metavar="FAULT",
    multiple=True,
    default=["status=503 rate=0.3"],
    show_default=True,
    help="What breaks; may be repeated.",
)
@click.option(
    "--policies",
    metavar="SETS",
    default="none,retry,retry+budget,breaker,production",
    show_default=True,
    help="Sets of policies, with commas between them.",
)
@click.option(
    "--rate",
    type=float,
    metavar="N",
    default=200.0,
    show_default=True,
    help="Requests a second, sent when they are due whatever became of earlier ones.",
)
@_duration("--for", "duration_s", "10s", "How long each set is under load.")
@_duration("--fault-from", "fault_from_s", "2s", "When the fault begins.")
@_duration("--fault-for", "fault_for_s", "4s", "How long it lasts.")
@_duration("--work", "work_s", "5ms", "How long A takes for each answer.", grace_s)
@_duration("--timeout", "timeout_s", "1s", "B's total deadline for its call to A.")
@click.option(
    "--seed",
    type=click.IntRange(0, _MOST_SEED),
    default=1,
    show_default=True,
    metavar="N",
    help="The same seed strikes the same attempts again.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    help="For people or for programs.  [default: by --output's ending, else text]",
)
@click.option(
    "--output", metavar="FILE", default="", shell_complete=a_file, help="Write the result here."
)
@click.option(
    "--plot",
    metavar="FILE",
    default="",
    shell_complete=a_file,
    help="Draw goodput over time here, as SVG.",
)
def compare(
    faults: tuple[str, ...],
    *,
    policies: str,
    seed: int,
    form: str | None,
    output: str,
    plot: str,
    **course: Any,
) -> int:
    """Play one fault and one load to sets of policies in turn, and say what came of it.

    For each set A, the wire and B are started on free ports. The load is open loop: latency
    counts from when each request was due. The fault strikes the same attempts of each set.
    """
    from faultwire.commands import comparing

    played = comparing.course_of(faults, seed, **course)
    sets = comparing.sets_of(policies)
    for flag, path in (("--output", output), ("--plot", plot)):
        comparing.check_file(flag, path)
    done, status = comparing.compared(played, sets, seed)
    as_json = form == "json" or (form is None and output.lower().endswith(".json"))
    comparing.write(done, as_json=as_json, output=output, plot=plot, unicode=takes_bars())
    return status
