"""Settings: frozen, read once, flag before environment before default.

Every flag `--some-thing` of `service-a` is also read from `FAULTWIRE_A_SOME_THING` and, for both
services at once, from `FAULTWIRE_SOME_THING`; B's likewise. The narrower name wins. A port has
its narrow name only, and B's upstream may also be called `SERVICE_A_URL`. An empty variable
counts as unset.
"""

import re
from collections.abc import Mapping
from typing import Any

from faultwire.contracts import CONTRACTS
from faultwire.settings.apart import check_apart, check_leads_elsewhere
from faultwire.settings.console import CONSOLE, ConsoleSettings
from faultwire.settings.environment import own_variables
from faultwire.settings.records import (
    InvalidSettings,
    ServiceASettings,
    ServiceBSettings,
    ServiceSettings,
)
from faultwire.settings.table import SERVICE_A, SERVICE_B, Flags, Kind, Setting
from faultwire.settings.wire import (
    CONTROL,
    DEFAULT_CONTROL,
    WIRE,
    Address,
    ControlSettings,
    WireSettings,
)

__all__ = [
    "CONSOLE",
    "CONTROL",
    "DEFAULT_CONTROL",
    "PAIR_A",
    "PAIR_B",
    "PAIR_WIRE",
    "SERVICE_A",
    "SERVICE_B",
    "WIRE",
    "Address",
    "ConsoleSettings",
    "ControlSettings",
    "Flags",
    "InvalidSettings",
    "Kind",
    "ServiceASettings",
    "ServiceBSettings",
    "ServiceSettings",
    "Setting",
    "WireSettings",
    "check_apart",
    "read_console",
    "read_control",
    "read_pair",
    "read_pair_wire",
    "read_service_a",
    "read_service_b",
    "read_wire",
]

_CREDENTIALS = re.compile(r"(?<=://)[^/?#]*@")
"""A user and a password in a URL: what is refused is printed, and these are a secret."""

PAIR_A, PAIR_B = SERVICE_A.with_flag("port", "--a-port"), SERVICE_B.with_flag("port", "--b-port")
"""The two services as one command starts them both."""

PAIR_WIRE = WIRE.with_flag("listen", "--wire")
"""The wire between them."""


def read_service_a(flags: Flags, environ: Mapping[str, str]) -> ServiceASettings:
    """Service A's settings. Raises `InvalidSettings`."""
    return _service_a(SERVICE_A, flags, environ)


def read_service_b(flags: Flags, environ: Mapping[str, str]) -> ServiceBSettings:
    """Service B's settings. Raises `InvalidSettings`."""
    return _service_b(SERVICE_B, flags, environ)


def read_pair(
    flags: Flags, environ: Mapping[str, str]
) -> tuple[ServiceASettings, ServiceBSettings]:
    """Both services' settings. The fields `a_port` and `b_port` stand for the ports."""
    a = _service_a(PAIR_A, {**flags, "port": flags.get("a_port")}, environ)
    b = _service_b(PAIR_B, {**flags, "port": flags.get("b_port")}, environ)
    if a.port == b.port != 0:
        raise InvalidSettings(f"--a-port and --b-port are both {a.port}: choose two ports")
    return a, b


def read_wire(flags: Flags, environ: Mapping[str, str]) -> WireSettings:
    """The wire's settings. Raises `InvalidSettings`."""
    settings = _wire(WIRE, flags, environ)
    check_leads_elsewhere(settings)
    return settings


def read_pair_wire(flags: Flags, environ: Mapping[str, str]) -> WireSettings:
    """The settings of the wire between the two services. The field `wire` stands for `listen`."""
    return _wire(PAIR_WIRE, {**flags, "listen": flags.get("wire")}, environ)


def _wire(kind: Kind, flags: Flags, environ: Mapping[str, str]) -> WireSettings:
    settings = WireSettings(**_read(kind, flags, environ))
    if bool(settings.cert) != bool(settings.key):
        raise InvalidSettings("--cert and --key belong together: give both or neither")
    if settings.listen == settings.control and settings.listen.port:
        listen = kind.settings[0].flag
        raise InvalidSettings(f"{listen} and --control are both {settings.listen}: choose two")
    return settings


def read_console(flags: Flags, environ: Mapping[str, str]) -> ConsoleSettings:
    """Where the console is. Raises `InvalidSettings`."""
    return ConsoleSettings(**_read(CONSOLE, flags, environ))


def read_control(flags: Flags, environ: Mapping[str, str]) -> ControlSettings:
    """Where a wire's control API is. Raises `InvalidSettings`."""
    return ControlSettings(**_read(CONTROL, flags, environ))


def _service_a(kind: Kind, flags: Flags, environ: Mapping[str, str]) -> ServiceASettings:
    return ServiceASettings(**_read(kind, flags, environ))


def _service_b(kind: Kind, flags: Flags, environ: Mapping[str, str]) -> ServiceBSettings:
    values = _read(kind, flags, environ)
    if values["timeout_s"] is None:
        values["timeout_s"] = CONTRACTS[values["contract"]].TIMEOUT_S
    return ServiceBSettings(**values)


def _read(kind: Kind, flags: Flags, environ: Mapping[str, str]) -> dict[str, Any]:
    ours = own_variables(environ)
    return {setting.field: _value(kind, setting, flags, ours) for setting in kind.settings}


def _value(kind: Kind, setting: Setting, flags: Flags, environ: Mapping[str, str]) -> object:
    given = [(setting.flag, flags.get(setting.field))]
    given += [(name, environ.get(name) or None) for name in kind.variables(setting)]
    for source, text in given:
        if text is not None:
            try:
                return setting.read(text.strip())
            except ValueError as error:
                shown = _CREDENTIALS.sub("…@", text)
                raise InvalidSettings(f"{source} is {shown!r}: expected {error}") from error
    return None if setting.default is None else setting.read(setting.default)
