"""Who may use the control API: the machine's own programs, or whoever has the token.

A web page that is open in a browser on this machine can send requests here. Two things give it
away: the `Origin` of the page (fetch standard, section 3.2), and, where the page's own host name
has been pointed at 127.0.0.1 (DNS rebinding), the `Host` that it asks for.
"""

import hmac
import ipaddress
from collections.abc import Mapping

from faultwire.http.message import BadRequest
from faultwire.settings import ControlSettings, InvalidSettings

_BEARER = b"bearer "


class Unauthorized(BadRequest):
    """The token is missing or wrong."""

    def __init__(self) -> None:
        super().__init__(401, "Send the control token: Authorization: Bearer TOKEN")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on `host`. A name may mean anything."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_guarded(control: ControlSettings) -> None:
    """Raises `InvalidSettings` if other machines could reach the control API without a token."""
    if not is_loopback(control.control.host) and not control.control_token:
        raise InvalidSettings(
            f"--control {control.control} is open to other machines: give it a token by "
            "FAULTWIRE_CONTROL_TOKEN or --control-token, or keep it on 127.0.0.1"
        )


class Guard:
    """Checks each request to a control API that listens on `host` and `port`.

    `what` it is called where a request is refused: somebody may be looking at a page.
    With a token, every request must bear it, and may come from any host: what is secret needs
    no other proof. Without one, only requests that name a loopback address are served.
    """

    def __init__(self, host: str, port: int, token: str = "", what: str = "control API") -> None:
        self._what = what
        self._bound = host.lower()
        self._port = str(port)
        self._token = token.encode()

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Raises `BadRequest` (403, 421) or `Unauthorized` (401)."""
        authority = headers.get(b"host", b"").decode("latin-1").lower()
        if not self._token and not self._is_ours(authority):
            raise BadRequest(421, f"Host {authority!r} is not the address of this {self._what}")
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1").lower() != f"http://{authority}":
            raise BadRequest(403, f"Pages of another origin may not use this {self._what}")
        if self._token and not self._is_borne(headers.get(b"authorization", b"")):
            raise Unauthorized

    def _is_ours(self, authority: str) -> bool:
        host, colon, port = authority.rpartition(":")
        if not colon or port.endswith("]"):
            host, port = authority, "80"
        in_brackets = host.startswith("[") and host.endswith("]")
        if in_brackets:
            host = host[1:-1]
        if port != self._port or in_brackets != (":" in host):
            return False
        return host == self._bound or is_loopback(host)

    def _is_borne(self, authorization: bytes) -> bool:
        scheme, token = authorization[: len(_BEARER)], authorization[len(_BEARER) :]
        return hmac.compare_digest(token.strip(), self._token) and scheme.lower() == _BEARER
