"""One sentence that says which set of policies did best while the faults acted."""

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

from faultwire.compare.figures import Figures

_FEWEST = 20
_SURE = 2.0
"""Standard errors between two shares that are called different: 95 % sure."""
_DEARER = 1.05


def ranking(found: Sequence[Figures]) -> str:
    """The sets by the share of good answers while the faults acted, and who asked A for most.

    Neighbours whose difference may be chance are said to be alike. What was stopped before there
    was much to see is left out.
    """
    played = [each for each in found if each.during_requests >= _FEWEST]
    if not played:
        return "Too few requests were due while the fault lasted: nothing can be ranked."
    ranked = sorted(played, key=lambda each: each.during, reverse=True)
    said = _shown(ranked[0])
    for better, worse in pairwise(ranked):
        said += " and, too close to tell apart, " if _alike(better, worse) else ", then "
        said += _shown(worse)
    return f"While the fault lasted, most answers were good with {said}{_price(played)}."


def _shown(each: Figures) -> str:
    return f"{each.policies} ({each.during:.1%})"


def _price(found: Sequence[Figures]) -> str:
    dearest = max(found, key=lambda each: each.attempts_per_request)
    cheapest = min(found, key=lambda each: each.attempts_per_request)
    if dearest.attempts_per_request <= _DEARER * cheapest.attempts_per_request:
        return ""
    return (
        f"; {dearest.policies} asked A for most, {dearest.attempts_per_request:.2f} attempts a "
        f"request, {cheapest.policies} for least, {cheapest.attempts_per_request:.2f}"
    )


def _alike(one: Figures, other: Figures) -> bool:
    """Whether two shares are closer than chance explains (two proportions, Agresti-Caffo)."""
    (p, p_error), (q, q_error) = _estimate(one), _estimate(other)
    return abs(p - q) <= _SURE * sqrt(p_error + q_error)


def _estimate(each: Figures) -> tuple[float, float]:
    """A share and its variance, with one success and one failure more than there were."""
    requests = each.during_requests + 2
    p = (each.during_good + 1) / requests
    return p, p * (1.0 - p) / requests
