"""From a `Start` to what can be run: words, variables, folder and port, all filled in."""

import os
import re
import shlex
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from faultwire.check.spec import Start
from faultwire.check.target.placeholders import filled, names_in

_SHELL = re.compile(r"[|&;<>()$`*?~\n]|^\s*\w+=")
"""What only a shell understands: operators, expansion, a variable in front."""

_QUOTED = re.compile(r"'[^']*'|\"[^\"$`\\]*\"")
"""What stands in quotes is one word to us and to a shell alike."""

_OWN_VARIABLES = ("FAULTWIRE_", "SERVICE_A_URL")
_LOOPBACK = "127.0.0.1,localhost,::1"


class Launch(NamedTuple):
    """A service ready to be started. `port` is where it will listen, 0 if nobody knows.

    `health` is its health route, empty where it has none.
    """

    command: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    port: int
    ready: str
    within_s: float
    stop_signal: signal.Signals = signal.SIGTERM
    health: str = ""


class InvalidSpec(Exception):
    """The description of a target cannot be used. One sentence that says why."""


def placeholders(start: Start) -> frozenset[str]:
    """Which placeholders a service uses, in its command, variables and files."""
    files = (_read(start, name) for name in start.files)
    return names_in(start.command, *start.env.values(), *files)


def launch(start: Start, port: int, upstream: tuple[str, int] | None, folder: Path) -> Launch:
    """Fill in everything; files are written into `folder`. Raises `InvalidSpec`."""
    values = {"port": str(port), "dir": str(folder)}
    if upstream is not None:
        host, number = upstream
        values |= {
            "upstream": f"http://{host}:{number}",
            "upstream_host": host,
            "upstream_port": str(number),
        }
    for name in start.files:
        (folder / Path(name).name).write_text(filled(_read(start, name), values), "utf-8")
    env = environment(os.environ, {k: filled(v, values) for k, v in start.env.items()})
    words = _words(filled(start.command, values))
    return Launch(
        command=words,
        cwd=_folder(start),
        env=env,
        port=port,
        ready=start.ready,
        within_s=start.ready_within_s,
        stop_signal=stop_signal(start),
        health=start.health,
    )


def stop_signal(start: Start) -> signal.Signals:
    """The signal that asks a service to end: "SIGQUIT" and "QUIT" are the same.

    Raises `InvalidSpec` for one that this system does not have.
    """
    name = start.stop_signal.upper()
    name = name if name.startswith("SIG") else f"SIG{name}"
    try:
        return signal.Signals[name]
    except KeyError:
        raise InvalidSpec(
            f"stop_signal: this system has no signal {start.stop_signal!r}; "
            'expected one such as "SIGTERM", "SIGQUIT" or "SIGUSR1"'
        ) from None


def environment(own: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """This process's variables but for settings of ours, and `more`.

    Python writes its lines at once, and nobody asks a proxy for a service on this machine.
    """
    kept = {k: v for k, v in own.items() if not k.startswith(_OWN_VARIABLES)}
    kept.setdefault("PYTHONUNBUFFERED", "1")
    for name in ("no_proxy", "NO_PROXY"):
        kept[name] = ",".join(filter(None, (kept.get(name), _LOOPBACK)))
    return {**kept, **more}


def _words(command: str) -> list[str]:
    """A command line as words; by a shell where only that can read it."""
    needs_shell = _SHELL.search(_QUOTED.sub("''", command)) is not None
    if os.name == "nt":
        return ["cmd", "/c", command] if needs_shell else shlex.split(command, posix=False)
    if needs_shell:
        return ["/bin/sh", "-c", command]
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InvalidSpec(f"the command {command!r} cannot be read: {error}") from error
    if not words:
        raise InvalidSpec("a command is empty")
    if words[0] == "python" and shutil.which("python") is None:
        words[0] = sys.executable  # Debian has only python3
    return words


def _folder(start: Start) -> str:
    if not start.cwd:
        return ""
    try:
        folder = Path(start.cwd).expanduser()
        if not folder.is_dir():
            raise InvalidSpec(f"the folder {start.cwd} does not exist")
    except (OSError, RuntimeError) as error:  # not to be looked into, or ~ of nobody
        raise InvalidSpec(f"the folder {start.cwd} cannot be used: {error}") from error
    return str(folder)


def _read(start: Start, name: str) -> str:
    try:
        return Path(start.cwd, name).expanduser().read_text("utf-8")
    except (OSError, RuntimeError, UnicodeDecodeError) as error:
        raise InvalidSpec(f"the file {name} cannot be read: {error}") from error
