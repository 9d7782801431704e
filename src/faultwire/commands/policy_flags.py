"""Each setting of each policy as a flag: `--retry-attempts 5` is `--policy 'retry(attempts=5)'`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from faultwire.commands.base import Command

if TYPE_CHECKING:
    from faultwire.policy.knob import Knob

_POLICY = "--policy"
POLICY_FLAGS = """\b
Each policy, and each of its settings, is a flag, too:
  --breaker --retry-attempts 5
is --policy 'breaker+retry(attempts=5)'. docs/resilience.md lists them. Among
variables there is that of --policy alone."""


class PolicyCommand(Command):
    """A command with `--policy`, whose parts have flags of their own: `--retry` and so on.

    They are not listed by `--help`: there are forty, and docs/resilience.md explains them.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put what these flags say into `--policy`. Raises `click.UsageError`."""
        known = {flag for parameter in self.get_params(ctx) for flag in parameter.opts}
        if any(word.startswith("--") and word.partition("=")[0] not in known for word in args):
            args = _with_policy(args, ctx)
        return super().parse_args(ctx, args)


def _with_policy(words: list[str], ctx: click.Context) -> list[str]:
    """The same command line, with one `--policy` in the place of all that is said of policies."""
    from faultwire.policy.sets import KNOBS, ONION

    switches = {"--" + name.replace("_", "-"): name for name in ONION}
    knobs = {knob.flag: knob for each in KNOBS.values() for knob in each}
    others: list[str] = []
    chosen: list[str] = []
    parts: list[str] = []
    following = iter(words)
    for word in following:
        flag, _, value = word.partition("=")
        if word == "--":
            others += [word, *following]
        elif word in switches:
            parts.append(switches[word])
        elif flag in knobs or flag == _POLICY:
            value = value if flag != word else _next(flag, following, ctx)
            if flag == _POLICY:
                chosen = [value]
            else:
                parts.append(_part(knobs[flag], value, ctx))
        else:
            others.append(word)
    return [_POLICY, "+".join([*chosen, *parts]), *others] if parts else words


def _next(flag: str, following: Iterator[str], ctx: click.Context) -> str:
    value = next(following, None)
    if value is None:
        raise click.BadOptionUsage(flag, f"Option '{flag}' requires an argument.", ctx)
    return value


def _part(knob: "Knob", value: str, ctx: click.Context) -> str:
    try:
        knob.read(value)
    except ValueError as error:
        said = f"{value!r} is not {error}."
        raise click.BadParameter(said, ctx, param_hint=f"'{knob.flag}'") from error
    return f"{knob.policy}({knob.name}={value})"
