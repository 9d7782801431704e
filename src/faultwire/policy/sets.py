"""Sets of policies, by name or as text: `retry+budget`, `retry(attempts=5,base=50ms)+breaker`.

    set    = "none" | part *( "+" part )
    part   = policy [ "(" setting "=" value *( "," setting "=" value ) ")" ] | named set

Underscores and hyphens are the same, and the `_s` of seconds may be left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from faultwire.policy.balance import BalanceSettings
from faultwire.policy.breaker import BreakerSettings
from faultwire.policy.budget import BudgetSettings
from faultwire.policy.bulkhead import BulkheadSettings
from faultwire.policy.deadline import AttemptTimeoutSettings, DeadlineSettings
from faultwire.policy.hedge import HedgeSettings
from faultwire.policy.knob import Knob, knobs
from faultwire.policy.retry import RetrySettings
from faultwire.policy.shed import ShedSettings


class InvalidPolicies(ValueError):
    """A text names no set of policies. The message is one line that says what to do."""


class Layer(NamedTuple):
    """One policy: its settings, and what it does in one line."""

    settings: type
    what: str


ONION: Mapping[str, Layer] = MappingProxyType(
    {
        "deadline": Layer(DeadlineSettings, "tells A how long somebody waits"),
        "shed": Layer(ShedSettings, "refuses calls above a limit that follows A's latency"),
        "bulkhead": Layer(BulkheadSettings, "refuses calls above a fixed number in flight"),
        "retry": Layer(RetrySettings, "repeats what failed, later"),
        "budget": Layer(BudgetSettings, "bounds retries to a share of requests"),
        "hedge": Layer(HedgeSettings, "asks a second time what takes long, and takes the first"),
        "breaker": Layer(BreakerSettings, "refuses attempts while nearly all of them fail"),
        "balance": Layer(BalanceSettings, "chooses an address, ejects those that fail"),
        "attempt_timeout": Layer(AttemptTimeoutSettings, "leaves time for another attempt"),
    }
)
"""Every policy, from the outermost to the innermost: the order in which a call meets them.

What is before `retry` is met once per call, what is after it once per attempt.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySet:
    """The settings of each policy that is on; None for those that are off."""

    deadline: DeadlineSettings | None = None
    shed: ShedSettings | None = None
    bulkhead: BulkheadSettings | None = None
    retry: RetrySettings | None = None
    budget: BudgetSettings | None = None
    hedge: HedgeSettings | None = None
    breaker: BreakerSettings | None = None
    balance: BalanceSettings | None = None
    attempt_timeout: AttemptTimeoutSettings | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The policies that are on, outermost first. Empty: one attempt within the deadline."""
        return tuple(name for name in ONION if getattr(self, name) is not None)

    def with_value(self, knob: Knob, value: object) -> "PolicySet":
        """The same set with one setting changed; its policy is on then."""
        settings: Any = getattr(self, knob.policy) or ONION[knob.policy].settings()
        changes: dict[str, Any] = {knob.policy: replace(settings, **{knob.name: value})}
        return replace(self, **changes)

    def __str__(self) -> str:
        return "+".join(map(self._shown, self.names)) or "none"

    def _shown(self, policy: str) -> str:
        settings = getattr(self, policy)
        values = {knob.name: getattr(settings, knob.name) for knob in KNOBS[policy]}
        given = [f"{k.name}={values[k.name]}" for k in KNOBS[policy] if values[k.name] != k.default]
        return f"{policy}({','.join(given)})" if given else policy


KNOBS: Mapping[str, tuple[Knob, ...]] = MappingProxyType(
    {name: knobs(name, layer.settings) for name, layer in ONION.items()}
)
"""Every setting of every policy: what flags and the documentation are made of."""

NAMED: Mapping[str, str] = MappingProxyType(
    {
        "none": "",
        "production": "deadline+bulkhead+retry+budget+breaker+balance+attempt_timeout",
    }
)
"""Sets that have names of their own. Every policy's name is a set, too."""


def read_set(text: str) -> PolicySet:
    """The set that a text names. Raises `InvalidPolicies`."""
    chosen = PolicySet()
    for part in _split(text, "+"):
        chosen = _with_part(chosen, part)
    if chosen.budget is not None and chosen.retry is None:
        raise InvalidPolicies(f"{text!r}: a budget is for retries: add retry")
    if chosen.shed is not None and not chosen.shed.least <= chosen.shed.initial <= chosen.shed.most:
        raise InvalidPolicies(f"{text!r}: shed begins with a limit from its least to its most")
    return chosen


def read_sets(text: str) -> Mapping[str, PolicySet]:
    """Several sets with a comma between them, by their text. Raises `InvalidPolicies`."""
    sets: dict[str, PolicySet] = {}
    for each in _split(text, ","):
        if each in sets:
            raise InvalidPolicies(f"{each!r} is named twice")
        sets[each] = read_set(each)
    return sets


def _with_part(chosen: PolicySet, part: str) -> PolicySet:
    found = re.fullmatch(r"([A-Za-z_-]+)(?:\(([^()]*)\))?", part)
    name = found[1].lower().replace("-", "_") if found else ""
    if found and name in NAMED and found[2] is None:
        return _merged(chosen, _named(name))
    if not found or name not in ONION:
        known = ", ".join((*NAMED, *ONION))
        raise InvalidPolicies(f"there is no policy {part!r}; there are {known}")
    changes: dict[str, Any] = {name: getattr(chosen, name) or ONION[name].settings()}
    chosen = replace(chosen, **changes)
    for pair in found[2].split(",") if found[2] else ():
        chosen = _with_setting(chosen, name, pair)
    return chosen


def _named(name: str) -> PolicySet:
    return read_set(NAMED[name]) if NAMED[name] else PolicySet()


def _merged(chosen: PolicySet, more: PolicySet) -> PolicySet:
    changes: dict[str, Any] = {name: getattr(more, name) for name in more.names}
    return replace(chosen, **changes)


def _with_setting(chosen: PolicySet, policy: str, pair: str) -> PolicySet:
    name, equals, value = (text.strip() for text in pair.partition("="))
    name = name.replace("-", "_")
    for knob in KNOBS[policy]:
        if name in (knob.name, knob.name.removesuffix("_s")) and equals:
            try:
                return chosen.with_value(knob, knob.read(value))
            except ValueError as error:
                raise InvalidPolicies(f"{policy}: {name} is {value!r}: expected {error}") from error
    known = ", ".join(knob.name for knob in KNOBS[policy]) or "none at all"
    raise InvalidPolicies(f"{policy} has no setting {pair!r}; it has {known}")


def _split(text: str, at: str) -> list[str]:
    """The parts of a text between separators that stand in no parentheses."""
    parts = re.split(rf"{re.escape(at)}(?![^(]*\))", text)
    return [part.strip() for part in parts]
