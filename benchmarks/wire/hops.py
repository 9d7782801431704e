"""What may stand between the client and the upstream, and how each is started."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import free_ports, running, wait_until_healthy
from benchmarks.stacks.catalogue import (
    Command,
    faultwire_binary,
    faultwire_missing,
    fill_in,
    nginx_command,
    nginx_missing,
)
from benchmarks.wire.descriptors import raise_file_limit

CONFIGS = Path(__file__).with_name("configs")
DIRECT, HAPROXY, NGINX, WIRE = "direct", "haproxy", "nginx", "wire"


@dataclass(frozen=True, slots=True)
class Site:
    """Where a hop runs: a folder, the upstream's port, its own, and one to control it by."""

    directory: Path
    port_a: int
    port: int
    control: int

    @property
    def log(self) -> Path:
        """The file that gets the hop's log lines."""
        return self.directory / "hop.log"

    @property
    def served(self) -> Path:
        """The folder whose files the upstream serves."""
        return self.directory / "served"


@dataclass(frozen=True, slots=True)
class Hop:
    """One kind of hop. `command` is None for the one that is not there."""

    name: str
    title: str
    command: Callable[[Site], Command] | None
    missing: Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Standing:
    """A running hop: where clients find it, and the session of its processes, if it has any."""

    site: Site
    port: int
    session: int | None

    def url(self, path: str) -> str:
        """The address of something behind the hop."""
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def standing(hop: Hop) -> Iterator[Standing]:
    """Run the upstream and `hop` before it; stop both at the end, files included.

    Raises StackFailedError unless the upstream answers through the hop.
    """
    with ExitStack() as stack:
        site = stack.enter_context(_new_site())
        upstream_log = site.directory / "upstream.log"
        upstream = stack.enter_context(running(_upstream(site), upstream_log))
        wait_until_healthy(upstream, site.port_a, upstream_log)
        if hop.command is None:
            yield Standing(site, site.port_a, None)
            return
        process = stack.enter_context(running(hop.command(site), site.log))
        wait_until_healthy(process, site.port, site.log)
        yield Standing(site, site.port, process.pid)


@contextmanager
def _new_site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        site = Site(Path(name), *free_ports(3))
        site.served.mkdir()
        for folder in (site.directory, site.served):
            folder.chmod(0o755)  # nginx's worker may be another user
        yield site


def _upstream(site: Site) -> Command:
    template = CONFIGS / "upstream.conf"
    return nginx_command(template, site.directory, port=site.port_a, files=raise_file_limit())


def haproxy_binary() -> str | None:
    """Return where haproxy is; Debian keeps it where not every PATH looks."""
    return shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")


def _haproxy(site: Site) -> Command:
    template = CONFIGS / "haproxy.cfg"
    config = fill_in(template, site.directory, port=site.port, port_a=site.port_a)
    return [haproxy_binary() or "haproxy", "-db", "-f", str(config)]


def _haproxy_missing() -> str | None:
    return None if haproxy_binary() else "haproxy is not installed (apt install haproxy)"


def _nginx(site: Site) -> Command:
    template = CONFIGS / "nginx.conf"
    return nginx_command(template, site.directory, port=site.port, port_a=site.port_a)


def _wire(site: Site) -> Command:
    listen, control = f"127.0.0.1:{site.port}", f"127.0.0.1:{site.control}"
    to = f"http://127.0.0.1:{site.port_a}"
    return [str(faultwire_binary()), "wire", "--listen", listen, "--to", to, "--control", control]


HOPS: dict[str, Hop] = {
    hop.name: hop
    for hop in (
        Hop(DIRECT, "nothing in between", None, nginx_missing),
        Hop(HAPROXY, "haproxy", _haproxy, _haproxy_missing),
        Hop(NGINX, "nginx", _nginx, nginx_missing),
        Hop(WIRE, "the wire", _wire, faultwire_missing),
    )
}
