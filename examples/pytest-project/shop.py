"""A client of an echo service, as it might stand in anybody's program."""

from dataclasses import dataclass

import requests

DEADLINE_S = 1.0


@dataclass(frozen=True)
class Label:
    """What to print: `text`, or `problem` where the service did not help."""

    text: str = ""
    problem: str = ""


def label(service: str, text: str) -> Label:
    """Ask the service to echo a text."""
    try:
        answer = requests.get(f"{service}/echo", params={"msg": text}, timeout=DEADLINE_S)
        answer.raise_for_status()
        return Label(answer.json()["echo"])
    except requests.Timeout:
        return Label(problem="too slow")
    except (requests.RequestException, ValueError, LookupError):
        return Label(problem="unavailable")
