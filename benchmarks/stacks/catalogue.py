"""Which pairs there are and how each is started."""

import importlib.util
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
OURS, REFERENCE, NAIVE = "faultwire", "nginx", "naive"
Command = list[str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where one pair runs: a folder for its files and logs, and two free ports."""

    directory: Path
    port_a: int
    port_b: int

    @property
    def url_a(self) -> str:
        """The address at which B finds A."""
        return f"http://127.0.0.1:{self.port_a}"

    @property
    def log_a(self) -> Path:
        """The file that gets A's log lines."""
        return self.directory / "service-a.log"

    @property
    def log_b(self) -> Path:
        """The file that gets B's log lines."""
        return self.directory / "service-b.log"


@dataclass(frozen=True, slots=True)
class Stack:
    """One pair. `commands` gives A's and B's command; `missing` says what is not installed."""

    name: str
    title: str
    commands: Callable[[Place], tuple[Command, Command]]
    missing: Callable[[], str | None]


def faultwire_binary() -> Path:
    """Return where this environment has our command."""
    return Path(sys.executable).with_name("faultwire")


def _faultwire(place: Place) -> tuple[Command, Command]:
    binary = str(faultwire_binary())
    return (
        [binary, "service-a", "--port", str(place.port_a)],
        [binary, "service-b", "--port", str(place.port_b), "--upstream", place.url_a],
    )


def faultwire_missing() -> str | None:
    """Return what to say if it is not there."""
    return None if faultwire_binary().exists() else "faultwire is not installed (make install)"


def nginx_binary() -> str | None:
    """Return where nginx is; Debian keeps it where not every PATH looks."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def _nginx(place: Place) -> tuple[Command, Command]:
    configs = HERE / "nginx"
    return (
        nginx_command(configs / "service_a.conf", place.directory, port=place.port_a),
        nginx_command(
            configs / "service_b.conf", place.directory, port=place.port_b, port_a=place.port_a
        ),
    )


def nginx_command(template: Path, directory: Path, **ports: int) -> Command:
    """Return the command that runs nginx by a configuration, filled in."""
    config = fill_in(template, directory, **ports)
    return [nginx_binary() or "nginx", "-p", str(directory), "-c", str(config), "-e", "stderr"]


def fill_in(template: Path, directory: Path, **ports: int) -> Path:
    """Put the folder and the ports into a configuration; it stands in the folder then."""
    text = template.read_text().replace("@directory@", str(directory))
    for key, port in ports.items():
        text = text.replace(f"@{key}@", str(port))
    config = directory / template.name
    config.write_text(text)
    return config


def nginx_missing() -> str | None:
    """Return what to say if nginx is not there."""
    return None if nginx_binary() else "nginx is not installed (apt install nginx)"


def _python_stack(name: str, title: str, *modules: str) -> Stack:
    """Return a pair of two Python scripts in a folder called `name`."""

    def commands(place: Place) -> tuple[Command, Command]:
        run = [sys.executable, str(HERE / name / "service_a.py"), str(place.port_a)]
        script_b = str(HERE / name / "service_b.py")
        return run, [sys.executable, script_b, str(place.port_b), place.url_a]

    def missing() -> str | None:
        lacking = [module for module in modules if importlib.util.find_spec(module) is None]
        return f"not installed: {', '.join(lacking)} (make bench)" if lacking else None

    return Stack(name, title, commands, missing)


STACKS: dict[str, Stack] = {
    stack.name: stack
    for stack in (
        Stack(OURS, "Faultwire", _faultwire, faultwire_missing),
        Stack(REFERENCE, "nginx to nginx", _nginx, nginx_missing),
        _python_stack("aiohttp_pair", "aiohttp, uvloop", "aiohttp", "uvloop"),
        _python_stack("fastapi_httpx", "FastAPI + httpx", "fastapi", "uvicorn", "httpx"),
        _python_stack(NAIVE, "Flask + requests", "flask", "requests"),
    )
}
