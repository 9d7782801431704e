"""What `faultwire compare` does once its flags are read."""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from faultwire.check.target.service import NotStarted
from faultwire.commands.base import Failed, Refused
from faultwire.commands.check_output import unwritable
from faultwire.commands.check_stop import Stop
from faultwire.compare.course import Course
from faultwire.compare.faults import read_faults
from faultwire.compare.figures import Figures
from faultwire.compare.plot import plot as plotted
from faultwire.compare.report import Comparison, data, text
from faultwire.compare.run import NotMeasured, compare
from faultwire.http.loop import new_event_loop
from faultwire.policy.sets import InvalidPolicies, read_sets
from faultwire.wire.faults.base import InvalidFault

_NAME = "faultwire compare"


def course_of(faults: Sequence[str], seed: int, **given: Any) -> Course:
    """What the flags say is to be played. Raises `Refused`."""
    try:
        course = Course(faults=read_faults(faults, seed), **given)
    except InvalidFault as error:
        raise Refused(f"{_NAME}: --fault: {error}") from error
    if course.problem:
        raise Refused(f"{_NAME}: {course.problem}")
    return course


def sets_of(policies: str) -> tuple[str, ...]:
    """The sets of policies, known to be sound. Raises `Refused`."""
    try:
        return tuple(read_sets(policies))
    except InvalidPolicies as error:
        raise Refused(f"{_NAME}: --policies: {error}") from error


def check_file(flag: str, path: str) -> None:
    """Refuse a file that cannot be written before the work is done. Raises `Refused`."""
    if problem := unwritable(path):
        raise Refused(f"{_NAME}: {flag} {path}: {problem}")


def compared(course: Course, sets: Sequence[str], seed: int) -> tuple[Comparison, int]:
    """Play it; what came of it, and the exit status. Raises `Failed`."""
    stop = Stop()
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            found = runner.run(_compare(course, sets, stop))
    except NotStarted as error:
        for line in error.lines:
            click.echo(f"  | {line}", err=True)
        raise Failed(f"{_NAME}: {error}") from error
    except NotMeasured as error:
        raise Failed(f"{_NAME}: {error}") from error
    if not found:
        click.echo(f"{_NAME}: stopped before anything was measured", err=True)
        raise click.exceptions.Exit(stop.status)
    done = Comparison(course=course, seed=seed, found=found, stopped=bool(stop.status))
    return done, stop.status


async def _compare(course: Course, sets: Iterable[str], stop: Stop) -> list[Figures]:
    def begins(policies: str) -> None:
        if sys.stderr.isatty():
            click.echo(f"{policies}: {course.duration_s:g} s ...", err=True)

    with stop:
        return await compare(course, sets, stop=stop.event, begins=begins)


def write(done: Comparison, *, as_json: bool, output: str, plot: str, unicode: bool) -> None:
    """Print the result or write it to a file; draw the plot. Raises `Failed`."""
    if as_json:
        said = msgspec.json.format(msgspec.json.encode(data(done))).decode()
    else:
        said = text(done, unicode=unicode or bool(output))
    if output:
        _put(f"{said}\n", output)
    else:
        click.echo(said)
    if plot:
        _put(plotted(done), plot)


def _put(said: str, path: str) -> None:
    try:
        Path(path).write_text(said, "utf-8")
    except OSError as error:
        raise Failed(f"{_NAME}: {path} cannot be written: {error.strerror}") from error
