"""`faultwire explain`: what happened to each failed request, and why, from the log lines alone.

    line -> parse -> Entry -.
    line -> parse -> Entry --+-> explain(entries of one request) -> Explanation
    line -> parse -> Entry -'

`parse` and `explain` are pure and take single lines and single requests, for whoever has them
already (a console). The rest finds the lines of each failed request in logs of any size.
"""

from faultwire.explain.entry import Entry
from faultwire.explain.explanation import Explanation, Hop, explain
from faultwire.explain.parse import parse

__all__ = ["Entry", "Explanation", "Hop", "explain", "parse"]
