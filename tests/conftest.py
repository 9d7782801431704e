"""What all tests share: where nothing is measured, nothing is traced."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def unmeasured(request: pytest.FixtureRequest) -> Iterator[None]:
    """The mark `no_cover` of a whole module holds for the processes that its tests start, too.

    It is for what repeats or simulates much, and adds no line to those that others have counted:
    under coverage's tracer that takes up to seven times as long.
    """
    with pytest.MonkeyPatch.context() as patch:
        if request.node.get_closest_marker("no_cover"):
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield
