"""`Proxy-Status` is a valid structured field (RFC 8941) with the words of RFC 9209."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultwire.contracts.proxy_status import proxy_status
from faultwire.events import Called
from faultwire.failures import MEANINGS, Failure, FailureKind, Phase

NAME = r"[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*"
STRING = r'"(?:[ !#-\[\]-~]|\\["\\])*"'
PARAMETER = re.compile(rf"; *([a-z*][a-z0-9_\-.*]*)=({STRING}|{NAME}|-?[0-9]{{1,15}})")


def parse(field: str) -> tuple[str, dict[str, str | int]]:
    """One member of a structured field's list, by the grammar of RFC 8941 section 3."""
    name = re.match(NAME, field)
    assert name
    end, parameters = name.end(), dict[str, str | int]()
    while end < len(field):
        match = PARAMETER.match(field, end)
        assert match, field[end:]
        key, item = match.groups()
        parameters[key] = bare(item)
        end = match.end()
    return name[0], parameters


def bare(item: str) -> str | int:
    if item.startswith('"'):
        return re.sub(r"\\(.)", r"\1", item[1:-1])
    return int(item) if item[0] in "-0123456789" else item


def failed_call(failure: Failure, status: int = 0) -> Called:
    return Called("http://127.0.0.1:8080/echo", 1.0, "id-1", status, 1, 0.002, failure)


def test_a_refused_connection_byte_for_byte() -> None:
    failure = Failure(FailureKind.CONNECTION_REFUSED, "Connection refused")
    assert proxy_status(failed_call(failure), "127.0.0.1:8080") == (
        'service-b; error=connection_refused; next-hop="127.0.0.1:8080"; '
        'details="Connection refused"'
    )


def test_a_status_of_a_is_handed_on_without_an_error() -> None:
    failure = Failure(FailureKind.UPSTREAM_STATUS, "", status=500)
    assert proxy_status(failed_call(failure, 500), "127.0.0.1:8080") == (
        'service-b; received-status=500; next-hop="127.0.0.1:8080"'
    )


def test_an_invalid_answer_names_the_error_and_the_status_received() -> None:
    failure = Failure(FailureKind.RESPONSE_INVALID, "not JSON")
    assert proxy_status(failed_call(failure, 200), "[::1]:8080", "edge") == (
        'edge; error=http_protocol_error; received-status=200; next-hop="[::1]:8080"; '
        'details="not JSON"'
    )


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_gives_a_valid_field_with_its_token(kind: FailureKind) -> None:
    status = 503 if kind is FailureKind.UPSTREAM_STATUS else 0
    field = proxy_status(failed_call(Failure(kind, "told"), status), "a:8080")
    expected: dict[str, str | int] = {"next-hop": "a:8080", "details": "told"}
    if (token := MEANINGS[kind].proxy_status) is None:
        expected["received-status"] = 503
    else:
        expected["error"] = token
    assert parse(field) == ("service-b", expected)


@pytest.mark.parametrize(
    ("phase", "token"),
    [
        (Phase.HEADERS, "http_response_header_section_size"),
        (Phase.BODY, "http_response_body_size"),
        (None, "http_response_body_size"),
    ],
)
def test_too_large_says_what_was_too_large(phase: Phase | None, token: str) -> None:
    failure = Failure(FailureKind.RESPONSE_TOO_LARGE, "told", phase=phase)
    assert parse(proxy_status(failed_call(failure), "a:1"))[1]["error"] == token


@pytest.mark.parametrize(
    ("kind", "coding"),
    [(FailureKind.RESPONSE_MALFORMED, "transfer"), (FailureKind.RESPONSE_INVALID, "content")],
)
def test_a_body_whose_coding_cannot_be_undone_says_which(kind: FailureKind, coding: str) -> None:
    failure = Failure(kind, "told", phase=Phase.BODY)
    token = f"http_response_{coding}_coding"
    assert parse(proxy_status(failed_call(failure), "a:1"))[1]["error"] == token


@given(detail=st.text(st.characters(exclude_categories=())), next_hop=st.text())
def test_no_detail_breaks_the_field(detail: str, next_hop: str) -> None:
    failure = Failure(FailureKind.DNS_ERROR, detail)
    name, parameters = parse(proxy_status(failed_call(failure), next_hop))
    shown = re.sub(r"[^ -~]", "?", detail[:200])
    expected = {"error": "dns_error", "next-hop": re.sub(r"[^ -~]", "?", next_hop)}
    assert (name, parameters) == (
        "service-b",
        expected | ({"details": shown} if shown else {}),
    )


def test_a_call_that_did_not_fail_has_no_such_field() -> None:
    with pytest.raises(ValueError, match="did not fail"):
        proxy_status(Called("http://a/", 1.0, "id-1", 200, 1, 0.002, None), "a:8080")
