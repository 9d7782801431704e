"""What has gone up before anybody has looked at it: requests are found in it afterwards."""

from faultwire.wire.link.account import Account
from faultwire.wire.stream import Event
from faultwire.wire.stream.messages import RequestStream

_HEAD, _WHOLE, _OPAQUE = Event.HEAD, Event.END, Event.OPAQUE


class Passed:
    """Looks at what has gone up. `of_head` is how much of a head that is not whole yet."""

    __slots__ = ("_account", "_stream", "of_head")

    def __init__(self, stream: RequestStream, account: Account) -> None:
        self._stream = stream
        self._account = account
        self.of_head = 0

    def look(self, data: bytes, came: float) -> bool:
        """Enter the requests into the account. False if this is no HTTP, or none any more."""
        stream, account = self._stream, self._account
        at, size = 0, len(data)
        while at < size:
            start = at
            event, at = stream.scan(data, at)
            if event is _HEAD:
                account.begin(stream, came, forwarded=True)
                self.of_head = 0
            elif event is _OPAQUE:
                self.of_head = len(stream.raw)  # it has passed, like the rest
                account.carried_up(size - at)
                return False
            elif event is _WHOLE or not stream.in_head:
                account.carried_up(at - start)
            else:
                self.of_head = stream.carried
        return True

    def count(self, data: bytes, _came: float) -> None:
        """These are no HTTP."""
        self._account.carried_up(len(data))
