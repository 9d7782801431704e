"""The fault that gives one request the answer of another."""

from collections import deque
from functools import cached_property
from typing import Annotated, NamedTuple

from faultwire.wire.exchange import Exchange
from faultwire.wire.faults.attributes import KIB, within
from faultwire.wire.faults.base import Fault, Phase
from faultwire.wire.faults.reading import is_http_1_0, length_of, start_of
from faultwire.wire.faults.sending import announcing_close, end_as_said, ends_behind, without
from faultwire.wire.stream.framing import UNTIL_CLOSE
from faultwire.wire.stream.head import Head

_MOST_BYTES = 64 * KIB
_MOST = 16


class Earlier(NamedTuple):
    """An answer that was given, as it was framed."""

    head: Head
    body: bytes


class StaleAnswer(Fault, frozen=True, dict=True):
    """The answer of an earlier request, head and body.

    The caller sees: a perfect answer to somebody else's question: that of the request `back`
    places before, among those that this fault has hit. While there is none yet, the request
    passes untouched, and `X-Fault` says `stale_answer; none yet`. HEAD requests, answers over
    64 KiB and those that end with their connection pass untouched and are not remembered.

    In real life: a cache with the wrong key, answers mixed up on a shared connection, a replica
    that lags behind.
    """

    PHASES = (Phase.AFTER,)

    back: Annotated[int, within(1, _MOST, "how many answers ago")] = 1

    @cached_property
    def _earlier(self) -> deque[Earlier]:
        """The last answers, the oldest first; they live as long as this fault."""
        return deque(maxlen=self.back)

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        if not _stands_alone(exchange.request, answer):
            await self._pass_on(exchange, answer)
            return
        pieces = exchange.body()
        body = await start_of(pieces, _MOST_BYTES)
        earlier = self._earlier[0] if len(self._earlier) == self.back else None
        if len(body) <= _MOST_BYTES:
            self._earlier.append(Earlier(answer, body))
        if earlier is None:
            await self._pass_on(exchange, answer, body)
        else:
            ends = ends_behind(exchange.request, answer)
            head = announcing_close(earlier.head) if ends else earlier.head
            await exchange.send(head.raw + earlier.body)
            end_as_said(exchange, head)

    async def _pass_on(self, exchange: Exchange, answer: Head, body: bytes = b"") -> None:
        """Send the right answer, of which `body` has been read, and say so."""
        said = (answer.field(b"X-Fault") or b"") + b"; none yet"
        await exchange.send(without(answer, b"X-Fault").with_field(b"X-Fault", said).raw + body)
        async for piece in exchange.body():
            await exchange.send(piece)
        end_as_said(exchange, answer)


def _stands_alone(request: Head, answer: Head) -> bool:
    """Whether the answer can be given to another request."""
    bodied = request.method != "HEAD" and not is_http_1_0(request)
    return bodied and length_of(request, answer) != UNTIL_CLOSE
