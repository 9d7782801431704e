"""The lines of a block that are worth parsing, and how many requests all of it holds.

A gigabyte has millions of lines, and nearly all say `status=ok`. So no loop of ours runs over
lines: a few regular expressions, each with a literal beginning, run over the block, and only what
they find is parsed.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from faultwire.explain.block import line_at
from faultwire.explain.entry import Entry
from faultwire.explain.parse import parse, proper_name

_GOOD = rb"(?:ok|[123]\d\d)"
_WORD = rb'(?:"(?:[^"\\\n]|\\.)*"|\S+)'


class _Form(NamedTuple):
    """A form of lines. A block without `sign` has none of it.

    `who` finds how each line begins: the service, and whether a request or an event follows;
    nothing where something else does (`other`). `notable` and `events` find what is to be parsed.
    `spoken` are lines that say nothing more than the line of their request does.
    """

    sign: bytes
    who: re.Pattern[bytes]
    notable: tuple[re.Pattern[bytes], ...]
    events: re.Pattern[bytes] | None = None
    other: re.Pattern[bytes] | None = None
    spoken: tuple[bytes, ...] = ()


_PAIRS = _Form(
    b"service=",
    re.compile(rb"service=([\w.-]+ e(?:ndpoint|vent)=)?"),
    (
        re.compile(rb" status=(?!ok )(?!" + _GOOD + rb"[ \r\n])"),
        re.compile(rb" attempts=(?!1 )(?!1[\r\n])"),
    ),
    re.compile(rb" event="),
    re.compile(rb"service=(?![\w.-]+ (?:endpoint|event)=)"),
    (b" ##### Failure contacting ",),
)
_JSON = _Form(
    b'"service":',
    re.compile(rb'"service": ?"([\w.-]+", ?"e(?:ndpoint|vent)":)?'),
    (
        re.compile(rb'"status":(?!"ok")(?! ?(?:"ok"|"?' + _GOOD + rb'"?[,} ]))'),
        re.compile(rb'"attempts":(?! ?1[,}])'),
    ),
    re.compile(rb'"event":'),
    re.compile(rb'"service":(?! ?"[\w.-]+", ?"(?:endpoint|event)":)'),
)
_WORDS = _Form(
    b" service_",
    re.compile(rb" (service_\w+) (?:[A-Z]{3,7} |\")"),
    (
        re.compile(
            rb" service_\w+ (?:[a-z]|Connection error|Request error|Timeout|"
            + _WORD + b" " + _WORD + rb" [45]\d\d )"
        ),
    ),
    spoken=(b" Calling Service A: ", b" Service A call successful: "),
)  # fmt: skip
_NAME = re.compile(rb"[\w.-]+")
_AFTER_A_QUOTE = re.compile(rb'"[^"\n]* service(?:=[\w.-]+ endpoint=|_\w+ [A-Z"])')
_BLANK = re.compile(rb"\n+(?=\n)")
_NAMES = rb"(?:A|B|wire)(?: and (?:A|B|wire))*"
_OF_UP = re.compile(
    rb"^(?:Service A on http|(?:Open \S+ to watch it, .*)?Ctrl\+C stops |Try: curl |"
    + _NAMES
    + rb" (?:died|ended|did not start): |(?:"
    + _NAMES
    + rb" goe?s? on\. )?To start it "
    rb"again|Nothing runs any more|Not ready after )",
    re.MULTILINE,
)
"""What `faultwire up` itself says between the services' lines."""


class Scanned(msgspec.Struct):
    """What a block holds: requests by service, how many lines, and how many mean nothing here.

    `parsed` are the lines that were looked at, by where they begin, in their order.
    """

    parsed: dict[int, Entry | None]
    requests: Counter[str]
    lines: int
    garbage: int

    @property
    def notable(self) -> list[Entry]:
        """Failures, retries and the services' own events, in the order of the lines."""
        return [entry for entry in self.parsed.values() if entry is not None]


def scan(data: bytes) -> Scanned:
    """Look through whole lines."""
    forms = [form for form in (_PAIRS, _JSON, _WORDS) if form.sign in data]
    begun = _beginnings(data, forms)
    patterns = [pattern for form in forms for pattern in form.notable]
    unusual = not all(map(_begins_request, begun))
    if unusual:
        patterns += [form.events for form in forms if form.events]
    notable = {place: parse(line_at(data, place)) for place in sorted(_places(data, patterns))}
    requests = _requests(begun)
    for place in _doubtful(data, forms, notable, unusual=unusual):
        line = line_at(data, place)  # a pattern may be wrong here
        requests.subtract(_requests(_beginnings(line, forms)))
        entry = notable[place] if place in notable else parse(line)
        if entry is not None and entry.is_request:
            requests[entry.service] += 1
    lines = data.count(b"\n") + (not data.endswith(b"\n")) - _blank(data)
    heard = sum(entry is not None and not entry.is_request for entry in notable.values())
    heard += sum(data.count(words) for form in forms for words in form.spoken)
    garbage = max(lines - requests.total() - heard, 0)
    if garbage:
        garbage = max(garbage - sum(1 for _ in _OF_UP.finditer(data)), 0)
    return Scanned(notable, requests, lines, garbage)


def _doubtful(
    data: bytes, forms: list[_Form], notable: Mapping[int, Entry | None], *, unusual: bool
) -> set[int]:
    """Lines whose service is not where it usually is, or whose text may pretend to be a key."""
    found = _places(data, [form.other for form in forms if form.other and unusual])
    if b'"' in data and forms != [_JSON]:
        found |= _places(data, [_AFTER_A_QUOTE])
    return found | {place for place, entry in notable.items() if entry is None}


def _places(data: bytes, patterns: list[re.Pattern[bytes]]) -> set[int]:
    """Where the lines begin in which one of the patterns is found."""
    return {
        data.rfind(b"\n", 0, found.start()) + 1
        for pattern in patterns
        for found in pattern.finditer(data)
    }


def _beginnings(data: bytes, forms: list[_Form]) -> Counter[bytes]:
    """How the lines begin, and how many do so; one pass for each form."""
    begun = Counter[bytes]()
    for form in forms:
        begun.update(form.who.findall(data))
    return begun


def _requests(begun: Mapping[bytes, int]) -> Counter[str]:
    """The requests among them, by service."""
    requests = Counter[str]()
    for words, count in begun.items():
        if _begins_request(words):
            name = _NAME.match(words)
            requests[proper_name(name[0].decode() if name else "")] += count
    return requests


def _begins_request(words: bytes) -> bool:
    return bool(words) and not words.endswith((b" event=", b'"event":'))


def _blank(data: bytes) -> int:
    if b"\n\n" not in data:
        return int(data.startswith(b"\n"))
    return data.startswith(b"\n") + sum(map(len, _BLANK.findall(data)))
