"""The bodies of every contract, byte for byte, for every kind of failure."""

import json
from types import MappingProxyType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from faultwire.contracts import CONTRACTS, DEFAULT
from faultwire.contracts.unified import problem
from faultwire.events import Called
from faultwire.failures import Failure, FailureKind

URL = "http://127.0.0.1:8080/echo?msg=hello"
UNREACHABLE = ("Service A unavailable", "Connection error: told in full", "timeout", 504)
TOO_SLOW = ("Service A timeout", "Timeout calling Service A after 2.0s", "timeout", 504)
WRONG = ("Service A returned error", "Request error: told in full")

KINDS = {
    "dns_error": (502, *UNREACHABLE),
    "connection_refused": (502, *UNREACHABLE),
    "connect_timeout": (504, *TOO_SLOW),
    "connection_reset": (502, *UNREACHABLE),
    "empty_response": (502, *UNREACHABLE),
    "response_timeout": (504, *TOO_SLOW),
    "response_truncated": (502, *UNREACHABLE),
    "response_malformed": (502, *WRONG, "response_malformed", 502),
    "response_too_large": (502, *WRONG, "response_too_large", 502),
    "response_invalid": (502, *WRONG, "response_invalid", 502),
    "upstream_status": (502, *WRONG, "HTTP 418", 418),
    "deadline_exceeded": (504, *TOO_SLOW),
    "circuit_open": (503, *UNREACHABLE),
    "bulkhead_full": (503, *UNREACHABLE),
    "overloaded": (503, *UNREACHABLE),
}
"""Accurate status, unified's error, detailed's details, gateway's error and http_status."""


def failed_call(kind: str, timeout_s: float = 2.0, detail: str = "told in full") -> Called:
    status = 418 if kind == "upstream_status" else 0
    failure = Failure(FailureKind(kind), detail, status=status or None)
    return Called(URL, timeout_s, "id-1", status, 2, 0.0021, failure)


def test_every_kind_of_failure_is_in_these_tests() -> None:
    assert list(KINDS) == [kind.value for kind in FailureKind]


def test_the_contracts_are_the_five_of_the_design_and_unified_is_the_default() -> None:
    terms = {
        name: (contract.NAME, contract.TIMEOUT_S, contract.REQUIRES_MSG, contract.MILLISECONDS)
        for name, contract in CONTRACTS.items()
    }
    assert terms == {
        "unified": ("unified", 1.0, True, True),
        "classified": ("classified", 1.0, False, True),
        "passthrough": ("passthrough", 1.0, False, True),
        "detailed": ("detailed", 2.0, True, False),
        "gateway": ("gateway", 1.0, False, True),
    }
    assert next(iter(CONTRACTS)) == DEFAULT == "unified"


@pytest.mark.parametrize("name", ["unified", "classified", "passthrough", "gateway"])
def test_a_success_combines_both_services(name: str) -> None:
    body = CONTRACTS[name].success("hello", {"echo": "hello"})
    assert body == b'{"service_b":"ok","service_a":{"echo":"hello"}}'


def test_a_success_of_detailed_repeats_the_message() -> None:
    body = CONTRACTS["detailed"].success("hello", {"echo": "hello"})
    assert body == b'{"msg":"hello","echo_response":{"echo":"hello"}}'


@pytest.mark.parametrize("name", CONTRACTS)
def test_an_answer_may_be_any_mapping(name: str) -> None:
    plain = CONTRACTS[name].success("", {"echo": ""})
    assert CONTRACTS[name].success("", MappingProxyType({"echo": ""})) == plain


@pytest.mark.parametrize("name", CONTRACTS)
@given(text=st.text())
def test_any_text_comes_back_exactly(name: str, text: str) -> None:
    body = json.loads(CONTRACTS[name].success(text, {"echo": text}))
    answer = body.pop("echo_response") if name == "detailed" else body.pop("service_a")
    rest = {"msg": text} if name == "detailed" else {"service_b": "ok"}
    assert (answer, body) == ({"echo": text}, rest)


def test_text_is_sent_as_utf_8_not_as_escapes() -> None:
    body = CONTRACTS["unified"].success("", {"echo": "žluťoučký 🐴"})
    assert body == '{"service_b":"ok","service_a":{"echo":"žluťoučký 🐴"}}'.encode()


@pytest.mark.parametrize("kind", KINDS)
def test_unified_says_all_about_a_failure(kind: str) -> None:
    accurate, error, *_ = KINDS[kind]
    assert (
        CONTRACTS["unified"].failure(failed_call(kind))
        == (
            f'{{"service_b":"ok","service_a":"unavailable","error":"{error}","kind":"{kind}",'
            f'"details":"told in full","http_status":{accurate},"attempts":2,"request_id":"id-1"}}'
        ).encode()
    )


@pytest.mark.parametrize("kind", KINDS)
def test_classified_says_the_class_of_a_failure(kind: str) -> None:
    body = f'{{"error":"{KINDS[kind][1]}"}}'
    assert CONTRACTS["classified"].failure(failed_call(kind)) == body.encode()


@pytest.mark.parametrize("kind", KINDS)
def test_passthrough_says_what_the_connection_said(kind: str) -> None:
    body = b'{"service_b":"ok","service_a":"unavailable","error":"told in full"}'
    assert CONTRACTS["passthrough"].failure(failed_call(kind)) == body


@pytest.mark.parametrize("kind", KINDS)
def test_detailed_says_the_class_in_its_details(kind: str) -> None:
    body = f'{{"error":"Service A unavailable","details":"{KINDS[kind][2]}"}}'
    assert CONTRACTS["detailed"].failure(failed_call(kind)) == body.encode()


@pytest.mark.parametrize("kind", KINDS)
def test_gateway_says_timeout_for_all_that_cannot_be_reached(kind: str) -> None:
    *_, error, status = KINDS[kind]
    assert (
        CONTRACTS["gateway"].failure(failed_call(kind))
        == (
            f'{{"service_b":"ok","service_a":"unavailable","error":"{error}","http_status":{status}}}'
        ).encode()
    )


@pytest.mark.parametrize(
    ("timeout_s", "words"),
    [(2.0, "2.0s"), (2, "2.0s"), (0.25, "0.25s"), (0.1 + 0.2, "0.3s"), (1e-05, "0.0s")],
)
def test_detailed_names_the_timeout_in_seconds(timeout_s: float, words: str) -> None:
    body = json.loads(CONTRACTS["detailed"].failure(failed_call("response_timeout", timeout_s)))
    assert body["details"] == f"Timeout calling Service A after {words}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_problem_follows_rfc_9457_and_its_status_is_the_one_sent(kind: str) -> None:
    accurate, title, *_ = KINDS[kind]
    assert json.loads(problem(failed_call(kind), 503, "/call-echo")) == {
        "type": f"urn:faultwire:failure:{kind}",
        "title": title,
        "status": 503,
        "detail": "told in full",
        "instance": "/call-echo",
        "service_b": "ok",
        "service_a": "unavailable",
        "kind": kind,
        "http_status": accurate,
        "attempts": 2,
        "request_id": "id-1",
    }


def test_the_instance_of_a_problem_is_a_uri_reference() -> None:
    body = json.loads(problem(failed_call("dns_error"), 502, "/é b"))
    assert body["instance"] == "/%C3%A9%20b"


@pytest.mark.parametrize("name", CONTRACTS)
@example(detail="half a pair: \ud800")
@given(detail=st.text(st.characters(exclude_categories=())))
def test_a_failure_is_valid_json_whatever_its_detail(name: str, detail: str) -> None:
    body = CONTRACTS[name].failure(failed_call("response_malformed", detail=detail))
    said = json.loads(body.decode())
    if name == "passthrough":
        assert said == {"service_b": "ok", "service_a": "unavailable", "error": detail}


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_call_that_did_not_fail_has_no_failure_body(name: str) -> None:
    with pytest.raises(ValueError, match="did not fail"):
        CONTRACTS[name].failure(Called(URL, 1.0, "id-1", 200, 1, 0.002, None))
