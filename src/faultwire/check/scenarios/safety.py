"""Nothing that comes from outside, on either side, leaks, leads astray or fills the memory."""

import re

from faultwire.check.model import Group
from faultwire.check.scenario import Need, Play, Scenario
from faultwire.check.scenarios import expectations as expect
from faultwire.check.scenarios.decoy import decoy
from faultwire.check.scenarios.safety_memory import SCENARIOS as MEMORY
from faultwire.check.stage import Answer, Stage

_OK = 200
_LONG = 1 << 20
_INTERNAL_ERROR = 500
_INSIDES = re.compile(
    r"""
      Traceback\ \(most\ recent | File\ "[^"\n]+",\ line\ \d  # Python
    | Werkzeug\ Debugger | __debugger__
    | /site-packages/ | /node_modules/
    | \bat\ [^\n]{0,200}?\.[cm]?[jt]sx?:\d+:\d+             # Node, a file: and its own modules:
    | \bat\ [^\n]{0,200}?\(node:[\w/]+:\d+:\d+\)
    | \bat\ [\w.$/<>@]+\((?:[\w$]+\.(?:java|kt|scala|groovy|clj):\d+|Native\ Method)\)
    | Exception\ in\ thread
    | \bgoroutine\ \d+\ \[ | panicked\ at                    # Go, Rust
    | \.(?:rb|exs?):\d+:\ ?(?:in\b|\w)                      # Ruby, Elixir
    | \.php(?::\d|\(\d|\ on\ line\ \d)
    | \bat\ \S+\.(?:p[lm]|cgi)\ line\ \d                   # Perl
    | \.(?:cs|fs|vb):line\ \d                              # .NET
    """,
    re.VERBOSE,
)
"""A frame of a stack, as each language writes it."""

_ESCAPES = {r"\"": '"', r"\/": "/", r"\n": "\n", r"\t": "\t", r"\\": "\\"}
"""Those of JSON that stand in a stack."""

_ESCAPE = re.compile(r"\\[\"/nt\\]")
_BREAKS: tuple[tuple[str, dict[str, object]], ...] = (
    ("reset", {"after_bytes": 0}),
    ("invalid_json", {}),
    ("wrong_shape", {"shape": "array"}),
    ("wrong_shape", {"shape": "null"}),
    ("malformed", {}),
    ("status", {"code": 500}),
    ("hang", {}),
)
_BAD_ESCAPES = ("%", "%zz", "%f", "%ff%fe", "%u0041", "%c0%af")


def leak(body: bytes) -> str:
    """What a body, a text or JSON, shows of the inside of a program; empty for nothing."""
    text = body.decode("utf-8", "replace")
    plain = _ESCAPE.sub(lambda found: _ESCAPES[found[0]], text)
    found = _INSIDES.search(plain)
    return found[0] if found else ""


def _leaks_nothing(stage: Stage, answer: Answer, when: str) -> None:
    found = leak(answer.body)
    stage.expect(not found, f"the answer to {when} shows {found!r}")


async def _no_traceback(stage: Stage) -> None:
    for fault, attributes in _BREAKS:
        answer = await expect.answer_under(stage, fault, **attributes)
        _leaks_nothing(stage, answer, fault)
    _leaks_nothing(stage, await stage.ask(method="PATCH"), "another method")
    _leaks_nothing(stage, await stage.ask(target="/no-such-path/%ff"), "an unknown path")


async def _no_debugger(stage: Stage) -> None:
    for target in ("/console", "/?__debugger__=yes&cmd=resource&f=debugger.js"):
        answer = await stage.ask(target=target)
        shown = answer.status == _OK and any(
            mark in answer.body for mark in (b"Werkzeug", b"debugger", b"EVALEX")
        )
        stage.expect(not shown, f"a debugger answers under {target}")


def _redirected(code: int) -> Play:
    async def play(stage: Stage) -> None:
        async with decoy() as elsewhere:
            to = f"http://127.0.0.1:{elsewhere.port}/elsewhere"
            await expect.answer_under(stage, "redirect", code=code, to=to)
            came = elsewhere.requests
        stage.expect(not came, f"it followed the redirect to another port: {came[:1]}")

    return play


async def _long_line(stage: Stage) -> None:
    token = stage.token()
    answer = await stage.ask(token=token, text=token + "x" * _LONG)
    hung = answer.status == 0 and answer.error.startswith("timeout")
    stage.expect(not hung, "a request line of 1 MiB got no answer and was not hung up on")
    stage.expect(
        answer.status != _INTERNAL_ERROR, "a request line of 1 MiB caused an internal error"
    )
    await stage.is_well()


async def _bad_escapes(stage: Stage) -> None:
    for escape in _BAD_ESCAPES:
        answer = await stage.ask(target=f"/call-echo?msg={escape}")
        stage.expect(answer.status > 0, f"msg={escape} got no answer: {answer.error}")
        stage.expect(answer.status != _INTERNAL_ERROR, f"msg={escape} caused an internal error")
    await stage.is_well()


async def _not_http(stage: Stage) -> None:
    for raw in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        await stage.ask(raw=raw, timeout_s=stage.budget_s)
    await stage.is_well()


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        id="safety.no_traceback",
        group=Group.SAFETY,
        title="No error shows the inside of the program",
        weight=4,
        does="Breaks the upstream in seven ways, asks wrongly in two, and reads all answers.",
        expects="No traceback, no stack and no path of a source file.",
        why="They tell an attacker what runs, in which version and where.",
        mend="Switch off debug mode, and answer unexpected exceptions with a plain error.",
        source="CWE-209",
        play=_no_traceback,
    ),
    Scenario(
        id="safety.no_debugger",
        group=Group.SAFETY,
        title="No debugger answers",
        weight=5,
        does="Asks for the addresses of Werkzeug's interactive debugger.",
        expects="No debugger.",
        why="Whoever reaches its console runs programs on the machine.",
        mend="Run without debug=True.",
        source="CWE-489; Patreon breach of 2015",
        play=_no_debugger,
        needs=frozenset(),
    ),
    Scenario(
        id="safety.redirect_302",
        group=Group.SAFETY,
        title="A redirect to elsewhere is not followed",
        weight=4,
        does="Lets the upstream redirect by a 302 to another port, and listens there.",
        expects="Nothing arrives there.",
        why="The upstream, or who speaks in its name, could send the target to any inner address.",
        mend="Switch redirects off: allow_redirects=False, CheckRedirect, follow_redirects=False.",
        source="CWE-918; CWE-601",
        play=_redirected(302),
    ),
    Scenario(
        id="safety.redirect_307",
        group=Group.SAFETY,
        title="A redirect that repeats the request elsewhere is not followed",
        weight=3,
        does="Lets the upstream redirect by a 307 to another port, and listens there.",
        expects="Nothing arrives there.",
        why="A 307 takes method, body and often credentials along.",
        mend="Switch redirects off: allow_redirects=False, CheckRedirect, follow_redirects=False.",
        source="CWE-918; CVE-2018-18074 (requests)",
        play=_redirected(307),
    ),
    Scenario(
        id="safety.redirect_301",
        group=Group.SAFETY,
        title="A permanent redirect to elsewhere is not followed",
        weight=2,
        does="Lets the upstream redirect by a 301 to another port, and listens there.",
        expects="Nothing arrives there.",
        why="Clients may remember it, so that one wrong answer leads astray for long.",
        mend="Switch redirects off: allow_redirects=False, CheckRedirect, follow_redirects=False.",
        source="CWE-918; RFC 9110 section 15.4.2",
        play=_redirected(301),
    ),
    Scenario(
        id="safety.long_request_line",
        group=Group.SAFETY,
        title="A request line of 1 MiB does no harm",
        weight=3,
        does="Sends a text of 1 MiB.",
        expects="414 or another answer but 500, or the end of the connection; the target lives.",
        why="Any client can send it: it must not crash, hang or fill anything.",
        mend="Let the server bound the request line; most do.",
        source="RFC 9110 section 15.5.15; CWE-770",
        play=_long_line,
        needs=frozenset(),
    ),
    Scenario(
        id="safety.bad_escapes",
        group=Group.SAFETY,
        title="Broken percent-encoding causes no internal error",
        weight=2,
        does="Sends texts such as %zz and %ff%fe as they are.",
        expects="400, or an answer with something in their place; never 500.",
        why="Decoding raises in some languages, and nobody expects it before the handler.",
        mend="Catch what decoding raises, and answer 400.",
        source="CWE-172; WHATWG URL: percent-decode",
        play=_bad_escapes,
        needs=frozenset({Need.LAB}),
    ),
    Scenario(
        id="safety.not_http",
        group=Group.SAFETY,
        title="A client that does not speak HTTP does no harm",
        weight=2,
        does="Sends the beginning of TLS and a version that does not exist.",
        expects="The target lives, and serves the next request.",
        why="Port scanners come to every open port.",
        mend="Let the server answer 400 and close; most do.",
        source="RFC 9112 section 2.2",
        play=_not_http,
        needs=frozenset(),
    ),
    *MEMORY,
)
