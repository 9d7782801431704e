"""The preset `lab`: the pair of A and B, ours or somebody's."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping

from msgspec.structs import replace

from faultwire.check.spec import Ask, Good, Spec, Start

A_PORT, B_PORT = 8080, 8081
FAULTWIRE = (sys.executable, "-P", "-m", "faultwire")


def own_command(*words: str) -> str:
    """A command line that runs `faultwire` with these words, wherever this Python lies."""
    all_words = [*FAULTWIRE, *words]
    return subprocess.list2cmdline(all_words) if os.name == "nt" else shlex.join(all_words)


_QUICKLY = ("--drain-grace", "100ms")  # nobody has to be told before it stops to accept

OWN_A = Start(
    command=own_command("service-a", "--port", "{port}", *_QUICKLY),
    ready="/readyz",
    health="/health",
)
OWN_B = Start(
    command=own_command("service-b", "--port", "{port}", "--upstream", "{upstream}", *_QUICKLY),
    ready="/readyz",
    health="/health",
)

LAB = Spec(
    name="lab",
    b=Start(port=B_PORT, health="/health"),
    ask=Ask(path="/call-echo", query={"msg": "{token}"}),
    good=Good(contains="{token}"),
    upstream_port=A_PORT,
    traces="query:msg",
    preset="lab",
)
"""A pair in the lab: nothing is started yet."""

OWN_PAIR = replace(LAB, name="faultwire", b=OWN_B, a=OWN_A)
"""Our own pair, on free ports."""


def lab(
    *,
    b_command: str = "",
    a_command: str = "",
    b_url: str = "",
    a_url: str = "",
    cwd: str = "",
    env: Mapping[str, str] | None = None,
    upstream_port: int = A_PORT,
    name: str = "",
) -> Spec:
    """The preset with somebody's services; without any of them, our own pair."""
    if not (b_command or a_command or b_url or a_url):
        return OWN_PAIR
    shared = Start(cwd=cwd, env=env or {}, health="/health")
    a = replace(shared, command=a_command, url=a_url, port=A_PORT)
    return replace(
        LAB,
        name=name or b_command or b_url or a_command or a_url,
        b=replace(shared, command=b_command, url=b_url, port=B_PORT),
        a=a if a_command or a_url else None,
        upstream_port=upstream_port,
    )
