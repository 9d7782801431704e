"""What runs already on the lab's ports, as a target."""

import asyncio

from msgspec.structs import replace

from faultwire.check.spec import Spec, Start
from faultwire.check.target.launch import InvalidSpec
from faultwire.check.target.ports import host_on
from faultwire.check.target.presets import A_PORT, B_PORT, LAB
from faultwire.http.address import Origin


async def running() -> Spec:
    """The pair on 8080 and 8081, or what there is of it. Raises `InvalidSpec` if that is nothing.

    Where both run, B calls A directly and nothing can be broken between them. Where B runs
    alone, the port on which it expects A is free, and the wire takes it, with our A behind.
    """
    a, b = await asyncio.gather(_start_on(A_PORT), _start_on(B_PORT))
    if a is None and b is None:
        raise InvalidSpec(
            f"nothing listens on {A_PORT} or {B_PORT}: start the services first, "
            "or let the check do it with --a-cmd and --b-cmd"
        )
    return replace(LAB, name="running", b=b or Start(), a=a)


async def _start_on(port: int) -> Start | None:
    host = await host_on(port)
    if not host:
        return None
    return Start(url=Origin(host, port).url, health="/health")
