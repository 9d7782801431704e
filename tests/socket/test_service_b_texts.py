"""Any text comes back exactly, through both hops, and answers never mix."""

import json
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.socket.conftest import LOOPS
from tests.socket.pair import Running, pair
from tests.socket.serving import NewLoop, get

TEXTS = {
    "separators": "a&b=c;d&msg=other#fragment?query",
    "percent": "100% %41 %2541 %zz %",
    "plus and space": "1+1 = 2 ",
    "quotes": """'single' "double" `back` \\ \\\\ \\" \\u0041""",
    "JSON": '{"echo":"no","a":[1]}',
    "controls": "".join(map(chr, range(32))) + "\x7f\x80\x9f",
    "a forged line": "x\r\n2026-01-01 00:00:00,000 INFO service=B endpoint=/call-echo status=ok",
    "a forged head": "x HTTP/1.1\r\nHost: evil\r\n\r\nGET /foo HTTP/1.1\r\n\r\n",
    "separators of lines": "\u0085\u2028\u2029\ufeff",
    "emoji": "👋🏽 👨‍👩‍👧‍👦 🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "directions": "\u202eright\u202c \u2066left\u2069 العربية עברית",
    "combining": "e\u0301 \u00e9 Z\u0351\u0343\u0357",
    "noncharacters": "\uffff\ufffe\U0010ffff\ufdd0\ue000",
    "NUL": "\0",
    "a slash and dots": "../../etc/passwd /call-foo",
    "HTML": "<script>alert(1)</script>&amp;",
    "64 KiB": "x" * (64 << 10),
    "64 KiB of everything": "".join(chr(n * 40_503 % 0xD800) for n in range(64 << 10)),
    "65,536 emoji": "😀" * (64 << 10),
}


def echo_of(b: Running, text: str, encode: Callable[[str], str]) -> str:
    answer = b.get(f"/call-echo?msg={encode(text)}")
    assert answer.status == 200, answer.body[:500]
    echo = json.loads(answer.body)["service_a"]["echo"]
    assert isinstance(echo, str)
    return echo


def every_byte(text: str) -> str:
    """Each byte percent-encoded, needed or not."""
    return "".join(f"%{byte:02x}" for byte in text.encode())


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_comes_back_exactly(new_loop: NewLoop, text: str) -> None:
    with pair(new_loop) as (_, b):
        for encode in (quote, quote_plus, every_byte):
            assert echo_of(b, text, encode) == text
        assert b.is_well()
        lines = [line for line in b.log_lines() if "call-echo" in line]
        assert len(lines) == 3
        assert all(
            line.startswith("INFO service=B endpoint=/call-echo status=ok") for line in lines
        )


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(st.text(min_size=1, max_size=50), min_size=1, max_size=20))
def test_any_text_does(any_pair: Running, texts: list[str]) -> None:
    client = any_pair.server.connect()
    client.send(b"".join(get(f"/call-echo?msg={quote(text, safe='')}") for text in texts))
    for text in texts:
        assert client.answer().json == {"service_b": "ok", "service_a": {"echo": text}}
    client.close()


@pytest.fixture(scope="module")
def any_pair() -> Iterator[Running]:
    with pair(LOOPS[max(LOOPS)]) as (_, b):
        yield b


CLIENTS, ROUNDS, PIPELINED = 100, 10, 10


@pytest.mark.no_cover
def test_10000_answers_never_mix(new_loop: NewLoop) -> None:
    """A hundred connections, ten requests on their way on each, fewer connections to A."""
    with pair(new_loop, upstream_connections="32") as (_, b):
        clients = [b.server.connect() for _ in range(CLIENTS)]
        for turn in range(ROUNDS):
            for number, client in enumerate(clients):
                targets = (f"/call-echo?msg={number}-{turn}-{n}" for n in range(PIPELINED))
                client.send(b"".join(get(target) for target in targets))
            for number, client in enumerate(clients):
                for n in range(PIPELINED):
                    answer = client.answer()
                    assert answer.json["service_a"] == {"echo": f"{number}-{turn}-{n}"}
        for client in clients:
            client.close()
        b.server.wait_until_gone()
        assert len(b.pool._open) == len(b.pool._idle) <= 32
