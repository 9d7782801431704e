"""The settings of the console."""

from dataclasses import dataclass

from faultwire.settings.table import Kind, Setting
from faultwire.settings.text import whole


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings:
    """Where the console's page is, on 127.0.0.1: whoever reaches it can stop services."""

    console_port: int


CONSOLE = Kind(
    "UP",
    (
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
