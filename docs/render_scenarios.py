"""Writes `scenarios.md` from the catalogue of scenarios.

    python docs/render_scenarios.py

A test compares the file with `document()`, so that it cannot grow stale.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from string import Template

from faultwire.check.model import Group
from faultwire.check.scenario import Need, Scenario
from faultwire.check.scenarios import CATALOGUE

PATH = Path(__file__).with_name("scenarios.md")

GROUPS = {
    Group.CONTRACT: "The routes and answers that everything else builds on.",
    Group.INTEGRITY: "What is asked is what arrives, and what comes back is the answer to it.",
    Group.FAILURE: "Every way in which an upstream fails, each told as a failure.",
    Group.DEADLINE: "The answer comes in time, whatever the upstream does meanwhile.",
    Group.ISOLATION: "What fails stays where it is, and nothing of it is left behind.",
    Group.RECOVERY: "What was broken and is whole again is used again, at once.",
    Group.RETRY: "Another attempt helps one request; too many bring down an upstream.",
    Group.LOAD: "Many at once, and a good end.",
    Group.OBSERVABILITY: "What happened can be told afterwards.",
    Group.SAFETY: "Nothing from outside leaks, leads astray or fills the memory.",
}

NEEDS = {
    Need.WIRE: "the wire between the target and its upstream",
    Need.TRACE: "a token that the target passes on to its upstream (`traces` in a spec)",
    Need.UPSTREAM: "an upstream that the check can stop and start",
    Need.PROCESS: "a target that the check has started",
    Need.LOG: "the target's log",
    Need.LAB: "the preset `lab`",
    Need.LAB_A: "an A of the target's own",
    Need.HEALTH: "a health route",
}


def document() -> str:
    """The whole page."""
    advice = sum(scenario.advice for scenario in CATALOGUE)
    parts = [Template(INTRODUCTION).substitute(count=len(CATALOGUE), advice=advice), glance()]
    for group, scenarios in groupby(CATALOGUE, key=lambda scenario: scenario.group):
        parts += [f"## {group.value}\n\n{GROUPS[group]}"]
        parts += [section(scenario) for scenario in scenarios]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def glance() -> str:
    """Every scenario in one line."""
    rows = [(link(scenario), scenario.title, weight(scenario)) for scenario in CATALOGUE]
    return "\n".join(lines(("scenario", "what holds", "weight"), rows))


def link(scenario: Scenario) -> str:
    """To its section, by the anchor that GitHub makes of a heading."""
    return f"[`{scenario.id}`](#{scenario.id.replace('.', '')})"


def weight(scenario: Scenario) -> str:
    """How much it counts."""
    return f"{scenario.weight}, advice" if scenario.advice else str(scenario.weight)


def section(scenario: Scenario) -> str:
    """One scenario: what is done, what is expected and why, and what to do about it."""
    needs = [NEEDS[need] for need in Need if need in scenario.needs]
    facts = [
        ("does", scenario.does),
        ("expects", scenario.expects),
        ("why", scenario.why),
        ("mend", scenario.mend),
        ("source", scenario.source),
        ("needs", "; ".join(needs) or "nothing"),
    ]
    told = "\n".join(f"- **{name}**: {text}" for name, text in facts)
    return f"### {scenario.id}\n\n{scenario.title}.\n\n{told}"


def lines(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """The lines of a Markdown table."""
    for line in (head, ("---",) * len(head), *rows):
        yield "| " + " | ".join(line) + " |"


INTRODUCTION = """
<!-- Written by docs/render_scenarios.py from the catalogue. Do not edit. -->

# Scenarios

What `faultwire check` plays against a service that calls another: $count scenarios in ten
groups. Each is one experiment with an expectation. Those marked as advice ($advice of them) warn
and never fail.

    faultwire check --list
    faultwire check --only 'deadline.*' --skip deadline.blackhole
    faultwire check --group failure

"The budget" is by when the target has to answer, and what the machine may add to it, which is
measured first. "An acceptable failure" is a status of 500, 502, 503 or 504 with an object in
JSON, unless the target's spec says otherwise. What a scenario needs and the target does not have
makes it skipped, with the reason.
"""

if __name__ == "__main__":
    PATH.write_text(document(), "utf-8")
