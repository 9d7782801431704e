"""The locks: what pip needs to find all of it pinned, whatever is released later."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = Path("requirements")


def _pins(lock: str) -> dict[str, set[str]]:
    """The extras that a lock asks for, by package."""
    lines = (LOCKS / lock).read_text().splitlines()
    pins = (Requirement(line.rstrip(" \\")) for line in lines if line and line[0].isalnum())
    return {canonicalize_name(pin.name): pin.extras for pin in pins}


def _needed(name: str, extras: set[str]) -> Iterator[Requirement]:
    """What an installed package needs, with these of its extras."""
    for requirement in map(Requirement, requires(name) or ()):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras}):
            yield requirement


@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt", "otel.txt"])
def test_a_lock_names_the_extras_that_a_dependency_asks_for(lock: str) -> None:
    """Else pip 23 takes `coverage[toml]>=7` for unpinned once there is a newer coverage."""
    pins = _pins(lock)
    asked = 0
    for name, extras in pins.items():
        try:
            needed = list(_needed(name, extras))
        except PackageNotFoundError:  # another system's
            continue
        for requirement in needed:
            asked += len(requirement.extras)
            assert requirement.extras <= pins[canonicalize_name(requirement.name)], requirement
    assert asked or lock == "runtime.txt"
