"""Where spans go in tests that look at them before any SDK does."""

from faultwire.telemetry.span import Span
from faultwire.telemetry.trace_context import TraceParent


class Kept:
    """A sink that keeps what it takes, and samples as it is told or as the parent was."""

    def __init__(self, *, samples: bool | None = None) -> None:
        self.spans: list[Span] = []
        self._samples = samples

    def samples(self, trace_id: bytes, parent: TraceParent | None) -> bool:
        assert len(trace_id) == 32
        if self._samples is not None:
            return self._samples
        return parent is None or parent.sampled

    def take(self, span: Span) -> None:
        self.spans.append(span)

    async def close(self) -> None:
        pass
