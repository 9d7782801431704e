"""Why a request failed, in plain words: one table from cause to words, one from fault to words.

A sentence may use `{caller}` and `{upstream}` (the services' names), `{ms}` (how long the request
took), `{upstream_ms}`, `{status}`, `{attempts}`, `{at}` (the upstream's address), `{fault}`,
`{phrase}` (what the fault does), `{since}`; `{late}` and `{other}` are sentences of their own, or
nothing. The others use the names alone, so that they can stand above many requests.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from faultwire.failures import FailureKind


class Cause(StrEnum):
    """Why it happened. The value is the word in JSON and in `--only`."""

    FAULT_INJECTED = "fault_injected"
    A_DOWN = "a_down"
    WRONG_PORT = "wrong_port"
    A_DOWN_OR_WRONG_PORT = "a_down_or_wrong_port"
    WIRE_DOWN = "wire_down"
    A_SLOW = "a_slow"
    A_FROZEN = "a_frozen"
    A_NEVER_FINISHED = "a_never_finished"
    SLOW_BETWEEN = "slow_between"
    TIMEOUT = "timeout"
    A_FAILED = "a_failed"
    UPSTREAM_STATUS = "upstream_status"
    STATUS_FROM_BETWEEN = "status_from_between"
    DNS = "dns"
    CONNECT_TIMEOUT = "connect_timeout"
    RESET = "reset"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    INVALID = "invalid"
    DEADLINE = "deadline"
    BREAKER_OPEN = "breaker_open"
    BULKHEAD_FULL = "bulkhead_full"
    OVERLOADED = "overloaded"
    UNREACHABLE = "unreachable"
    NONE = "none"
    RETRY_SAVED = "retry_saved"
    CLIENT_LEFT = "client_left"
    CLIENT_ERROR = "client_error"
    OWN_ERROR = "own_error"
    UNKNOWN = "unknown"


class Words(NamedTuple):
    """What a cause means to somebody who sees it for the first time.

    `title` is a few words for a table; `sentence` what happened to this one request; `why` how
    such a thing comes about; `tell` how one can tell it from what looks alike; `act` what to do.
    """

    title: str
    sentence: str
    why: str
    tell: str
    act: str


_CHECK = "On {upstream}'s machine: `ss -ltnp` shows who listens on which port"

WORDS: Mapping[Cause, Words] = MappingProxyType(
    {
        Cause.FAULT_INJECTED: Words(
            "a fault was injected",
            "The wire injected the fault `{fault}`: {phrase}.{other}",
            "Somebody asked for it with `faultwire break`; neither {caller} nor {upstream} is "
            "to blame.",
            "The wire's own line has `fault=`.",
            "`faultwire faults` shows what is active; `faultwire mend` ends it.",
        ),
        Cause.A_DOWN: Words(
            "{upstream} was down",
            "Nobody listened at {at}: {upstream} was not running.{other}",
            "A refused connection is the answer of a machine that is there, on a port where "
            "no process listens.",
            "The refusal came at once, and {upstream} has no line near that time.",
            _CHECK + ". Start {upstream} again, and look at the end of its log for why it ended.",
        ),
        Cause.WRONG_PORT: Words(
            "wrong port",
            "Nobody listened at {at}, but {upstream} was running: {caller} calls the wrong "
            "address.{other}",
            "{caller} was told another port (or host) than the one {upstream} listens on.",
            "{upstream} wrote lines at the very time at which {caller} was refused.",
            "Compare {upstream}'s `event=listening url=…` with {caller}'s `--upstream`.",
        ),
        Cause.A_DOWN_OR_WRONG_PORT: Words(
            "{upstream} down, or wrong port",
            "Nobody listened at {at}: {upstream} was down, or that is not its port.{other}",
            "A refused connection is the answer of a machine that is there, on a port where "
            "no process listens.",
            "These logs cannot tell which: they have no lines of {upstream}. If it answered "
            "somebody else at that time, the port is wrong; else it was down.",
            _CHECK + "; `curl -i` its `/health` asks {upstream} itself.",
        ),
        Cause.WIRE_DOWN: Words(
            "the wire was down",
            "Nobody listened at {at}, which is the wire's address: the wire had stopped.",
            "{caller} calls {upstream} over the wire; without it there is no way there.",
            "The wire's log ends before that time, with `event=stopped` or without.",
            "Start it again (`faultwire wire`), or let {caller} call {upstream} directly.",
        ),
        Cause.A_SLOW: Words(
            "{upstream} was slow",
            "{upstream} was too slow: it needed {upstream_ms} ms, and {caller} gave up after "
            "{ms} ms.{late}",
            "{upstream} was busy, waited for something itself, or got little processor time.",
            "{upstream}'s own line for this request has a `latency_ms` beyond {caller}'s timeout.",
            "Find what {upstream} did in that time; only then think of a longer `--timeout`.",
        ),
        Cause.A_FROZEN: Words(
            "{upstream} was frozen",
            "{upstream} had not even begun with this request when {caller} gave up after {ms} "
            "ms.{late}",
            "The whole process stood still (stopped, starved of processor time, a long pause "
            "for garbage), or the request waited in a queue before it.",
            "{upstream}'s own line for this request is quick, but begins after {caller} had "
            "given up.",
            "Look at {upstream}'s processor time, its pauses and its queue of connections.",
        ),
        Cause.A_NEVER_FINISHED: Words(
            "{upstream} never finished",
            "{upstream} did not answer within {ms} ms, and never finished this request as far "
            "as its log goes: it hung, or was stopped.",
            "A process that is frozen, deadlocked or dead keeps its connections open: nothing "
            "tells its callers.",
            "{upstream} has lines in this log, but none for this request.",
            "`curl -m 1` its `/livez`: if that hangs too, the whole process hangs.",
        ),
        Cause.SLOW_BETWEEN: Words(
            "slow between {caller} and {upstream}",
            "{upstream} answered within {upstream_ms} ms, but {caller} had no whole answer "
            "after {ms} ms: the time went by between them.",
            "A congested or lossy network, a proxy that holds the answer back, or a {caller} "
            "too busy to read.",
            "{upstream}'s own line for this request says that it was done in time.",
            "Look at what stands between them, and at {caller}'s own processor time.",
        ),
        Cause.TIMEOUT: Words(
            "timeout",
            "{caller} gave up after {ms} ms without a whole answer from {upstream}.",
            "{upstream} is slow or hangs, or something between holds the answer back.",
            "These logs cannot tell which: they have no lines of {upstream}.",
            "Give {upstream}'s log to `faultwire explain` as well.",
        ),
        Cause.A_FAILED: Words(
            "{upstream} failed by itself",
            "{upstream} itself answered {status}: the failure is its own, and {caller} only "
            "reports it.",
            "A defect or an overload in {upstream}; the network did its work.",
            "{upstream}'s own line for this request has the same status.",
            "Look in {upstream}'s log around that line; `curl -i` the same path on {upstream}.",
        ),
        Cause.UPSTREAM_STATUS: Words(
            "{upstream} answered an error",
            "{upstream} answered {status}, which {caller} counts as a failure.",
            "A defect, an overload or a redirect in {upstream}, or in a proxy before it.",
            "{caller} names the status; {upstream}'s own line for it is not in these logs.",
            "Give {upstream}'s log to `faultwire explain` as well; `curl -i` the same path.",
        ),
        Cause.STATUS_FROM_BETWEEN: Words(
            "the error came from between",
            "{caller} was answered {status}, but {upstream}'s own line says that all went "
            "well: something between them answered, or changed the answer.",
            "A proxy, a gateway or a load balancer answers by itself.",
            "The status at {caller} and the one in {upstream}'s own line differ.",
            "Look at what stands between: `curl -i` each station, one after the other.",
        ),
        Cause.DNS: Words(
            "the name did not resolve",
            "{caller} found no address for the name of {upstream}: nobody was called at all.",
            "The name is misspelt, does not exist (yet), or the resolver is down.",
            "{upstream} has no line for it, and no connection was tried.",
            "`getent hosts NAME` where {caller} runs; in a cluster, the Service's namespace.",
        ),
        Cause.CONNECT_TIMEOUT: Words(
            "nobody took the connection",
            "{caller} tried to connect for {ms} ms, and nobody answered the handshake.",
            "A firewall drops the packets, the machine is gone, or {upstream}'s accept queue "
            "is full because its process hangs.",
            "A port where nobody listens refuses at once; silence means that packets vanish.",
            "`ss -ltn` on {upstream}'s machine: is `Recv-Q` of the port at its limit?",
        ),
        Cause.RESET: Words(
            "the connection was reset",
            "The connection to {upstream} was cut (RST) before the answer was whole.{other}",
            "{upstream}'s process was killed while it worked, or something between cut it.",
            "A process that ends in good order closes (FIN); a reset is a sudden death.",
            "Look for {upstream}'s exit status at that moment, and for idle timeouts between.",
        ),
        Cause.EMPTY: Words(
            "closed without an answer",
            "The connection to {upstream} was closed without a single byte of an answer.{other}",
            "A worker that crashed, or a limit on connections, before anything was said.",
            "If {upstream} has no line for this request, it never read it.",
            "Look at the end of {upstream}'s log, and at its limits on connections.",
        ),
        Cause.TRUNCATED: Words(
            "the answer was cut short",
            "The connection to {upstream} was closed in the middle of the answer.{other}",
            "{upstream} or a proxy died while it sent, or `Content-Length` is wrong.",
            "Always the same length points to a wrong header, another each time to a death.",
            "`curl -v` the same path: curl says how many bytes are missing.",
        ),
        Cause.MALFORMED: Words(
            "the answer was not HTTP",
            "What came back from {upstream} was not HTTP/1.1.",
            "Something else answers on that port (TLS, HTTP/2, a database), or a broken proxy.",
            "The status is missing altogether: there was nothing to read it from.",
            "`curl -v` that address: what are the first bytes?",
        ),
        Cause.TOO_LARGE: Words(
            "the answer was too large",
            "{upstream} sent more than {caller} accepts, and {caller} stopped reading.",
            "A runaway answer, an endless stream, or a compression bomb.",
            "{caller} closed the connection, not {upstream}.",
            "Look at what {upstream} answers to this very request: `curl -s … | wc -c`.",
        ),
        Cause.INVALID: Words(
            "the answer was not what was promised",
            "{upstream} answered 2xx, but not the JSON that {caller} was promised.",
            "An error page with status 200, another version, a cache, or a mixed-up answer.",
            "The HTTP was sound; it is the content that is wrong.",
            "`curl -i` the same path on {upstream}, and compare type and shape.",
        ),
        Cause.DEADLINE: Words(
            "no time was left to try",
            "{caller} had no time left to even start: every connection to {upstream} was busy "
            "until the deadline.",
            "{upstream} is slow or hangs, and the calls before this one hold all connections.",
            "No line of {upstream} belongs to it: nothing was sent.",
            "Look at the requests before it; `--upstream-connections` is the bound.",
        ),
        Cause.BREAKER_OPEN: Words(
            "breaker open",
            "{caller} did not call {upstream}: its circuit breaker has been open since "
            "{since}.{other}",
            "Too many calls had failed, so {caller} spares {upstream} (and its own clients' "
            "time) for a while.",
            "It was answered at once, and nothing was sent to {upstream}.",
            "Mend what failed before it opened; it closes by itself once a trial goes well.",
        ),
        Cause.BULKHEAD_FULL: Words(
            "too many calls in flight",
            "{caller} did not call {upstream}: as many calls as it allows itself were in flight.",
            "{upstream} has become slow, or more is asked than it can do: calls in flight are "
            "rate times duration.",
            "It was answered at once, and nothing was sent to {upstream}.",
            "Look at {upstream}'s latency first; then at the bound.",
        ),
        Cause.OVERLOADED: Words(
            "{caller} shed load",
            "{caller} itself was out of resources, or shed load to stay useful to others.",
            "More requests than {caller} can carry, or too few descriptors, ports or memory.",
            "Nothing was wrong with {upstream}: it was not asked.",
            "`ulimit -n`, `ss -s`, and how many requests were in flight at that time.",
        ),
        Cause.UNREACHABLE: Words(
            "{upstream} could not be reached",
            "{caller} could not reach {upstream}, or lost it before the answer was whole.{other}",
            "{upstream} is down, the port is wrong, or the connection was cut.",
            "This line does not say how; `--contract unified` or `--log-format json` would.",
            "`curl -i` its `/health` asks {upstream} itself.",
        ),
        Cause.NONE: Words(
            "it went well",
            "It went well: {caller} answered after {ms} ms.{other}",
            "Nothing failed.",
            "`status=ok`.",
            "Nothing.",
        ),
        Cause.RETRY_SAVED: Words(
            "saved by a retry",
            "It went well in the end: attempt {attempts} succeeded where the first had "
            "failed.{other}",
            "A passing trouble: the client saw nothing of it but the time it took.",
            "`attempts=2` or more beside `status=ok`.",
            "Nothing at once. Many of them are load on {upstream}, and an early warning.",
        ),
        Cause.CLIENT_LEFT: Words(
            "the client left",
            "The client went away after {ms} ms, before {caller} had an answer for it.{other}",
            "Somebody pressed stop, or the client's own timeout is shorter than {caller}'s.",
            "Logged as 499, which is never sent: nobody was left to read it.",
            "Compare the client's timeout with {caller}'s; the longer one belongs outside.",
        ),
        Cause.CLIENT_ERROR: Words(
            "the request itself was wrong",
            "{caller} refused the request with {status}: the client asked for what does not "
            "exist, or asked wrongly.",
            "A misspelt path, a missing parameter, a method that is not served.",
            "{upstream} was not called.",
            "Compare the request with {caller}'s `/openapi.json`.",
        ),
        Cause.OWN_ERROR: Words(
            "{caller} failed by itself",
            "{caller} itself failed with {status}.",
            "A defect or an overload in {caller}, or it was stopping.",
            "The line names no failed call.",
            "Look for `event=unexpected_error` and the lines just before.",
        ),
        Cause.UNKNOWN: Words(
            "no reason is given",
            "It failed, and its line does not say why.",
            "The service's log has no error that is known here.",
            "Only `status` and `latency_ms` are there to judge by.",
            "Look at the raw lines around that time.",
        ),
    }
)

CAUSE_OF: Mapping[FailureKind, Cause] = MappingProxyType(
    {
        FailureKind.DNS_ERROR: Cause.DNS,
        FailureKind.CONNECTION_REFUSED: Cause.A_DOWN_OR_WRONG_PORT,
        FailureKind.CONNECT_TIMEOUT: Cause.CONNECT_TIMEOUT,
        FailureKind.CONNECTION_RESET: Cause.RESET,
        FailureKind.EMPTY_RESPONSE: Cause.EMPTY,
        FailureKind.RESPONSE_TIMEOUT: Cause.TIMEOUT,
        FailureKind.RESPONSE_TRUNCATED: Cause.TRUNCATED,
        FailureKind.RESPONSE_MALFORMED: Cause.MALFORMED,
        FailureKind.RESPONSE_TOO_LARGE: Cause.TOO_LARGE,
        FailureKind.RESPONSE_INVALID: Cause.INVALID,
        FailureKind.UPSTREAM_STATUS: Cause.UPSTREAM_STATUS,
        FailureKind.DEADLINE_EXCEEDED: Cause.DEADLINE,
        FailureKind.CIRCUIT_OPEN: Cause.BREAKER_OPEN,
        FailureKind.BULKHEAD_FULL: Cause.BULKHEAD_FULL,
        FailureKind.OVERLOADED: Cause.OVERLOADED,
    }
)
"""What a kind means as long as no other service's line says more."""

FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "refuse": "it refused the connection, as a machine does where nobody listens",
        "blackhole": "it let the handshake vanish, as a firewall does that drops packets",
        "reset_on_accept": "it accepted the connection and reset it at once",
        "close_on_accept": "it accepted the connection and closed it at once, without a byte",
        "slow_accept": "it accepted the connection and let it wait before anybody served it",
        "stale_keepalive": "it ended a kept-alive connection just as it was used again",
        "latency": "it held the answer back",
        "hang": "it took the request and never answered",
        "slow_headers": "it let the head of the answer drip",
        "slow_body": "it let the body of the answer drip",
        "bandwidth": "it squeezed the answer through a narrow pipe",
        "endless_body": "it sent a body that never ends",
        "slow_close": "it kept open the connection whose end is the end of the answer",
        "status": "it answered with an error status of its own",
        "empty_response": "it closed the connection without an answer",
        "reset": "it reset the connection in the middle of the answer",
        "truncate": "it cut the answer short",
        "malformed": "it sent something that is not HTTP",
        "malformed_chunk": "it broke the chunks of the body",
        "garbage_then_close": "it sent random bytes and closed the connection",
        "huge_headers": "it sent a huge head",
        "huge_body": "it sent a huge body",
        "compression_bomb": "it sent a small body that becomes huge when it is decompressed",
        "wrong_content_type": "it called the answer by a wrong content type",
        "invalid_json": "it sent JSON that stops in the middle",
        "wrong_shape": "it sent good JSON of another shape than promised",
        "stale_answer": "it sent the answer of an earlier request",
        "surplus": "it sent more than the answer, which the next request must not take for its own",
        "redirect": "it answered with a redirect",
        "corrupt": "it changed bytes of the body",
    }
)
"""What the wire did, for each fault of its catalogue."""

BEFORE_A_REQUEST: Mapping[str, frozenset[FailureKind]] = MappingProxyType(
    {
        "refuse": frozenset({FailureKind.CONNECTION_REFUSED}),
        "blackhole": frozenset({FailureKind.CONNECT_TIMEOUT, FailureKind.RESPONSE_TIMEOUT}),
        "reset_on_accept": frozenset({FailureKind.CONNECTION_RESET}),
        "close_on_accept": frozenset({FailureKind.EMPTY_RESPONSE}),
        "slow_accept": frozenset({FailureKind.RESPONSE_TIMEOUT, FailureKind.CONNECT_TIMEOUT}),
    }
)
"""Faults that end a connection before it carries a request, and so have no line with its id."""
