"""What happened can be told afterwards: from the log, the metrics, the ids and the answer."""

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from faultwire.check.model import Group
from faultwire.check.scenario import TRACED, Need, Scenario
from faultwire.check.scenarios import expectations as expect
from faultwire.check.scenarios.reading import fields_of, is_ok, samples, tells_request
from faultwire.check.stage import Answer, CannotPlay, Stage

_LAB_LOG = frozenset({Need.LAB, Need.LOG, Need.WIRE})
_OK = 200
_FAILURES = 5
_CAUSES: tuple[tuple[str, dict[str, object]], ...] = (
    ("hang", {}),
    ("reset", {"after_bytes": 0}),
    ("status", {"code": 500}),
)

_FAILED = re.compile(r"(?i)\b5\d\d\b|error|fail|unavailable|time[d_ -]?-?\s?out|exception|refused")
_COUNTS_FAILURES = re.compile(r"(?i)5\d\d|5xx|error|fail|unavailable|timeout|upstream_status")
_NOISE = re.compile(r"\d+|0x[0-9a-f]+|[0-9a-f]{8,}")


# Log


Fields = Mapping[str, Any]


async def _lines(stage: Stage, wanted: Callable[[list[str]], bool]) -> list[str]:
    """The lines of the play, when they are what is wanted or time is over."""
    lines: list[str] = []
    async for _ in stage.watch(1.0 + stage.margin_s):
        lines = await stage.log_lines(within_s=0.0)
        if wanted(lines):
            break
    return lines


def _told(lines: list[str], wanted: Callable[[Fields], bool] = lambda _: True) -> list[Fields]:
    """The fields of the lines that tell of the play's request, and are wanted."""
    told = (fields for line in lines if tells_request(fields := fields_of(line), "/call-echo"))
    return [fields for fields in told if wanted(fields)]


async def _log_of_success(stage: Stage) -> None:
    stage.is_good(await stage.ask())
    lines = await _lines(stage, lambda lines: bool(_told(lines, is_ok)))
    told = _told(lines)
    stage.expect(bool(told), "no line tells endpoint, status and latency of the request")
    stage.expect(any(map(is_ok, told)), f"no line says that it went well: {told[:1]}")
    stage.expect(any("service" in fields for fields in told), "no line names the service")


async def _log_of_failure(stage: Stage) -> None:
    await expect.answer_under(stage, "reset", after_bytes=0)
    lines = await _lines(stage, lambda lines: bool(_told(lines, _is_failure)))
    told = _told(lines)
    stage.expect(bool(told), "no line tells endpoint, status and latency of the request")
    stage.expect(any(map(_is_failure, told)), f"no line says that it failed: {told[:1]}")


def _is_failure(fields: Fields) -> bool:
    return not is_ok(fields)


async def _failure_logged(stage: Stage) -> None:
    await expect.answer_under(stage, "garbage_then_close")
    lines = await _lines(stage, lambda lines: any(map(_FAILED.search, lines)))
    stage.expect(bool(lines), "the failure left no line in the log")
    stage.expect(any(map(_FAILED.search, lines)), f"no line tells a failure: {lines[:1]}")


async def _new_lines(stage: Stage, known: int) -> list[str]:
    """Lines behind the first `known`, when there are some and no more come."""
    lines: list[str] = []
    before = -1
    async for _ in stage.watch(1.0 + stage.margin_s):
        lines = (await stage.log_lines(within_s=0.0))[known:]
        if lines and len(lines) == before:
            break
        before = len(lines)
    return lines


async def _causes(stage: Stage) -> None:
    told: dict[str, str] = {}
    for fault, attributes in _CAUSES:
        known = len(await stage.log_lines(within_s=0.0))
        answer = await expect.answer_under(stage, fault, **attributes)
        words = _words(answer) + _plain("\n".join(await _new_lines(stage, known)), answer.token)
        same = [other for other, said in told.items() if said == words]
        stage.expect(not same, f"{fault} and {''.join(same)} look alike in body and log")
        told[fault] = words


def _words(answer: Answer) -> str:
    said = answer.headers.get("proxy-status", "") + answer.body.decode("utf-8", "replace")
    return f"{answer.status} {_plain(said, answer.token)}"


def _plain(text: str, token: str) -> str:
    """Without what differs between any two requests: their text, times and ids."""
    return _NOISE.sub("0", text.replace(token, ""))


# Metrics


async def _samples(stage: Stage) -> dict[str, float]:
    answer = await stage.ask(target="/metrics")
    found = samples(answer.body.decode("utf-8", "replace")) if answer.status == _OK else {}
    if not found:
        raise CannotPlay("there are no metrics under /metrics")
    return found


async def _metrics(stage: Stage) -> None:
    before = await _samples(stage)
    tokens = [stage.token() for _ in range(_FAILURES)]
    async with stage.breaking("status", tokens=tokens, code=503):
        await stage.ask_many(tokens, at_once=1)
    after = await _samples(stage)
    grown = [name for name, value in after.items() if value - before.get(name, 0) >= _FAILURES]
    counting = [name for name in grown if _COUNTS_FAILURES.search(name)]
    stage.expect(bool(counting), f"{_FAILURES} failures were counted by no metric of failures")
    stage.note(f"Counted by {counting[0]}.")


# Ids


async def _request_id(stage: Stage) -> None:
    token, request_id = stage.token(), secrets.token_hex(8)
    await stage.ask(token=token, headers={"X-Request-ID": request_id})
    for attempt in await expect.attempts(stage, token):
        sent = attempt.headers.get("x-request-id", "none")
        stage.expect(sent == request_id, f"the upstream got X-Request-ID: {sent}")


async def _request_id_returned(stage: Stage) -> None:
    request_id = secrets.token_hex(8)
    answer = await stage.ask(headers={"X-Request-ID": request_id})
    got = answer.headers.get("x-request-id", "none")
    stage.expect(got == request_id, f"the answer has X-Request-ID: {got}")


async def _traceparent(stage: Stage) -> None:
    token, trace, span = stage.token(), secrets.token_hex(16), secrets.token_hex(8)
    await stage.ask(token=token, headers={"traceparent": f"00-{trace}-{span}-01"})
    for attempt in await expect.attempts(stage, token):
        sent = attempt.headers.get("traceparent", "none")
        stage.expect(f"-{trace}-" in sent, f"the upstream got traceparent: {sent}")


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        id="observability.log_of_success",
        group=Group.OBSERVABILITY,
        title="A served request has a line with service, endpoint, status and latency",
        weight=2,
        does="Sends a request and reads the target's log.",
        expects="A line, in any of the known forms, that tells all four.",
        why="They are the least that tells who did what, how it went and how long it took.",
        mend="Log one line for each request when it ends, also in JSON if you like.",
        source="The twelve-factor app, XI",
        play=_log_of_success,
        needs=_LAB_LOG,
        alone=True,
    ),
    Scenario(
        id="observability.log_of_failure",
        group=Group.OBSERVABILITY,
        title="A failed request has such a line, too, and it says so",
        weight=3,
        does="Resets the connection to the upstream and reads the target's log.",
        expects="A line with endpoint, latency and a status that is not that of success.",
        why="Handlers of errors often leave before the line is written: outages look like silence.",
        mend="Write the line in a place that every request passes, failed ones included.",
        source="OWASP Logging Cheat Sheet; CWE-778",
        play=_log_of_failure,
        needs=_LAB_LOG,
        alone=True,
    ),
    Scenario(
        id="observability.failure_logged",
        group=Group.OBSERVABILITY,
        title="A failure of the upstream is in the log",
        weight=3,
        does="Answers the target with random bytes and reads its log.",
        expects="A line that tells of a failure.",
        why="What is only in the answer is lost with the client.",
        mend="Log every failed call with its cause.",
        source="CWE-778",
        play=_failure_logged,
        needs=_LAB_LOG,
        alone=True,
    ),
    Scenario(
        id="observability.causes",
        group=Group.OBSERVABILITY,
        title="Time-out, broken connection and error can be told apart",
        weight=2,
        does="Breaks the upstream in three ways and compares what answer and log say.",
        expects="Three different causes, in the answer or in the log.",
        why="They are mended by different people in different places.",
        mend="Keep the client's exception apart by its kind, and write the kind into the log.",
        source="RFC 9209 section 2.3",
        play=_causes,
        needs=frozenset({Need.WIRE, Need.LOG}),
        advice=True,
        alone=True,
    ),
    Scenario(
        id="observability.metrics",
        group=Group.OBSERVABILITY,
        title="Failures are counted",
        weight=2,
        does="Lets 5 requests fail and reads /metrics before and after.",
        expects="A metric of errors that has grown by 5.",
        why="Alerts are made of counters, not of log lines.",
        mend="Count requests by outcome, or calls by the kind of their failure.",
        source="Google SRE book, chapter 6: the four golden signals",
        play=_metrics,
        needs=TRACED,
        advice=True,
    ),
    Scenario(
        id="observability.request_id",
        group=Group.OBSERVABILITY,
        title="The request id is passed on to the upstream",
        weight=1,
        does="Sends X-Request-ID and reads at the wire what the upstream was sent.",
        expects="The same id.",
        why="It joins the logs of both services to one story.",
        mend="Copy X-Request-ID into the headers of the call.",
        source="Envoy and nginx: x-request-id",
        play=_request_id,
        needs=TRACED,
        advice=True,
    ),
    Scenario(
        id="observability.request_id_returned",
        group=Group.OBSERVABILITY,
        title="The request id is in the answer",
        weight=1,
        does="Sends X-Request-ID and reads the answer's headers.",
        expects="The same id.",
        why="Whoever complains can then say which request it was.",
        mend="Set X-Request-ID on every answer, errors included.",
        source="Envoy and nginx: x-request-id",
        play=_request_id_returned,
        needs=frozenset(),
        advice=True,
    ),
    Scenario(
        id="observability.traceparent",
        group=Group.OBSERVABILITY,
        title="A trace is continued",
        weight=1,
        does="Sends a traceparent and reads at the wire what the upstream was sent.",
        expects="A traceparent with the same trace id.",
        why="One hop that drops it cuts every trace in two.",
        mend="Copy traceparent and tracestate, or instrument the client with OpenTelemetry.",
        source="W3C Trace Context section 3.2",
        play=_traceparent,
        needs=TRACED,
        advice=True,
    ),
)
