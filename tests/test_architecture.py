"""Imports point one way: a layer may use itself and what stands before it, nothing after."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import faultwire

PACKAGE = Path(faultwire.__file__).parent

LAYERS = (
    {"failures", "events"},
    {"http", "policy"},
    {"contracts"},
    {"telemetry"},
    {"settings"},
    {"services"},
    {"wire"},
    {"check", "explain", "simulate"},
    {"compare", "lab", "testing"},
    {"commands", "pytest_plugin"},
    {"cli", "__main__"},
)
"""Rooms of equal rank do not import each other, but for what `SIBLINGS` allows."""

SIBLINGS = {("events", "failures"), ("__main__", "cli")}

MODULES = sorted(PACKAGE.rglob("*.py"))


def room(module: str) -> str:
    """The first name below the package: `faultwire.http.pool` is in the room `http`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def rank(name: str) -> int:
    """The place of a room among the layers; the package itself comes first."""
    if not name:
        return -1
    return next(place for place, layer in enumerate(LAYERS) if name in layer)


def imports(path: Path) -> Iterator[str]:
    """Every module of ours that a file imports, lazily or for typing only included."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative imports hide where things come from"
            module = node.module or ""
            if module.split(".")[0] == "faultwire":
                inner = (f"{module}.{name.name}" for name in node.names)
                yield from (name if is_module(name) else module for name in inner)
        elif isinstance(node, ast.Import):
            yield from (n.name for n in node.names if n.name.startswith("faultwire."))


def is_module(name: str) -> bool:
    """Whether a dotted name is a module or package of ours, not an object in one."""
    path = PACKAGE.joinpath(*name.split(".")[1:])
    return path.is_dir() or path.with_suffix(".py").is_file()


def test_every_room_has_a_place_in_the_order() -> None:
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES}
    assert rooms - {"__init__"} <= set().union(*LAYERS)
    assert len(MODULES) > 10


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    own = "" if own == "__init__" else own
    for module in imports(path):
        other = room(module) if is_module(module) else ""
        allowed = other == own or rank(other) < rank(own) or (own, other) in SIBLINGS
        assert allowed, f"{own} must not import {module}"


@pytest.mark.parametrize("room_name", ["check", "lab"])
def test_the_check_and_the_lab_import_no_service(room_name: str) -> None:
    for path in PACKAGE.glob(f"{room_name}/**/*.py"):
        assert not [m for m in imports(path) if m.startswith("faultwire.services")], path.name


def test_the_hop_knows_nothing_of_what_it_carries() -> None:
    """No module of the hop imports another of ours than the vocabulary of failures."""
    for path in PACKAGE.glob("http/*.py"):
        assert {room(m) for m in imports(path)} <= {"http", "failures"}, path.name


def test_modules_import_each_other_in_no_circle() -> None:
    graph = {module_name(path): set(imports(path)) for path in MODULES}
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " → ".join((*above, name))
        if name in graph and name not in done:
            for other in graph[name]:
                visit(other, (*above, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def module_name(path: Path) -> str:
    """The dotted name of a file."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
