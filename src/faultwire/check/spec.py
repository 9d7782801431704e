"""What a target is: how it is started, asked, and judged. A preset or a `check.toml`."""

from collections.abc import Mapping

import msgspec


class Start(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a service is started, or where it runs already.

    In `command`, `env` and the `files`, `{port}` is its own port and `{upstream}`,
    `{upstream_host}` and `{upstream_port}` say where it finds its upstream. Without `{port}` it
    listens on `port`. `files` are templates such as a server's configuration: their filled copies
    lie in a folder of their own, `{dir}`. `ready` is a path that answers below 500, or "tcp".
    `stop_signal` asks it to finish what is under way and to end.
    """

    command: str = ""
    cwd: str = ""
    env: Mapping[str, str] = {}
    port: int = 0
    url: str = ""
    ready: str = "tcp"
    ready_within_s: float = 20.0
    health: str = ""
    files: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The request to send. `{token}` stands for a text that is unique to each request."""

    method: str = "GET"
    path: str = "/"
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: str = ""


class Canned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the check's own upstream answers when healthy.

    In `body` and `headers`, `{token}` is the token found in the request, `{path}` its path, and
    `{query.NAME}` a value of its query.
    """

    status: int = 200
    headers: Mapping[str, str] = msgspec.field(
        default_factory=lambda: {"Content-Type": "application/json"}
    )
    body: str = '{"echo":"{token}"}'


class Good(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a good answer looks like. `contains` may hold `{token}`."""

    statuses: tuple[int, ...] = (200,)
    contains: str = "{token}"
    json: bool = True


class Acceptable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a failure that is told well looks like: statuses, and whether its body is JSON."""

    statuses: tuple[int, ...] = (500, 502, 503, 504)
    json: bool = True


class Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A target. `preset` is "lab" for the pair of A and B, else empty.

    `upstream_port` is where B expects its upstream, where its command cannot be told. `traces`
    says where in B's request to its upstream the token is found: "query:NAME", "path",
    "header:NAME", or "" for nowhere. `budget_s` is the time B takes at most to answer.
    """

    name: str
    b: Start
    a: Start | None = None
    canned: Canned = Canned()
    ask: Ask = Ask()
    good: Good = Good()
    failure: Acceptable = Acceptable()
    upstream_port: int = 0
    traces: str = ""
    budget_s: float = 1.0
    preset: str = ""
