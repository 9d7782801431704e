"""Requests by the thousand: good ones with what must be made of them, and bad ones (hypothesis)."""

import string
from dataclasses import dataclass, field

from hypothesis import strategies as st

_TCHAR = "!#$%&'*+-.^_`|~" + string.digits + string.ascii_letters
_RESERVED = {"host", "content-length", "transfer-encoding", "connection", "upgrade", "expect"}
_METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")

names = st.text(_TCHAR, min_size=1, max_size=12).filter(
    lambda n: n.lower() not in _RESERVED | {"proxy-connection"}
)
_INNER = bytes({*range(0x21, 0x7F), *range(0x80, 0x100)})
values = st.lists(
    st.lists(st.sampled_from(_INNER), min_size=1, max_size=8).map(bytes), max_size=3
).map(b" \t ".join)
blanks = st.sampled_from([b"", b" ", b"\t", b"  "])
_PATH = "/abcXYZ019-._~!$&'()*+,;=:@"
paths = st.text(_PATH, max_size=20).map(lambda p: f"/{p}")
queries = st.text(_PATH + "?%", max_size=20).map(lambda q: q.replace("%", "%2"))
bodies = st.binary(max_size=80)


@dataclass
class Good:
    """The bytes of an acceptable request, and what it says."""

    sent: bytes
    method: str
    path: bytes
    query: bytes
    body: bytes
    headers: dict[bytes, bytes] = field(default_factory=dict)


@st.composite
def chunked(draw: st.DrawFn, body: bytes) -> bytes:
    """A body in chunks of any size, with extensions and trailers."""
    sent, rest = b"", body
    while rest:
        size = draw(st.integers(1, len(rest)))
        noughts = draw(st.sampled_from(["", "0", "000"]))
        extension = draw(st.sampled_from([b"", b";a", b";a=b", b';a="b ;c"', b";a;b=c"]))
        sent += b"%b%b\r\n%b\r\n" % (f"{noughts}{size:x}".encode(), extension, rest[:size])
        rest = rest[size:]
    trailers = draw(st.lists(st.tuples(names, values), max_size=2))
    lines = b"".join(b"%b: %b\r\n" % (name.encode(), value) for name, value in trailers)
    return sent + b"0\r\n" + lines + b"\r\n"


@st.composite
def good_requests(draw: st.DrawFn) -> Good:
    """An acceptable HTTP/1.1 request that keeps its connection."""
    method, path = draw(st.sampled_from(_METHODS)), draw(paths)
    query = draw(st.none() | queries)
    target = path if query is None else f"{path}?{query}"
    prefix = draw(st.sampled_from(["", "", "", "http://a"]))
    fields = [
        (b"Host", b"a"),
        *((n.encode(), v) for n, v in draw(st.lists(st.tuples(names, values), max_size=4))),
    ]
    body, framing = b"", draw(st.sampled_from(["none", "length", "chunked"]))
    sent_body = b""
    if framing != "none":
        body = draw(bodies)
    if framing == "length":
        fields.append((b"Content-Length", b"%d" % len(body)))
        sent_body = body
    elif framing == "chunked":
        fields.append((b"Transfer-Encoding", b"chunked"))
        sent_body = draw(chunked(body))
    fields = draw(st.permutations(fields))
    lines = b"".join(
        b"%b:%b%b%b\r\n" % (n, draw(blanks), v, b" " if v == b"chunked" else draw(blanks))
        for n, v in fields
    )
    head = f"{method} {prefix}{target} HTTP/1.1\r\n".encode() + lines + b"\r\n"
    headers: dict[bytes, bytes] = {}
    for name, value in fields:
        key = name.lower()
        headers[key] = headers[key] + b", " + value if key in headers else value
    blank_lines = draw(st.sampled_from([b"", b"", b"\r\n"]))
    return Good(
        blank_lines + head + sent_body, method, path.encode(), (query or "").encode(), body, headers
    )


SPANNERS = [
    *(bytes([byte]) for byte in b"\r\n\0 \t:;,%#?\xff0-+"),
    b"\r\n",
    b"Content-Length: 3\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Host: b\r\n",
    b"HTTP/1.0",
    b"HTTP/2.0",
    b"Connection: close\r\n",
    b"Connection: upgrade\r\nUpgrade: h2c\r\n",
    b"Expect: 100-continue\r\n",
    b"ffffffffffffffff\r\n",
    b"0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"x" * 5000,
]
"""What is thrown in between."""


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Good requests with bytes taken out, doubled, moved or thrown in."""
    data = b"".join(good.sent for good in draw(st.lists(good_requests(), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 20)))
        piece = data[start:end]
        match draw(st.integers(0, 4)):
            case 0:
                data = data[:start] + data[end:]
            case 1:
                data = data[:end] + data[start:]
            case 2:
                data = data[:start] + draw(st.sampled_from(SPANNERS)) + data[end:]
            case 3:
                data = (
                    data[:start]
                    + bytes(b ^ draw(st.sampled_from([1, 32, 128])) for b in piece)
                    + data[end:]
                )
            case _:
                data = data[:end]
    return data


nonsense = st.binary(max_size=200) | mutated() | mutated()


@st.composite
def splits(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The same bytes in pieces."""
    if draw(st.integers(0, 4)) == 0:
        return [data[i : i + 1] for i in range(len(data))]
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if a < b]


pieces = nonsense.flatmap(splits)
"""Anything at all, in pieces."""
