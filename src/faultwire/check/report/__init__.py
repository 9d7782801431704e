"""The reports: a `Report` in, a text out."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from faultwire.check.model import Report
from faultwire.check.report import classic, html, junit, markdown, terminal

Renderer = Callable[[Report], str]


def render_json(report: Report) -> str:
    """The report as JSON; its schema is published as docs/check.schema.json."""
    return msgspec.json.format(msgspec.json.encode(report)).decode() + "\n"


RENDERERS: Mapping[str, Renderer] = MappingProxyType(
    {
        "terminal": terminal.render,
        "json": render_json,
        "junit": junit.render,
        "html": html.render,
        "markdown": markdown.render,
    }
)
"""By the name of `--format`."""

STYLES: Mapping[str, Renderer] = MappingProxyType(
    {"plain": terminal.render, "classic": classic.render}
)
"""By the name of `--style`, for the terminal."""
