"""How many connections the operating system lets this process hold open."""

from faultwire.settings import ServiceBSettings, ServiceSettings
from faultwire.telemetry.log import Log

_RESERVED = 64  # the log, the loop, the listening sockets, and a few to refuse with
_ENOUGH = 1 << 20  # a container's hard limit may be a thousand times as much
_FEWEST = 16


def connections_within_limit(settings: ServiceSettings, log: Log) -> int:
    """The bound on clients' connections, lowered (and said) where descriptors do not suffice."""
    upstream = 0
    if isinstance(settings, ServiceBSettings):
        upstream = settings.upstream_connections * len(settings.upstream)
    limit = raise_descriptor_limit()
    most = max(limit - upstream - _RESERVED, _FEWEST)
    if settings.max_connections <= most:
        return settings.max_connections
    log.note("WARNING", event="connections_capped", most=most, descriptors=limit)
    return most


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open files as far as the hard one allows; what it is then."""
    try:
        import resource  # noqa: PLC0415 - not on Windows, which has no such limit
    except ImportError:
        return _ENOUGH
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError):  # macOS: a bound of its own below "unlimited"
            pass
    return _ENOUGH if soft == resource.RLIM_INFINITY else soft
