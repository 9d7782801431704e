"""Both event loops, and servers that are gone when the test is."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Protocol

import pytest

from faultwire.http.limits import DEFAULT_LIMITS, Limits
from faultwire.http.server import App
from tests.socket.serving import EchoApp, NewLoop, Server

LOOPS: dict[str, NewLoop] = {"asyncio": asyncio.new_event_loop}
try:
    import uvloop
except ImportError:  # Windows
    pass
else:
    LOOPS["uvloop"] = uvloop.new_event_loop


class Serve(Protocol):
    """Starts a server, by default one that echoes within the default limits."""

    def __call__(self, app: App | None = None, limits: Limits = DEFAULT_LIMITS) -> Server: ...


@pytest.fixture(params=sorted(LOOPS))
def new_loop(request: pytest.FixtureRequest) -> NewLoop:
    """Each event loop in turn."""
    return LOOPS[request.param]


@pytest.fixture
def serve(new_loop: NewLoop) -> Iterator[Serve]:
    """A way to start servers on each event loop in turn."""
    with ExitStack() as stack:

        def start(app: App | None = None, limits: Limits = DEFAULT_LIMITS) -> Server:
            server = Server(app or EchoApp(), limits, new_loop)
            stack.callback(server.close)
            return server

        yield start
