"""What happens in one round of the event loop, told to every sink at its end.

Under load a round has dozens of events. Formatted and counted one after the other they cost half
as much as each in its turn, and their lines are one write. All of them are told before the loop
waits for anything.
"""

from collections.abc import Callable, Sequence

from faultwire.events import Served

Entry = Served | str
"""An event, or a whole line of the log (metrics have no use for those)."""

Sink = Callable[[Sequence[Entry]], object]


class Round:
    """Takes entries and hands them on to `sinks`, in order.

    Until `end_soon` says otherwise a round ends with each entry.
    """

    __slots__ = ("_entries", "_soon", "sinks")

    def __init__(self) -> None:
        self.sinks: list[Sink] = []
        self._entries: list[Entry] = []
        self._soon: Callable[[Callable[[], None]], object] | None = None

    def end_soon(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        """From now on a round ends when `call_soon`, which is an event loop's, says so."""
        self._soon = call_soon

    def add(self, entry: Entry) -> None:
        """This has happened."""
        entries = self._entries
        entries.append(entry)
        if len(entries) == 1:
            self._begin()

    def _begin(self) -> None:
        if self._soon is None:
            self.end()
        else:
            self._soon(self.end)

    def end(self) -> None:
        """Tell the sinks all that they have not been told."""
        entries, self._entries = self._entries, []
        for sink in self.sinks:
            sink(entries)
