"""How a value from outside enters a log line without ending it or forging another (CWE-117).

A value stands bare when it is visible ASCII without `"`, `=` and backslash. Any other value is
quoted, and a quoted value is a JSON string: `json.loads` gives back the exact text. Whatever
is not printable (controls, line and paragraph separators, bidirectional and zero-width
controls, unassigned code points) is escaped, so that a line is one line to every reader.
"""

import re

MAX_CHARS = 512
"""A longer value is cut here and ends in `…`: a line stays in one atomic write to a pipe."""

_MAX_ESCAPED = 6 * MAX_CHARS

_bare = re.compile(r"[!#-<>-\[\]-~]{1,512}").fullmatch
_visible = re.compile(r"[!-~]{1,512}").fullmatch
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escaped(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000  # JSON writes what is above U+FFFF as a surrogate pair
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def bounded(text: str) -> str:
    """The text, or its beginning and `…` when it is longer than `MAX_CHARS`."""
    return text if len(text) <= MAX_CHARS else text[: MAX_CHARS - 1] + "…"


def quoted(text: str) -> str:
    """The text as a JSON string on one line."""
    text = bounded(text)
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    escaped = "".join(map(_escaped, text))
    if len(escaped) > _MAX_ESCAPED:  # at twelve bytes for each character
        return quoted(text[: MAX_CHARS // 2 - 1] + "…")
    return f'"{escaped}"'


def value(text: str) -> str:
    """The text bare if it can stand so, else quoted."""
    # As ids are: found sooner, and of bytes sooner than of characters.
    if text.isascii() and len(text) <= MAX_CHARS and text.encode().isalnum():
        return text
    return text if _bare(text) else quoted(text)


def plain(text: str) -> str:
    """The text for the end of a sentence: not quoted, but on one line all the same."""
    return quoted(text)[1:-1].replace('\\"', '"')


def url(text: str) -> str:
    """The URL with everything but visible ASCII percent-encoded."""
    if _visible(text):
        return text
    encoded = re.sub(r"[^!-~]", _percent, text[:MAX_CHARS])
    return encoded if len(text) <= MAX_CHARS else encoded + "…"


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))
