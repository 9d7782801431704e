"""The vocabulary is closed, and every error of the system has a place in it."""

import errno
import socket
import ssl

import pytest

from faultwire.failures import (
    MEANINGS,
    RETRYABLE_STATUSES,
    Failure,
    FailureKind,
    Family,
    Phase,
    classify_os_error,
)

TABLE = {
    "dns_error": ("unavailable", "ConnectionError", "dns_error", 502, True),
    "connection_refused": ("unavailable", "ConnectionError", "connection_refused", 502, True),
    "connect_timeout": ("timeout", "ConnectTimeout", "connection_timeout", 504, True),
    "connection_reset": ("unavailable", "ConnectionError", "connection_terminated", 502, True),
    "empty_response": ("unavailable", "ConnectionError", "connection_terminated", 502, True),
    "response_timeout": ("timeout", "ReadTimeout", "http_response_timeout", 504, True),
    "response_truncated": ("unavailable", "ConnectionError", "http_response_incomplete", 502, True),
    "response_malformed": ("error", "InvalidResponse", "http_protocol_error", 502, False),
    "response_too_large": ("error", "InvalidResponse", "http_response_body_size", 502, False),
    "response_invalid": ("error", "InvalidResponse", "http_protocol_error", 502, False),
    "upstream_status": ("error", "HTTPError", None, 502, True),
    "deadline_exceeded": ("timeout", "ReadTimeout", "http_response_timeout", 504, False),
    "circuit_open": ("unavailable", "CircuitOpen", "destination_unavailable", 503, False),
    "bulkhead_full": ("unavailable", "BulkheadFull", "connection_limit_reached", 503, False),
    "overloaded": ("unavailable", "Overloaded", "destination_unavailable", 503, False),
}
"""Family, log name, Proxy-Status token, accurate status and retry, as the design has them."""

RFC_9209_STATUSES = {
    "dns_timeout": 504,
    "dns_error": 502,
    "destination_not_found": 500,
    "destination_unavailable": 503,
    "destination_ip_prohibited": 502,
    "destination_ip_unroutable": 502,
    "connection_refused": 502,
    "connection_terminated": 502,
    "connection_timeout": 504,
    "connection_read_timeout": 504,
    "connection_write_timeout": 504,
    "connection_limit_reached": 503,
    "tls_protocol_error": 502,
    "tls_certificate_error": 502,
    "tls_alert_received": 502,
    "http_response_incomplete": 502,
    "http_response_header_section_size": 502,
    "http_response_header_size": 502,
    "http_response_body_size": 502,
    "http_response_trailer_section_size": 502,
    "http_response_trailer_size": 502,
    "http_response_transfer_coding": 502,
    "http_response_content_coding": 502,
    "http_response_timeout": 504,
    "http_upgrade_failed": 502,
    "http_protocol_error": 502,
    "proxy_internal_error": 500,
    "proxy_configuration_error": 500,
    "proxy_loop_detected": 502,
}
"""RFC 9209 section 2.3: each error type with the status that it recommends, if it names one."""

BEFORE_THE_CONNECTION = {
    errno.EMFILE: FailureKind.OVERLOADED,
    errno.ENFILE: FailureKind.OVERLOADED,
    errno.ENOBUFS: FailureKind.OVERLOADED,
    errno.ENOMEM: FailureKind.OVERLOADED,
    errno.EADDRNOTAVAIL: FailureKind.OVERLOADED,
    errno.EADDRINUSE: FailureKind.OVERLOADED,
    errno.ECONNRESET: FailureKind.CONNECTION_RESET,
    errno.EPIPE: FailureKind.CONNECTION_RESET,
    errno.ESHUTDOWN: FailureKind.CONNECTION_RESET,
    errno.ETIMEDOUT: FailureKind.CONNECT_TIMEOUT,
}
"""All others are `connection_refused`: no connection could be made."""

ERRNOS = sorted(errno.errorcode)
GAI_CODES = sorted(code for name, code in vars(socket).items() if name.startswith("EAI_"))


def test_every_kind_means_what_the_design_says() -> None:
    said = {
        kind.value: (
            row.family.value,
            row.error_name,
            row.proxy_status,
            row.accurate_status,
            row.retry,
        )
        for kind, row in MEANINGS.items()
    }
    assert said == TABLE


def test_no_kind_is_without_a_meaning() -> None:
    assert list(MEANINGS) == list(FailureKind)


@pytest.mark.parametrize("kind", FailureKind)
def test_a_meaning_is_one_plain_clause(kind: FailureKind) -> None:
    what = MEANINGS[kind].what
    assert what
    assert what.isascii()
    assert what[0].islower()
    assert not what.endswith(".")


@pytest.mark.parametrize("kind", [kind for kind in FailureKind if kind != "upstream_status"])
def test_a_proxy_status_token_and_its_status_are_those_of_rfc_9209(kind: FailureKind) -> None:
    token = MEANINGS[kind].proxy_status
    assert token is not None
    assert RFC_9209_STATUSES[token] == MEANINGS[kind].accurate_status


@pytest.mark.parametrize("code", ERRNOS, ids=lambda code: errno.errorcode[code])
def test_every_errno_before_the_connection_has_its_kind(code: int) -> None:
    kind = classify_os_error(OSError(code, "told"), connected=False)
    assert kind is BEFORE_THE_CONNECTION.get(code, FailureKind.CONNECTION_REFUSED)


@pytest.mark.parametrize("code", ERRNOS, ids=lambda code: errno.errorcode[code])
def test_every_errno_on_a_connection_is_a_reset_or_our_own_want(code: int) -> None:
    kind = classify_os_error(OSError(code, "told"), connected=True)
    own = BEFORE_THE_CONNECTION.get(code) is FailureKind.OVERLOADED
    assert kind is (FailureKind.OVERLOADED if own else FailureKind.CONNECTION_RESET)


@pytest.mark.parametrize("connected", [False, True])
@pytest.mark.parametrize("code", GAI_CODES)
def test_every_resolver_code_is_a_dns_error(code: int, connected: bool) -> None:
    error = socket.gaierror(code, "told")
    assert classify_os_error(error, connected=connected) is FailureKind.DNS_ERROR


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), FailureKind.CONNECT_TIMEOUT),
        (OSError("Multiple exceptions: [Errno 111] …"), FailureKind.CONNECTION_REFUSED),
        (ConnectionResetError(), FailureKind.CONNECTION_RESET),
        (ConnectionAbortedError(), FailureKind.CONNECTION_REFUSED),
        (ssl.SSLError(1, "told"), FailureKind.CONNECTION_RESET),
        (ssl.SSLCertVerificationError(1, "told"), FailureKind.CONNECTION_RESET),
        (ssl.SSLEOFError(8, "told"), FailureKind.CONNECTION_RESET),
    ],
    ids=repr,
)
def test_an_error_without_an_errno_has_a_kind_all_the_same(
    error: OSError, kind: FailureKind
) -> None:
    assert classify_os_error(error, connected=False) is kind


@pytest.mark.parametrize("kind", FailureKind)
def test_a_failure_is_retryable_and_named_as_its_kind_says(kind: FailureKind) -> None:
    status = 404 if kind is FailureKind.UPSTREAM_STATUS else None
    failed = Failure(kind, "told", phase=Phase.BODY, status=status)
    _, name, _, _, retry = TABLE[kind.value]
    if status:
        name, retry = "HTTPError:404", False
    assert (failed.error_name, failed.retryable, str(failed)) == (name, retry, "told")
    assert (failed.kind, failed.detail, failed.phase, failed.status) == (
        kind,
        "told",
        Phase.BODY,
        status,
    )


def test_of_the_statuses_of_a_only_four_are_worth_a_retry() -> None:
    retryable = {
        status
        for status in range(300, 600)
        if Failure(FailureKind.UPSTREAM_STATUS, "told", status=status).retryable
    }
    assert retryable == RETRYABLE_STATUSES == {429, 502, 503, 504}


def test_every_family_is_used() -> None:
    assert {row.family for row in MEANINGS.values()} == set(Family)
