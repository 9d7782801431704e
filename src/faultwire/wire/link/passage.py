"""What becomes of a client's bytes at the moment.

SHUT --open--> OPEN --shut: a fault is chosen--> SHUT
SHUT --forward--> FORWARD --the body is over--> SHUT
SHUT --discard--> DISCARD --the body is over--> SHUT
SHUT, DISCARD --open, before the body is over--> SKIP --it is--> OPEN
"""

from collections.abc import Callable
from enum import Enum


class Mode(Enum):
    """What becomes of the client's bytes."""

    SHUT = "they wait"
    OPEN = "they pass; a head is shown to the plan"
    FORWARD = "this request's body passes, then the way is shut"
    DISCARD = "this request's body is dropped, then the way is shut"
    SKIP = "this request's body is dropped, then the way is open"


class Passage:
    """Keeps the mode, and who waits for the end of the body that passes or is dropped."""

    __slots__ = ("_on_body_over", "called", "mode")

    def __init__(self) -> None:
        self.mode = Mode.SHUT
        self.called = False  # the request that is being played has been sent up
        self._on_body_over: Callable[[], None] | None = None

    @property
    def drops(self) -> bool:
        """Whether bytes of a body are dropped."""
        return self.mode in (Mode.DISCARD, Mode.SKIP)

    @property
    def lets_pass(self) -> bool:
        """Whether bytes of a body go up."""
        return self.mode in (Mode.OPEN, Mode.FORWARD)

    def open(self, *, body_over: bool) -> None:
        """The next request may pass. What is left of a body that was not asked for is dropped."""
        self._on_body_over = None
        self.called = False
        unwanted = self.mode is not Mode.FORWARD and not body_over
        self.mode = Mode.SKIP if unwanted else Mode.OPEN

    def discard(self, on_body_over: Callable[[], None]) -> bool:
        """Tell when the body is over. True if it is dropped from now on: nobody had begun."""
        self._on_body_over = on_body_over
        if self.mode is not Mode.SHUT:
            return False
        self.mode = Mode.DISCARD
        return True

    def body_ended(self) -> None:
        """The last byte of a body has passed, or was dropped."""
        if self.mode is Mode.SKIP:
            self.mode = Mode.OPEN
        elif self.mode is not Mode.OPEN:
            self.mode = Mode.SHUT
            self.tell_body_over()

    def tell_body_over(self) -> None:
        """Nothing more comes of the body: tell who waits for that."""
        if self._on_body_over is not None:
            self._on_body_over()
