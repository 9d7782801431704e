"""What is asked is what arrives, and what comes back is the answer to it."""

from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from faultwire.check.model import Group
from faultwire.check.scenario import TRACED, Need, Play, Scenario
from faultwire.check.scenarios import expectations as expect
from faultwire.check.scenarios.integrity_answers import SCENARIOS as ANSWERS
from faultwire.check.stage import Answer, CannotPlay, Stage

_BAD_REQUEST, _SERVER_ERROR = 400, 500


def _parameter(stage: Stage) -> str:
    kind, _, name = stage.spec.traces.partition(":")
    if kind != "query" or not name:
        raise CannotPlay("its texts do not travel in a query parameter, so none can be compared")
    return name


def _values(request: str, name: str) -> list[str]:
    """The values that a parameter has in "GET /path?query", decoded as forms are."""
    query = request.partition(" ")[2].partition("?")[2].partition("#")[0]
    pairs = (pair.partition("=") for pair in query.split("&"))
    return [_decoded(value) for key, _, value in pairs if _decoded(key) == name]


def _decoded(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")


def _arrives(text: str) -> Play:
    """The text reaches the upstream exactly and, in the lab, comes back exactly."""

    async def play(stage: Stage) -> None:
        name = _parameter(stage)
        token = stage.token()
        sent = token + text
        answer = await stage.ask(token=token, text=sent)
        seen = await stage.seen(token)
        stage.expect(bool(seen), f"no request came to the upstream for {sent!r}")
        got = _values(seen[0].request, name)
        stage.expect(got == [sent], f"sent {sent!r}; the upstream was asked for {got}")
        if expect.is_lab(stage):
            _comes_back(stage, answer.json, token, sent)

    return play


def _comes_back(stage: Stage, said: object, token: str, sent: str) -> None:
    found = [text for text in expect.texts(said) if token in text]
    stage.expect(bool(found), "the text is not in the answer")
    wrong = [text for text in found if text != sent]
    stage.expect(not wrong, f"sent {sent[:200]!r}; the answer says {str(wrong[:1])[:200]}")


def _long(length: int, *, may_refuse: bool = False) -> Play:
    async def play(stage: Stage) -> None:
        token = stage.token()
        sent = token + "long" * (length // 4)
        answer = await stage.ask(token=token, text=sent)
        if may_refuse and _refused(answer):
            return
        stage.is_good(answer)
        _comes_back(stage, answer.json, token, sent)

    return play


def _refused(answer: Answer) -> bool:
    return _BAD_REQUEST <= answer.status < _SERVER_ERROR


def _header(line_end: str) -> Play:
    """A text that would end the request line, were it not encoded."""

    async def play(stage: Stage) -> None:
        _parameter(stage)
        token = stage.token()
        sent = f"{token} HTTP/1.1{line_end}X-Injected: {token}{line_end}X-Rest: "
        await stage.ask(token=token, text=sent)
        for attempt in await stage.seen(token, at_least=0):
            stage.expect(
                "x-injected" not in attempt.headers,
                "a header field out of the text arrived at the upstream",
            )
        await stage.is_well()

    return play


async def _hop_by_hop(stage: Stage) -> None:
    token = stage.token()
    await stage.ask(token=token, headers={"Connection": "close, X-Hop", "X-Hop": token})
    for attempt in await expect.attempts(stage, token):
        stage.expect("x-hop" not in attempt.headers, "a field of the connection was passed on")


class _Text(NamedTuple):
    name: str
    weight: int
    text: str
    what: str
    why: str
    source: str


_TEXTS = (
    _Text(
        "ampersand",
        5,
        " a&b&msg=c=d",
        "ampersands and equals signs",
        "Unencoded, an ampersand ends the value, and the rest becomes other parameters.",
        "CWE-235; RFC 3986 section 2.2",
    ),
    _Text(
        "percent",
        4,
        " 100%",
        "a percent sign",
        "Unencoded, a percent sign begins an escape that is none, and servers refuse or guess.",
        "RFC 3986 section 2.4",
    ),
    _Text(
        "hash",
        4,
        " #1",
        "a hash sign",
        "Unencoded, everything from the hash on is a fragment, which clients do not even send.",
        "RFC 3986 section 3.5",
    ),
    _Text(
        "plus",
        4,
        " 1+1=2",
        "a plus sign",
        "Unencoded, a plus arrives as a blank: the text is changed and nobody notices.",
        "WHATWG URL: application/x-www-form-urlencoded",
    ),
    _Text(
        "encoded_twice",
        3,
        " %26%2B%2541",
        "what looks like escapes",
        "Who decodes twice changes it, and lets through what a filter before it looked for.",
        "CWE-174",
    ),
    _Text(
        "unicode",
        4,
        " naïve Ω 日本語 🙂 e\u0301 \u202eabc",
        "letters of many scripts, an emoji and combining marks",
        "Who encodes as Latin-1, or normalises, loses them or fails with a 500.",
        "RFC 3986 section 2.5; RFC 8259 section 8.1",
    ),
    _Text(
        "quotes",
        3,
        ' "a" \'b\' \\c \\u0041 {"x":1}',
        "quotes, backslashes and JSON",
        "Who builds JSON by hand breaks it, or lets the sender write into it.",
        "CWE-116; RFC 8259 section 7",
    ),
    _Text(
        "markup",
        2,
        " <script>alert(1)</script> ${7*7} {{7*7}}",
        "markup and templates",
        "Who renders it runs it. It is a text, and comes back as one.",
        "CWE-79; CWE-1336",
    ),
    _Text(
        "controls",
        3,
        " a\tb\nc\r\nd\x01\x7f",
        "tabs, line ends and control characters",
        "Unencoded, a line end finishes the request line; clients that refuse it fail with a 500.",
        "RFC 9112 section 3; RFC 8259 section 7",
    ),
    _Text(
        "slashes",
        2,
        " ../../etc/passwd?x=1;y:@//",
        "slashes, dots and other signs with a meaning in addresses",
        "Who puts the text into a path, or joins addresses by hand, calls another route.",
        "CWE-22; RFC 3986 section 3.3",
    ),
)


def _scenario(row: _Text) -> Scenario:
    return Scenario(
        id=f"integrity.text_{row.name}",
        group=Group.INTEGRITY,
        title=f"A text with {row.what} arrives as it was sent",
        weight=row.weight,
        does=f"Sends a text with {row.what}, and reads at the wire what the upstream was asked.",
        expects="The upstream gets exactly this text, once; in the lab it also comes back exactly.",
        why=row.why,
        mend="Let the HTTP client encode: give it parameters, and never join an address by hand.",
        source=row.source,
        play=_arrives(row.text),
        needs=TRACED,
    )


SCENARIOS: tuple[Scenario, ...] = (
    *map(_scenario, _TEXTS),
    Scenario(
        id="integrity.text_long",
        group=Group.INTEGRITY,
        title="A text of 3 KiB makes both ways",
        weight=2,
        does="Sends a text of 3 KiB.",
        expects="A good answer with the whole text.",
        why="Buffers of a fixed size cut long values, and what is cut is wrong.",
        mend="Raise the limit on the request line, in the server and in what stands before it.",
        source="RFC 9112 section 3: at least 8000 octets",
        play=_long(3072),
        needs=frozenset({Need.LAB}),
    ),
    Scenario(
        id="integrity.text_very_long",
        group=Group.INTEGRITY,
        title="A text of 16 KiB makes both ways or is refused",
        weight=2,
        does="Sends a text of 16 KiB.",
        expects="A good answer with the whole text, or a 4xx: never a part of it, never a 5xx.",
        why="People paste long texts; what cannot be served is the client's to know.",
        mend="Raise the limit on the request line, or answer 414 beyond it.",
        source="RFC 9110 section 15.5.15",
        play=_long(16_384, may_refuse=True),
        needs=frozenset({Need.LAB}),
    ),
    Scenario(
        id="integrity.header_injection",
        group=Group.INTEGRITY,
        title="A text with a line end adds no header to the upstream's request",
        weight=5,
        does="Sends a text that ends a request line and goes on with a header field.",
        expects="No such field arrives at the upstream, whatever the answer is.",
        why="Who can add header fields can pose as somebody else, or smuggle a second request.",
        mend="Encode the text; use an HTTP client that refuses line ends in addresses.",
        source="CWE-113; CVE-2019-9740 (Python urllib)",
        play=_header("\r\n"),
        needs=TRACED,
    ),
    Scenario(
        id="integrity.header_injection_bare",
        group=Group.INTEGRITY,
        title="A text with a bare line feed adds no header either",
        weight=3,
        does="Sends the same with line feeds alone, which lenient servers take for line ends.",
        expects="No such field arrives at the upstream, whatever the answer is.",
        why="Filters look for the pair CR LF, and servers accept less.",
        mend="Encode the text; refuse control characters in what becomes an address.",
        source="CWE-93; RFC 9112 section 2.2",
        play=_header("\n"),
        needs=TRACED,
    ),
    Scenario(
        id="integrity.hop_by_hop",
        group=Group.INTEGRITY,
        title="What is said to the target's connection is not passed on to the upstream",
        weight=1,
        does="Sends a header field that the Connection field names as one of this hop only.",
        expects="The field does not arrive at the upstream.",
        why="Such fields have been used to switch off what proxies add for the upstream to trust.",
        mend="Copy to the upstream only the header fields that you know.",
        source="RFC 9110 section 7.6.1; CVE-2022-31813 (Apache httpd)",
        play=_hop_by_hop,
        needs=TRACED,
        advice=True,
    ),
    *ANSWERS,
)
