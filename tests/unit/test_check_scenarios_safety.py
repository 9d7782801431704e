"""What shows the inside of a program, and what only looks like it."""

import json

import pytest

from faultwire.check.scenarios.safety import leak

PYTHON = 'Traceback (most recent call last):\n  File "/srv/app.py", line 3, in call\nKeyError: 1'
STACKS = {
    "Python": PYTHON,
    "Python's frame alone": '  File "/srv/b/app.py", line 42, in call_echo',
    "Windows": '  File "C:\\srv\\b\\app.py", line 42, in call_echo',
    "Node": "Error: timeout\n    at Timeout.<anonymous> (/srv/b/app.js:23:72)",
    "Node's own": "Error: read ECONNRESET\n    at TCP.onStreamRead (node:internal/base:218:20)",
    "Node, a module": "Error: x\n    at file:///srv/b/app.mjs:7:11",
    "Java": "java.io.IOException: x\n\tat com.shop.B.call(B.java:42)",
    "Java's own": "x\n\tat java.base/java.lang.Thread.run(Thread.java:840)",
    "Kotlin": "x\n\tat shop.BKt$main$1.invokeSuspend(B.kt:12)",
    "Go": "panic\n\ngoroutine 34 [running]:\nmain.call(0x1)\n\t/srv/b/main.go:21 +0x1d",
    "Ruby": "/srv/b/app.rb:12:in `call': x (RuntimeError)",
    "Ruby 3.4": "/srv/b/app.rb:12:in 'Shop#call'",
    "PHP": "Uncaught Exception in /srv/b/index.php:3\nStack trace:\n#0 {main}",
    "PHP, a warning": "Warning: x in /srv/b/index.php on line 3",
    "Perl": "timeout at /srv/b/app.pl line 12.",
    "C#": "   at Shop.B.Call(String m) in /srv/b/B.cs:line 12",
    "Rust": "thread 'main' panicked at src/main.rs:3:5",
    "Elixir": "    (shop 0.1.0) lib/shop/b.ex:12: Shop.B.call/1",
}
HARMLESS = (
    "Service A unavailable",
    "[Errno 111] Connection refused: 127.0.0.1:8080",
    "connect ECONNREFUSED 127.0.0.1:8080",
    "look at http://127.0.0.1:8080/docs (section 3:4)",
    "retry at 12:30:45, at the earliest",
    "invalid JSON at line 1 column 2 (char 1)",
    "at app (127.0.0.1:8080:1)",
    "see /docs/errors.html on line 3",
)


@pytest.mark.parametrize("text", STACKS.values(), ids=STACKS)
def test_a_stack_is_found_as_it_is_and_in_json(text: str) -> None:
    assert leak(text.encode())
    assert leak(json.dumps({"error": text}).encode())
    assert leak(json.dumps({"error": text}).replace("/", "\\/").encode())  # as PHP writes it


@pytest.mark.parametrize("text", HARMLESS)
def test_an_error_told_in_words_is_none(text: str) -> None:
    assert not leak(json.dumps({"error": text, "next": "https://shop.example/a.js"}).encode())
