"""The response contracts: what B answers and what A and B log, under each name."""

from collections.abc import Mapping
from types import MappingProxyType

from faultwire.contracts import classified, detailed, gateway, passthrough, unified
from faultwire.contracts.contract import Contract

__all__ = ["CONTRACTS", "DEFAULT", "Contract"]

DEFAULT = unified.NAME

_ALL: tuple[Contract, ...] = (unified, classified, passthrough, detailed, gateway)

CONTRACTS: Mapping[str, Contract] = MappingProxyType({contract.NAME: contract for contract in _ALL})
"""Every contract by its name, the default first."""
