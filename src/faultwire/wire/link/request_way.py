"""The way up: a client's bytes on their way to the upstream.

    SHUT --the upstream is there--> OPEN --a fault is chosen--> SHUT --its play is over--> OPEN
                                      a play may meanwhile let the one request's body through
                                      (FORWARD) or drop it (DISCARD, SKIP)

With no fault active, bytes go up as they come and are looked at afterwards. Otherwise a head
waits until it is whole and the plan has seen it. What comes while the way is shut waits; when
that is much, the client is not read.
"""

import asyncio
from collections.abc import Callable
from time import time
from typing import Protocol

from faultwire.wire.ledger import Record
from faultwire.wire.link.account import Account
from faultwire.wire.link.ends import End
from faultwire.wire.link.passage import Mode, Passage
from faultwire.wire.link.passed import Passed
from faultwire.wire.plan import Chosen, Plan
from faultwire.wire.stream import Event
from faultwire.wire.stream.head import Head
from faultwire.wire.stream.messages import RequestStream

MOST_WAITING_BYTES = 1 << 16
MOST_PENDING = 1024  # requests of a connection that await answers; then it is not read further
_HEAD_S = 10.0  # how long a head may be held that does not become whole


class Stage(Protocol):
    """Who plays the faults."""

    def play(self, record: Record, stream: RequestStream, chosen: list[Chosen]) -> bool:
        """A request is to be broken. The way is shut until `open` is called; not if False."""


_HEAD, _BLANK, _WHOLE, _OPAQUE = Event.HEAD, Event.BLANK, Event.END, Event.OPAQUE


class RequestWay:
    """Takes what the client sends. Made shut."""

    __slots__ = (
        "_account",
        "_afterwards",
        "_client",
        "_direct",
        "_eof",
        "_garbled",
        "_loop",
        "_opaque",
        "_passage",
        "_passed",
        "_plan",
        "_stage",
        "_timer",
        "_upstream",
        "_waiting",
        "crowded",
        "stream",
    )

    def __init__(
        self, client: End, upstream: End, account: Account, plan: Plan, stage: Stage
    ) -> None:
        self.stream = RequestStream()
        self._loop = asyncio.get_running_loop()
        self._client = client
        self._upstream = upstream
        self._account = account
        self._plan = plan
        self._stage = stage
        self._afterwards = account.afterwards
        self._passage = Passage()
        self._passed = Passed(self.stream, account)
        self._waiting = b""
        self.crowded = False  # too many requests await their answers
        self._direct = False  # nothing is held: bytes may pass before they are looked at
        self._opaque = False
        self._eof = False
        self._garbled = False  # the body that is being dropped has no end that can be found
        self._timer: asyncio.TimerHandle | None = None

    def arrived(self, data: bytes) -> None:
        if self._direct and not self._plan.armed:
            self._upstream.write(data)
            self._afterwards.add(self._watch, data)
        elif self._opaque:
            self._upstream.write(data)
            self._afterwards.add(self._passed.count, data)
        else:
            self._waiting += data
            self._pump()

    def finished(self) -> None:
        """The client sends no more: the FIN goes up behind its bytes."""
        self._eof = True
        self.settle()

    @property
    def idle(self) -> bool:
        """Whether nothing waits here."""
        return not self._waiting and not self.stream.carried

    # What the link and a play say.

    def open(self) -> None:
        """Let requests pass. What is left of a body that was not asked for is dropped."""
        if self._garbled:
            self._client.leave()
            return
        self._passage.open(body_over=self._body_over)
        self._pump()

    def forward(self) -> None:
        """Send the request that is being played up, and its body as it comes."""
        self._passage.called = True
        self._upstream.write(self.stream.raw)
        if self._body_over:
            self.settle()
        else:
            self._passage.mode = Mode.FORWARD
            self._pump()

    def discard(self, on_body_over: Callable[[], None]) -> bool:
        """Drop the body of the request that is being played. True if it is over already."""
        if self._body_over:
            return True
        if self._passage.discard(on_body_over):
            self._pump()
        return False

    def make_opaque(self) -> None:
        """Pass everything on from here, whatever it is."""
        if self._opaque:
            return
        self._opaque = True
        if not self.stream.opaque:
            self.stream.give_up()
        self._upstream.write(self.stream.raw[self._passed.of_head :] + self._waiting)
        self._account.carried_up(len(self._waiting))
        self._waiting = b""
        self.settle()

    def close(self) -> None:
        """The client is gone."""
        self._time_head(held=False)

    @property
    def _body_over(self) -> bool:
        return self.stream.in_head or self._opaque

    # Looking at what has passed.

    def _watch(self, data: bytes, came: float) -> None:
        if not self._passed.look(data, came):
            self.make_opaque()
        elif len(self._account.pending) > MOST_PENDING:
            self.settle()

    # Holding what has not.

    def _pump(self) -> None:
        self._afterwards.look()
        data, self._waiting = self._waiting, b""
        at, size = 0, len(data)
        while at < size and self._passage.mode is not Mode.SHUT:
            at = self._step(data, at)
        if at < size:
            self._waiting = data[at:]
        self.settle()

    def _step(self, data: bytes, at: int) -> int:
        stream = self.stream
        event, end = stream.scan(data, at)
        if event is _HEAD:
            self._shown()
        elif event is _BLANK:
            self._upstream.write(b"\r\n")
        elif event is _OPAQUE:
            self._lose_track(data[at:])
            return len(data)
        elif event is _WHOLE or not stream.in_head:
            self._account.carried_up(end - at)
            if self._passage.lets_pass:
                self._upstream.write(data[at:end])
            if event is _WHOLE:
                self._passage.body_ended()
        return end

    def _lose_track(self, data: bytes) -> None:
        if self._passage.drops:
            self._garbled = True
            self._client.ignore()
            self._passage.tell_body_over()
        else:
            self._waiting = data
            self.make_opaque()

    def _shown(self) -> None:
        """A head is whole: the plan sees it, unless a part of it has passed before."""
        stream = self.stream
        self._time_head(held=False)
        sent, self._passed.of_head = self._passed.of_head, 0
        choose = self._plan.armed and not sent
        reused = self._account.place > 0
        chosen = self._plan.choose(Head(stream.raw), reused=reused) if choose else []
        record = self._account.begin(stream, time(), forwarded=not chosen)
        if chosen:
            self._passage.mode = Mode.SHUT
            if self._stage.play(record, stream, chosen):
                return
            self._passage.mode = Mode.OPEN
            record.forwarded = record.started
        self._upstream.write(stream.raw[sent:])

    # What follows from it.

    def settle(self) -> None:
        """See anew whether bytes pass directly, the client is read, and its FIN goes up."""
        waiting, opaque = self._waiting, self._opaque
        held = not opaque and self.stream.carried > self._passed.of_head
        self._direct = self._passage.mode is Mode.OPEN and not (waiting or held or opaque)
        full = self._upstream.full and not self._passage.drops
        self.crowded = len(self._account.pending) > MOST_PENDING and not opaque
        self._client.hold(full or self.crowded or len(waiting) > MOST_WAITING_BYTES)
        if held is not (self._timer is not None):
            self._time_head(held=held)
        if self._eof and not waiting:
            self._pass_fin(held=held)

    def _time_head(self, *, held: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if held:
            self._timer = self._loop.call_later(_HEAD_S, self.make_opaque)

    def _pass_fin(self, *, held: bool) -> None:
        """The FIN goes up behind the last byte; for a request that is not called, it waits."""
        if held:
            self.make_opaque()  # which comes back here
        elif self._passage.mode is Mode.DISCARD:
            self._passage.tell_body_over()
        elif self._passage.mode is not Mode.SHUT or self._passage.called or self._opaque:
            self._upstream.finish()
