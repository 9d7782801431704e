"""Where the result of `faultwire check` goes, and what shows how it goes."""

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from faultwire.check.listening import Listener, Silent
from faultwire.check.model import Report
from faultwire.check.report import RENDERERS, STYLES, terminal
from faultwire.check.scenario import Scenario
from faultwire.check.target.launch import InvalidSpec
from faultwire.check.watching import JsonLines, OneLine
from faultwire.commands.check_flags import Given
from faultwire.lab.screen import wants_colour

_BY_ENDING = {".json": "json", ".xml": "junit", ".html": "html", ".htm": "html", ".md": "markdown"}
_LEAST_WIDTH = 20
_USUAL_WIDTH = 80


def format_of(given: Given) -> str:
    """The report's format: as asked for, or by the ending of the file. Raises `InvalidSpec`."""
    form = given["form"] or _BY_ENDING.get(Path(given["output"]).suffix.lower(), "terminal")
    if form not in RENDERERS:
        raise InvalidSpec(f"--format {form} is for --class alone")
    return str(form)


def check_output(given: Given) -> None:
    """Refuse a file that cannot be written before the work is done. Raises `InvalidSpec`."""
    if problem := unwritable(given["output"]):
        raise InvalidSpec(f"--output {given['output']}: {problem}")


def unwritable(path: str) -> str:
    """Why a file cannot be written, as far as that shows before; empty where nothing forbids it."""
    if not path:
        return ""
    try:
        file = Path(path).absolute()
        if file.is_dir():
            return "it is a folder"
        if not file.parent.is_dir():
            return "there is no such folder"
        asked = file if file.exists() else file.parent
    except OSError as error:  # a folder that may not be read, or the current one is gone
        return error.strerror or str(error)
    return "" if os.access(asked, os.W_OK) else "it cannot be written"


def listener_of(progress: str) -> Listener:
    """Who shows how it goes: lines of JSON, one line on a terminal, or nobody."""
    if progress == "json":
        return JsonLines(sys.stderr)
    if progress == "auto" and sys.stderr.isatty():
        width = os.get_terminal_size(sys.stderr.fileno()).columns or _USUAL_WIDTH
        return OneLine(sys.stderr, max(width, _LEAST_WIDTH))
    return Silent()


def write(report: Report, form: str, given: Given) -> None:
    """Write the report, in colour where a terminal shows it or FORCE_COLOR asks for it."""
    plain = form == "terminal" and given["style"] == "plain" and not given["output"]
    if plain and sys.stdout.isatty():
        terminal.show(report, Console())
        return
    if plain and wants_colour(os.environ, is_terminal=False):
        terminal.show(report, Console(width=terminal.WIDE, force_terminal=True))
        return
    if form != "terminal" and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # as its readers expect
    render = STYLES[given["style"]] if form == "terminal" else RENDERERS[form]
    put(render(report), given["output"])


def put(text: str, output: str) -> None:
    """Print a text, or write it to a file. Raises `InvalidSpec`."""
    if not output:
        click.echo(text, nl=not text.endswith("\n"))
        return
    try:
        Path(output).write_text(text, "utf-8")
    except OSError as error:
        raise InvalidSpec(f"{output} cannot be written: {error.strerror}") from error


def show_list(scenarios: Sequence[Scenario]) -> None:
    """The scenarios, one a line."""
    for each in scenarios:
        marks = f"weight {each.weight}{', advice' if each.advice else ''}"
        click.echo(f"{each.id:<36} {each.title} [{marks}]")
