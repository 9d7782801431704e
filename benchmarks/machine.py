"""The machine in a few words and the versions measured: no host name, no path."""

import importlib.metadata
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PACKAGES = (
    "faultwire",
    "uvloop",
    "httptools",
    "aiohttp",
    "fastapi",
    "uvicorn",
    "httpx",
    "flask",
    "requests",
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the figures were measured on."""

    description: str
    versions: dict[str, str]


def this_machine(programs: Mapping[str, str | None], packages: Sequence[str] = PACKAGES) -> Machine:
    """Describe this machine, and whatever it has of `programs` (a path each) and `packages`."""
    cores = len(os.sched_getaffinity(0))
    description = f"{cores} cores, {platform.system()}, Python {platform.python_version()}"
    versions = {name: _said_by(path, "-v") for name, path in programs.items() if path}
    versions.update((name, version) for name in packages if (version := _installed(name)))
    return Machine(description, versions)


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _said_by(*command: str) -> str:
    """Return the first version number that a command prints (wrk -v exits with 1)."""
    said = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    found = re.search(r"\d+(\.\d+)+", said.stdout + said.stderr)
    return found.group() if found else "unknown"
