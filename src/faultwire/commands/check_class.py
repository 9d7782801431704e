"""`faultwire check --class`: many submissions, and a table of them."""

import asyncio
from collections.abc import Sequence
from glob import glob
from pathlib import Path

import click
from msgspec.structs import replace

from faultwire.check.many import Row, check_all
from faultwire.check.many.finding import find_in
from faultwire.check.many.table import TABLES
from faultwire.check.report.words import shown
from faultwire.check.scenario import Scenario
from faultwire.check.spec import Spec
from faultwire.check.target.launch import InvalidSpec
from faultwire.commands.check_flags import Given, lab_of, options_of, with_times
from faultwire.commands.check_output import put
from faultwire.commands.check_stop import Stop
from faultwire.http.loop import new_event_loop

_BY_ENDING = {".csv": "csv", ".html": "html", ".htm": "html"}


def run_class(given: Given, scenarios: Sequence[Scenario]) -> int:
    """Examine every folder that the glob fits; 0 if all could be examined and held."""
    if given["running"] or given["spec"] or given["b_url"] or given["a_url"]:
        raise InvalidSpec("--class goes with commands alone: not with URLs, --running or --spec")
    found = glob(given["submissions"])  # noqa: PTH207 - an absolute pattern, too
    folders = sorted(Path(each) for each in found if Path(each).is_dir())
    if not folders:
        raise InvalidSpec(f"no folder fits --class {given['submissions']!r}")
    form = _table_format(given)
    stop = Stop()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        rows = runner.run(_check_all(given, folders, scenarios, stop))
    put(TABLES[form](rows), given["output"])
    if stop.status:
        return stop.status
    return int(any(_is_bad(row, given["fail_under"]) for row in rows))


async def _check_all(
    given: Given, folders: Sequence[Path], scenarios: Sequence[Scenario], stop: Stop
) -> list[Row]:
    def find(folder: Path) -> Spec:
        given_here = {**given, "cwd": str(folder / given["cwd"])}
        by_flags = given["b_cmd"] or given["a_cmd"]
        spec = lab_of(given_here) if by_flags else find_in(folder)
        return with_times(replace(spec, name=folder.name), given)

    with stop:
        return await check_all(
            folders, scenarios, options=options_of(given), stop=stop.event, told=_tell, find=find
        )


def _tell(row: Row) -> None:
    found = row.problem or f"{row.grade} in {row.duration_s:.0f} s"
    click.echo(shown(f"{row.name}: {found}"), err=True)


def _is_bad(row: Row, fail_under: float | None) -> bool:
    if row.problem or row.score is None:
        return True
    return bool(row.defects) if fail_under is None else row.score < fail_under


def _table_format(given: Given) -> str:
    form = given["form"] or _BY_ENDING.get(Path(given["output"]).suffix.lower(), "terminal")
    if form not in TABLES:
        raise InvalidSpec(f"--class has no --format {form}; there are {', '.join(TABLES)}")
    return str(form)
