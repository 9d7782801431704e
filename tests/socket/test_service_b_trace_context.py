"""B without spans forwards the trace context that it is given, and never makes one up."""

import pytest

from tests.socket.pair import service_b
from tests.socket.serving import NewLoop
from tests.socket.upstreams import Upstream, answers, ok

VALID = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
LATER = "cc" + VALID[2:] + "-what-is-not-known-yet"
NAMES = ("traceparent", "tracestate", "baggage")


def sent(
    new_loop: NewLoop, *fields: str, target: str = "/call-echo?msg=hello", **flags: str
) -> str:
    """The lines of its context that B sends to A, when it is asked with these fields."""
    with Upstream(answers(ok())) as upstream, service_b(new_loop, upstream.url, **flags) as b:
        assert b.get(target, *fields).status in (200, 503)
        (head,) = upstream.requests
    lines = head.decode().split("\r\n")
    assert len([line for line in lines if line.lower().startswith("x-request-id: ")]) == 1
    return "\n".join(line for line in lines if line.startswith(NAMES))


@pytest.mark.parametrize("policy", ["none", "retry"])
@pytest.mark.parametrize("value", [VALID, LATER])
def test_a_context_is_forwarded_as_it_came(new_loop: NewLoop, value: str, policy: str) -> None:
    fields = (f"traceparent: {value}", "tracestate: a=1,b=2", "baggage: user=7")
    flags = {} if policy == "none" else {"policy": policy}
    assert sent(new_loop, *fields, **flags) == "\n".join(fields)


def test_every_route_that_calls_a_forwards_it(new_loop: NewLoop) -> None:
    assert sent(new_loop, f"TraceParent: {VALID}", target="/call-foo") == f"traceparent: {VALID}"


def test_several_fields_of_a_state_are_one_list(new_loop: NewLoop) -> None:
    fields = (f"traceparent: {VALID}", "tracestate: a=1", "tracestate: b=2")
    assert sent(new_loop, *fields) == f"traceparent: {VALID}\ntracestate: a=1, b=2"


def test_without_a_context_none_is_sent(new_loop: NewLoop) -> None:
    assert sent(new_loop) == ""


@pytest.mark.parametrize(
    "fields",
    [
        (f"traceparent: {VALID.upper()}", "tracestate: a=1"),
        (f"traceparent: {VALID}", f"traceparent: {VALID}"),
        (f"traceparent: ff{VALID[2:]}",),
        ("tracestate: a=1",),
        ("baggage: " + "k=v," * 3000,),
    ],
)
def test_what_is_not_valid_goes_no_further(new_loop: NewLoop, fields: tuple[str, ...]) -> None:
    assert sent(new_loop, *fields) == ""
