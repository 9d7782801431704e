"""The wire's line per request: the first keys and the escaping of the services' lines.

    INFO service=wire endpoint=/echo status=ok fault=latency latency_ms=2003 http_status=200
    request_id=4bf92f35 connection=3 place=1 method=GET response_bytes=141

`fault=` stands there only when one was injected, `error=` when the upstream's answer did not
arrive whole without a fault of ours, `closed_by=` when the connection ended before the exchange
did, or with it, and `closed_ms=` says after how long. Nothing that a client or the upstream sends
can forge a line.
"""

from collections.abc import Callable

from faultwire.contracts import escape
from faultwire.telemetry.log import Log, LogFormat
from faultwire.wire.ledger import Record

quoted = escape.quoted
value = escape.value


def writer(log: Log, fmt: LogFormat) -> Callable[[Record], None]:
    """What writes a record's line to the log when it has ended."""
    form = as_json if fmt == "json" else as_text

    def write(record: Record) -> None:
        log.line(form(record))

    return write


def as_text(record: Record) -> str:
    """The line without its timestamp."""
    level, status = _judged(record)
    fault = f" fault={value(record.fault)}" if record.fault else ""
    line = (
        f"{level} service=wire endpoint={value(record.path) if record.target else '-'} "
        f"status={status}{fault} latency_ms={(record.ended - record.started) * 1000:.0f}"
    )
    if record.error:
        line += f" error={value(record.error)}"
    if record.status:
        line += f" http_status={record.status}"
    if record.request_id:
        line += f" request_id={value(record.request_id)}"
    line += f" connection={record.connection} place={record.place}"
    if record.method:
        line += f" method={value(record.method)}"
    line += f" response_bytes={record.response_bytes}"
    if record.closed_by:
        line += f" closed_by={record.closed_by} closed_how={record.closed_how}"
        line += f" closed_ms={_closed_ms(record):.0f}"
    return line


def as_json(record: Record) -> str:
    """The members of the line's object, without its braces and timestamp."""
    level, status = _judged(record)
    fault = f'"fault":{quoted(record.fault)},' if record.fault else ""
    line = (
        f'"level":"{level}","service":"wire","endpoint":{quoted(record.path or "-")},'
        f'"status":"{status}",{fault}"latency_ms":{(record.ended - record.started) * 1e3:.3f}'
    )
    if record.error:
        line += f',"error":{quoted(record.error)}'
    if record.status:
        line += f',"http_status":{record.status}'
    if record.request_id:
        line += f',"request_id":{quoted(record.request_id)}'
    line += f',"connection":{record.connection},"place":{record.place}'
    if record.method:
        line += f',"method":{quoted(record.method)}'
    line += f',"response_bytes":{record.response_bytes}'
    if record.closed_by:
        line += f',"closed_by":"{record.closed_by}","closed_how":"{record.closed_how}"'
        line += f',"closed_ms":{_closed_ms(record):.3f}'
    return line


def _closed_ms(record: Record) -> float:
    """Not below 0: a connection may be closed in the instant in which it is noted."""
    return max(record.closed - record.started, 0.0) * 1000


def _judged(record: Record) -> tuple[str, str]:
    """The line's level and `status=`.

    A fault that broke the answer is a warning: somebody wanted it. What broke without one is
    an error, and so is the upstream's 5xx; its 4xx is the client's affair, and so is a client
    that leaves.
    """
    if record.fault:
        broken = record.status == 0 or record.status >= 400 or record.closed_by == "wire"
        return ("WARNING", "error") if broken else ("INFO", "ok")
    if record.error.startswith("client_"):
        return "INFO", "error"
    if record.error or record.status >= 500 or record.status == 0:
        return "ERROR", "error"
    return "INFO", "error" if record.status >= 400 else "ok"
