"""The settings of the console."""

from dataclasses import dataclass

from faultwire.settings.table import Kind, Setting
from faultwire.settings.text import host, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings:
    """Where the console's page is: whoever reaches it can stop services."""

    console_host: str
    console_port: int


CONSOLE = Kind(
    "UP",
    (
        Setting(
            "console_host",
            "--console-host",
            host,
            "127.0.0.1",
            "HOST",
            "Address of the page. Whoever reaches it can stop services.",
        ),
        Setting(
            "console_port",
            "--console-port",
            whole(0, 65535),
            "8083",
            "PORT",
            "Port of the page; 0 is any free one.",
        ),
    ),
)
