"""An attempt on its way: what B has asked of A."""

from collections.abc import Callable

from faultwire.failures import Failure
from faultwire.policy.attempt import Attempt
from faultwire.policy.plan import Plan


class Call:
    """One client's request at B, and the plan for it."""

    __slots__ = ("arrived", "jobs", "open", "plan")

    def __init__(self, arrived: float, plan: Plan) -> None:
        self.arrived = arrived
        self.plan = plan
        self.jobs: list[Job] = []
        self.open = True


class Job:
    """One attempt at A, `open` as long as somebody waits for it.

    `deadline` is when nobody will wait any more, if A was told; else it is infinite.
    """

    __slots__ = ("attempt", "call", "deadline", "open")

    def __init__(self, call: Call, attempt: Attempt, deadline: float) -> None:
        self.call = call
        self.attempt = attempt
        self.deadline = deadline
        self.open = True


Ended = Callable[[Job, Failure | None, float | None], object]
"""How a job has ended: with what failure, if any, and after how long to come again, if A said."""
