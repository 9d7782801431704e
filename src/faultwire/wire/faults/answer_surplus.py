"""The fault that says more than was asked for."""

from typing import Annotated

from faultwire.wire.exchange import Exchange
from faultwire.wire.faults.attributes import span, visible
from faultwire.wire.faults.base import Fault
from faultwire.wire.faults.reading import has_body, length_of, payload
from faultwire.wire.faults.sending import framed, own_head


class Surplus(Fault, frozen=True):
    """The answer is right, and behind it comes a second, forged one.

    The caller sees: a whole answer, and more bytes than it is long: a 200 with `body` that nobody
    asked for, in the same packet or, with `delay_ms`, on the idle connection. Who keeps the
    connection and does not look takes them for the answer to its next request, and from then on
    every answer is somebody else's.

    In real life: a server that answers twice after an error, a HEAD or a 204 that is answered
    with a body, a wrong Content-Length, response splitting and request smuggling.
    """

    OF_BODIES = True

    body: Annotated[str, visible("what the second answer says, as JSON")] = '{"echo":"surplus"}'
    delay_ms: Annotated[float, span("how long after the first the second answer comes")] = 0

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        length = length_of(exchange.request, answer)
        frame = framed(exchange.request, answer, length if length >= 0 else None)
        bodied = has_body(exchange.request, answer.status)
        held = frame.head if bodied else answer.raw
        async for piece in payload(exchange, answer):
            await exchange.send(held)
            held = frame.piece(piece)
        held += frame.end * bodied
        if self.delay_ms:
            await exchange.send(held)
            await exchange.sleep(self.delay_ms / 1000)
            held = b""
        await exchange.send(held + self._forged(exchange))
        if frame.closes:
            exchange.close()

    def _forged(self, exchange: Exchange) -> bytes:
        body = self.body.encode()
        head = own_head(200, {b"Content-Type": b"application/json"}, len(body))
        return exchange.marked(head).raw + body
