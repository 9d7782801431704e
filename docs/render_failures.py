"""Writes `failures.md` from the vocabulary in `faultwire.failures`.

    python docs/render_failures.py

A test compares the file with `document()`, so that it cannot grow stale.
"""

from pathlib import Path
from typing import NamedTuple

from faultwire.failures import MEANINGS, RETRYABLE_STATUSES, FailureKind, Meaning

PATH = Path(__file__).with_name("failures.md")


class Advice(NamedTuple):
    """What a reader wants to know of a kind: how it comes about, and where to look."""

    cause: str
    look: str


ADVICE = {
    FailureKind.DNS_ERROR: Advice(
        "The name in `--upstream` is wrong, or the resolver is down or too slow.",
        "`getent hosts NAME`; in a cluster, the Service's name and namespace.",
    ),
    FailureKind.CONNECTION_REFUSED: Advice(
        "A is not running, listens on another port, or a firewall rejects the connection.",
        "`ss -ltnp` on A's machine: does anything listen on that port?",
    ),
    FailureKind.CONNECT_TIMEOUT: Advice(
        "Packets are dropped (a firewall, a dead machine), or A's accept queue is full because "
        "its process hangs.",
        "`ss -ltn` on A's machine: is `Recv-Q` of the listening socket at its limit?",
    ),
    FailureKind.CONNECTION_RESET: Advice(
        "A's process was killed while it worked, or something between cut the connection.",
        "A's log at that moment; the exit status of A; load balancers' idle timeouts.",
    ),
    FailureKind.EMPTY_RESPONSE: Advice(
        "A took the request and closed the connection without a word: a crashed worker, a "
        "limit on connections.",
        "A's log: is there a line for this request id? If not, A never read it.",
    ),
    FailureKind.RESPONSE_TIMEOUT: Advice(
        "A is slow, hangs, or sends its answer too slowly. `phase` says how far it came: "
        "`first_byte`, `headers` or `body`.",
        "A's log for the same request id: how long did it take, and did it finish after B had "
        "given up?",
    ),
    FailureKind.RESPONSE_TRUNCATED: Advice(
        "A or something between died in the middle of the answer, or `Content-Length` is wrong.",
        "Whether it is always the same length; A's exit status.",
    ),
    FailureKind.RESPONSE_MALFORMED: Advice(
        "Something that does not speak HTTP/1.1 answers on that port (TLS, HTTP/2, another "
        "protocol), or a proxy is broken.",
        "`curl -v` to the upstream's address: what are the first bytes?",
    ),
    FailureKind.RESPONSE_TOO_LARGE: Advice(
        "The answer is over the bound: 32 KiB of headers, 1 MiB of body after decompression.",
        "What A answers to this very request; a compression bomb decompresses to far more than "
        "it weighs.",
    ),
    FailureKind.RESPONSE_INVALID: Advice(
        "HTTP was spoken, but not what was promised: not JSON, another shape, or the echo of "
        "another request (a mixed-up or stale answer).",
        "Whether a cache or an error page stands between; A's version.",
    ),
    FailureKind.UPSTREAM_STATUS: Advice(
        "A answered 3xx, 4xx or 5xx. Redirects are not followed.",
        "A's log for the same request id.",
    ),
    FailureKind.DEADLINE_EXCEEDED: Advice(
        "The deadline passed before an attempt could start: every connection to A was busy.",
        "Whether A hangs; `--upstream-connections`.",
    ),
    FailureKind.CIRCUIT_OPEN: Advice(
        "Earlier calls failed too often, and B spares A for a while.",
        "The failures before the breaker opened: they are the cause.",
    ),
    FailureKind.BULKHEAD_FULL: Advice(
        "As many calls as B allows itself are in flight already.",
        "Whether A has become slow: in-flight calls are rate times duration.",
    ),
    FailureKind.OVERLOADED: Advice(
        "B itself is out of something: descriptors, ports, memory; or it sheds load.",
        "`ulimit -n`; `ss -s`; B's number of requests in flight.",
    ),
}

INTRODUCTION = """
<!-- Written by docs/render_failures.py from faultwire.failures. Do not edit. -->

# Failure kinds

When B's call to A fails, exactly one of these words says how. It is the same word in the body
(`kind`, contract `unified`), in the log, in the metrics' `error_type` and wherever else a failure
is named. No word is a guess: each is told apart at the socket, by what really happened.
"""

COLUMNS = """
- **family** chooses among the three answers that the [contracts](contracts.md) know:
  `unavailable`, `timeout`, `error`.
- **Proxy-Status** is the error token of RFC 9209, in the header of that name of every failure. A
  head that is too large, chunks that are malformed and a content coding that cannot be undone have
  tokens of their own.
- **accurate** is the status with `--status accurate`; otherwise every failure is a 503.
- **retry** says whether the same GET, sent again, may succeed. B does not retry by default.
"""

REPLAY = """
## What is not a failure

A pooled connection that A closes while it is idle, just as B reuses it, is nobody's failure. B
sends an idempotent request once more, on a fresh connection, within the same deadline. If that
attempt fails too, its failure is the one that is reported.

A host that vanishes closes nothing, and whatever has its address now knows nothing of the
connections: a call on one of them is a `response_timeout`. With the second such call B closes those
that have been idle since the first, so that two are lost in a row, not one for each of them.
"""


def document() -> str:
    """The whole page."""
    parts = [INTRODUCTION, glance(), COLUMNS, *map(section, FailureKind), REPLAY]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def glance() -> str:
    """All kinds in one table."""
    head = ("kind", "what happened", "family", "Proxy-Status", "accurate", "retry")
    rows = [head, ("---",) * len(head)]
    rows += [row(kind, meaning) for kind, meaning in MEANINGS.items()]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def row(kind: FailureKind, meaning: Meaning) -> tuple[str, ...]:
    """One kind's line in the table."""
    return (
        f"[`{kind}`](#{kind})",
        meaning.what,
        meaning.family.value,
        f"`{meaning.proxy_status}`" if meaning.proxy_status else "`received-status=N`",
        str(meaning.accurate_status),
        retry(kind, meaning),
    )


def retry(kind: FailureKind, meaning: Meaning) -> str:
    """Whether a repeated GET may help, in words."""
    if kind is FailureKind.UPSTREAM_STATUS:
        return "after " + ", ".join(map(str, sorted(RETRYABLE_STATUSES)))
    return "yes" if meaning.retry else "no"


def section(kind: FailureKind) -> str:
    """One kind: how it comes about, and where to look."""
    advice = ADVICE[kind]
    return f"## {kind}\n\n{advice.cause}\n\nWhere to look: {advice.look}"


if __name__ == "__main__":
    PATH.write_text(document(), "utf-8")
