"""Filling `{port}`, `{upstream}` and the like in commands, variables and files.

Other braces are left alone: commands and configurations have their own.
"""

import re
from collections.abc import Mapping

_NAMES = ("port", "upstream", "upstream_host", "upstream_port", "dir")
_PLACEHOLDER = re.compile(r"\{(" + "|".join(_NAMES) + r")\}")


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with every placeholder that has a value."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def names_in(*texts: str) -> frozenset[str]:
    """The placeholders that stand in texts."""
    return frozenset(name for text in texts for name in _PLACEHOLDER.findall(text))
