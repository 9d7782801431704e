"""What is said of a call for which no attempt is made, or none any more."""

from collections.abc import Mapping
from types import MappingProxyType

from faultwire.failures import FailureKind
from faultwire.policy.retry import Refusal

AGAIN_S = 1.0
"""What a client that was refused for want of room is told: come again after so long."""

SAID: Mapping[FailureKind, str] = MappingProxyType(
    {
        FailureKind.DEADLINE_EXCEEDED: "no time was left to call the upstream",
        FailureKind.OVERLOADED: "more calls are in flight than the upstream answers well",
        FailureKind.BULKHEAD_FULL: "as many calls are in flight as are allowed",
        FailureKind.CIRCUIT_OPEN: "the circuit breaker is open: earlier calls failed too often",
    }
)

STOPPED: Mapping[FailureKind, Refusal] = MappingProxyType(
    {
        FailureKind.DEADLINE_EXCEEDED: Refusal.DEADLINE,
        FailureKind.CIRCUIT_OPEN: Refusal.BREAKER,
    }
)
"""Why a retry that was granted is refused after all."""
