"""How the text of a setting becomes its value; a reader raises ValueError with what it expects."""

import re
from collections.abc import Callable

_UNITS_S = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?|\.[0-9]{1,12})(ms|s|m|h|)")
_LONGEST_S = 3600.0


def duration_s(text: str, *, least_s: float = 0.001) -> float:
    """The seconds of `250ms`, `2s`, `1m` or `1.5`, from `least_s` to an hour."""
    match = _DURATION.fullmatch(text)
    seconds = float(match[1]) * _UNITS_S[match[2]] if match else -1.0
    if not least_s <= seconds <= _LONGEST_S:
        least = f"{least_s * 1000:g}ms" if least_s else "0s"
        raise ValueError(f"a time such as 250ms, 2s or 1m, from {least} to 1h")
    return seconds


def grace_s(text: str) -> float:
    """The same, from no time at all."""
    return duration_s(text, least_s=0.0)


def whole(least: int, most: int) -> Callable[[str], int]:
    """Reads a whole number within these bounds."""

    def read(text: str) -> int:
        number = int(text) if re.fullmatch("[0-9]{1,9}", text) else -1
        if not least <= number <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return number

    return read


def one_of(*choices: str) -> Callable[[str], str]:
    """Reads one of these words."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return text

    return read


def host(text: str) -> str:
    """A host to listen on; an IPv6 address may stand in brackets."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if not re.fullmatch(r"[0-9A-Za-z_.:%-]{1,253}", bare):
        raise ValueError("a host name or an address to listen on, such as 127.0.0.1 or ::1")
    return bare


def upstream_urls(text: str) -> tuple[str, ...]:
    """One or several URLs of an upstream, with commas between them."""
    urls = tuple(upstream_url(each.strip()) for each in text.split(","))
    if len({_address(url) for url in urls}) != len(urls):
        raise ValueError("URLs that differ in their host or port")
    return urls


def _address(url: str) -> str:
    """`http://HOST:PORT` of a URL: what an upstream is known by."""
    return "/".join(url.split("/")[:3])


def policies(text: str) -> str:
    """A set of policies, checked."""
    if text != "none":
        from faultwire.policy.sets import read_set  # noqa: PLC0415 - half a megabyte, for who asks

        try:
            read_set(text)
        except ValueError as error:
            raise ValueError(f"a set of policies ({error})") from error
    return text


def upstream_url(text: str) -> str:
    """The URL of an upstream, without a slash at its end."""
    from faultwire.http.address import parse_origin  # noqa: PLC0415 - asyncio: --help does without

    expected = "a URL such as http://127.0.0.1:8080"
    if text.lower().startswith("https://"):
        raise ValueError(f"{expected} (for https:// put faultwire wire --to URL between)")
    if re.match("(http://)?[^/?#]*@", text, re.IGNORECASE):
        raise ValueError(f"{expected} (without a user or a password)")
    if not re.fullmatch("[!-~]{1,2000}", text):  # it becomes a part of each request's first line
        raise ValueError(expected)
    try:
        return parse_origin(text).url
    except ValueError as error:
        raise ValueError(expected) from error
