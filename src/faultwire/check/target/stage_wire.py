"""The wire as scenarios need it: with connections that can be ended from outside."""

from faultwire.wire.proxy import Wire


class StageWire(Wire):
    """A `Wire` that can let go of the connections that nobody uses just now."""

    def close_idle(self) -> None:
        """End every connection without a request under way, so that the target must connect."""
        for link in list(self._links):
            if link.idle:
                link.close()
