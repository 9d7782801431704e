"""One fault of the group failure, in words."""

from collections.abc import Mapping
from typing import NamedTuple

from faultwire.check.scenarios.expectations import Outcome, failure


class Row(NamedTuple):
    """A fault with attributes, and the words for it.

    `json_only` is for content that is wrong only where JSON was promised.
    """

    name: str
    title: str
    weight: int
    fault: str
    attributes: Mapping[str, object]
    does: str
    why: str
    mend: str
    source: str
    outcome: Outcome = failure
    json_only: bool = False
