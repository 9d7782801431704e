"""What `faultwire check` does once its flags are read."""

import asyncio
from collections.abc import Sequence

import click

from faultwire.check.checking import NotStarted, check
from faultwire.check.listening import Listener
from faultwire.check.model import Report, Verdict
from faultwire.check.scenario import Scenario
from faultwire.check.scenarios import UnknownScenario, select
from faultwire.check.target.launch import InvalidSpec
from faultwire.check.watching import OneLine
from faultwire.commands.base import Refused
from faultwire.commands.check_class import run_class
from faultwire.commands.check_flags import Given, options_of, target_of
from faultwire.commands.check_output import (
    check_output,
    format_of,
    listener_of,
    show_list,
    write,
)
from faultwire.commands.check_stop import Stop
from faultwire.http.loop import new_event_loop

_NAME = "faultwire check"


def run(given: Given) -> int:
    """Check what the flags say; the exit status. Raises `Refused`."""
    try:
        scenarios = select(given["only"], given["skip"], given["groups"])
        if given["as_list"]:
            show_list(scenarios)
            return 0
        return _play(given, scenarios)
    except (InvalidSpec, UnknownScenario) as error:
        raise Refused(f"{_NAME}: {error}") from error
    except NotStarted as error:
        for line in error.lines:
            click.echo(f"  | {line}", err=True)
        raise Refused(f"{_NAME}: {error}") from error


def _play(given: Given, scenarios: Sequence[Scenario]) -> int:
    if not scenarios:
        raise InvalidSpec("no scenario is left to be played")
    check_output(given)
    return (run_class if given["submissions"] else _run)(given, scenarios)


def _run(given: Given, scenarios: Sequence[Scenario]) -> int:
    form = format_of(given)
    listener = listener_of(given["progress"])
    stop = Stop()
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            report = runner.run(_check(given, scenarios, listener, stop))
    finally:
        if isinstance(listener, OneLine):
            listener.clear()
    write(report, form, given)
    if said := hint(report):
        click.echo(f"{_NAME}: {said}", err=True)
    return stop.status or exit_status(report, given["fail_under"])


async def _check(
    given: Given, scenarios: Sequence[Scenario], listener: Listener, stop: Stop
) -> Report:
    with stop:
        return await check(
            await target_of(given),
            scenarios,
            options=options_of(given),
            listener=listener,
            stop=stop.event,
        )


def hint(report: Report) -> str:
    """What is to be known before any verdict is believed; empty where that is nothing."""
    played = (each.evidence for each in report.scenarios if each.id == "contract.calls_upstream")
    if not any(evidence.figures.get("attempts") == 0 for evidence in played):
        return ""
    return (
        "B did not once call its upstream where the wire stands, and the verdicts above come of "
        "that: hand it the address by {upstream}, or say with --upstream-port where it calls"
    )


def exit_status(report: Report, fail_under: float | None) -> int:
    """0 where all that was to be held was; with a least score that alone decides."""
    if report.aborted or report.defects:
        return 1
    if fail_under is not None:
        return int(report.score is None or report.score < fail_under)
    return int(any(r.verdict in (Verdict.FAIL, Verdict.FLAKY) for r in report.scenarios))
