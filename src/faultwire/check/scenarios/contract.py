"""The routes and answers that everything else builds on."""

from faultwire.check.model import Group
from faultwire.check.scenario import TRACED, Need, Play, Scenario
from faultwire.check.scenarios import expectations as expect
from faultwire.check.stage import Answer, CannotPlay, Stage

_LAB = frozenset({Need.LAB})
_LAB_A = frozenset({Need.LAB, Need.LAB_A})
_OK, _BAD_REQUEST, _NOT_FOUND, _NOT_ALLOWED = 200, 400, 404, 405


def _is_json(stage: Stage, answer: Answer) -> None:
    stage.expect(answer.status > 0, f"there was no answer ({answer.error})")
    said = answer.headers.get("content-type", "")
    media_type = said.partition(";")[0].strip().lower()
    stage.expect(
        media_type == "application/json" or media_type.endswith("+json"),
        f"Content-Type says {said!r}" if said else "there is no Content-Type",
    )
    _ = answer.json


async def _good_answer(stage: Stage) -> None:
    stage.is_good(await stage.ask())


async def _content_type(stage: Stage) -> None:
    if not stage.spec.good.json:
        raise CannotPlay("its answers are not said to be JSON")
    _is_json(stage, await stage.ask())


async def _failure_content_type(stage: Stage) -> None:
    if not stage.spec.failure.json:
        raise CannotPlay("its failures are not said to be JSON")
    _is_json(stage, await expect.answer_under(stage, "reset", after_bytes=0))


async def _calls_upstream(stage: Stage) -> None:
    calls = []
    for token in (stage.token(), stage.token()):
        answer = await stage.ask(token=token)
        calls.append(len(await expect.attempts(stage, token)))  # whatever it answered
        stage.is_good(answer)
    least = min(calls)  # one of them may have met a connection that was just closed
    stage.expect(least == 1, f"one request became {least} calls of the upstream")


async def _health(stage: Stage) -> None:
    answer = await stage.ask(target=expect.health_path(stage))
    stage.expect(answer.status == _OK, f"it answered {answer.status or answer.error}")
    expect.in_time(stage, answer)


async def _health_of_a(stage: Stage) -> None:
    answer = await stage.ask(target="/health", to_upstream=True)
    stage.expect(answer.status == _OK, f"A answered {answer.status or answer.error}")
    _is_json(stage, answer)


async def _echo_of_a(stage: Stage) -> None:
    token = stage.token()
    answer = await stage.ask(token=token, target=f"/echo?msg={token}%20%26", to_upstream=True)
    stage.expect(answer.status == _OK, f"A answered {answer.status or answer.error}")
    _is_json(stage, answer)
    said = answer.json
    stage.expect(
        isinstance(said, dict) and said.get("echo") == f"{token} &",
        f"A answered {answer.body[:100]!r}",
    )


def _without_msg(target: str) -> Play:
    async def play(stage: Stage) -> None:
        answer = await stage.ask(target=target)
        stage.expect(
            answer.status in (_OK, _BAD_REQUEST),
            f"it answered {answer.status or answer.error}, neither 400 nor, for an empty text, 200",
        )
        _is_json(stage, answer)

    return play


async def _unknown_path(stage: Stage) -> None:
    answer = await stage.ask(target="/no-such-path")
    stage.expect(answer.status == _NOT_FOUND, f"it answered {answer.status or answer.error}")


async def _call_foo(stage: Stage) -> None:
    answer = await stage.ask(target="/call-foo")
    if answer.status == _NOT_FOUND:
        raise CannotPlay("there is no /call-foo")
    stage.is_failure(answer)


async def _other_method(stage: Stage) -> None:
    answer = await stage.ask(method="POST")
    stage.expect(answer.status == _NOT_ALLOWED, f"POST got {answer.status or answer.error}")
    allowed = {word.strip() for word in answer.headers.get("allow", "").split(",")}
    stage.expect("GET" in allowed, f"Allow says {answer.headers.get('allow', 'nothing')}")


async def _errors_in_json(stage: Stage) -> None:
    _is_json(stage, await stage.ask(target="/no-such-path"))
    _is_json(stage, await stage.ask(method="POST"))


async def _head(stage: Stage) -> None:
    answer = await stage.ask(method="HEAD")
    stage.expect(answer.status == _OK, f"HEAD got {answer.status or answer.error}")
    stage.expect(not answer.body, f"the answer to HEAD has a body of {len(answer.body)} bytes")


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        id="contract.good_answer",
        group=Group.CONTRACT,
        title="All is well, and the answer is good",
        weight=5,
        does="Sends the request while nothing is broken.",
        expects="The good answer, with the text that was sent.",
        why="Where the plain case does not work, nothing else says anything.",
        mend="Start both services and send the request by hand; look at the log of the target.",
        source="RFC 9110 section 15.3",
        play=_good_answer,
        needs=frozenset(),
    ),
    Scenario(
        id="contract.content_type",
        group=Group.CONTRACT,
        title="A JSON answer says that it is JSON",
        weight=2,
        does="Sends the request and looks at the answer's Content-Type.",
        expects="The type application/json, or one that ends in +json, and a body that is JSON.",
        why="Clients choose their parser by it, and browsers run what is said to be HTML.",
        mend="Answer by the framework's JSON response instead of a text.",
        source="RFC 8259 section 11",
        play=_content_type,
        needs=frozenset(),
    ),
    Scenario(
        id="contract.failure_content_type",
        group=Group.CONTRACT,
        title="A failure in JSON says that it is JSON, too",
        weight=2,
        does="Resets the connection to the upstream and looks at the answer's Content-Type.",
        expects="The type application/json, or one that ends in +json, and a body that is JSON.",
        why="Error pages of frameworks are HTML unless somebody changed that.",
        mend="Answer failures by the same function as successes.",
        source="RFC 8259 section 11; RFC 9457 section 3",
        play=_failure_content_type,
        needs=frozenset({Need.WIRE}),
    ),
    Scenario(
        id="contract.calls_upstream",
        group=Group.CONTRACT,
        title="One request makes one call of the upstream",
        weight=4,
        does="Sends two requests and counts at the wire the calls that they cause.",
        expects="One for each, with the text of the request in it.",
        why="An answer that was made up hides every failure, and needless calls double the load.",
        mend="Call the upstream once for each request, and build the answer from what it says.",
        source="Google SRE book, chapter 22: cascading failures",
        play=_calls_upstream,
        needs=TRACED,
    ),
    Scenario(
        id="contract.health",
        group=Group.CONTRACT,
        title="The health route answers 200",
        weight=3,
        does="Asks the target's health route while all is well.",
        expects="200 within the budget.",
        why="Orchestrators restart, or send no traffic to, what does not say that it is well.",
        mend="Serve a route that answers 200 without asking anybody else.",
        source="Kubernetes: liveness and readiness probes",
        play=_health,
        needs=frozenset({Need.HEALTH}),
    ),
    Scenario(
        id="contract.health_of_a",
        group=Group.CONTRACT,
        title="A's health route answers 200 in JSON",
        weight=1,
        does="Asks A for /health, past B and the wire.",
        expects="200 and JSON.",
        why="Whoever watches the pair asks both.",
        mend='Let A answer GET /health with 200 and {"status":"ok"}.',
        source="Kubernetes: liveness and readiness probes",
        play=_health_of_a,
        needs=_LAB_A,
    ),
    Scenario(
        id="contract.echo_of_a",
        group=Group.CONTRACT,
        title="A echoes the text",
        weight=2,
        does="Asks A for /echo with a text that has a blank and an ampersand, both encoded.",
        expects='200 and {"echo":"…"} with the very text.',
        why="What A spoils, B cannot mend.",
        mend="Let the framework decode the query, and answer its value unchanged.",
        source="RFC 3986 section 2.4",
        play=_echo_of_a,
        needs=_LAB_A,
    ),
    Scenario(
        id="contract.missing_msg",
        group=Group.CONTRACT,
        title="A request without msg is answered, not crashed on",
        weight=2,
        does="Asks for /call-echo without a query.",
        expects="400 in JSON, or 200 where the empty text is passed on to A.",
        why="What a client forgets is the client's error: a 5xx would call it the server's.",
        mend="Read the parameter with a default, and answer 400 where it is missing.",
        source="RFC 9110 section 15.5.1",
        play=_without_msg("/call-echo"),
        needs=_LAB,
    ),
    Scenario(
        id="contract.empty_msg",
        group=Group.CONTRACT,
        title="An empty msg is answered, not crashed on",
        weight=1,
        does="Asks for /call-echo?msg= with nothing behind the sign.",
        expects="400 in JSON, or 200 where the empty text is passed on to A.",
        why="Empty and missing differ in many frameworks, and only one of them was tried.",
        mend="Treat an empty text like a missing one, or pass it on.",
        source="RFC 9110 section 15.5.1",
        play=_without_msg("/call-echo?msg="),
        needs=_LAB,
    ),
    Scenario(
        id="contract.unknown_path",
        group=Group.CONTRACT,
        title="An unknown path is 404",
        weight=1,
        does="Asks for a path that does not exist.",
        expects="404.",
        why="A 200 hides typing errors, and a 5xx rings a bell for nothing.",
        mend="Answer 404 where no route fits.",
        source="RFC 9110 section 15.5.5",
        play=_unknown_path,
        needs=_LAB,
    ),
    Scenario(
        id="contract.call_foo",
        group=Group.CONTRACT,
        title="A route of A that always fails becomes a failure of B",
        weight=2,
        does="Asks for /call-foo, for which A answers 500.",
        expects="An acceptable failure in JSON.",
        why="This is the plainest failure that there is: the upstream says so itself.",
        mend="Look at the status of A's answer before its body.",
        source="RFC 9110 section 15.6",
        play=_call_foo,
        needs=_LAB,
    ),
    Scenario(
        id="contract.other_method",
        group=Group.CONTRACT,
        title="Another method is 405 with Allow",
        weight=1,
        does="Sends POST to a route that knows GET.",
        expects="405, with GET in the Allow field.",
        why="A route that takes any method lets a form or a crawler cause what only GET should.",
        mend="Bind the route to its methods; most frameworks then add Allow.",
        source="RFC 9110 section 15.5.6",
        play=_other_method,
        needs=_LAB,
        advice=True,
    ),
    Scenario(
        id="contract.errors_in_json",
        group=Group.CONTRACT,
        title="Also 404 and 405 are told in JSON",
        weight=1,
        does="Asks for an unknown path and with an unknown method.",
        expects="Both answers are JSON and say so.",
        why="A client that parses JSON fails twice over a page in HTML: it loses the first cause.",
        mend="Register the framework's error handlers for 404 and 405.",
        source="RFC 9457",
        play=_errors_in_json,
        needs=_LAB,
        advice=True,
    ),
    Scenario(
        id="contract.head",
        group=Group.CONTRACT,
        title="HEAD works where GET does",
        weight=1,
        does="Sends the request with HEAD.",
        expects="200 without a body.",
        why="Probes and caches ask with HEAD; general-purpose servers must support both.",
        mend="Serve HEAD as GET without the body.",
        source="RFC 9110 section 9.1",
        play=_head,
        needs=_LAB,
        advice=True,
    ),
)
