"""The addresses behind A's name, looked up again and again: a headless Service's pods come and go.

The system's resolver does not tell how long an answer is valid, so the name is asked for every
few seconds, as gRPC's and Envoy's DNS clusters do.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from faultwire.failures import Failure
from faultwire.http.address import Origin, Resolver

_EVERY_S = 5.0


class Addresses:
    """Tells of a name's addresses when they change. Needs a running event loop.

    A name that does not resolve for a while keeps the addresses that it had.
    """

    def __init__(self, origin: Origin, moved: Callable[[Sequence[Origin]], None]) -> None:
        self._origin = origin
        self._moved = moved
        self._known: list[Origin] = []
        self._task = asyncio.get_running_loop().create_task(self._keep_looking())

    def close(self) -> None:
        """Look no more."""
        self._task.cancel()

    async def _keep_looking(self) -> None:
        resolver = Resolver(self._origin)
        while True:
            with contextlib.suppress(Failure):  # its calls will say so
                self._found([str(each[4][0]) for each in await resolver.addresses()])
            await asyncio.sleep(_EVERY_S)

    def _found(self, hosts: Sequence[str]) -> None:
        origins = [self._origin._replace(host=host) for host in dict.fromkeys(hosts)]
        if origins and sorted(origins) != sorted(self._known):
            self._known = origins
            self._moved(origins)
