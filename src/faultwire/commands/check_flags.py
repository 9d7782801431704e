"""What the flags of `faultwire check` mean: the target, and how it is checked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from faultwire.check.checking import DEFAULT_WITHIN_S, Options
from faultwire.check.reading import read_spec
from faultwire.check.running import running
from faultwire.check.spec import Spec, Start
from faultwire.check.target.launch import InvalidSpec
from faultwire.check.target.presets import A_PORT, lab
from faultwire.settings.text import duration_s

Given = Mapping[str, Any]
"""The flags as click gives them."""


def options_of(given: Given) -> Options:
    return Options(repeat=given["repeat"], within_s=_seconds(given, "within") or DEFAULT_WITHIN_S)


async def target_of(given: Given) -> Spec:
    by_flags = [name for name in ("b_cmd", "a_cmd", "b_url", "a_url") if given[name]]
    ways = [bool(by_flags), given["running"], bool(given["spec"])]
    if sum(ways) > 1:
        raise InvalidSpec("commands or URLs, --running and --spec exclude each other")
    if given["running"]:
        spec = await running()
    elif given["spec"]:
        spec = read_spec(Path(given["spec"]))
    else:
        spec = lab_of(given)
    return with_times(spec, given)


def lab_of(given: Given) -> Spec:
    """The pair that the flags describe. Raises `InvalidSpec`."""
    for service in ("b", "a"):
        if given[f"{service}_cmd"] and given[f"{service}_url"]:
            raise InvalidSpec(f"--{service}-cmd and --{service}-url exclude each other")
    return lab(
        b_command=given["b_cmd"],
        a_command=given["a_cmd"],
        b_url=given["b_url"],
        a_url=given["a_url"],
        cwd=given["cwd"],
        env=_env(given["env"]),
        upstream_port=given["upstream_port"] or A_PORT,
    )


def with_times(spec: Spec, given: Given) -> Spec:
    """The target with the times that the flags say. Raises `InvalidSpec`."""
    if budget_s := _seconds(given, "budget"):
        spec = replace(spec, budget_s=budget_s)
    if ready_s := _seconds(given, "ready_within"):

        def patient(start: Start) -> Start:
            return replace(start, ready_within_s=ready_s)

        spec = replace(spec, b=patient(spec.b), a=patient(spec.a) if spec.a else None)
    return spec


def _env(pairs: Sequence[str]) -> dict[str, str]:
    env = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InvalidSpec(f"--env {pair!r}: expected NAME=VALUE")
        env[name] = value
    return env


def _seconds(given: Given, name: str) -> float:
    if given[name] is None:
        return 0.0
    try:
        return duration_s(given[name])
    except ValueError as error:
        flag = name.replace("_", "-")
        raise InvalidSpec(f"--{flag} {given[name]!r}: expected {error}") from error
