"""One client connection and the upstream connection that belongs to it, tied end to end.

    client ==> RequestWay ==> upstream        bytes, back-pressure, FIN
    client <== AnswerWay  <== upstream        bytes, back-pressure, FIN
    client <======= RST =======> upstream

The upstream is dialled when the client has connected, before a byte is read. A FIN of either
side is passed on behind its bytes while the other direction lives on; an RST is passed on as an
RST. The link is over when both connections are gone.
"""

import asyncio
from typing import Protocol

from faultwire.wire.link.account import Account, Book
from faultwire.wire.link.afterwards import Afterwards
from faultwire.wire.link.answer_way import AnswerWay
from faultwire.wire.link.ends import End
from faultwire.wire.link.farewell import Farewell
from faultwire.wire.link.naps import Naps
from faultwire.wire.link.playing import Playing
from faultwire.wire.link.plays import Plays
from faultwire.wire.link.request_way import RequestWay
from faultwire.wire.link.welcome import Welcome
from faultwire.wire.plan import Plan
from faultwire.wire.upstream import Refusal, Upstream


class Owner(Protocol):
    """What a link needs of the wire."""

    @property
    def plan(self) -> Plan: ...
    @property
    def ledger(self) -> Book: ...
    @property
    def afterwards(self) -> Afterwards: ...
    @property
    def naps(self) -> Naps: ...
    @property
    def upstream(self) -> Upstream: ...
    def opened(self, link: "Link") -> bool:
        """A client has connected. False when there are too many."""

    def closed(self, link: "Link") -> None:
        """Both connections are gone."""

    @property
    def draining(self) -> bool: ...
    def upstream_ended(self) -> None:
        """The upstream has ended a connection without having announced it."""


class Link:
    """Ties the two connections. `client` is the protocol that the listening socket makes."""

    __slots__ = (
        "_farewell",
        "_loop",
        "_owner",
        "account",
        "answers",
        "client",
        "plays",
        "requests",
        "upstream",
        "welcome",
    )

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self.client = End(self._loop, self)
        self.upstream = End(self._loop, self)
        self.account: Account
        self.plays = Plays(self)
        self.welcome: Welcome | None = None

    @property
    def naps(self) -> Naps:
        """Where faults sleep."""
        return self._owner.naps

    @property
    def idle(self) -> bool:
        """Whether no request is under way."""
        self._owner.afterwards.look()
        idle = self.welcome is None and self.requests.idle
        return idle and not self.account.pending and self.plays.now is None

    # What the ends say.

    def made(self, end: End) -> None:
        if end is self.upstream:
            return
        client, upstream = self.client, self.upstream
        self.account = account = Account(self._owner.ledger, self._owner.afterwards)
        self.requests = RequestWay(client, upstream, account, self._owner.plan, self.plays)
        self.answers = AnswerWay(client, upstream, account, self._answered, self.make_opaque)
        client.way, upstream.way = self.requests, self.answers
        self._farewell = Farewell(self, self._owner.upstream_ended)
        if self._owner.opened(self):
            self.welcome = Welcome(self, self._owner.plan, self._owner.upstream, self._begun)
        else:
            account.closed("wire", "rst")
            account.note(error="too_many_connections")
            client.reset()

    def finished(self, end: End) -> None:
        self._owner.afterwards.look()
        if end is self.client:
            self.account.closed("client", "fin")
            self.requests.finished()
            if self._farewell.has_to_wait:
                self._farewell.give_up_later()
            waits = self.plays.now or self.welcome
            if waits is not None:
                waits.client_finished()
        else:
            self._farewell.upstream_finished()
        self._farewell.close_if_both_finished()

    def lost(self, end: End, error: Exception | None) -> None:
        self._owner.afterwards.look()
        how = "rst" if error is not None else "fin"
        if end is self.client:
            self._farewell.client_lost(how)
        elif not end.closed_here:
            self._farewell.upstream_lost(how)
        if not self.client.open and not self.upstream.open and self.welcome is None:
            self._over()

    def leaving(self, end: End) -> None:
        """A peer that is not read has sent a FIN."""
        if end is self.client and self.plays.now is not None:
            self._farewell.give_up_later()

    def room(self, end: End) -> None:
        self._owner.afterwards.look()
        if end is self.upstream:
            self.requests.settle()
            return
        self.answers.settle()
        if self.plays.now is not None and not end.full:
            self.plays.now.delivery.has_room()

    # How the connections begin.

    def note(self, *, fault: str = "", error: str = "") -> None:
        """The connection has a record of its own."""
        self.account.note(fault=fault, error=error)

    def refused(self, refusal: Refusal) -> None:
        """There is no upstream."""
        self.account.closed("upstream", "rst")
        self.account.note(error=refusal)
        self.client.reset()

    def _begun(self, task: asyncio.Task[None]) -> None:
        self.welcome = None
        if task.cancelled():
            self.client.close()
        elif (error := task.exception()) is not None:
            self.client.reset()
            self._loop.call_exception_handler({"message": "Accepting failed", "exception": error})
        if self.client.open and self.upstream.open:
            self.requests.open()
        elif not self.client.open:
            self.upstream.close()
            if not self.upstream.open:
                self._over()

    # How it ends.

    def _over(self) -> None:
        self.account.over()
        self._owner.closed(self)
        if self.plays.now is None:
            self._untie()

    def _untie(self) -> None:
        """Leave no circle of references, which would wait for the garbage collector."""
        self._owner.afterwards.look()  # for the last time: a play may have left something
        self.client.let_go()
        self.upstream.let_go()
        del self.requests, self.answers, self.plays, self._farewell

    # Faults.

    def _answered(self) -> None:
        if self.requests.crowded:
            self.requests.settle()
        self.plays.answered()
        if self._owner.draining and self.idle:
            self.close()

    def end_client(self, how: str) -> None:
        """End the connection as a fault wants it: by "fin" or "rst", behind what was sent."""
        if not self.client.open:
            return
        self.account.closed("wire", how)
        if how == "rst":
            self.client.reset()
        else:
            self.client.leave()
        self.upstream.close()

    def play_over(self, playing: Playing) -> None:
        """The next request may come, or the end that was held back."""
        self.plays.end()
        self.answers.end_play()
        if not self.client.open and not self.upstream.open:
            self._untie()
        if playing.ended or not self.client.open:
            return
        self.requests.open()
        if not self.upstream.open:
            self._farewell.mirror_upstream()
        elif self.answers.ended:
            self.client.finish()
        self._farewell.close_if_both_finished()

    def make_opaque(self) -> None:
        """From here on, both ways carry something else than HTTP."""
        self.plays.call_off()
        self.answers.make_opaque()
        self.requests.make_opaque()

    # What the wire says.

    def close(self) -> None:
        """End both connections in good order."""
        self._farewell.by_wire("fin")
        self.client.leave()
        self.upstream.close()

    def abort(self) -> None:
        """End both now."""
        self._farewell.by_wire("rst")
        self.client.reset()
        self.upstream.reset()
