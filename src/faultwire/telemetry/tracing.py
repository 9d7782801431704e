"""Whether spans are wanted, as OpenTelemetry's variables say, and who takes them."""

from collections.abc import Mapping

from faultwire.telemetry.log import Log
from faultwire.telemetry.span import Sink

_PROTOCOL = "http/protobuf"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


class CannotExport(Exception):
    """Spans are wanted, but not in a way that exists here. One sentence says what to do."""


def wants_spans(environ: Mapping[str, str]) -> bool:
    """Whether spans are to be exported: an endpoint or an exporter is named, and not disabled.

    Without either, nothing is exported: nobody has asked for it. Raises `CannotExport`.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip()
    if exporter == "none" or not (exporter or _first(environ, _ENDPOINTS)):
        return False
    if exporter not in ("", "otlp"):
        raise CannotExport(f"OTEL_TRACES_EXPORTER is {exporter!r}: choose otlp or none")
    protocol = _first(environ, _PROTOCOLS) or _PROTOCOL
    if protocol != _PROTOCOL:
        raise CannotExport(
            f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}: only {_PROTOCOL} is spoken, which "
            "collectors take on port 4318"
        )
    return True


def open_sink(service: str, log: Log, environ: Mapping[str, str]) -> Sink | None:
    """Where the spans of `service` go; None if nobody wants any, or they cannot be exported.

    Then a line says why: a service is there to serve, with or without spans. Needs the running
    event loop.
    """
    try:
        if not wants_spans(environ):
            return None
        return _otlp(service, log)
    except CannotExport as error:
        log.note("WARNING", event="no_spans", error=error)
    return None


def _otlp(service: str, log: Log) -> Sink:
    try:
        from faultwire.telemetry.otlp import OtlpSink  # noqa: PLC0415  0.3 s, for those who trace
    except ImportError as error:
        raise CannotExport(f"{error}: pip install 'faultwire[otel]'") from error
    try:
        return OtlpSink(service, lambda text: log.note("WARNING", event="spans", error=text))
    except Exception as error:  # whatever the SDK finds wrong with its variables
        raise CannotExport(f"OpenTelemetry: {error}") from error


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((found for name in names if (found := environ.get(name, "").strip())), "")
