"""What all connections of a listener hold together, in bytes."""


class Holding:
    """Counts bytes that wait for a client: for the rest of its request, or for it to read."""

    __slots__ = ("_bytes", "_most")

    def __init__(self, most: int) -> None:
        self._bytes = 0
        self._most = most

    def change(self, by: int) -> bool:
        """Somebody holds so much more, or less. Whether all of it is within the bound."""
        self._bytes += by
        return self._bytes <= self._most
