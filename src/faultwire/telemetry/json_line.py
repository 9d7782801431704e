"""The log in JSON: one object per line, the same keys in the same order for every contract.

Every string goes through `escape.quoted`, whose quoted values are JSON strings on one line.
"""

from collections.abc import Mapping

from faultwire.contracts import escape
from faultwire.contracts.outcome import failure_of, trouble
from faultwire.events import Served

quoted = escape.quoted


def served(event: Served) -> str:
    """The members of the object for a request, without its braces and timestamp."""
    bad = trouble(event)
    level, status = (bad.level, bad.status) if bad else ("INFO", "ok")
    error = f'"error":{quoted(bad.error)},' if bad else ""
    return (
        f'"level":"{level}","service":"{event.service}","endpoint":{quoted(event.endpoint)},'
        f'"status":"{status}","latency_ms":{event.duration_s * 1e3:.3f},{error}'
        f'"http_status":{event.status},{_call(event)}"method":{quoted(event.method)}'
        f"{_details(event)}"
    )


def _call(event: Served) -> str:
    call, request = event.called, quoted(event.request_id)
    if call is None:
        return f'"request_id":{request},'
    tail = (
        f'"request_id":{request},"attempts":{call.attempts},'
        f'"upstream_ms":{call.duration_s * 1e3:.3f},'
    )
    if (failed := failure_of(event)) is None:
        return tail
    phase = f'"phase":"{failed.phase}",' if failed.phase else ""
    return f'"kind":"{failed.kind}",{phase}{tail}'


def _details(event: Served) -> str:
    failed, call = failure_of(event), event.called
    wasted = f',"wasted_ms":{event.wasted_s * 1e3:.3f}' if event.wasted_s else ""
    stopped = f',"stopped_by":"{call.stopped_by}"' if call is not None and call.stopped_by else ""
    if failed is not None:
        return f'{wasted}{stopped},"details":{quoted(failed.detail)}'
    return f'{wasted},"details":{quoted(event.details)}' if event.details else wasted


def note(level: str, fields: Mapping[str, object]) -> str:
    """The members of the object for a line of the service's own life."""
    members = (f"{quoted(key)}:{_scalar(item)}" for key, item in fields.items())
    return ",".join((f'"level":"{level}"', *members))


def _scalar(item: object) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    return str(item) if isinstance(item, int | float) else quoted(str(item))
