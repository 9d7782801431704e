"""The settings of the wire."""

import re
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from faultwire.settings.records import LogFormat
from faultwire.settings.table import SERVICE_A, Kind, Setting
from faultwire.settings.text import host, whole

_MOST_SEED = 2**53 - 1
_port = whole(0, 65535)


class Address(NamedTuple):
    """Where to listen. Port 0 is any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlSettings:
    """Where the control API of a wire is, and the token that it asks for; empty if none."""

    control: Address
    control_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WireSettings(ControlSettings):
    """Settings of the wire. Times are seconds; paths that are not given are empty."""

    listen: Address
    to: str
    cert: str
    key: str
    ca: str
    insecure: bool
    seed: int | None
    log_format: LogFormat
    max_connections: int
    drain_grace_s: float
    drain_timeout_s: float


def address(text: str) -> Address:
    """`8082`, `HOST:8082`, `[::1]:8082`; a URL's `http://` before it does no harm."""
    found = re.fullmatch(r"(?:http://)?(?:(.+):)?([0-9]{1,5})/?", text)
    if found is None or (":" in (found[1] or "") and not found[1].startswith("[")):
        raise ValueError("[HOST:]PORT, such as 8084, 0.0.0.0:8084 or [::1]:8084")
    return Address(host(found[1] or "127.0.0.1"), _port(found[2]))


def wire_upstream(text: str) -> str:
    """The URL of an upstream: its scheme, host and port alone."""
    expected = "a URL without a path, such as http://127.0.0.1:8080 or https://example.com"
    if not re.fullmatch("[!-~]{1,2000}", text):
        raise ValueError(expected)
    try:
        parts = urlsplit(text if "//" in text else f"http://{text}")
        port = parts.port
    except ValueError as error:
        raise ValueError(expected) from error
    more = parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None
    if parts.scheme not in ("http", "https") or not parts.hostname or more or port == 0:
        raise ValueError(expected)
    return f"{parts.scheme}://{parts.netloc}"


def token(text: str) -> str:
    """A token that can stand in a header field."""
    if not re.fullmatch("[!-~]{8,512}", text):
        raise ValueError("8 to 512 visible ASCII characters")
    return text


def _true(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("true or false")
    return text == "true"


def _seed(text: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch("[0-9]{1,16}", text) or int(text) > _MOST_SEED:
        raise ValueError(f"a whole number from 0 to {_MOST_SEED}")
    return int(text)


def _path(field: str, said: str) -> Setting:
    return Setting(field, f"--{field}", str, "", "FILE", said)


DEFAULT_CONTROL = Address("127.0.0.1", 8084)
"""Where the commands look for a wire unless they are told."""

_AS_A = {setting.field: setting for setting in SERVICE_A.settings}
_CONTROL = (
    Setting(
        "control",
        "--control",
        address,
        str(DEFAULT_CONTROL),
        "[HOST:]PORT",
        "Where the control API is.",
    ),
    Setting(
        "control_token",
        "--control-token",
        lambda text: token(text) if text else "",
        "",
        "TOKEN",
        "What the control API asks for; the variable keeps it from the list of processes.",
    ),
)
CONTROL = Kind("WIRE", _CONTROL)
"""What the commands need to find a wire."""

WIRE = Kind(
    "WIRE",
    (
        Setting(
            "listen",
            "--listen",
            address,
            "127.0.0.1:8082",
            "[HOST:]PORT",
            "Where to listen; port 0 is any free one.",
        ),
        Setting(
            "to",
            "--to",
            wire_upstream,
            "http://127.0.0.1:8080",
            "URL",
            "The upstream, http:// or https://.",
        ),
        *_CONTROL,
        _path("cert", "Listen with TLS: the certificate chain, PEM."),
        _path("key", "Its private key, PEM."),
        _path("ca", "Whom to trust as an https:// upstream, PEM, instead of the system's."),
        Setting("insecure", "--insecure", _true, "false", "", "Trust any https:// upstream."),
        Setting(
            "seed",
            "--seed",
            _seed,
            "",
            "N",
            "Where the seeds of faults set without one come from.",
        ),
        _AS_A["log_format"],
        _AS_A["max_connections"]._replace(
            default="8000", help="Clients' connections held open at once; each takes two files."
        ),
        _AS_A["drain_grace_s"],
        _AS_A["drain_timeout_s"],
    ),
)
