"""The command line: `python -m benchmarks`."""

from pathlib import Path

import click

from benchmarks.leaving import leave_in_order
from benchmarks.load import wrk_missing
from benchmarks.machine import this_machine
from benchmarks.report.picture import picture
from benchmarks.report.table import results, targets
from benchmarks.rounds import order, take_cold_starts, take_samples
from benchmarks.samples import Session, read_session
from benchmarks.stacks.catalogue import OURS, REFERENCE, STACKS, nginx_binary
from benchmarks.wire import run as wire

RESULTS = Path(__file__).with_name("results")
CONNECTIONS = (1, 16, 64, 256)
QUICK_CONNECTIONS = (64,)
QUICK_STACKS = (OURS, REFERENCE)


def _numbers(_: click.Context, __: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    """Read `1,16,64`."""
    if text is None:
        return None
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise click.BadParameter("whole numbers with commas between them") from error
    if not all(1 <= number <= 1000 for number in numbers):
        raise click.BadParameter("each from 1 to 1000")
    return numbers


def _names(_: click.Context, __: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    """Read `faultwire,nginx`: known, and installed."""
    if text is None:
        return None
    names = tuple(text.split(","))
    for name in names:
        if name not in STACKS:
            raise click.BadParameter(f"{name} is none of {', '.join(STACKS)}")
        if lack := STACKS[name].missing():
            raise click.BadParameter(f"{name}: {lack}")
    return names


@click.command()
@click.option("--only", type=click.Choice(["pair", "wire"]), help="Default: both.")
@click.option("--quick", is_flag=True, help="Little, and briefly; not kept.")
@click.option("--stacks", callback=_names, help=f"Of {','.join(STACKS)}; the pair alone.")
@click.option("--connections", callback=_numbers, help="Such as 1,16; the pair alone.")
@click.option("--rounds", type=click.IntRange(1, 50), default=3, show_default=True)
@click.option("--seconds", type=click.IntRange(1, 60), default=3, show_default=True)
@click.option("--starts", type=click.IntRange(0, 50), default=7, show_default=True)
@click.option("--check", is_flag=True, help="Print the targets: held or missed. Exits 0 always.")
@click.option("--again", is_flag=True, help="Measure nothing: report what was kept.")
@click.option(
    "--results",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the results here. Default: benchmarks/results, if everything is measured.",
)
def main(
    *,
    only: str | None,
    quick: bool,
    stacks: tuple[str, ...] | None,
    connections: tuple[int, ...] | None,
    rounds: int,
    seconds: int,
    starts: int,
    check: bool,
    again: bool,
    directory: Path | None,
) -> None:
    """Measure the pairs, then the wire, in turns on this machine and report their ratios.

    Needs wrk, and takes about a quarter of an hour; --quick takes two minutes. Without --stacks
    and --connections it measures all pairs at 1, 16, 64 and 256 connections.
    """
    part = stacks or connections
    if part and only == "wire":
        raise click.UsageError("--stacks and --connections are the pair's")
    if only != "wire":
        if again:
            session = _kept(directory or RESULTS)
        else:
            chosen = stacks or _installed(QUICK_STACKS if quick else tuple(STACKS))
            counts = connections or (QUICK_CONNECTIONS if quick else CONNECTIONS)
            session = measure(chosen, counts, rounds, seconds, starts)
        if directory or not (quick or part):
            keep(session, directory or RESULTS)
        click.echo(targets(session) if check else results(session))
    if only == "wire" or not (only or part or _wire_left_out(again=again)):
        click.echo(
            wire.bench(
                quick=quick,
                rounds=rounds,
                seconds=seconds,
                check=check,
                again=again,
                directory=directory,
            )
        )


def _wire_left_out(*, again: bool) -> bool:
    """Whether the wire cannot be measured; if so, say why."""
    if not again and (lack := wire.missing()):
        _tell(f"the wire is left out: {lack}")
        return True
    return False


def measure(
    stacks: tuple[str, ...], connections: tuple[int, ...], rounds: int, seconds: int, starts: int
) -> Session:
    """Take all samples. Raises ClickException if wrk is missing or nothing came of it."""
    if lack := wrk_missing():
        raise click.ClickException(lack)
    leave_in_order()
    turns = order(stacks, rounds)
    samples, failures = take_samples(turns, connections, seconds, _tell)
    cold_starts = take_cold_starts(stacks, starts, _tell)
    if not samples:
        raise click.ClickException("no run came to its end")
    machine = this_machine({"wrk": "wrk", "nginx": nginx_binary()})
    return Session(machine, rounds, seconds, tuple(samples), tuple(cold_starts), tuple(failures))


def keep(session: Session, directory: Path) -> None:
    """Write results.json, results.md and results.svg."""
    directory.mkdir(parents=True, exist_ok=True)
    session.write(directory / "results.json")
    (directory / "results.md").write_text(results(session))
    (directory / "results.svg").write_text(picture(session))


def _kept(directory: Path) -> Session:
    path = directory / "results.json"
    if not path.exists():
        raise click.ClickException("nothing has been kept yet")
    return read_session(path)


def _installed(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the stacks that can run, and say why the others are left out."""
    found = []
    for name in names:
        if lack := STACKS[name].missing():
            _tell(f"{name} is left out: {lack}")
        else:
            found.append(name)
    return tuple(found)


def _tell(line: str) -> None:
    click.echo(line, err=True)


if __name__ == "__main__":
    main()
