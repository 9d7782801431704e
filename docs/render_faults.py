"""Writes `faults.md` from the catalogue of faults.

    python docs/render_faults.py

A test compares the file with `document()`, so that it cannot grow stale.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from string import Template

from faultwire.wire.faults import CATALOGUE, Description, describe
from faultwire.wire.faults.aliases import ALIASES, Alias
from faultwire.wire.faults.attributes import Attribute
from faultwire.wire.plan import MOST
from faultwire.wire.plan.breaks import DEFAULT_FOR_S, LONGEST_S
from faultwire.wire.plan.chance import MOST_KEYS
from faultwire.wire.plan.match import SPARED

PATH = Path(__file__).with_name("faults.md")

FAMILIES = {
    "connection": "Connections that do not come about, do not last, or end at the wrong moment.",
    "waiting": "Answers that come late, slowly, or never.",
    "answer": "Answers that are wrong: in status, form, size or content, or that stop midway.",
}


def document() -> str:
    """The whole page."""
    parts = [INTRODUCTION, glance(), when()]
    for family, faults in groupby(describe(), key=lambda fault: fault.family):
        parts += [f"## Faults of the {family}\n\n{FAMILIES[family]}"]
        parts += [section(fault) for fault in faults]
    parts += [ALIASES_TEXT, aliases()]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def when() -> str:
    """Which requests a fault gets."""
    return Template(WHEN).substitute(
        keys=when_keys(),
        breaks=MOST,
        spared=listed(path.decode() for path in sorted(SPARED)),
        bodied=listed(name for name, fault in CATALOGUE.items() if fault.OF_BODIES),
    )


def listed(words: Iterable[str]) -> str:
    """Words as code, with commas between them."""
    return ", ".join(f"`{word}`" for word in words)


def when_keys() -> str:
    """What a break has beside its attributes."""
    text = Template(WHEN_KEYS.strip()).substitute(
        keys=f"{MOST_KEYS:,}",
        for_hours=f"{DEFAULT_FOR_S / 3600:g}",
        most_hours=f"{LONGEST_S / 3600:g}",
    )
    rows = [tuple(row.split(" | ")) for row in text.replace("\n  ", " ").splitlines()]
    return table(("key", "value", "meaning"), rows)


def glance() -> str:
    """Every fault in one line."""
    rows = [(f"[`{f.name}`](#{f.name})", f.family, summary(f)) for f in describe()]
    return table(("fault", "family", "what happens"), rows)


def summary(fault: Description) -> str:
    """The first sentence of its documentation."""
    return fault.doc.partition("\n\n")[0].replace("\n", " ")


def section(fault: Description) -> str:
    """One fault: what it is, and its attributes."""
    parts = [f"### {fault.name}", fault.doc, acts(fault)]
    if fault.attributes:
        rows = [row(attribute) for attribute in fault.attributes]
        parts.append(table(("attribute", "value", "default", "meaning"), rows))
    return "\n\n".join(parts)


def acts(fault: Description) -> str:
    """Where it acts, and in which phases."""
    if fault.place == "listener":
        return "Acts on: all new connections; takes no rate, match or key, of schedules a window."
    if fault.place == "accept":
        return "Acts on: each new connection; takes no match or key."
    phases = " or ".join(f"`{phase.value}`" for phase in fault.phases)
    return f"Acts on: each request, in phase {phases}."


def row(attribute: Attribute) -> tuple[str, ...]:
    """One attribute in the table."""
    default = "" if attribute.default in (None, "") else f"`{attribute.default}`"
    return (f"`{attribute.name}`", value(attribute), default, attribute.description)


def value(attribute: Attribute) -> str:
    """What values an attribute takes."""
    if attribute.choices:
        return ", ".join(f"`{choice}`" for choice in attribute.choices)
    if attribute.type == "text":
        return "text"
    unit = f" {attribute.unit}" if attribute.unit else ""
    return f"{attribute.least:,.16g} to {attribute.most:,.16g}{unit}"


def aliases() -> str:
    """The names of others."""
    rows = [(f"`{a.name}`", a.origin, takes(a), a.means) for a in ALIASES.values()]
    return table(("name", "of", "attributes", "means here"), rows)


def takes(alias: Alias) -> str:
    """The attributes of a foreign name."""
    return ", ".join(f"`{name}`" for name in alias.takes)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    return "\n".join(lines(head, rows))


def lines(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """The lines of a table."""
    for line in (head, ("---",) * len(head), *rows):
        yield "| " + " | ".join(line) + " |"


INTRODUCTION = """
<!-- Written by docs/render_faults.py from the catalogue. Do not edit. -->

# Faults

What the wire can do to the requests that pass over it. A fault is data: a name and attributes
with bounds. None is set at the start, and one `faultwire mend` undoes all.

    faultwire break latency --delay 2s --rate 0.3
    curl --json '{"fault":"latency","delay_ms":"2s","rate":0.3}' localhost:8084/faults
    faultwire mend

Times may be numbers in the unit of the attribute's name, or texts such as `250ms`, `2s`, `1m`;
sizes may be texts such as `64KiB` or `1MB`. What is out of bounds is refused, never clipped. A
request that is hit says so: in the wire's log, in the ledger and, where a header can be sent, in
`X-Fault`.
"""

WHEN_KEYS = """
`name` | letters, digits, `_`, `-`, `.` |
  what it is called, else as its fault. A break of the same name is replaced
`rate` | 0 to 1 | the chance of each request that matches, each on its own. Default 1
`first` | a number | only the first so many requests
`every` | a number | only the last of every so many requests
`sequence` | a list, or words and commas |
  request by request: `fault` or `ok`; for `status` also statuses, of which 200 to 299 spare the
  request: `503,503,200`. Behind the end all are spared; a `*` at the end begins again
`window` | two times |
  only from one time to another after the start: `10s-30s`, `10s-`, `-30s`; or in each period anew:
  `5s/60s` is the first 5 s of every minute
`ramp` | two rates and a time |
  the rate goes from one to the other: `0-0.5/60s`. It is multiplied with `rate`
`match` | an object |
  only requests in which every trait fits, of `path`, `method`, `query:NAME` and `header:NAME`:
  `{"path":"/echo*","header:x-test":"1"}`. A `*` stands for any text; paths and query values are
  compared decoded
`key` | a trait, as in `match` |
  counts and draws apart for each value, so that parallel tests do not disturb each other. The
  last $keys values are remembered; the one longest unseen is forgotten
`phase` | `after` or `before` | see below. The default is the first that the fault names
`seed` | a whole number |
  the same seed meets the same requests. Without one, one is drawn and shown
`for` | a time | when it ends by itself. Default $for_hours h, at most $most_hours h
"""

WHEN = """
## When a fault acts

Beside its attributes a break has these, all optional:

$keys

Only one of `first`, `every`, `sequence`, `window` and `ramp` can be given.

**Order.** Breaks are asked in the order they were set, and the first that chooses the request
plays its fault. A request that one break spares is offered to the next. `latency` composes: it
delays, and another fault may follow. At most $breaks breaks are active at once.

**Phase.** `after`: the upstream is called, and its answer is what is broken; the side effect has
happened. `before`: the upstream is not called, and what is broken is a small JSON answer of the
wire's own. `latency` and `hang` in phase `before` hold the request back and then pass it on.

**Chance.** What is drawn for a request, to choose it and within its fault, is a function of the
break's seed, the request's key and its place among the requests of that key that the break was
asked about. Connections and other breaks' draws do not enter into it.

**Other protocols.** An answer that leaves HTTP (101, or 2xx to CONNECT) has no body. It passes,
marked, where one of these should act:
$bodied.

What comes from a client and is not HTTP/1, or has no single meaning as such (a bare LF, a folded
line, a Content-Length beside a Transfer-Encoding), passes as it is, with all that follows on its
connection. No fault of requests acts on it, and the ledger has no record of it.

**Health escapes.** $spared
are spared by every fault of requests unless its match names a path.

**Mending** wakes everybody who waits in a fault. A `latency` or `hang` lets the request through at
once, a drip sends the rest at once, an `endless_body` ends.
"""

ALIASES_TEXT = """
## Names of others

The names of WireMock and Toxiproxy work, with their attributes. WireMock has no upstream;
Toxiproxy acts on the bytes of a connection, here everything acts on the answer to one request.
The name `delayDistribution` with its `type` works, too.
"""

if __name__ == "__main__":
    PATH.write_text(document(), "utf-8")
