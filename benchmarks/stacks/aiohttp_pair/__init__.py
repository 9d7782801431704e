"""The pair on aiohttp, its server and its client, with uvloop."""
