"""One line of a log, as far as it says something that can be used."""

import msgspec

A, B, WIRE = "A", "B", "wire"

OK = "ok"
CLIENT_LEFT = 499


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a line says of a request, or (with `event`) of a service's life.

    `end` is the line's time in seconds since 1970, 0.0 where it has none: a line is written when
    a request ends. `resolution_s` is how exact that time is. `status` is "ok" or any other word.
    Numbers that the line does not have are 0, texts are "". `event` is "" for a request.
    """

    service: str
    endpoint: str = ""
    status: str = ""
    latency_ms: float = 0.0
    end: float = 0.0
    resolution_s: float = 0.001
    http_status: int = 0
    request_id: str = ""
    kind: str = ""
    error: str = ""
    details: str = ""
    fault: str = ""
    attempts: int = 0
    upstream_ms: float = 0.0
    phase: str = ""
    wasted_ms: float = 0.0
    closed_by: str = ""
    event: str = ""
    name: str = ""
    url: str = ""
    to: str = ""

    @property
    def start(self) -> float:
        """When the request began, in seconds since 1970."""
        return self.end - self.latency_ms / 1000 if self.end else 0.0

    @property
    def ok(self) -> bool:
        """Whether the request went well."""
        return self.status == OK

    @property
    def is_leaving(self) -> bool:
        """Whether a service says to a probe that it drains: nothing has failed."""
        said = str(self.http_status or self.error)
        return self.endpoint == "/readyz" and said.endswith("503") and not self.fault

    @property
    def is_request(self) -> bool:
        """Whether the line is about a request."""
        return not self.event
