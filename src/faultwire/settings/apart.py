"""Who would stand in somebody else's way: two on one port, or a wire that leads to itself."""

from itertools import combinations
from urllib.parse import urlsplit

from faultwire.settings.console import ConsoleSettings
from faultwire.settings.records import InvalidSettings, ServiceASettings, ServiceBSettings
from faultwire.settings.wire import Address, WireSettings

_THIS_MACHINE = (
    frozenset({"127.0.0.1", "localhost", "0.0.0.0"}),  # noqa: S104 - seen, not listened on
    frozenset({"::1", "::"}),
)


def check_apart(
    a: ServiceASettings,
    b: ServiceBSettings,
    wire: WireSettings | None,
    console: ConsoleSettings | None,
) -> None:
    """Raises `InvalidSettings` if two that `up` starts would listen at one address."""
    where = [("--a-port", Address(a.host, a.port)), ("--b-port", Address(b.host, b.port))]
    if wire is not None:
        where += [("--wire", wire.listen), ("--control", wire.control)]
    if console is not None:
        where.append(("--console-port", Address(console.console_host, console.console_port)))
    for (one, here), (other, there) in combinations(where, 2):
        if here == there and here.port:
            raise InvalidSettings(f"{one} and {other} are both {here}: choose two")


def check_leads_elsewhere(wire: WireSettings) -> None:
    """Raises `InvalidSettings` if a wire's upstream is the wire itself."""
    to = urlsplit(wire.to)
    port = to.port or (443 if to.scheme == "https" else 80)
    here, there = wire.listen.host.lower(), to.hostname or ""
    alike = here == there or any({here, there} <= names for names in _THIS_MACHINE)
    if alike and port == wire.listen.port:
        raise InvalidSettings(
            f"--listen and --to are both {wire.listen}: the wire would lead to itself; choose two"
        )
