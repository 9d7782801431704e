"""`faultwire explain`: what happened to each failed request, from the logs."""

import os
import signal
import sys
import time
from typing import IO, TYPE_CHECKING

import click

from faultwire.commands.base import Command, Failed, Refused, a_file

if TYPE_CHECKING:
    from faultwire.explain.run import Report
    from faultwire.explain.wanted import Wanted

_EPILOG = """\b
Examples:
  faultwire explain a.log b.log wire.log
  faultwire up 2>&1 | faultwire explain --follow
  faultwire explain --request 4bf92f35 up.log
  faultwire explain --since 10m --only response_timeout up.log
Exit status: 0 when the logs could be read, whatever is in them; 1 when --request finds no such
request; 2 when something cannot be read or was asked wrongly."""
_LIMIT = 20
_LEAST_WIDTH, _MOST_WIDTH = 40, 120


def _words(_context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """What `--only` knows, for the Tab key."""
    from faultwire.explain.wanted import KNOWN

    return sorted(word for word in KNOWN if word.startswith(incomplete))


@click.command(cls=Command, epilog=_EPILOG, short_help="Say what failed in logs, and why.")
@click.argument("files", nargs=-1, metavar="[FILE]...", shell_complete=a_file)
@click.option("--request", "request_id", metavar="ID", help="Draw this one request's time-line.")
@click.option("--follow", "-f", is_flag=True, help="Go on reading what is still written.")
@click.option(
    "--format", "fmt", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="For people, or for programs (one object a line with --follow).",
)  # fmt: skip
@click.option("--since", metavar="WHEN", help="From 10m (ago), 23:10:51, 2026-02-04T23:10:51Z on.")
@click.option("--until", metavar="WHEN", help="Until then.")
@click.option(
    "--only", metavar="WORD", multiple=True, shell_complete=_words,
    help="Only this failure kind, cause, fault, or outcome (failed, saved, client). Repeatable.",
)  # fmt: skip
@click.option(
    "--limit", metavar="N", type=click.IntRange(min=0), help="Show the first N; 0 shows all.  "
    f"[default: {_LIMIT} as text; all as JSON or with --follow]",
)  # fmt: skip
def explain(  # noqa: PLR0917 - click passes them by name
    files: tuple[str, ...],
    request_id: str | None,
    follow: bool,
    fmt: str,
    since: str | None,
    until: str | None,
    only: tuple[str, ...],
    limit: int | None,
) -> int:
    """Say what happened to each failed request in the logs, and why.

    FILE is a log of A, B, the wire or several of them, as text or JSON, compressed or not; - is
    standard input. The lines of one request are joined by its id or, lacking one, by time.
    """
    from faultwire.explain.run import explain_logs, explain_request, follow_logs
    from faultwire.explain.source import Unreadable

    names, stdin = _names(files), _stdin(files)
    if request_id is not None and follow:
        raise click.UsageError("--request and --follow do not go together.")
    wanted = _wanted(since, until, only)
    report = _report(fmt, limit, wanted, follow=follow)
    try:
        if request_id is not None:
            if not explain_request(request_id, names, stdin, wanted, report):
                raise Failed(f"faultwire explain: no line has the request id {request_id!r}")
        elif follow:
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            follow_logs(names, stdin, wanted, report)
        else:
            explain_logs(names, stdin, wanted, report)
        sys.stdout.flush()
    except Unreadable as error:
        raise Refused(f"faultwire explain: {error}") from error
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _names(files: tuple[str, ...]) -> list[str]:
    """The logs to read: standard input where none is named and something is piped into it."""
    if files:
        return list(dict.fromkeys(files))
    if sys.stdin is None or sys.stdin.isatty():
        raise click.UsageError("Name a log, or pipe one in: faultwire explain up.log.")
    return ["-"]


def _stdin(files: tuple[str, ...]) -> IO[bytes]:
    if sys.stdin is None:
        if "-" in files:
            raise click.UsageError("There is no standard input.")
        from io import BytesIO

        return BytesIO()
    return sys.stdin.buffer


def _wanted(since: str | None, until: str | None, only: tuple[str, ...]) -> "Wanted":
    from faultwire.explain.wanted import Wanted, read_moment, unknown_word

    now = time.time()
    try:
        start = read_moment(since, now) if since else 0.0
        end = read_moment(until, now) if until else float("inf")
    except ValueError as error:
        raise click.UsageError(f"{error}.") from error
    words = [word.strip() for each in only for word in each.split(",")]
    if said := next(filter(None, map(unknown_word, words)), None):
        raise click.UsageError(said)
    return Wanted(start, end, frozenset(words))


def _report(fmt: str, limit: int | None, wanted: "Wanted", *, follow: bool) -> "Report":
    import shutil

    from faultwire.explain.drawing import Pen
    from faultwire.explain.json_report import JsonReport
    from faultwire.explain.text_report import TextReport
    from faultwire.lab.screen import wants_colour

    def write(text: str) -> None:
        sys.stdout.write(text)
        if follow:
            sys.stdout.flush()

    if fmt == "json":
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        return JsonReport(write, limit or 0, lines=follow)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    width = min(max(shutil.get_terminal_size().columns, _LEAST_WIDTH), _MOST_WIDTH)
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    pen = Pen(width, unicode, wants_colour(os.environ, is_terminal=sys.stdout.isatty()))
    if limit is None:
        limit = 0 if follow else _LIMIT
    return TextReport(write, pen, limit, picked=bool(wanted.only), timed=wanted.is_timed)
