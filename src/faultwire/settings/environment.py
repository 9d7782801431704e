"""Which environment variables are ours, which only look so, and which are mistakes."""

import re
from collections.abc import Mapping

from faultwire.settings.console import CONSOLE
from faultwire.settings.records import InvalidSettings
from faultwire.settings.table import SERVICE_A, SERVICE_B
from faultwire.settings.wire import WIRE

_PREFIX = "FAULTWIRE_"
_KNOWN = frozenset(
    name
    for kind in (SERVICE_A, SERVICE_B, WIRE, CONSOLE)
    for setting in kind.settings
    for name in kind.variables(setting)
)
_SERVICE_LINK = re.compile(
    r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_LINK_URL = re.compile(r"(tcp|udp|sctp)://.*")


def own_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings in an environment. Raises `InvalidSettings` for a name that is none.

    Such a name is a mistake that nobody would notice, unless Kubernetes has put it there for a
    Service that is called faultwire-a: `FAULTWIRE_A_PORT=tcp://10.0.0.1:8080`,
    `FAULTWIRE_A_SERVICE_HOST=…`. Those are passed over.
    """
    ours = {}
    for name, text in environ.items():
        if name in _KNOWN:
            if not (name.endswith("_PORT") and _LINK_URL.fullmatch(text)):
                ours[name] = text
        elif name.startswith(_PREFIX) and not _is_service_link(name, text):
            hint = _closest(name) or "--help shows those that are"
            raise InvalidSettings(f"the environment variable {name} is not a setting; {hint}")
    return ours


def _closest(name: str) -> str:
    """The setting that was probably meant, as a question; the prefix does not count."""
    from difflib import get_close_matches  # noqa: PLC0415 - a megabyte, for who mistypes

    ends = {known.removeprefix(_PREFIX): known for known in sorted(_KNOWN)}
    close = get_close_matches(name.removeprefix(_PREFIX), ends, 1)
    return f"did you mean {ends[close[0]]}?" if close else ""


def _is_service_link(name: str, text: str) -> bool:
    if name.endswith("_PORT") and _LINK_URL.fullmatch(text):
        return True
    match = _SERVICE_LINK.search(name)
    return match is not None and match.end() == len(name)
