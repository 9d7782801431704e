"""The check's scenarios as tests: played once, all together, and then one test tells of each."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from faultwire.check.checking import DEFAULT_WITHIN_S, InvalidSpec, NotStarted, check
from faultwire.check.model import Result, Verdict
from faultwire.check.reading import read_spec
from faultwire.check.report.words import evidence_lines
from faultwire.check.scenarios import select
from faultwire.check.spec import Start
from faultwire.testing.background import Background

_TO_STOP_S = 30.0


class Selection(NamedTuple):
    """Which scenarios are played against the target that a `check.toml` describes."""

    spec: Path
    groups: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    @property
    def ids(self) -> Sequence[str]:
        """The scenarios, by id. Raises `UnknownScenario`."""
        return [each.id for each in select(self.only, self.skip, self.groups)]


class PlayedScenario(NamedTuple):
    """A scenario that was played. `result` has its verdict and its evidence."""

    result: Result

    @property
    def skipped(self) -> str:
        """Why it was not played; empty if it was."""
        return self.result.said if self.result.verdict is Verdict.SKIP else ""

    def must_hold(self) -> None:
        """Raise `AssertionError`, with all that is known, if it failed. Advice never does."""
        result = self.result
        if result.verdict in (Verdict.FAIL, Verdict.FLAKY):
            lines = (
                f"{result.id} {result.verdict}: {result.said}",
                f"expected: {result.expects}",
                f"to mend it: {result.mend}",
                *evidence_lines(result),
            )
            raise AssertionError("\n".join(lines))


class CannotPlay(Exception):
    """The target cannot be examined. The message says why, with its last lines of output."""


def play(background: Background, selection: Selection) -> dict[str, PlayedScenario]:
    """Play them; by id. Raises `CannotPlay`."""
    scenarios = select(selection.only, selection.skip, selection.groups)
    try:
        spec = read_spec(selection.spec)
        checking = check(replace(spec, b=_with_our_python(spec.b)), scenarios)
        report = background.run(checking, DEFAULT_WITHIN_S + _TO_STOP_S)
    except InvalidSpec as error:
        raise CannotPlay(str(error)) from error
    except NotStarted as error:
        raise CannotPlay("\n".join([str(error), *error.lines])) from error
    return {result.id: PlayedScenario(result) for result in report.scenarios}


def _with_our_python(start: Start) -> Start:
    """`python` in a command is the one that runs the tests, whatever the shell's is."""
    ours = str(Path(sys.executable).parent)
    path = start.env.get("PATH", os.environ.get("PATH", os.defpath))
    return replace(start, env={**start.env, "PATH": f"{ours}{os.pathsep}{path}"})
