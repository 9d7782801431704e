"""The files of the page, held in memory, and the headers that keep it what it is."""

from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

from faultwire.http.message import Request, Response

_TYPES = {
    "css": b"text/css; charset=utf-8",
    "html": b"text/html; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
    "txt": b"text/plain; charset=utf-8",
}
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    b"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SAFE = (
    b"Content-Security-Policy: %b\r\n"
    b"X-Content-Type-Options: nosniff\r\n"
    b"Referrer-Policy: no-referrer\r\n"
    b"Cross-Origin-Opener-Policy: same-origin\r\n"
    b"Cross-Origin-Resource-Policy: same-origin\r\n"
) % _POLICY
"""No script or style but our own files, no other site, no frame around us."""


class Asset(NamedTuple):
    """One file: its bytes, their type, and the tag by which a browser knows them again."""

    body: bytes
    content_type: bytes
    tag: bytes

    def response(self, request: Request) -> Response:
        """The file, or that the browser has it."""
        headers = b"%bCache-Control: no-cache\r\nETag: %b\r\n" % (SAFE, self.tag)
        if request.headers.get(b"if-none-match") == self.tag:
            return Response(304, b"", self.content_type, headers)
        return Response(200, self.body, self.content_type, headers)


def load() -> dict[bytes, Asset]:
    """Every file of the page by the path at which it is served; the page itself is at `/`."""
    root = files("faultwire.lab.console") / "static"
    found = {path: _asset(file) for path, file in _walk(root, "/")}
    found[b"/"] = found.pop(b"/index.html")
    return found


def _walk(folder: Traversable, path: str) -> Iterator[tuple[bytes, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{path}{entry.name}/")
        elif entry.name.rpartition(".")[2] in _TYPES:
            yield f"{path}{entry.name}".encode(), entry


def _asset(file: Traversable) -> Asset:
    body = file.read_bytes()
    kind = _TYPES[file.name.rpartition(".")[2]]
    return Asset(body, kind, b'"%b"' % sha256(body).hexdigest()[:16].encode())
