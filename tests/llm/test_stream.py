"""A reply that comes token by token is what it would have been at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lookalike.llm import LLM, wait
from lookalike.llm.stream import Stream
from tests.llm.test_client import ROWS

Serve = Callable[..., Any]


def event(delta: Any, **more: Any) -> bytes:
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta, **more}]})}\n\n".encode()


def test_parts_are_put_together_however_they_are_cut() -> None:
    whole = b": ping\n\n" + event({"role": "assistant", "content": ""}) + event({"content": "h\u00e9"})
    whole += event({"content": "llo", "reasoning_content": "so"}) + event({}, finish_reason="stop")
    whole += b'data: {"choices": [], "usage": {"prompt_tokens": 3}}\n\ndata: [DONE]\n\n'
    for size in (1, 7, 10_000):
        stream = Stream()
        for at in range(0, len(whole), size):
            stream.feed(whole[at : at + size])
        found = stream.found()
        assert found is not None and stream.over and found["usage"] == {"prompt_tokens": 3}
        message = {"content": "h\u00e9llo", "reasoning_content": "so"}
        assert found["choices"] == [{"finish_reason": "stop", "message": message}]


def test_tool_calls_are_put_together_by_their_number() -> None:
    stream = Stream()
    for index, text in ((0, '{"a"'), (1, "[1"), (0, ": 1}"), (1, "]")):
        assert stream.feed(event({"tool_calls": [{"index": index, "function": {"arguments": text}}]})) == 1
    stream.feed(event({}, finish_reason="tool_calls"))
    (choice,) = (stream.found() or {})["choices"]
    calls = [call["function"]["arguments"] for call in choice["message"]["tool_calls"]]
    assert calls == ['{"a": 1}', "[1]"]


def test_what_breaks_off_is_no_reply_and_an_error_is_one() -> None:
    stream = Stream()
    assert stream.feed(event({"content": "hal"})) == 1 and stream.found() is None
    stream.feed(b'data: {"error": {"code": 429}}\n')
    assert stream.found() == {"error": {"code": 429}}
    with pytest.raises(ValueError):
        Stream().feed(b"data: nonsense\n")
    assert Stream().feed(b"event: message\n\n: ping\n\n") == 0


def test_a_stream_is_the_reply_that_comes_at_once(serve: Serve) -> None:
    replies = [wait(LLM("m", serve(*some).url).ask("Hi", ROWS)) for some in ((), ("--stream", "ignore"))]
    assert replies[0] == replace(replies[1], key=replies[0].key)


def test_a_stream_that_breaks_off_is_asked_for_again(serve: Serve) -> None:
    server = serve("--fault", "broken-off=1", "--once")
    llm = LLM("m", server.url)
    assert len(wait(llm.ask("Hi", ROWS)).data["rows"]) == 2
    assert llm.faults == {"connection": 1} and llm.budget.spent.calls == server.stats()["calls"] == 2
