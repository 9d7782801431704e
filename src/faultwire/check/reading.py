"""Reading a `check.toml`: a `Spec` from a file, refused in one sentence where it is not one."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from faultwire.check.spec import Spec, Start
from faultwire.check.target.launch import InvalidSpec, stop_signal
from faultwire.check.target.presets import LAB
from faultwire.wire.faults.base import InvalidFault
from faultwire.wire.plan.match import read_trait

_PRESETS = ("", "lab")


def read_spec(path: Path, below: Spec | None = None) -> Spec:
    """The target that a file describes. Its folders are relative to the file's own.

    What it leaves out is that of `below`; with `preset = "lab"`, that of the lab. Raises
    `InvalidSpec`, naming the key that is wrong.
    """
    try:
        with path.open("rb") as file:
            data = tomllib.load(file)
    except OSError as error:
        raise InvalidSpec(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSpec(f"{path} is not TOML: {error}") from error
    try:
        return spec_of(data, folder=path.parent, name=path.stem, below=below)
    except InvalidSpec as error:
        raise InvalidSpec(f"{path}: {error}") from error


def spec_of(data: dict[str, Any], *, folder: Path, name: str, below: Spec | None = None) -> Spec:
    """The target that such data describe. Raises `InvalidSpec`."""
    data = {"name": name, **data}
    data.setdefault("b", {})
    if data.get("preset") == LAB.preset:
        below = LAB
    if below is not None:
        data = _over(msgspec.to_builtins(below), data)
    try:
        spec = msgspec.convert(data, Spec)
    except msgspec.ValidationError as error:
        raise InvalidSpec(_sentence(error)) from error
    _check(spec)
    return replace(spec, b=_placed(spec.b, folder), a=_placed(spec.a, folder) if spec.a else None)


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Tables merged key by key, but for those that name what they hold, such as a query."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        joined = isinstance(old, dict) and isinstance(value, dict) and key not in _WHOLE
        merged[key] = _over(old, value) if joined and old is not None else value
    return merged


_WHOLE = ("query", "headers", "env")


def _sentence(error: msgspec.ValidationError) -> str:
    """Msgspec's words with the key where people look for it: first."""
    text = str(error)
    said, at, path = text.partition(" - at `$.")
    if at:
        return f"{path.rstrip('`')}: {said[:1].lower()}{said[1:]}"
    return f"{said[:1].lower()}{said[1:]}"


def _check(spec: Spec) -> None:
    if spec.preset not in _PRESETS:
        raise InvalidSpec(f'preset: there is only "lab", not {spec.preset!r}')
    if spec.budget_s <= 0:
        raise InvalidSpec("budget_s: expected a number of seconds above 0")
    if spec.traces:
        try:
            read_trait("traces", spec.traces)
        except InvalidFault as error:
            raise InvalidSpec(str(error)) from error
    for key, start in (("b", spec.b), ("a", spec.a)):
        if start is not None and start.ready != "tcp" and not start.ready.startswith("/"):
            raise InvalidSpec(f'{key}.ready: expected "tcp" or a path such as "/health"')
        if start is not None:
            _check_signal(key, start)
    if not spec.ask.path.startswith("/"):
        raise InvalidSpec("ask.path: expected a path that begins with /")


def _check_signal(key: str, start: Start) -> None:
    try:
        stop_signal(start)
    except InvalidSpec as error:
        raise InvalidSpec(f"{key}.{error}") from error


def _placed(start: Start, folder: Path) -> Start:
    """With its folder as seen from here; a service without one starts beside its file."""
    if not start.command:
        return start
    return replace(start, cwd=str(folder / start.cwd))
