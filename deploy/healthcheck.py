"""Exit status 0 when the service in this container is alive, 1 when it is not.

    healthcheck.py [URL]

Asks URL, or HEALTH_URL, or else whichever of A, B and the wire's control API answers here.
"""

import http.client
import os
import sys
from urllib.parse import urlsplit

_LIVEZ = [f"http://127.0.0.1:{port}/livez" for port in (8080, 8081, 8084)]
_TIMEOUT_S = 2.0


def alive(url: str) -> bool:
    """Whether a GET of the URL is answered with 200."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main(arguments: list[str]) -> int:
    named = arguments[:1] or [url for url in [os.environ.get("HEALTH_URL")] if url]
    return 0 if any(alive(url) for url in named or _LIVEZ) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
