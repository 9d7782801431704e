"""The settings as the services see them: frozen, every value read and checked."""

from dataclasses import dataclass
from typing import Literal

LogFormat = Literal["text", "json"]
Status = Literal["contract", "accurate"]


class InvalidSettings(Exception):
    """A setting cannot be used. The message is one line that says which and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """What A and B have in common. Times are seconds; port 0 means any free one."""

    host: str
    port: int
    contract: str
    log_format: LogFormat
    workers: int
    max_connections: int
    drain_grace_s: float
    drain_timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceASettings(ServiceSettings):
    """Settings of Service A. `work_s` is how long each echo takes it, `at_once` of them at a time.

    An `at_once` of 0 is no bound.
    """

    work_s: float
    at_once: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceBSettings(ServiceSettings):
    """Settings of Service B. `timeout_s` is the total deadline of its call to A.

    `upstream` are A's URLs, one or several; `policy` is a set of policies as text
    (`faultwire.policy.sets`), "none" for none.
    """

    upstream: tuple[str, ...]
    policy: str
    upstream_connections: int
    timeout_s: float
    status: Status

    @property
    def is_plain(self) -> bool:
        """Whether there is one A, and nothing is done about its failures but to tell of them."""
        return self.policy == "none" and len(self.upstream) == 1

    @property
    def accurate(self) -> bool:
        """Whether a failure is answered with the gateway-accurate 502, 503 or 504."""
        return self.status == "accurate"
