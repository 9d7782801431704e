"""How a submission is started: what its `faultwire.toml` says, or the usual names."""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from faultwire.check.reading import read_spec
from faultwire.check.spec import Spec
from faultwire.check.target.launch import InvalidSpec
from faultwire.check.target.presets import LAB, lab

OWN_FILE = "faultwire.toml"
FOLDERS = ("service_{}", "service-{}", "service{}", "{}", "app_{}", "app-{}", "server_{}")
FILES = ("app", "main", "server", "service", "index", "service_{}", "{}")
"""In a folder of `FOLDERS` one of `FILES`, or in the submission itself a file named as a folder
of `FOLDERS`; {} is a or b, in small or capital letters."""

RUN_BY = {".py": "python", ".js": "node", ".mjs": "node", ".rb": "ruby", ".go": "go run"}
_DEEPEST = 2


def find_in(folder: Path) -> Spec:
    """The submission in a folder as a target. Raises `InvalidSpec` where none is found."""
    if not folder.is_dir():
        raise InvalidSpec(f"{folder} is no folder")
    for root in _roots(folder):
        if (root / OWN_FILE).is_file():
            return replace(_read(root / OWN_FILE), name=folder.name)
        b = _command(root, "b")
        if b:
            return lab(b_command=b, a_command=_command(root, "a"), cwd=str(root), name=folder.name)
    names = "service_b/app.py, service-b/main.py, app_b.py, b.py"
    raise InvalidSpec(f"no Service B was found: neither {OWN_FILE} nor one of {names} and the like")


def _read(path: Path) -> Spec:
    """Its own description; what it leaves out is that of the lab."""
    return read_spec(path, below=LAB)


def _roots(folder: Path) -> Iterator[Path]:
    """The folder and, where it holds nothing but one other, that one: archives are like this."""
    for _ in range(_DEEPEST + 1):
        yield folder
        inner = [each for each in folder.iterdir() if not each.name.startswith((".", "__"))]
        if len(inner) != 1 or not inner[0].is_dir():
            return
        folder = inner[0]


def _command(root: Path, letter: str) -> str:
    """The command for a service, run from the submission's folder; empty where none is found."""
    for name in _names(letter):
        for ending, program in RUN_BY.items():
            path = root / f"{name}{ending}"
            if path.is_file():
                words = shlex.split(_own_python(root) if program == "python" else program)
                return shlex.join([*words, str(path.relative_to(root))])
    return ""


def _names(letter: str) -> Iterator[str]:
    for each in (letter, letter.upper()):
        folders = [name.format(each) for name in FOLDERS]
        for folder in folders:
            yield from (f"{folder}/{file.format(each)}" for file in FILES)
        yield from folders


def _own_python(root: Path) -> str:
    """That of the submission's virtual environment, if it brings one."""
    inside = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    for venv in (".venv", "venv"):
        if (root / venv / inside).exists():
            return shlex.quote(f"{venv}/{inside}")
    return "python"
