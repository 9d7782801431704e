"""For tests of anybody's: the wire in front of any upstream, and a Service A to call.

pytest's fixtures are made of these (`faultwire.pytest_plugin`); they work without pytest too:

    with Background() as background, running_wire(background, "http://127.0.0.1:8080") as wire:
        with wire.breaking("slow_body", rate=1):
            ...  # call wire.url
        print(wire.ledger)
"""

from faultwire.testing.background import Background
from faultwire.testing.scenarios import CannotPlay, PlayedScenario, Selection, play
from faultwire.testing.service_a import ServiceA, running_service_a
from faultwire.testing.wire import TestWire, running_wire

__all__ = [
    "Background",
    "CannotPlay",
    "PlayedScenario",
    "Selection",
    "ServiceA",
    "TestWire",
    "play",
    "running_service_a",
    "running_wire",
]
