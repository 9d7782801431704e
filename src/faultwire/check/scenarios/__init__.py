"""The catalogue of scenarios, and choosing from it."""

from collections.abc import Collection
from difflib import get_close_matches
from fnmatch import fnmatchcase

from faultwire.check.model import Group
from faultwire.check.scenario import Scenario
from faultwire.check.scenarios import (
    contract,
    deadline,
    failure,
    integrity,
    isolation,
    load,
    observability,
    recovery,
    retry,
    safety,
)

CATALOGUE: tuple[Scenario, ...] = (
    *contract.SCENARIOS,
    *integrity.SCENARIOS,
    *failure.SCENARIOS,
    *deadline.SCENARIOS,
    *isolation.SCENARIOS,
    *recovery.SCENARIOS,
    *retry.SCENARIOS,
    *load.SCENARIOS,
    *observability.SCENARIOS,
    *safety.SCENARIOS,
)
"""Every scenario, group by group in the order of reports."""


class UnknownScenario(Exception):
    """A pattern or a group fits nothing. One sentence that says what there is."""


def select(
    only: Collection[str] = (), skip: Collection[str] = (), groups: Collection[str] = ()
) -> list[Scenario]:
    """The scenarios that fit, in the order of the catalogue.

    `only` and `skip` are ids or patterns of ids such as "deadline.*"; `groups` are names of
    groups. Without `only` and `groups` all are meant; with both, what fits both. Raises
    `UnknownScenario` where one of them fits nothing at all.
    """
    for pattern in (*only, *skip):
        _must_fit(pattern)
    for name in groups:
        _must_be_group(name)
    return [
        scenario
        for scenario in CATALOGUE
        if (not only or _fits(scenario, only))
        and (not groups or scenario.group in groups)
        and not _fits(scenario, skip)
    ]


def _fits(scenario: Scenario, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(scenario.id, pattern) for pattern in patterns)


def _must_fit(pattern: str) -> None:
    if not any(_fits(scenario, (pattern,)) for scenario in CATALOGUE):
        ids = [scenario.id for scenario in CATALOGUE]
        short = {name.partition(".")[2]: name for name in reversed(ids)}
        near = get_close_matches(pattern, ids, n=1, cutoff=0.5)
        meant = short.get(pattern) or next(iter(near), "")
        hint = f"; did you mean {meant}?" if meant else "; --list shows all"
        raise UnknownScenario(f"there is no scenario {pattern!r}{hint}")


def _must_be_group(name: str) -> None:
    names = [group.value for group in Group]
    if name not in names:
        near = get_close_matches(name, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names)}"
        raise UnknownScenario(f"there is no group {name!r}{hint}")
