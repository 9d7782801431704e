"""The command line of the wire's part: `python -m benchmarks.wire`."""

from pathlib import Path

import click

from benchmarks.leaving import leave_in_order
from benchmarks.load import wrk_missing
from benchmarks.machine import this_machine
from benchmarks.stacks.catalogue import nginx_binary, nginx_missing
from benchmarks.wire.hops import HOPS, haproxy_binary
from benchmarks.wire.passing import CONNECTIONS
from benchmarks.wire.report.picture import picture
from benchmarks.wire.report.table import results, targets
from benchmarks.wire.rounds import Rounds
from benchmarks.wire.samples import Session, read_session

RESULTS = Path(__file__).parents[1] / "results"
PACKAGES = ("faultwire", "uvloop", "httptools")
PARTS = ("passing", "bulk", "delays")


def _parts(_: click.Context, __: click.Parameter, text: str | None) -> tuple[str, ...]:
    """Read `passing,bulk`."""
    if text is None:
        return PARTS
    names = tuple(text.split(","))
    for name in names:
        if name not in PARTS:
            raise click.BadParameter(f"{name} is none of {', '.join(PARTS)}")
    return names


@click.command()
@click.option("--quick", is_flag=True, help="One round of 2 s; not kept.")
@click.option("--parts", callback=_parts, help=f"Of {','.join(PARTS)}. Default: all.")
@click.option("--rounds", type=click.IntRange(1, 50), default=3, show_default=True)
@click.option("--seconds", type=click.IntRange(1, 60), default=3, show_default=True)
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
    quick: bool,
    parts: tuple[str, ...],
    rounds: int,
    seconds: int,
    check: bool,
    again: bool,
    directory: Path | None,
) -> None:
    """Measure the wire beside other hops on this machine and report the ratios.

    Needs wrk and nginx, and haproxy for most targets. Takes about four minutes; --quick takes one.
    """
    click.echo(
        bench(
            parts,
            quick=quick,
            rounds=rounds,
            seconds=seconds,
            check=check,
            again=again,
            directory=directory,
        )
    )


def bench(
    parts: tuple[str, ...] = PARTS,
    *,
    quick: bool,
    rounds: int,
    seconds: int,
    check: bool,
    again: bool,
    directory: Path | None,
) -> str:
    """Do what the options say; return what to print. Raises ClickException."""
    if again:
        session = _kept(directory or RESULTS)
    elif quick:
        session = measure(parts, rounds=1, seconds=min(seconds, 2))
    else:
        session = measure(parts, rounds, seconds)
    if directory or (parts == PARTS and not quick):
        keep(session, directory or RESULTS)
    return targets(session) if check else results(session)


def missing() -> str | None:
    """Return what to say if nothing can be measured."""
    return wrk_missing() or nginx_missing()


def measure(parts: tuple[str, ...], rounds: int, seconds: int) -> Session:
    """Take all samples. Raises ClickException if a tool is missing or nothing came of it."""
    if lack := missing():
        raise click.ClickException(lack)
    leave_in_order()
    taking = Rounds(_installed(), rounds, seconds, _tell)
    passing = taking.passing() if "passing" in parts else []
    bulk = taking.bulk() if "bulk" in parts else []
    delays = taking.delays() if "delays" in parts else []
    if not (passing or bulk or delays):
        raise click.ClickException("no run came to its end")
    programs = {"wrk": "wrk", "nginx": nginx_binary(), "haproxy": haproxy_binary()}
    return Session(
        this_machine(programs, PACKAGES),
        rounds,
        seconds,
        CONNECTIONS,
        tuple(passing),
        tuple(bulk),
        tuple(delays),
        tuple(taking.failures),
    )


def keep(session: Session, directory: Path) -> None:
    """Write wire.json, wire.md and wire.svg."""
    directory.mkdir(parents=True, exist_ok=True)
    session.write(directory / "wire.json")
    (directory / "wire.md").write_text(results(session))
    (directory / "wire.svg").write_text(picture(session))


def _kept(directory: Path) -> Session:
    path = directory / "wire.json"
    if not path.exists():
        raise click.ClickException("nothing has been kept yet of the wire")
    return read_session(path)


def _installed() -> tuple[str, ...]:
    """Return the hops that can run, and say why the others are left out."""
    found = []
    for name, hop in HOPS.items():
        if lack := hop.missing():
            _tell(f"{hop.title} is left out: {lack}")
        else:
            found.append(name)
    return tuple(found)


def _tell(line: str) -> None:
    click.echo(line, err=True)


if __name__ == "__main__":
    main()
