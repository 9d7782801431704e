"""No value from outside can end a line or forge one (CWE-117)."""

import json
import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultwire.contracts import CONTRACTS, escape
from faultwire.events import Called, Calling, Served
from faultwire.failures import Failure, FailureKind

ANY_CHARACTER = st.characters(exclude_categories=())
NASTY = st.sampled_from(
    [
        "\n",
        "\r\n",
        "\x00",
        "\x1b[2J",
        "\x85",
        "\u2028",
        "\u2029",
        "\u202e",
        "\u2066",
        "\u200b",
        "\ufeff",
        "\ud800",
        '"',
        "\\",
        "\\u000a",
        "=",
        " ",
        "status=ok",
        "…",
        "🐴",
    ]
)
TEXT = st.lists(NASTY | st.text(ANY_CHARACTER, max_size=5), max_size=20).map("".join)

_PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^ "\\]+)(?: |$)')


def parse(line: str) -> dict[str, str]:
    """Read `key=value` as any log reader would: a quoted value is a JSON string."""
    fields: dict[str, str] = {}
    end = 0
    while end < len(line):
        match = _PAIR.match(line, end)
        assert match, line[end:]
        key, item = match.groups()
        assert key not in fields
        fields[key] = json.loads(item) if item.startswith('"') else item
        end = match.end()
    return fields


def assert_is_one_line(line: str) -> None:
    assert line.splitlines() == [line]
    assert all(char.isprintable() for char in line)
    line.encode()  # no half of a surrogate pair


@given(text=TEXT)
def test_a_value_comes_back_exactly(text: str) -> None:
    line = f"before=1 it={escape.value(text)} after=2"
    assert_is_one_line(line)
    assert parse(line) == {"before": "1", "it": text, "after": "2"}


@pytest.mark.parametrize("char", ["a", '"', "\x01", "\u0378", "é", "\U0001f40d", "\U000e0001"])
def test_no_value_is_too_long_for_a_line_that_a_pipe_takes_in_one_piece(char: str) -> None:
    """4096 bytes are atomic (pipe(7)); what comes on top of a long value is less than 600."""
    assert len(escape.value(char * 1000).encode()) <= 3500


@given(text=TEXT)
def test_a_quoted_value_is_a_json_string(text: str) -> None:
    assert_is_one_line(escape.quoted(text))
    assert json.loads(escape.quoted(text)) == text


@given(text=TEXT)
def test_plain_text_stays_on_its_line_and_comes_back(text: str) -> None:
    shown = escape.plain(text)
    assert_is_one_line(f"said: {shown}.")
    again = shown.replace('"', '\\"')
    assert json.loads(f'"{again}"') == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/call-echo", "/call-echo"),
        ("ReadTimeout", "ReadTimeout"),
        ("", '""'),
        ("a b", '"a b"'),
        ("a=b", '"a=b"'),
        ('say "no"', r'"say \"no\""'),
        ("C:\\temp", r'"C:\\temp"'),
        ("a\nb\r\tc", r'"a\nb\r\tc"'),
        ("\x00\x1b\x7f\x85", r'"\u0000\u001b\u007f\u0085"'),
        ("a\u2028b\u2029c", r'"a\u2028b\u2029c"'),
        ("\u202egpj.exe", r'"\u202egpj.exe"'),
        ("\U000e0041", r'"\udb40\udc41"'),
        ("příliš 🐴", '"příliš 🐴"'),
    ],
)
def test_what_is_plain_stays_plain_and_the_rest_is_quoted(text: str, shown: str) -> None:
    assert escape.value(text) == shown


@pytest.mark.no_cover
def test_no_character_of_unicode_breaks_a_line_or_turns_it_around() -> None:
    shown = "".join(escape.quoted(chr(code)) for code in range(sys.maxunicode + 1))
    assert_is_one_line(shown)
    assert not {unicodedata.category(char) for char in set(shown)} & {"Cc", "Cf", "Zl", "Zp", "Cs"}


@pytest.mark.parametrize("length", [511, 512])
def test_a_value_up_to_the_bound_is_whole(length: int) -> None:
    assert escape.value("a" * length) == "a" * length
    assert escape.url("a" * length) == "a" * length


def test_a_longer_value_is_cut_and_says_so() -> None:
    assert escape.value("a" * 513) == '"' + "a" * 511 + '…"'
    assert escape.url("a" * 513) == "a" * 512 + "…"


def test_a_url_keeps_its_visible_characters_and_encodes_the_rest() -> None:
    shown = escape.url('http://a/echo?msg=a%20b&c="\\ é\n\u2028🐴\ud800')
    assert shown == 'http://a/echo?msg=a%20b&c="\\%20%C3%A9%0A%E2%80%A8%F0%9F%90%B4%ED%A0%80'


@given(text=TEXT)
def test_no_path_identity_or_detail_can_forge_a_line(text: str) -> None:
    failure = Failure(FailureKind.RESPONSE_MALFORMED, text)
    called = Called(f"http://a/{text}", 1.0, text, 0, 1, 0.0, failure)
    event = Served("B", text, text, "", 503, 0.0, text, called)
    for contract in CONTRACTS.values():
        lines = (
            contract.served(event),
            contract.called(called) or "-",
            contract.calling(Calling(called.url, 1.0, text)) or "-",
            contract.note("INFO", {"service": "B", "event": "it", "said": text}),
        )
        for line in lines:
            assert_is_one_line(line)


@given(text=TEXT)
def test_a_line_of_unified_parses_back_into_what_happened(text: str) -> None:
    failure = Failure(FailureKind.RESPONSE_MALFORMED, text)
    called = Called("http://a/", 1.0, text, 0, 1, 0.0, failure)
    level, line = (
        CONTRACTS["unified"]
        .served(Served("B", "GET", text, "", 503, 0, text, called))
        .split(" ", 1)
    )
    assert level == "ERROR"
    assert parse(line) == {
        "service": "B",
        "endpoint": text,
        "status": "error",
        "latency_ms": "0",
        "error": "InvalidResponse",
        "http_status": "503",
        "kind": "response_malformed",
        "request_id": text,
        "attempts": "1",
        "upstream_ms": "0",
        "details": text,
    }


@given(text=TEXT)
def test_a_line_of_gateway_parses_back_into_what_happened(text: str) -> None:
    called = Called("http://a/", 1.0, "", 0, 1, 0.0, Failure(FailureKind.DNS_ERROR, text))
    line = CONTRACTS["gateway"].served(Served("B", "GET", text, "", 503, 0, "", called))
    assert parse(line) == {
        "service": "B",
        "endpoint": text,
        "status": "error",
        "http_status": "504",
        "error": "timeout",
        "complete_error": text,
        "latency_ms": "0",
    }
