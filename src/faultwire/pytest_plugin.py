"""pytest's fixtures of Faultwire. They cost nothing where they are not used.

    def test_a_slow_body_is_a_timeout(wire):
        with wire.breaking("slow_body", rate=1):
            assert my_client(wire.url).status == 503

`wire` stands in front of `wire_upstream`, the URL of a Service A that is started for it; a fixture
of that name in a `conftest.py` or a test module puts another upstream there. Plain tests can use
all of it, and so can those of pytest-asyncio and anyio: the wire has a thread of its own.

    @pytest.mark.faultwire_check(spec="check.toml", groups=["deadline", "failure"])
    def test_my_service_holds(scenario):
        scenario.must_hold()

plays the check's scenarios against the service that `check.toml` describes (its path is relative
to the test's), and is one test for each of them. They are all played when the first one is run.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from faultwire.testing import Background, PlayedScenario, Selection, ServiceA, TestWire

    Played = dict[str, PlayedScenario] | str  # by id, or why they could not be

_MARKER = "faultwire_check"
_PLAYED = pytest.StashKey["dict[Selection, Played]"]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    said = "spec, groups=(), only=(), skip=(): one test for each scenario of the check"
    config.addinivalue_line("markers", f"{_MARKER}({said})")
    config.stash[_PLAYED] = {}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each scenario that the marker selects."""
    marker = metafunc.definition.get_closest_marker(_MARKER)
    if marker is None or "scenario" not in metafunc.fixturenames:
        return
    selection = _selection(metafunc.definition, marker)
    given = [(selection, name) for name in selection.ids]
    metafunc.parametrize("scenario", given, indirect=True, ids=selection.ids)


def _selection(item: pytest.Item, marker: pytest.Mark) -> "Selection":
    from faultwire.check.scenarios import UnknownScenario
    from faultwire.testing import Selection

    def words(name: str) -> tuple[str, ...]:
        given: str | Sequence[str] = marker.kwargs.get(name, ())
        return (given,) if isinstance(given, str) else tuple(given)

    if marker.args or "spec" not in marker.kwargs:
        raise pytest.UsageError(f"{_MARKER} needs spec='check.toml', and names for the rest")
    if unknown := marker.kwargs.keys() - {"spec", "groups", "only", "skip"}:
        raise pytest.UsageError(f"{_MARKER} has no {', '.join(sorted(unknown))}")
    spec = item.path.parent / marker.kwargs["spec"]
    selection = Selection(spec, words("groups"), words("only"), words("skip"))
    try:
        selection.ids  # noqa: B018 - whether they can be told
    except UnknownScenario as error:
        raise pytest.UsageError(f"{_MARKER}: {error}") from error
    return selection


@pytest.fixture
def scenario(
    request: pytest.FixtureRequest, _faultwire_background: "Background"
) -> "PlayedScenario":
    """A scenario of the check that was played: `must_hold()`, `result`."""
    if not hasattr(request, "param"):
        raise pytest.UsageError(f"the fixture scenario needs the marker {_MARKER}")
    selection, name = request.param
    played = request.config.stash[_PLAYED]
    if selection not in played:
        played[selection] = _play(_faultwire_background, selection)
    results = played[selection]
    if isinstance(results, str):
        pytest.fail(results, pytrace=False)
    found = results[name]
    if found.skipped:
        pytest.skip(found.skipped)
    return found


@pytest.fixture(scope="session")
def _faultwire_background() -> "Iterator[Background]":
    from faultwire.testing import Background

    with Background() as background:
        yield background


@pytest.fixture
def service_a(_faultwire_background: "Background") -> "Iterator[ServiceA]":
    """A Service A in a process of its own: `url`, `stop`, `start`, `pause`, `resume`, `log`."""
    from faultwire.testing import running_service_a

    with running_service_a(_faultwire_background) as service:
        yield service


@pytest.fixture
def wire_upstream(service_a: "ServiceA") -> str:
    """The URL behind the wire. A fixture of the same name in your tests replaces it."""
    return service_a.url


@pytest.fixture
def wire(
    request: pytest.FixtureRequest, _faultwire_background: "Background", wire_upstream: str
) -> "Iterator[TestWire]":
    """The wire in front of `wire_upstream`: `url`, `breaking(…)`, `mend()`, `ledger`."""
    from faultwire.testing import running_wire

    with running_wire(_faultwire_background, wire_upstream) as running:
        if "service_a" in request.fixturenames:
            service: ServiceA = request.getfixturevalue("service_a")
            if service.url == wire_upstream:
                service.on_change = running.follow
        yield running


def _play(background: "Background", selection: "Selection") -> "Played":
    from faultwire.testing import CannotPlay, play

    try:
        return play(background, selection)
    except CannotPlay as error:
        return str(error)
