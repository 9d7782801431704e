"""What is simulated: the load, A and its troubles, and what B is."""

from dataclasses import dataclass, field
from typing import Literal

Arrivals = Literal["poisson", "constant"]

SERVICE_S = 0.02
"""How long A works on a request on average, where its number of workers comes out even."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is wrong with A from one time to another.

    `errors` is the share of its answers that are 503 (which cost as much work as good ones),
    `slowdown` multiplies how long a request takes. When it is `down` it refuses connections, and
    what it was working on is lost; with `retry_after` it answers 503 instead, and says when it will
    be back.
    """

    start_s: float
    end_s: float
    errors: float = 0.0
    slowdown: float = 1.0
    down: bool = False
    retry_after: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A run.

    Each of `clients` sends `rate_per_client` requests per second, without waiting for answers
    (open loop): one Poisson process for all of them is the same as one for each. `utilisation` is
    the share of A's time that this takes; A's number of workers follows from it. `queue_s` bounds
    A's queue to what it works off in so long; behind that it answers 503 at once. `timeout_s` is
    B's total deadline.

    B has room for as many requests at once as arrive in `slots_s` (0: for any number); `local` is
    the share of its requests that it answers without A, in no time.
    """

    clients: int = 20_000
    rate_per_client: float = 0.005
    arrivals: Arrivals = "poisson"
    duration_s: float = 600.0
    timeout_s: float = 1.0
    utilisation: float = 0.7
    queue_s: float = 30.0
    slots_s: float = 0.0
    local: float = 0.0
    trouble: Trouble = field(default_factory=lambda: Trouble(start_s=120.0, end_s=180.0))

    @property
    def rate(self) -> float:
        """Requests per second, of all clients together."""
        return self.clients * self.rate_per_client

    @property
    def work(self) -> float:
        """Seconds of A's work that arrive per second."""
        return self.rate * (1.0 - self.local)

    @property
    def workers(self) -> int:
        """How many requests A works on at once."""
        return max(round(self.work * SERVICE_S / self.utilisation), 1)

    @property
    def service_s(self) -> float:
        """How long A works on a request on average, so that its utilisation is what it is."""
        return self.workers * self.utilisation / self.work

    @property
    def capacity(self) -> float:
        """Requests per second that A can answer."""
        return self.workers / self.service_s

    @property
    def queue(self) -> int:
        """How many requests may wait at A."""
        return max(int(self.queue_s * self.capacity), 1)

    @property
    def slots(self) -> int | None:
        """How many requests B may be at work on; None for any number."""
        return max(int(self.slots_s * self.rate), 1) if self.slots_s else None
