"""Asking a service whether it is ready, over HTTP like everybody else."""

import asyncio

_EVERY_S = 0.02
_ONE_TRY_S = 1.0


async def until_ready(host: str, port: int) -> None:
    """Return as soon as `GET /readyz` is answered with 200."""
    while not await _is_ready(host, port):  # noqa: ASYNC110 - a process elsewhere sets no Event
        await asyncio.sleep(_EVERY_S)


async def until_listening(host: str, port: int) -> None:
    """Return as soon as a connection is accepted."""
    while not await _listens(host, port):  # noqa: ASYNC110 - as above
        await asyncio.sleep(_EVERY_S)


async def _is_ready(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_ONE_TRY_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: up\r\nConnection: close\r\n\r\n")
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):  # ValueError: a line without end
        return False


async def _listens(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_ONE_TRY_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
