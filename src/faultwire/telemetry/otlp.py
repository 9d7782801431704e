"""Spans to an OTLP collector, by the OpenTelemetry SDK. Import this late: it takes 0.3 s.

Resource, sampler, batches, endpoint and headers are the SDK's, as its OTEL_* variables say. The
SDK's own way of making a span costs more than a whole request; so a span that is over waits as it
is, and becomes an SDK's span in the thread that exports it.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Thread
from time import monotonic

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_BSP_MAX_QUEUE_SIZE
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from faultwire import __version__
from faultwire.telemetry.span import Span
from faultwire.telemetry.trace_context import SAMPLED, TraceParent

Note = Callable[[str], object]

_FLUSH_S = 1.0
_NOTE_EVERY_S = 10.0
_MOST_WAITING = 2048
_LIBRARIES = ("opentelemetry", "urllib3")


class OtlpSink:
    """Exports the spans of one service. Needs the running event loop in which it is made.

    `service` is `service.name`, unless the environment says otherwise. `note` is told, in that
    loop and not too often, what goes wrong.
    """

    def __init__(self, service: str, note: Note) -> None:
        self._note = note
        self._says = _Says(note, asyncio.get_running_loop())
        provider = TracerProvider(resource=_resource(service), shutdown_on_exit=False)
        self._sampler = provider.sampler
        self._exporter = _Exporter(OTLPSpanExporter(), provider.resource)
        with _signals_left_to_others():
            self._processor = BatchSpanProcessor(self._exporter)
        self._shut_down: Callable[[], object] = self._processor.shutdown  # which is not typed
        self._most = _most_waiting()
        self._taken = 0
        self._lost = 0

    def samples(self, trace_id: bytes, parent: TraceParent | None) -> bool:
        """Whether the SDK's sampler wants the trace."""
        context = _NO_PARENT if parent is None else _PARENT[parent.sampled]
        result = self._sampler.should_sample(context, int(trace_id, 16), "")
        return result.decision is Decision.RECORD_AND_SAMPLE

    def take(self, span: Span) -> None:
        """A span is over. It is lost if too many wait."""
        if self._taken - self._exporter.seen >= self._most:
            self._lost += 1
            self._says.say(f"spans are lost: {self._most} wait to be exported, which is the most")
            return
        self._taken += 1
        self._processor.on_end(_Over(span))

    async def close(self) -> None:
        """Send what is left, within a second; what is not sent by then is lost."""
        loop = asyncio.get_running_loop()
        sent = asyncio.Event()

        def shut_down() -> None:
            self._shut_down()
            with suppress(RuntimeError):  # the loop has ended: nobody waits any more
                loop.call_soon_threadsafe(sent.set)

        # A thread that nothing waits for: not the executor's, which the end of the loop waits for.
        with _signals_left_to_others():
            Thread(target=shut_down, daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_S):
                await sent.wait()
        self._says.stop(gone=sent.is_set())
        lost = self._lost + self._taken - self._exporter.delivered
        if lost:
            self._note(f"spans lost in all: {lost} of {self._taken + self._lost}")


class _Over(ReadableSpan):
    """A span on its way to the exporter. Until it is there, nobody looks at more than this."""

    def __init__(self, span: Span) -> None:
        self.span = span

    @property
    def context(self) -> SpanContext:
        """What says that it is to be exported."""
        return _TO_BE_EXPORTED


class _Exporter(SpanExporter):
    """Makes the SDK's spans of ours, in the thread of the batches."""

    def __init__(self, exporter: SpanExporter, resource: Resource) -> None:
        self._exporter = exporter
        self._resource = resource
        self._scope = InstrumentationScope("faultwire", __version__)
        self.seen = self.delivered = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            readable = [self._readable(over.span) for over in spans if isinstance(over, _Over)]
            result = self._exporter.export(readable)
            if result is SpanExportResult.SUCCESS:
                self.delivered += len(spans)
            return result
        finally:
            self.seen += len(spans)

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def _readable(self, span: Span) -> ReadableSpan:
        trace_id = int(span.trace_id, 16)
        flags = TraceFlags(span.flags)
        parent = None
        if span.parent_id:
            parent = SpanContext(trace_id, int(span.parent_id, 16), span.remote, flags)
        status = Status() if span.error is None else Status(StatusCode.ERROR, span.error or None)
        return ReadableSpan(
            span.name,
            SpanContext(trace_id, int(span.span_id, 16), False, flags),
            parent,
            self._resource,
            span.attributes,
            kind=SpanKind[span.kind],
            status=status,
            start_time=span.began_ns,
            end_time=span.ended_ns,
            instrumentation_scope=self._scope,
        )


class _Says(logging.Handler):
    """What the SDK and its libraries complain of, in our log: seldom, and in the loop's thread."""

    def __init__(self, note: Note, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(logging.WARNING)
        self._note = note
        self._loop = loop
        self._next = 0.0
        for name in _LIBRARIES:
            logger = logging.getLogger(name)
            logger.addHandler(self)
            logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        """Say it. In whatever thread."""
        self.say(record.getMessage())

    def say(self, text: str) -> None:
        """Say it, unless something was said a moment ago."""
        now = monotonic()
        if now < self._next:
            return
        self._next = now + _NOTE_EVERY_S
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._note, text)

    def stop(self, *, gone: bool) -> None:
        """From now on it says nothing; it stays to keep them silent until they are `gone`."""
        self._next = float("inf")
        for name in _LIBRARIES if gone else ():
            logging.getLogger(name).removeHandler(self)
            logging.getLogger(name).propagate = True


@contextmanager
def _signals_left_to_others() -> Iterator[None]:
    """Threads begun in here take no signals: those that ask to stop have to wake the main one."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _resource(service: str) -> Resource:
    """What the environment says of this process; the name and version where it says none."""
    said = Resource.create()
    ours = {"service.version": __version__}
    if str(said.attributes.get(SERVICE_NAME, "unknown_service")).startswith("unknown_service"):
        ours[SERVICE_NAME] = service
    return said.merge(Resource(ours))


def _most_waiting() -> int:
    try:
        return int(os.environ.get(OTEL_BSP_MAX_QUEUE_SIZE, "")) or _MOST_WAITING
    except ValueError:
        return _MOST_WAITING


def _context(flags: int) -> SpanContext:
    return SpanContext(1, 1, True, TraceFlags(flags))


_TO_BE_EXPORTED = _context(SAMPLED)
_NO_PARENT = Context()
_PARENT = {
    sampled: set_span_in_context(NonRecordingSpan(_context(flags)), _NO_PARENT)
    for sampled, flags in ((False, 0), (True, SAMPLED))
}
"""All that the samplers want to know of a parent."""
