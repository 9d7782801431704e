"""Every setting of the two services: its flag, its variables, its default, what --help says."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from faultwire.contracts import CONTRACTS
from faultwire.settings.text import (
    duration_s,
    grace_s,
    host,
    one_of,
    policies,
    upstream_urls,
    whole,
)

Flags = Mapping[str, str | None]
"""What a command line gave, by field; None where it gave nothing."""


class Setting(NamedTuple):
    """One setting: its field, its flag, how its text is read, what `--help` says of it.

    `read` raises ValueError with what it expected. `default` is text, read like any other;
    None is the contract's own. A flag that may be `repeated` gives one text with commas.
    `examples` are some of what its text may be.
    """

    field: str
    flag: str
    read: Callable[[str], object]
    default: str | None
    metavar: str
    help: str
    choices: tuple[str, ...] = ()
    alias: str = ""
    repeated: bool = False
    examples: tuple[str, ...] = ()

    @property
    def shown_default(self) -> str:
        """The default, as `--help` shows it."""
        return "the contract's" if self.default is None else self.default or "none"


class Kind(NamedTuple):
    """A process that has settings, in the order of `--help`; `name` stands in its variables."""

    name: str
    settings: tuple[Setting, ...]

    def variables(self, setting: Setting) -> tuple[str, ...]:
        """The environment variables of a setting, the strongest first."""
        name = setting.field.removesuffix("_s").upper()
        shared = () if setting.field == "port" else (f"FAULTWIRE_{name}",)
        alias = (setting.alias,) if setting.alias else ()
        return (f"FAULTWIRE_{self.name}_{name}", *shared, *alias)

    def with_flag(self, field: str, flag: str) -> "Kind":
        """The same settings where one has another flag, because several are started at once."""
        renamed = (s._replace(flag=flag) if s.field == field else s for s in self.settings)
        return self._replace(settings=tuple(renamed))

    def arguments(self, flags: Flags) -> list[str]:
        """The words of a command line that give these flags."""
        given = ((setting.flag, flags.get(setting.field)) for setting in self.settings)
        return [word for flag, text in given if text is not None for word in (flag, text)]

    def shown_variables(self, setting: Setting) -> tuple[str, ...]:
        """Those that `--help` names one by one; the rest follow a rule."""
        strongest = self.variables(setting)[0]
        return (strongest, setting.alias) if setting.alias else (strongest,)


def _choice(field: str, flag: str, metavar: str, choices: Iterable[str], text: str) -> Setting:
    """A setting that is one of a few words, the first of which is the default."""
    words = tuple(choices)
    said = f"{text}: {', '.join(words)}."
    return Setting(field, flag, one_of(*words), words[0], metavar, said, words)


LOG_FORMAT = _choice("log_format", "--log-format", "FORMAT", ("text", "json"), "Lines on stderr")


def max_connections(said: str) -> Setting:
    """The bound on connections from clients."""
    return Setting("max_connections", "--max-connections", whole(1, 1_000_000), "10000", "N", said)


def draining() -> tuple[Setting, ...]:
    """How a process that serves is stopped."""
    return (
        Setting(
            "drain_grace_s",
            "--drain-grace",
            grace_s,
            "1s",
            "TIME",
            "After SIGTERM, /readyz is 503 and all is still served for so long.",
        ),
        Setting(
            "drain_timeout_s",
            "--drain-timeout",
            grace_s,
            "10s",
            "TIME",
            "Then requests in flight may take so long to finish.",
        ),
    )


def _common(port: str) -> tuple[Setting, ...]:
    return (
        Setting("host", "--host", host, "127.0.0.1", "HOST", "Address to listen on."),
        Setting(
            "port",
            "--port",
            whole(0, 65535),
            port,
            "PORT",
            "Port to listen on; 0 is any free one.",
        ),
        _choice("contract", "--contract", "NAME", CONTRACTS, "Whose bodies and log lines to speak"),
        LOG_FORMAT,
        Setting("workers", "--workers", whole(1, 256), "1", "N", "Processes that share the port."),
        max_connections("Clients' connections held open at once, per process."),
        *draining(),
    )


SERVICE_A = Kind(
    "A",
    (
        *_common("8080"),
        Setting(
            "work_s",
            "--work",
            grace_s,
            "0s",
            "TIME",
            "How long each echo takes, as if there were much to do.",
        ),
        Setting(
            "at_once",
            "--at-once",
            whole(0, 1_000_000),
            "0",
            "N",
            "Echoes worked on at once, per process; others wait in line. 0 is any number.",
        ),
    ),
)
SERVICE_B = Kind(
    "B",
    (
        Setting(
            "upstream",
            "--upstream",
            upstream_urls,
            "http://127.0.0.1:8080",
            "URL",
            "Where Service A is; repeat it for several.",
            alias="SERVICE_A_URL",
            repeated=True,
        ),
        Setting(
            "timeout_s",
            "--timeout",
            duration_s,
            None,
            "TIME",
            "Total deadline of a call to A, such as 250ms or 2s.",
        ),
        Setting(
            "policy",
            "--policy",
            policies,
            "none",
            "SET",
            "How to stay useful while A fails: see docs/resilience.md.",
            examples=("none", "retry", "retry+budget", "breaker", "hedge", "production"),
        ),
        _choice(
            "status",
            "--status",
            "WHOSE",
            ("contract", "accurate"),
            "Status of a failure, the contract's 503 or a gateway's 502, 503 and 504",
        ),
        Setting(
            "upstream_connections",
            "--upstream-connections",
            whole(1, 65535),
            "512",
            "N",
            "Connections to A held open at once, per process.",
        ),
        *_common("8081"),
    ),
)
