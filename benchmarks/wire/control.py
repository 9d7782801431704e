"""The wire's control API, as far as the benchmark needs it."""

import http.client
import json

from benchmarks.processes import StackFailedError

_TIMEOUT_S = 15.0  # the wire may have a crowd to serve first


def set_latency(control: int, path: str, delay_s: float) -> None:
    """Delay all requests for `path`. Raises StackFailedError."""
    fault = {"fault": "latency", "delay_ms": delay_s * 1000, "match": {"path": path}}
    _call(control, "POST", fault)


def mend(control: int) -> None:
    """End all faults; who waits is answered at once. Raises StackFailedError."""
    _call(control, "DELETE", None)


def _call(control: int, method: str, data: object) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", control, timeout=_TIMEOUT_S)
    body = None if data is None else json.dumps(data)
    try:
        connection.request(method, "/faults", body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        said = reply.read()
    except (OSError, http.client.HTTPException) as error:
        raise StackFailedError(f"the wire's control API does not answer: {error}") from error
    finally:
        connection.close()
    if reply.status not in (200, 201):
        raise StackFailedError(f"{method} /faults was answered {reply.status}: {said[:200]!r}")
