"""A wire in front of an upstream that echoes, and answers as a breaking caller reads them."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import NamedTuple

from tests.socket.serving import NewLoop
from tests.socket.upstreams import Script, answers, ok
from tests.socket.wires import Caller, Upstream, Wired, wired

BODY = b'{"echo":"hello"}'
OK = ok(BODY)
BY_RST = "RST"
BY_FIN = "FIN"


@contextmanager
def pair(new_loop: NewLoop, *scripts: Script) -> Iterator[tuple[Wired, Upstream]]:
    """A wire and its upstream, which by default answers `BODY` again and again."""
    with Upstream(*(scripts or (answers(OK),))) as upstream, wired(new_loop, upstream.url) as wire:
        yield wire, upstream


class Answer(NamedTuple):
    """An answer taken apart. `fields` are by lower-case names."""

    status: int
    fields: dict[str, str]
    body: bytes


def taken_apart(data: bytes) -> Answer:
    """Status, fields and the rest of an answer."""
    head, _, body = data.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value for name, _, value in (item.partition(": ") for item in lines)}
    assert len(fields) == len(lines), "a field twice"
    return Answer(int(line.split(" ")[1]), fields, body)


def whole(caller: Caller) -> Answer:
    """The next answer that has a Content-Length."""
    return taken_apart(caller.answer())


def timed(caller: Caller, request: bytes) -> tuple[list[tuple[float, int]], bytes]:
    """When how many bytes were there, in seconds from the request, and all until the FIN."""
    began = monotonic()
    caller.send(request)
    seen = []
    data = b""
    while piece := caller.sock.recv(1 << 20):
        data += piece
        seen.append((monotonic() - began, len(data)))
    return seen, data


def calls(upstream: Upstream) -> int:
    """How many requests the upstream has had."""
    return len(upstream.requests)
