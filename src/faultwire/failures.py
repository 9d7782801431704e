"""The closed vocabulary of failures: what B saw when a call to A did not work.

One word per kind, used alike in the answer's body, the log, the metrics, the traces and
the check. `MEANINGS` says what each word means; `classify_os_error` is the one place where
an operating-system error becomes a kind.

Sources: RFC 9110 section 15.6 (502, 503, 504), RFC 9209 section 2.3 (Proxy-Status tokens).
"""

import errno
import socket
import ssl
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Self


class FailureKind(StrEnum):
    """What the caller saw. The value is the word that appears everywhere."""

    DNS_ERROR = "dns_error"
    CONNECTION_REFUSED = "connection_refused"
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECTION_RESET = "connection_reset"
    EMPTY_RESPONSE = "empty_response"
    RESPONSE_TIMEOUT = "response_timeout"
    RESPONSE_TRUNCATED = "response_truncated"
    RESPONSE_MALFORMED = "response_malformed"
    RESPONSE_TOO_LARGE = "response_too_large"
    RESPONSE_INVALID = "response_invalid"
    UPSTREAM_STATUS = "upstream_status"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    CIRCUIT_OPEN = "circuit_open"
    BULKHEAD_FULL = "bulkhead_full"
    OVERLOADED = "overloaded"


class Family(StrEnum):
    """The three answers that the response contracts know, one of which every kind gives."""

    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    ERROR = "error"


class Phase(StrEnum):
    """How far an attempt had come when it failed."""

    CONNECT = "connect"
    FIRST_BYTE = "first_byte"
    HEADERS = "headers"
    BODY = "body"


class Meaning(NamedTuple):
    """What a kind means to each of its readers.

    `what` is one plain sentence; `family` chooses among a contract's three answers;
    `error_name` is the class name that log lines carry (requests' names, which readers
    know); `proxy_status` the RFC 9209 error token, or None where B only hands on A's status;
    `accurate_status` the gateway status of `--status accurate`; `retry` whether a repeated
    GET may help.
    """

    what: str
    family: Family
    error_name: str
    proxy_status: str | None
    accurate_status: int
    retry: bool


_U, _T, _E = Family.UNAVAILABLE, Family.TIMEOUT, Family.ERROR
_CONNECTION, _TIMEOUT, _INVALID = "ConnectionError", "ReadTimeout", "InvalidResponse"

MEANINGS: Mapping[FailureKind, Meaning] = MappingProxyType(
    {
        FailureKind.DNS_ERROR: Meaning(
            "the name did not resolve", _U, _CONNECTION, "dns_error", 502, True
        ),
        FailureKind.CONNECTION_REFUSED: Meaning(
            "nobody listens", _U, _CONNECTION, "connection_refused", 502, True
        ),
        FailureKind.CONNECT_TIMEOUT: Meaning(
            "the handshake never finished", _T, "ConnectTimeout", "connection_timeout", 504, True
        ),
        FailureKind.CONNECTION_RESET: Meaning(
            "the connection was reset", _U, _CONNECTION, "connection_terminated", 502, True
        ),
        FailureKind.EMPTY_RESPONSE: Meaning(
            "the connection was closed without a byte",
            _U,
            _CONNECTION,
            "connection_terminated",
            502,
            True,
        ),
        FailureKind.RESPONSE_TIMEOUT: Meaning(
            "the deadline passed before the answer was complete",
            _T,
            _TIMEOUT,
            "http_response_timeout",
            504,
            True,
        ),
        FailureKind.RESPONSE_TRUNCATED: Meaning(
            "the connection was closed before the promised end",
            _U,
            _CONNECTION,
            "http_response_incomplete",
            502,
            True,
        ),
        FailureKind.RESPONSE_MALFORMED: Meaning(
            "the answer is not HTTP", _E, _INVALID, "http_protocol_error", 502, False
        ),
        FailureKind.RESPONSE_TOO_LARGE: Meaning(
            "the answer is over the bound", _E, _INVALID, "http_response_body_size", 502, False
        ),
        FailureKind.RESPONSE_INVALID: Meaning(
            "the answer is HTTP, but not the JSON promised",
            _E,
            _INVALID,
            "http_protocol_error",
            502,
            False,
        ),
        FailureKind.UPSTREAM_STATUS: Meaning(
            "the answer is a 3xx, 4xx or 5xx", _E, "HTTPError", None, 502, True
        ),
        FailureKind.DEADLINE_EXCEEDED: Meaning(
            "no time was left to start an attempt",
            _T,
            _TIMEOUT,
            "http_response_timeout",
            504,
            False,
        ),
        FailureKind.CIRCUIT_OPEN: Meaning(
            "the circuit breaker is open", _U, "CircuitOpen", "destination_unavailable", 503, False
        ),
        FailureKind.BULKHEAD_FULL: Meaning(
            "too many calls are in flight",
            _U,
            "BulkheadFull",
            "connection_limit_reached",
            503,
            False,
        ),
        FailureKind.OVERLOADED: Meaning(
            "the caller itself is out of resources",
            _U,
            "Overloaded",
            "destination_unavailable",
            503,
            False,
        ),
    }
)

RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})
"""The statuses of A after which a repeated GET may help."""


class Failure(Exception):
    """One failed attempt: its kind, what was said, how far it had come, A's status if any.

    `detail` is one line of plain text, safe to show to a client once it is escaped.
    """

    def __init__(
        self,
        kind: FailureKind,
        detail: str,
        *,
        phase: Phase | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.phase = phase
        self.status = status

    @property
    def meaning(self) -> Meaning:
        """The row of `MEANINGS` for this kind."""
        return MEANINGS[self.kind]

    @property
    def error_name(self) -> str:
        """The log's word: `ConnectionError`, `ReadTimeout`, `HTTPError:500` and so on."""
        name = self.meaning.error_name
        return f"{name}:{self.status}" if self.kind is FailureKind.UPSTREAM_STATUS else name

    @property
    def retryable(self) -> bool:
        """Whether the same GET, sent again, may succeed."""
        if self.kind is FailureKind.UPSTREAM_STATUS:
            return self.status in RETRYABLE_STATUSES
        return self.meaning.retry

    def without_frames(self) -> Self:
        """For whoever keeps it: by its causes' frames it would hold on to the call it ended.

        The records that hold a failure are not looked at by the cycle collector.
        """
        self.__cause__ = self.__context__ = None
        return self.with_traceback(None)


_OWN_RESOURCES = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.EADDRNOTAVAIL,
        errno.EADDRINUSE,
    }
)


def classify_os_error(error: OSError, *, connected: bool) -> FailureKind:
    """The kind of an operating-system error, before or after the connection stood.

    Every `OSError` has a kind: what is not named here is `connection_refused` before the
    connection stood (no connection could be made) and `connection_reset` after it.
    """
    if isinstance(error, socket.gaierror):
        return FailureKind.DNS_ERROR
    if error.errno in _OWN_RESOURCES:
        return FailureKind.OVERLOADED
    if connected or isinstance(error, ConnectionResetError | BrokenPipeError | ssl.SSLError):
        return FailureKind.CONNECTION_RESET
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return FailureKind.CONNECT_TIMEOUT
    return FailureKind.CONNECTION_REFUSED
