"""The lessons: experiments with a name, whose outcome is asserted."""

from collections.abc import Mapping
from types import MappingProxyType

from faultwire.simulate.lessons import (
    deadline_propagation,
    metastable,
    retry_storm,
    slow_is_worse,
    thundering_herd,
)
from faultwire.simulate.lessons.lesson import Lesson

_ALL = (
    retry_storm.LESSON,
    metastable.LESSON,
    slow_is_worse.LESSON,
    thundering_herd.LESSON,
    deadline_propagation.LESSON,
)

LESSONS: Mapping[str, Lesson] = MappingProxyType({lesson.name: lesson for lesson in _ALL})
"""By name, in the order in which they are best read."""
