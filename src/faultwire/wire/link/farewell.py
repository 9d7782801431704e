"""How a link ends: what one side has done is done to the other, behind what was sent before."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from faultwire.wire.link.account import Account
from faultwire.wire.link.answer_way import AnswerWay
from faultwire.wire.link.ends import End
from faultwire.wire.link.plays import Plays
from faultwire.wire.link.request_way import RequestWay
from faultwire.wire.link.welcome import Welcome

_HELD_FIN_S = 10.0
"""A client that has asked for more and sent a FIN, while a fault plays, is waited with so long."""


class Host(Protocol):
    """What a farewell needs of its link."""

    @property
    def client(self) -> End: ...
    @property
    def upstream(self) -> End: ...
    @property
    def account(self) -> Account: ...
    @property
    def requests(self) -> RequestWay: ...
    @property
    def answers(self) -> AnswerWay: ...
    @property
    def plays(self) -> Plays: ...
    @property
    def welcome(self) -> Welcome | None: ...


class Farewell:
    """Ends a link. `on_sudden` is called when the upstream has ended it without announcement.

    While a fault plays, the client does not see the upstream's end: the play decides what it sees.
    """

    __slots__ = ("_link", "_loop", "_on_sudden")

    def __init__(self, link: Host, on_sudden: Callable[[], None]) -> None:
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._on_sudden = on_sudden

    # The client's.

    def client_lost(self, how: str) -> None:
        """The client's connection is gone, by "fin" or "rst"."""
        link = self._link
        link.account.closed("client", how)
        link.requests.close()
        self._cancel()
        if how == "rst":
            link.upstream.reset()
        else:
            link.upstream.close()
        link.account.lost()

    @property
    def has_to_wait(self) -> bool:
        """Whether requests of the client are still held back."""
        return not self._link.requests.idle or self._link.plays.waiting

    def give_up_later(self) -> None:
        """The client's FIN waits behind requests that are held back: not for ever."""
        self._loop.call_later(_HELD_FIN_S, self._give_up)

    def _give_up(self) -> None:
        """The client's FIN waits behind requests that are still held back: it has gone."""
        link = self._link
        link.account.afterwards.look()
        if link.client.open and self.has_to_wait:
            self.by_wire("fin")
            link.client.close()
            link.upstream.close()

    # The upstream's.

    def upstream_finished(self) -> None:
        """The upstream sends no more, by a FIN, which is passed on."""
        link = self._link
        self._note_upstream("fin")
        link.answers.finished()
        self._call_off()
        if link.plays.now is None:
            link.account.lost()
            link.client.finish()

    def upstream_lost(self, how: str) -> None:
        """The upstream's connection is gone, by "fin" or "rst", and not by us."""
        self._note_upstream(how)
        if how == "rst":
            self._link.answers.broken()
        else:
            self._link.answers.finished()
        self._call_off()
        if self._link.plays.now is None:
            self.mirror_upstream()

    def mirror_upstream(self) -> None:
        """The upstream is gone, and nothing more comes from there: the client sees the same."""
        link = self._link
        link.account.lost()
        if link.answers.ended == "rst":
            link.client.reset()
        else:
            link.client.leave()

    def _note_upstream(self, how: str) -> None:
        account, answers = self._link.account, self._link.answers
        if answers.ended:
            return
        expected = account.who or (answers.stream.closing and not account.pending)
        account.closed("upstream", how)
        if not expected:
            self._on_sudden()

    def _call_off(self) -> None:
        """A play that waits for answers which do not come is none."""
        if self._link.plays.call_off():
            self._link.requests.open()

    # Both.

    def close_if_both_finished(self) -> None:
        """Two FINs, and nothing that plays: it is over."""
        link = self._link
        if link.client.over and link.upstream.over and link.plays.now is None:
            link.client.close()
            link.upstream.close()

    def by_wire(self, how: str) -> None:
        """The wire ends the link, by "fin" or "rst"; the connections are its caller's to end."""
        account = self._link.account
        account.afterwards.look()
        account.closed("wire", how)
        account.lost()
        self._cancel()

    def _cancel(self) -> None:
        link = self._link
        link.plays.cancel()
        if link.welcome is not None:
            link.welcome.cancel()
