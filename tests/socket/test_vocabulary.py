"""One vocabulary: a failure's word is the same in the body, `Proxy-Status`, the log, the metrics
and the spans, for every kind there is."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import NamedTuple, Self

import pytest

from faultwire.failures import MEANINGS, FailureKind
from faultwire.telemetry.span import Kind
from tests.ports import unused_port
from tests.socket.pair import Running, service_b
from tests.socket.serving import NewLoop, Received, get
from tests.socket.upstreams import (
    FullBacklog,
    Script,
    Upstream,
    answers,
    answers_once,
    ok,
    resets,
    stalls,
)
from tests.span_sink import Kept

BUSY = ok(b"busy", status=b"503 Service Unavailable")


class Nobody:
    """An upstream that is not there, at a URL of its own or at one whose name does not resolve."""

    def __init__(self, url: str = "") -> None:
        self.url = url or f"http://127.0.0.1:{unused_port()}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Case(NamedTuple):
    """How a failure comes about: an upstream, B's policy and timeout, and what is asked before.

    `sends` says whether B sends anything for the request that fails.
    """

    upstream: Callable[[], AbstractContextManager[Nobody | Upstream | FullBacklog]]
    timeout_s: str = "10s"
    policy: str = ""
    before: str = ""
    fields: tuple[str, ...] = ()
    sends: bool = True


def scripted(script: Script) -> Callable[[], Upstream]:
    return lambda: Upstream(script)


def refused(policy: str, script: Script, before: str = "", *fields: str) -> Case:
    """A failure of which A learns nothing."""
    return Case(scripted(script), "10s", policy, before, fields, sends=False)


K = FailureKind
CASES = {
    K.DNS_ERROR: Case(lambda: Nobody("http://a..invalid:8080")),
    K.CONNECTION_REFUSED: Case(Nobody),
    K.CONNECT_TIMEOUT: Case(FullBacklog, "300ms"),
    K.CONNECTION_RESET: Case(scripted(resets())),
    K.EMPTY_RESPONSE: Case(scripted(answers_once())),
    K.RESPONSE_TIMEOUT: Case(scripted(stalls()), "300ms"),
    K.RESPONSE_TRUNCATED: Case(scripted(answers_once(ok()[:-1]))),
    K.RESPONSE_MALFORMED: Case(scripted(answers(b"\0garbage"))),
    K.RESPONSE_TOO_LARGE: Case(scripted(answers(ok(b"x" * 1_048_577)))),
    K.RESPONSE_INVALID: Case(scripted(answers(ok(b"[]")))),
    K.UPSTREAM_STATUS: Case(scripted(answers(BUSY))),
    K.DEADLINE_EXCEEDED: refused("deadline", answers(ok()), "", "X-Deadline-Ms: 0"),
    K.CIRCUIT_OPEN: refused("breaker(volume=1,open=60s)", answers(BUSY), "a failure"),
    K.BULKHEAD_FULL: refused("bulkhead(in_flight=1)", stalls(), "one in flight"),
    K.OVERLOADED: refused("shed(initial=1,least=1,most=1)", stalls(), "one in flight"),
}


def test_every_kind_is_walked() -> None:
    assert set(CASES) == set(FailureKind)


@pytest.mark.parametrize("kind", FailureKind)
def test_a_failure_has_one_word_everywhere(new_loop: NewLoop, kind: FailureKind) -> None:
    case, sink = CASES[kind], Kept()
    with ExitStack() as stack:
        upstream = stack.enter_context(case.upstream())
        flags = {"policy": case.policy} if case.policy else {}
        b = stack.enter_context(
            service_b(new_loop, upstream.url, timeout_s=case.timeout_s, **flags)
        )
        prepare(case, b, upstream, stack)
        b.server.call(setattr, b.service, "_sink", sink)
        answer = b.echo(*case.fields, "X-Request-ID: the-one")
        assert_named(kind, b, answer)
        assert_spans(kind, sink, sends=case.sends)


def prepare(
    case: Case, b: Running, upstream: Nobody | Upstream | FullBacklog, stack: ExitStack
) -> None:
    if case.before == "a failure":
        assert b.echo().status == 503
    elif case.before:
        assert isinstance(upstream, Upstream)
        client = b.server.connect()
        client.send(get("/call-echo?msg=hello"))
        upstream.wait_for(requests=1)
        stack.callback(upstream.wait_for, over=1)
        stack.callback(client.reset)


def assert_named(kind: FailureKind, b: Running, answer: Received) -> None:
    assert (answer.status, answer.json["kind"]) == (503, kind.value)
    token = re.search(r"; error=([a-z_]+)", answer.headers["proxy-status"])
    assert (token[1] if token else None) == MEANINGS[kind].proxy_status
    assert f" kind={kind.value} " in b.wait_for_line("request_id=the-one")
    metrics = b.get("/metrics").body.decode()
    for family in ("http_server_request_duration", "http_client_request_duration"):
        counted = rf'{family}_seconds_count{{[^}}]*error_type="{kind.value}"[^}}]*}} 1\.0'
        assert re.search(counted, metrics), metrics


def assert_spans(kind: FailureKind, sink: Kept, *, sends: bool) -> None:
    spans = [span for span in sink.spans if span.attributes["http.request.method"] == "GET"]
    spans = [span for span in spans if span.error is not None]  # not the scrape's
    assert [span.kind for span in spans] == [Kind.SERVER] + [Kind.CLIENT] * sends
    assert {span.attributes["error.type"] for span in spans} == {kind.value}
