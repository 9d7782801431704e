"""The plays of a link: one at a time, each when the answers before it are delivered."""

from faultwire.wire.ledger import Record
from faultwire.wire.link.playing import Link, Playing
from faultwire.wire.plan import Chosen
from faultwire.wire.stream.messages import RequestStream


class Plays:
    """Keeps the request that is to be broken, or is being broken, in `now`."""

    __slots__ = ("_begun", "_link", "now")

    def __init__(self, link: Link) -> None:
        self.now: Playing | None = None
        self._begun = False
        self._link = link

    @property
    def waiting(self) -> bool:
        """Whether the one there is has not begun."""
        return self.now is not None and not self._begun

    def play(self, record: Record, stream: RequestStream, chosen: list[Chosen]) -> bool:
        """A request is to be broken, as soon as the answers before it are delivered.

        False if they will never be: the request is not broken.
        """
        link = self._link
        if link.answers.ended and len(link.account.pending) > 1:
            return False
        self.now = Playing(link, record, stream.raw, chosen)
        self._begun = False
        link.answers.awaited = True
        self.answered()
        return True

    def answered(self) -> None:
        """An answer is delivered: it may have been the last of those before."""
        if self.now is not None and not self._begun and len(self._link.account.pending) == 1:
            self._begun = True
            self.now.start()

    def call_off(self) -> bool:
        """The answers before will not come: a request that waits is passed on as it is."""
        waiting = self.waiting
        if self.now is not None and waiting:
            self.now.spare()
            self.end()
            self._link.requests.forward()
        return waiting

    def cancel(self) -> None:
        """The client is gone. What has not begun never will."""
        if self.now is None:
            return
        if self._begun:
            self.now.cancel()
        else:
            self.now.spare()
            self.end()

    def end(self) -> None:
        """It is over."""
        self.now = None
        self._link.answers.awaited = False
