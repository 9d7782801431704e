"""Upstreams that refuse, say no, or stop in the middle."""

from faultwire.check.scenarios.expectations import Outcome, failure, failure_or_cut, refusal
from faultwire.check.scenarios.failure_row import Row

_STATUS_MEND = "Look at the status before the body, and answer a failure of your own for it."
_BROKEN_MEND = "Catch what the HTTP client raises when a connection ends, and answer a failure."


def _status(code: int, weight: int, why: str, outcome: Outcome = failure) -> Row:
    return Row(
        f"status_{code}",
        f"An upstream's {code} is not handed on as success",
        weight,
        "status",
        {"code": code},
        f"Lets the upstream answer {code} with an error in JSON.",
        why,
        _STATUS_MEND,
        "RFC 9110 section 15",
        outcome,
    )


STATUSES = (
    _status(500, 5, "An error that is delivered as 200 is taken for data by everybody behind."),
    _status(502, 3, "A gateway on the way answers so when the upstream is gone."),
    _status(503, 4, "It is how an overloaded upstream asks to be left alone."),
    _status(504, 3, "A gateway on the way gave up; there is no answer to use."),
    _status(429, 3, "The target is over its limit, and not its client.", refusal),
    _status(404, 3, "The route was lost in a deployment: there is no answer to use.", refusal),
    _status(400, 2, "The upstream did not understand the target: no data in it.", refusal),
)

CONNECTIONS = (
    Row(
        "refuse",
        "An upstream that refuses connections becomes a failure",
        5,
        "refuse",
        {},
        "Refuses every connection, as a crashed process does.",
        "It is the commonest failure of all: the upstream is down or not up yet.",
        "Catch the client's connection error, and answer a failure of your own.",
        "RFC 9293 section 3.10.7.1",
    ),
    Row(
        "reset_on_accept",
        "A connection that is reset at once becomes a failure",
        3,
        "reset_on_accept",
        {},
        "Accepts each connection and resets it.",
        "A load balancer whose back end is gone does this.",
        _BROKEN_MEND,
        "RFC 9293 section 3.5.3",
    ),
    Row(
        "close_on_accept",
        "A connection that is closed at once becomes a failure",
        3,
        "close_on_accept",
        {},
        "Accepts each connection and closes it without a byte.",
        "A server over its limit of connections does this.",
        _BROKEN_MEND,
        "RFC 9112 section 9.6",
    ),
)

CUT = (
    Row(
        "timeout",
        "An upstream that does not answer becomes a failure",
        5,
        "hang",
        {},
        "Takes the request and stays silent.",
        "The error of a timeout is another than that of a connection, and is forgotten.",
        "Catch the client's timeout beside its other errors, and answer a failure.",
        "RFC 9110 section 15.6.5",
    ),
    Row(
        "empty_response",
        "No answer at all becomes a failure",
        4,
        "empty_response",
        {},
        "Takes the request and closes the connection without a byte.",
        "A worker that crashes while it handles the request leaves so.",
        _BROKEN_MEND,
        "WireMock EMPTY_RESPONSE",
    ),
    Row(
        "reset_before",
        "A reset instead of an answer becomes a failure",
        4,
        "reset",
        {"after_bytes": 0},
        "Takes the request and resets the connection.",
        "A killed process and a forgetful firewall leave so.",
        _BROKEN_MEND,
        "WireMock CONNECTION_RESET_BY_PEER",
    ),
    Row(
        "reset_in_body",
        "A reset in the middle of the answer becomes a failure",
        4,
        "reset",
        {},
        "Sends the head and half of the body, then resets the connection.",
        "The status was 200, but half an answer is none.",
        "Read the whole body before you answer, and catch what the client raises meanwhile.",
        "Toxiproxy reset_peer",
        failure_or_cut,
    ),
    Row(
        "truncate_body",
        "A body that ends too early becomes a failure",
        4,
        "truncate",
        {"short_by_bytes": 1},
        "Sends all but the last byte of the body, then closes in good order.",
        "Clients that do not count take half of the data for all of it.",
        "Use a client that compares the body with Content-Length, and catch what it raises.",
        "RFC 9112 section 8; psf/requests#4956",
        failure_or_cut,
    ),
    Row(
        "truncate_head",
        "A head that ends too early becomes a failure",
        3,
        "truncate",
        {"answer_bytes": 20},
        "Sends the first 20 bytes of the answer, then closes in good order.",
        "Half a head has a status and no meaning.",
        _BROKEN_MEND,
        "RFC 9112 section 8",
    ),
)
