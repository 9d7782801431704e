"""Who stands where: which services are started, on which ports, and whether the wire is between.

B finds its upstream by `{upstream}`, or on a fixed port, and that is where the wire stands. An
upstream that can only listen on this same port cannot be there at the same time: then it is
examined alone in the end, and the check's own takes its place behind the wire.
"""

from collections.abc import Mapping
from typing import NamedTuple

from faultwire.check.scenario import Need
from faultwire.check.spec import Spec, Start
from faultwire.check.target.launch import InvalidSpec, placeholders
from faultwire.http.address import Origin, parse_origin

_UPSTREAM = ("upstream", "upstream_port")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_WITHOUT_A = (
    "stop A and check again without it, and the wire takes its place, with the check's own behind"
)


class Layout(NamedTuple):
    """One arrangement. `b` or `a` None: there is none of the target's.

    `wire_port` is 0 for any, None where there is no wire; `no_wire` then says why, and `instead`
    what to do about it.
    """

    b: Start | None
    a: Start | None
    wire_port: int | None
    no_wire: str = ""
    instead: str = ""


def layouts(spec: Spec) -> list[Layout]:
    """The arrangements that a target needs, the main one first. Raises `InvalidSpec`."""
    b, a = _given(spec.b), _given(spec.a)
    if b is None:
        if a is None:
            raise InvalidSpec("there is nothing to examine: neither a command nor a URL is given")
        instead = "say how B is started (--b-cmd) or where it runs (--b-url)"
        return [Layout(None, a, None, "no Service B was given", instead)]
    if a is not None and a.url and _origin(a.url).base:
        raise InvalidSpec(f"{a.url}: expected no path; the wire passes every path on as it is")
    port = _wire_port(spec, b)
    if a is None or port is None or port == 0 or _port_of(a) != port:
        why = "" if port is not None else f"it is not known where {b.url} expects its upstream"
        return [Layout(b, a, port, why, "let the check start B (--b-cmd)" if why else "")]
    if a.url:
        return [Layout(b, a, None, f"no wire: B calls {a.url} directly", _WITHOUT_A)]
    why = f"A can only listen on port {port}, where the wire has to stand"
    return [Layout(b, None, port), Layout(None, a, None, why)]


def is_movable(layout: Layout) -> bool:
    """Whether several of it can stand beside each other: nobody insists on a port."""
    services = [start for start in (layout.b, layout.a) if start is not None]
    return layout.wire_port == 0 and all(
        start.command and "port" in placeholders(start) for start in services
    )


def missing(spec: Spec, layout: Layout, *, own_upstream: bool, wire: bool) -> Mapping[Need, str]:
    """What scenarios cannot have in an arrangement, and why."""
    lacks: dict[Need, str] = {}
    if not wire:
        lacks[Need.WIRE] = lacks[Need.TRACE] = lacks[Need.UPSTREAM] = layout.no_wire
    elif not spec.traces:
        lacks[Need.TRACE] = "it is not known where a request's token is found on the wire"
    if layout.a is not None and layout.a.url:
        lacks.setdefault(Need.UPSTREAM, f"{layout.a.url} is not the check's to be stopped")
    if layout.b is None or layout.b.url:
        lacks[Need.PROCESS] = lacks[Need.LOG] = _not_ours(layout)
    if spec.preset != "lab":
        lacks[Need.LAB] = lacks[Need.LAB_A] = "it is about the pair of the preset lab"
    if own_upstream:
        lacks.setdefault(Need.LAB_A, "A is the check's own")
    if not spec.b.health:
        lacks[Need.HEALTH] = "no health route is known"
    return lacks


def _not_ours(layout: Layout) -> str:
    if layout.b is None:
        return layout.no_wire
    return f"the process behind {layout.b.url} is not the check's"


def _given(start: Start | None) -> Start | None:
    if start is None or not (start.command or start.url):
        return None
    if start.command and start.url:
        raise InvalidSpec("a service has a command or a url, not both")
    if start.url:
        _origin(start.url)
    return start


def _origin(url: str) -> Origin:
    try:
        return parse_origin(url)
    except ValueError as error:
        raise InvalidSpec(str(error)) from error


def _wire_port(spec: Spec, b: Start) -> int | None:
    if b.url:  # on another machine no wire of ours can stand in its way
        return spec.upstream_port or None if _origin(b.url).host in _LOOPBACK else None
    if placeholders(b) & set(_UPSTREAM):
        return 0
    if not spec.upstream_port:
        raise InvalidSpec(
            "it is not known where B expects its upstream: put {upstream} into its command, "
            "variables or files, or give upstream_port"
        )
    return spec.upstream_port


def _port_of(start: Start) -> int:
    """The port that a service insists on; 0 where it can be given another."""
    if not start.url:
        return 0 if "port" in placeholders(start) else start.port
    origin = _origin(start.url)
    return origin.port if origin.host in _LOOPBACK else 0
