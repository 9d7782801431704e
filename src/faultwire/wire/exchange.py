"""What a fault sees of the request it breaks, and what it can do to it."""

from collections.abc import AsyncIterator
from random import Random
from typing import Protocol

from faultwire.wire.stream.head import Head


class Exchange(Protocol):
    """One request on its way over the wire, in the hands of a fault.

    A fault's `play` runs as a task. It is cancelled when the client leaves. Everything it sends
    goes to the client in order, with back-pressure. When it returns without having ended the
    connection, the wire takes the next request from it.
    """

    @property
    def request(self) -> Head:
        """The head of the request."""

    @property
    def rng(self) -> Random:
        """The fault's own chance for this request, seeded."""

    @property
    def calls_upstream(self) -> bool:
        """Whether the fault's phase is `after`."""

    @property
    def reused(self) -> bool:
        """Whether this client connection has carried a request before."""

    async def answer(self) -> Head:
        """The head of the answer, marked with `X-Fault`. Asked again, it is the same.

        In phase `after` this sends the request to the upstream (once) and waits for its final
        head; interim 1xx heads are passed on. In phase `before` the upstream is not called, and
        the answer is a small JSON 200 of the wire's own.
        Raises `UpstreamLost` when the upstream refuses, resets or closes before.
        """

    def body(self) -> AsyncIterator[bytes]:
        """The rest of that answer, piece by piece, streamed in bounded memory.

        It is framed as on the wire, chunk sizes and trailers included. Raises `UpstreamLost`.
        """

    async def discard_request(self) -> None:
        """Read the request's body to its end, without passing it on."""

    def marked(self, head: Head) -> Head:
        """A head of the fault's own making, with the `X-Fault` field that every fault's has."""

    async def send(self, data: bytes) -> None:
        """Send bytes to the client; waits while it does not read."""

    async def pass_on(self) -> None:
        """Play the fault that this one composes with or, behind the last, what no fault is.

        The latter is the upstream's answer marked with `X-Fault`. The upstream is called whatever
        the phase. What `answer` has fetched from there is not fetched again, and behind what was
        sent comes the rest; the wire's own answer of phase `before` is forgotten as long as
        nothing was sent. A fault that composes and returns without a word has done the same.
        """

    async def sleep(self, seconds: float) -> bool:
        """Wait; ends early when the fault is mended. Precise to the loop's timer.

        False if the fault is mended, now or before: then whoever drips stops dripping.

        A client that has shut down its side has mostly gone: when it still had longer to wait
        than a moment, the play is cancelled.
        """

    def close(self) -> None:
        """End the connection to the client in good order (FIN), behind what was sent."""

    def reset(self) -> None:
        """End it with an RST; what was sent before is flushed first as far as it can be."""


class UpstreamLost(Exception):
    """The upstream did not answer in full. The wire mirrors it to the client."""
