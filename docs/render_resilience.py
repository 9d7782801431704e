"""Writes `resilience.md` from the policies in `faultwire.policy` and the lessons.

    python docs/render_resilience.py

A test compares the file with `document()`, so that it cannot grow stale.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from textwrap import fill as filled
from typing import NamedTuple, TypeVar

from faultwire.failures import FailureKind
from faultwire.policy import breaker, states
from faultwire.policy.retry import REFUSALS
from faultwire.policy.sets import KNOBS, NAMED, ONION
from faultwire.policy.verdict import BLAME, Blame
from faultwire.simulate.lessons import LESSONS

S = TypeVar("S", bound=StrEnum)
G = TypeVar("G", bound=StrEnum)

_WIDTH = 100
fill = partial(filled, width=_WIDTH, break_on_hyphens=False)
PATH = Path(__file__).with_name("resilience.md")


class Section(NamedTuple):
    """What a reader wants to know of a policy."""

    what: str
    hurts: str


SECTIONS = {
    "deadline": Section(
        "B's call has one total deadline, always. With this policy B also tells A how many "
        "milliseconds remain, in `X-Deadline-Ms`: of the attempt, for nobody waits longer for its "
        "answer. A then refuses what nobody waits for and stops when the time is over. B itself "
        "reads `X-Deadline-Ms`, Envoy's `x-envoy-expected-rq-timeout-ms` and gRPC's "
        "`grpc-timeout` from its clients; the shortest counts, and it can shorten the usual "
        "deadline, never lengthen it. A value that cannot be read is refused.",
        "When work that is too late for this caller is of use to others: what A would have put "
        "into a cache is not finished.",
    ),
    "shed": Section(
        "A limit on calls in flight that follows A's latency: while latency is what it has been "
        "for long, the limit may grow; where it has risen, it falls in proportion. It is "
        'Gradient2 of Netflix\'s concurrency-limits ("Performance Under Load", 2018), with one '
        "thing added: a window with timeouts multiplies the limit by 0.9. (That A did not answer "
        "somebody in a hurry is no such timeout.) What is above the limit fails at once as "
        "`overloaded`, with `Retry-After`.",
        "When latency varies for reasons that have nothing to do with load (large and small "
        "answers, a cold cache): good calls are refused. With little traffic it learns slowly. "
        "Hence it is not in `production`: watch it first.",
    ),
    "bulkhead": Section(
        "So many calls in flight and no more, so that a slow A cannot take every place that B has. "
        "A bounded queue may stand before it. What finds no place fails at once as "
        "`bulkhead_full`, with `Retry-After`.",
        "When it is smaller than rate times latency of a good day: then it refuses good calls. "
        "A queue before it adds its waiting time to every call in bad times.",
    ),
    "retry": Section(
        "What failed is tried again after a delay: exponential, with full jitter, which is drawn "
        "after the cap. A's `Retry-After` is honoured, and jitter is added to it, for those who "
        "were all told the same instant must not come at the same instant. Only idempotent "
        "requests, and only failures that [failures.md](failures.md) says may be retried. "
        "Each attempt says its number in `X-Envoy-Attempt-Count`. Everything is asked before "
        "anybody sleeps:",
        "When A is overloaded: each retry is more load. Never without a budget. In a chain of "
        "services that all retry, attempts multiply: retry in one place.",
    ),
    "budget": Section(
        "Retries are a share of requests (Finagle's RetryBudget; Envoy's `retry_budget` is alike): "
        "each call pays a fifth of a retry into a window of ten seconds, a floor is given besides, "
        "and each retry takes one out. A failure of one request in ten is retried as before; when "
        "all fail, A gets 1.2 times the load and not three times.",
        "When failures are many and really independent of load, some are not retried that would "
        "have succeeded.",
    ),
    "hedge": Section(
        "When an answer takes longer than 95 % of them do, the request is sent once more, to "
        "another address if there is one, and the first answer is taken (Dean and Barroso, "
        '"The Tail at Scale", 2013). Idempotent requests only, at most one in twenty calls, and '
        "none while the breaker is not closed.",
        "When A is slow because it is busy: hedges are load. Hence the bound on their share.",
    ),
    "breaker": Section(
        "When at least half of the attempts within ten seconds failed, and there were enough of "
        "them to say so, attempts are refused at once as `circuit_open`, with `Retry-After`. After "
        "a rest a few trials may pass; when all succeed, it closes. Every change of state begins a "
        "new generation, and what an attempt of an earlier one reports is ignored. A caller that "
        "left, or whose own deadline was shorter than usual, never opens it; nor does one of "
        "several addresses that fails while another does not.",
        "When A fails in part, for some requests or on some machines behind one address: it "
        "refuses those that would have succeeded. An error rate near its ratio makes it flap.",
    ),
    "balance": Section(
        "With several addresses: of two drawn at random the one with fewer attempts in flight is "
        'called (Mitzenmacher, "The Power of Two Choices", 2001); a retry goes to another '
        "one. An address that fails several times in a row is ejected, each time twice as long, "
        "but never more than half of them: when all fail it is not the addresses, and all of them "
        "are tried. The set may change at any time; what is known of those that stay is kept. "
        "Several addresses are balanced without this policy, too, but none is ejected.",
        "When one address serves one customer: what fails there fails anywhere, and takes other "
        "addresses out of service.",
    ),
    "attempt_timeout": Section(
        "One attempt may take half of the deadline, or a time of its own. Without it an attempt "
        "that hangs takes all the time there is, and nothing is left for a second one.",
        "When good answers take longer than that: each is abandoned, and asked for again.",
    ),
}

INTRODUCTION = """
<!-- Written by docs/render_resilience.py from faultwire.policy. Do not edit. -->

# Resilience

What B may do so that it stays useful while A is not. All of it is off by default: one attempt, one
second. Policies are pure: the time and the chance are arguments, nothing waits, and the very same
code runs in B and in `faultwire simulate`, in virtual time.

A set of policies is written as text: `retry+budget`, `retry(attempts=5,base=50ms)+breaker`,
`production+hedge`. In `service-b` and `up` each policy is a flag, too (`--retry`, `--breaker`), and
so is each of its settings: `--policy production --retry-attempts 5`. A flag adds to what `--policy`
says. Among variables there is the text alone: `FAULTWIRE_B_POLICY='production+retry(attempts=5)'`.
"""

ONION_TEXT = """
## The order

A call meets the policies from the top of this list to its end; those before `retry` once, those
after it at each attempt.
"""

PRODUCTION = (
    "`{text}`: what nearly every service that calls another can bear. `shed` and `hedge` are left "
    "out: they need to be watched before they are trusted."
)

WHY_NOT = """
## Why not a library

Well-kept ones were considered for each of these. What we need of all of them: no clock and no sleep
of their own (a policy must run in virtual time, for a million calls in seconds), decisions that can
be composed under one deadline, and permits that survive cancellation. What the table says was read
in the source of the versions that it names.
"""

LIBRARIES = (
    ("library", "what it is", "why it is not here"),
    ("tenacity 9.2", "retries as decorators", "sleeps between attempts itself; has no budget"),
    (
        "stamina 26.1",
        "tenacity with good defaults",
        "the same; jitter comes before the cap: long delays have none; sleeps past its timeout",
    ),
    ("backoff 2.2", "retries as decorators", "sleeps itself, by the wall clock; has no budget"),
    (
        "pybreaker 1.4, aiobreaker 1.2",
        "circuit breakers",
        "count failures in a row, without a ratio or a least volume; read the wall clock",
    ),
    (
        "purgatory 3.0",
        "circuit breakers, for asyncio as well",
        "a threshold of failures and a time to live; reads the wall clock",
    ),
    (
        "circuitbreaker 2.1",
        "a breaker as a decorator",
        "counts failures in a row; reads a clock of its own",
    ),
    (
        "aiolimiter 1.3, pyrate-limiter 4.5",
        "rate limits",
        "a rate is not a concurrency: neither a bulkhead nor a retry budget",
    ),
    (
        "hyx 0.0.2",
        "several patterns for asyncio",
        "sleeps itself; a breaker by the wall clock, of failures in a row; no common deadline",
    ),
    (
        "Envoy, Finagle, resilience4j, Netflix's concurrency-limits",
        "the models of what is here",
        "another process or another language",
    ),
    ("hdrhistogram", "latency histograms", "taken, by the simulator and `faultwire compare`"),
)

OURS = """
What is ours is therefore small and pure, and tested as such: by tables, by hypothesis state
machines that take and give back permits in any order, and by mutation (`make mutation` changes the
code, one small change at a time, and runs the tests: a change that no test notices is a survivor).
"""

LESSONS_TEXT = """
## Lessons

`faultwire simulate LESSON` plays an overload in virtual time: clients that do not wait for answers
(open loop), B with its policies, and A as a queue with workers. It prints what to expect, what
came of it for each set of policies, and whether what it asserts of them held (exit status 1 if
not). `--policies` compares sets of your own; `--clients 100000` takes well under a minute on two
processors.
"""

MODEL = """
### The model

- Each client sends a request every 200 s on average. All of them together are one Poisson process,
  which is the same as one for each. Latency counts from the moment a request was meant to be sent.
- A has as many workers as its utilisation asks for, about 20 ms of work per request, exponentially
  distributed, and a queue of up to 30 s of work, first come first served. It does not notice when
  a client gives up, unless it was told the deadline. That is how most servers behave.
- Connections and the network take no time. All chance comes from the seed; arrivals, work and
  policies draw from sources of their own, so that every variant sees the same clients.
"""


COMPARE = """
## On the real pair

`faultwire compare` plays one fault and one load to several sets of policies in turn. For each of
them it starts A, the wire and B on free ports; the fault is the wire's, and strikes the same
attempts of each set (`--seed`).

    faultwire compare --policies none,retry,retry+budget,production --plot out.svg

The default is `--fault 'status=503 rate=0.3'` from the second `2s` on, for `4s`, at 200 requests a
second (`--rate`, up to 2,000) for `10s`:

    POLICIES      REQUESTS   GOOD   /S  DURING   /S  P50  P99  P99.9  ATTEMPTS   PEAK  RECOVERED
    none             2,000  87.9%  176   69.8%  140  5.9  9.9     13      1.00  201/s        0 s
    retry            2,000  99.1%  198   97.6%  195  5.8   67     80      1.15  282/s        0 s
    retry+budget     2,000  97.0%  194   92.6%  185  6.4   68    106      1.12  279/s        0 s
    production       2,000  97.0%  194   92.6%  185  6.2   64     82      1.12  277/s        0 s

- **A fault** is `NAME key=value …`: a fault of [faults.md](faults.md), its attributes (`delay=2s`
  for `delay_ms`), and what `faultwire break` has as flags: `rate=`, `first=`, `every=`,
  `sequence=`, `window=`, `ramp=`, `phase=`, `match=path=/echo`, `seed=`. `NAME=VALUE` gives the
  first attribute: `status=503`, `latency=300ms`. `--fault` may be repeated. Times within a fault
  count from its begin. A fault of new connections (`refuse`, `blackhole`, `reset_on_accept` and
  the like) begins with the end of the old ones.
- **The load** is open loop: requests are sent when they are due, whatever became of earlier ones,
  and latency counts from when each was due (no coordinated omission; HdrHistogram). No more than
  2,000 are under way; those that are due beyond that are counted as not answered, and the report
  says so. It says as well when the machine was too busy to send in time.
- **Good** is a 200 with the text of its own request. `DURING` is of what was due while the fault
  acted; the rest is in `GOOD`.
- **`ATTEMPTS`** at A per request, and their `PEAK` in one second, are what the wire saw. What finds
  nobody listening (`refuse`, `blackhole`) never comes so far, and is not counted.
- **`RECOVERED`**: the first second after the fault from which on every second's share of good
  answers was at least 95 % of that before it. `never` is not before the end of the run: a breaker
  rests for 5 s, so give it time (`--for`).
- The last sentence ranks the sets by good answers during the fault. Neighbours that are no further
  apart than chance explains (two standard errors) are said to be alike.

`--format json` has all figures second by second; `--plot` draws goodput as an SVG. Ctrl+C ends it
with what there is. The exit status is 0 when all was measured, 1 when something could not be (a
service does not start, dies, or gives no good answer before there is a fault), 2 for wrong usage,
130 after Ctrl+C.

The tests hold the simulator and the real pair to each other: under 30 % of 503, both give the same
share of good answers without and with `retry`, and the same attempts per request; when everything
fails, both retry as often with and without `budget`. An A that works on four requests at once
(`service-a --work 20ms --at-once 4`) and stands still for a second and a half stays overloaded
when its load is half of what it can do and B retries, and recovers when the retries have a budget;
when it was closed for some seconds, and has said until when, it gets as many requests in its worst
second as the simulator says, with and without wide jitter. On the real pair, too, a breaker gives
back the time that a hanging A takes, and A, when the hop before it does not say that a caller has
gone, works to the end for nobody unless it is told the deadline. (The wire does say so: behind it
A learns either way.)
"""


SURVIVORS = """
### Survivors

{counts} What survives is of these kinds:
"""

COUNTS = (
    "Of 1,530 mutants (mutmut 3.8, without the state machines, for which a run would take hours) "
    "1,415 failed a test and 4 ran into their timeout; 111 survived, 55 of them because they are "
    "never switched on."
)

SURVIVOR_KINDS = (
    ("where", "why no test notices"),
    (
        "`knob`, `knobs`, `_knob`, `_milliseconds`",
        "they run while the module is imported, before a mutant is switched on",
    ),
    (
        "first values in `Breaker`, `Plan`, `Latencies`, `AdaptiveLimit`, `SlidingCounts`",
        "overwritten before they are read, or as false as what replaces them",
    ),
    (
        "the time and the verdict with which nothing, or something neutral, is given back",
        "neither is looked at then",
    ),
    (
        "`<` for `<=`, a thousandth of a second more or less",
        "they differ at one number, and either answer is right there",
    ),
    (
        "caps of exponents, a guard beside another guard, the generation counted in twos",
        "the same in other words",
    ),
)


def document() -> str:
    """The whole page."""
    parts = [INTRODUCTION, ONION_TEXT, onion(), named(), *map(section, ONION)]
    parts += [
        calls(),
        blame(),
        LESSONS_TEXT,
        lessons(),
        MODEL,
        COMPARE,
        WHY_NOT,
        table(*LIBRARIES),
        OURS,
    ]
    parts += [SURVIVORS.format(counts=fill(COUNTS)), table(*SURVIVOR_KINDS)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def table(*rows: Iterable[str]) -> str:
    """Rows of cells, the first of which are the headings."""
    cells = [list(row) for row in rows]
    cells.insert(1, ["---"] * len(cells[0]))
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def onion() -> str:
    """The policies in their order."""
    return table(
        ("policy", "what it does"),
        *((f"[`{name}`](#{name})", layer.what) for name, layer in ONION.items()),
    )


def named() -> str:
    """The sets that have names."""
    return f"### `production`\n\n{fill(PRODUCTION.format(text=NAMED['production']))}"


def section(policy: str) -> str:
    """One policy: what it does, its settings, when it hurts, its states."""
    said = SECTIONS[policy]
    parts = [f"## {policy}", fill(said.what)]
    if policy == "retry":
        parts.append(table(("not retried: `stopped_by`", "because"), *REFUSALS.items()))
    if policy == "breaker":
        parts.append(machine(breaker.TABLE))
    if KNOBS[policy]:
        rows = (
            (f"`{k.name}`", f"`{k.flag}`", f"`{k.default}`", k.expected, k.help)
            for k in KNOBS[policy]
        )
        parts.append(table(("setting", "flag", "default", "values", "meaning"), *rows))
    parts.append(fill(f"**When it hurts.** {said.hurts}"))
    return "\n\n".join(parts)


def calls() -> str:
    """The states of a call."""
    said = "## A call\n\nEvery call is this machine, whatever policies are on:"
    return f"{said}\n\n{machine(states.TABLE)}"


def machine(transitions: Mapping[S, Mapping[G, S]]) -> str:
    """A state table."""
    rows = (
        (f"`{state}`", f"`{signal}`", f"`{after}`")
        for state, row in transitions.items()
        for signal, after in row.items()
    )
    return table(("in state", "on", "goes to"), *rows)


def blame() -> str:
    """Whose fault each kind of failure is."""
    said = {
        Blame.UPSTREAM: "yes",
        Blame.SLOWNESS: "if it was given its usual time",
        Blame.STATUS: "from 500 on; anything else shows that A is well; 504 of an A that was told "
        "the deadline is its timeout",
        Blame.NOBODY: "no",
    }
    rows = ((f"[`{kind}`](failures.md#{kind})", said[BLAME[kind]]) for kind in FailureKind)
    head = "## Whose fault it is\n\nWhat breaker and ejection count as a failure of A's:"
    return f"{head}\n\n{table(('kind', 'speaks against A'), *rows)}"


def lessons() -> str:
    """What each lesson tells one to expect."""
    parts = (
        f"### {lesson.title}\n\n    faultwire simulate {name}\n\n{lesson.expect.strip()}"
        for name, lesson in LESSONS.items()
    )
    return "\n\n".join(parts)


if __name__ == "__main__":
    PATH.write_text(document(), "utf-8")
