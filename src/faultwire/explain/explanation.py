"""What happened to one request, in words and in data, from all lines that belong to it."""

import time
from collections.abc import Iterable, Mapping

import msgspec

from faultwire.contracts import escape
from faultwire.explain.causes import FAULTS, WORDS, Cause
from faultwire.explain.diagnosis import Case, Diagnosis, called_address, diagnose, told_status
from faultwire.explain.entry import CLIENT_LEFT, WIRE, A, B, Entry
from faultwire.explain.fit import rank
from faultwire.explain.surroundings import NOTHING, Surroundings
from faultwire.failures import MEANINGS, FailureKind

_TOGETHER_S = 0.0005


class Hop(msgspec.Struct, frozen=True):
    """What one service says of the request. `start` and `end` are seconds since 1970.

    `after_ms` is how long after the outermost service's end this one ended: work for nothing.
    """

    service: str
    start: float
    end: float
    latency_ms: float
    endpoint: str
    status: str
    http_status: int
    fault: str = ""
    error: str = ""
    after_ms: float = 0.0


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one request.

    `outcome` is "failed", "saved" (a retry saved it), "client" (the client's doing) or "ok".
    `kind` is what the caller saw (`faultwire.failures`), "" where it made no call or did not say;
    `cause` is why (`Cause`); `fault` is what was injected. `joined` says how the lines were found
    to belong together: "request_id", "time" (a guess where many requests run at once) or "".
    `hops` begins with the outermost service. Times are seconds since 1970.
    """

    request_id: str
    outcome: str
    kind: str
    cause: str
    fault: str
    sentence: str
    why: str
    tell: str
    act: str
    service: str
    endpoint: str
    http_status: int
    start: float
    end: float
    latency_ms: float
    joined: str
    hops: list[Hop]


def explain(
    entries: Iterable[Entry], around: Surroundings = NOTHING, *, joined: str = "request_id"
) -> Explanation:
    """Explain the request that these lines are about. Raises `ValueError` if none is about one."""
    case = case_of(entries, around)
    return describe(case, diagnose(case), joined if case.hops else "")


def case_of(entries: Iterable[Entry], around: Surroundings = NOTHING) -> Case:
    """The lines of one request in order: who was called first by the client comes first."""
    requests = in_order(e for e in entries if e.is_request)
    if not requests:
        raise ValueError("no line of a request")
    return Case(requests[0], requests[1:], around)


def in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Lines of one request from the client's side to the last service."""
    return tuple(sorted(entries, key=_outermost))


def outcome_of(cause: Cause) -> str:
    """Whose affair it is."""
    if cause in (Cause.NONE, Cause.RETRY_SAVED):
        return "ok" if cause is Cause.NONE else "saved"
    return "client" if cause in (Cause.CLIENT_LEFT, Cause.CLIENT_ERROR) else "failed"


def describe(case: Case, found: Diagnosis, joined: str) -> Explanation:
    """The explanation of a request whose cause is found."""
    root, words = case.root, WORDS[found.cause]
    facts = _facts(case, found)
    return Explanation(
        request_id=root.request_id or next((h.request_id for h in case.hops if h.request_id), ""),
        outcome=outcome_of(found.cause),
        kind=found.kind,
        cause=found.cause.value,
        fault=found.fault,
        sentence=said(words.sentence, facts),
        why=said(words.why, facts),
        tell=said(words.tell, facts),
        act=said(words.act, facts),
        service=root.service,
        endpoint=root.endpoint,
        http_status=root.http_status,
        start=round(root.start, 6),
        end=round(root.end, 6),
        latency_ms=root.latency_ms,
        joined=joined,
        hops=[_hop(each, root) for each in (root, *case.hops)],
    )


def said(text: str, facts: Mapping[str, object]) -> str:
    """A text of `WORDS` with its facts."""
    whole = text.format_map(facts)
    return f"T{whole[1:]}" if whole.startswith("the ") else whole


def names(case: Case) -> dict[str, str]:
    """Who called, and who was called."""
    caller, upstream = case.root.service, case.upstream
    if upstream is not None:
        called = upstream.service
    else:
        called = A if caller in (B, WIRE) else "the upstream"
    return {"caller": name_of(caller), "upstream": name_of(called)}


def name_of(service: str) -> str:
    """A service's name in a sentence; whatever stands in a log, it stays on one line."""
    if service == WIRE:
        return "the wire"
    return service if service.startswith("the ") else escape.value(service)


def clock(at: float) -> str:
    """A time of day with milliseconds, local; empty where there is none."""
    if not at:
        return ""
    seconds, thousandths = divmod(round(at * 1000), 1000)
    return f"{time.strftime('%H:%M:%S', time.localtime(seconds))}.{thousandths:03d}"


def _outermost(entry: Entry) -> tuple[int, float, float]:
    return (rank(entry), entry.start, -entry.latency_ms)


def _hop(entry: Entry, root: Entry) -> Hop:
    after = entry.end - root.end if entry.end and root.end else 0.0
    return Hop(
        entry.service,
        round(entry.start, 6),
        round(entry.end, 6),
        entry.latency_ms,
        entry.endpoint,
        entry.status,
        entry.http_status,
        entry.fault,
        entry.error,
        round(after * 1000, 3) if after > _TOGETHER_S else 0.0,
    )


def _facts(case: Case, found: Diagnosis) -> dict[str, object]:
    root, upstream = case.root, case.upstream
    host, port = called_address(case)
    faults = found.fault.split(",")
    return {
        **names(case),
        "ms": milliseconds(root.latency_ms),
        "upstream_ms": milliseconds(upstream.latency_ms if upstream else root.upstream_ms),
        "status": f"HTTP {told_status(case)}" if told_status(case) else "an error",
        "attempts": root.attempts,
        "at": f"{host}:{port}" if port else "its address",
        "fault": escape.plain(found.fault),
        "phrase": " and ".join(FAULTS.get(fault, "it broke the answer") for fault in faults),
        "since": clock(case.around.breaker_since or root.end) or "before",
        "late": _late(case),
        "other": _other(case, found),
    }


def milliseconds(value: float) -> str:
    """Milliseconds as people read them: "1,002", "17", "2.5", "0.3"."""
    return f"{value:,.0f}" if value >= 10 else f"{round(value, 1):g}"


def _late(case: Case) -> str:
    """What became of the upstream's work after its caller had given up."""
    root, upstream = case.root, case.upstream
    if upstream is None:
        return ""
    who = names(case)
    if upstream.http_status == CLIENT_LEFT:
        return f" {who['upstream']} noticed that {who['caller']} had gone, and stopped."
    late_ms = upstream.wasted_ms or (upstream.end - root.end) * 1000
    if late_ms < 1 or not (upstream.end and root.end):
        return ""
    about = "about " if max(root.resolution_s, upstream.resolution_s) >= 1 else ""
    return (
        f" {who['upstream']} finished {about}{milliseconds(late_ms)} ms after {who['caller']} had "
        "given up: its work was for nothing."
    )


def _other(case: Case, found: Diagnosis) -> str:
    """What else the surroundings say, for this cause."""
    around, who = case.around, names(case)
    if found.cause is Cause.WRONG_PORT and around.upstream_url:
        return f" {who['upstream']} said that it listens on {escape.url(around.upstream_url)}."
    if found.cause is Cause.BREAKER_OPEN and around.breaker_reason:
        return f" The last failure before that: {around.breaker_reason}."
    if found.cause in (Cause.NONE, Cause.RETRY_SAVED, Cause.CLIENT_LEFT) and found.fault:
        return f" The wire had injected `{found.fault}`."
    if found.cause is Cause.FAULT_INJECTED:
        return _seen(case, found.kind) + _done_all_the_same(case)
    stopped = around.upstream_stopped
    if stopped > 0 and found.cause in (Cause.A_DOWN, Cause.RESET, Cause.EMPTY, Cause.TRUNCATED):
        return f" {who['upstream']} had stopped at {clock(stopped)}."
    return ""


def _seen(case: Case, kind: str) -> str:
    """What the caller saw of an injected fault."""
    if kind not in MEANINGS:
        return ""
    return f" To {name_of(case.root.service)}, {MEANINGS[FailureKind(kind)].what} (`{kind}`)."


def _done_all_the_same(case: Case) -> str:
    """Whether the upstream did the work whose answer was broken: a repeat does it twice."""
    upstream = case.upstream
    if upstream is None or not upstream.ok:
        return ""
    times = sum(hop.service == upstream.service for hop in case.hops)
    often = f", {times} times" if times > 1 else ""
    return f" {name_of(upstream.service)} had done its work all the same{often}."
