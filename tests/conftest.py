"""What all tests share: where nothing is measured, nothing is traced."""

from collections.abc import Generator

import coverage
import pytest


def pytest_collection(session: pytest.Session) -> None:
    """A worker of xdist is measured once: by the one whom pytest-cov's mark `no_cover` stops.

    Below it two others wait to go on: pytest-cov has begun already when it read its options, and
    so has coverage, as in every child of a process that is measured.
    """
    running = []
    while hasattr(session.config, "workerinput") and (last := coverage.Coverage.current()):
        last.stop()
        running.append(last)
    if running:
        running[0].start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """The mark `no_cover` holds for the processes that a test starts, too.

    It is for what repeats or simulates much, and adds no line to those that others have counted:
    under coverage's tracer that takes up to seven times as long.
    """
    with pytest.MonkeyPatch.context() as patch:
        if item.get_closest_marker("no_cover"):
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        return (yield)
