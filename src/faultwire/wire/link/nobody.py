"""Who reads, and is told, what nobody wants to know."""


class Nobody:
    """The `Way` and the `Life` of an end that nobody cares for any more."""

    def arrived(self, data: bytes) -> None:
        pass

    def made(self, end: object) -> None:
        pass

    def finished(self, end: object) -> None:
        pass

    def lost(self, end: object, error: Exception | None) -> None:
        pass

    def leaving(self, end: object) -> None:
        pass

    def room(self, end: object) -> None:
        pass


NOBODY = Nobody()
