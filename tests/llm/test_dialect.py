"""What a server does not take is written differently, once for all; what stays refused ends the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lookalike.errors import EndpointError
from lookalike.llm import LLM, Failure, Reply, Request, ask_all, wait
from lookalike.llm.dialect import Dialect, Sent
from lookalike.llm.faults import Fault
from tests.llm.test_client import ROWS

Serve = Callable[..., Any]
BOTH = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]


def asked(llm: LLM, count: int = 5, **more: Any) -> list[Reply | Failure]:
    requests = [Request(BOTH, ROWS, sample=at, temperature=0.5, **more) for at in range(count)]
    return wait(ask_all(llm, requests, progress=False))


@pytest.mark.parametrize(
    ("options", "extra"),
    [
        (("--no", "temperature"), 1),
        (("--no", "temperature", "--no-system", "--renamed", "--schemas", "refuse"), 5),
        (("--schemas", "strict"), 2),  # in the older form, too
        (("--no-system",), 1),
        (("--most-tokens", "100"), 1),
        (("--window", "150"), 5),  # what is left of a context is that of each request
        (("--stream", "only"), 0),
        (("--stream", "refuse"), 1),
        (("--stream", "ignore"), 0),
        (("--no", "stream_options"), 1),
    ],
)
def test_what_is_not_taken_is_left_out(serve: Serve, options: tuple[str, ...], extra: int) -> None:
    server = serve(*options)
    llm = LLM("m", server.url, concurrency=1)
    assert all(isinstance(one, Reply) and len(one.data["rows"]) == 2 for one in asked(llm))
    assert server.stats()["calls"] == 5 + extra
    assert llm.budget.spent.calls == 5 and set(llm.faults) <= {"dialect"}


def test_many_that_are_refused_at_once_are_adapted_once(serve: Serve) -> None:
    server = serve("--no", "temperature", "--no-system", "--latency", "0.02")
    llm = LLM("m", server.url, concurrency=8)
    assert all(isinstance(one, Reply) for one in asked(llm, 30))
    assert server.stats()["calls"] <= 30 + 16


def test_what_stays_refused_ends_the_run_with_the_words_of_the_server(serve: Serve) -> None:
    server = serve("--no", "messages")
    with pytest.raises(EndpointError, match=r"in a row \(it answers 400, .*'messages' is not supported"):
        asked(LLM("m", server.url, concurrency=1), 50)
    assert server.stats()["calls"] <= 5


def test_the_system_text_goes_to_the_next_message_of_the_user() -> None:
    own = Dialect("auto")
    own.merged = True
    sent = own.write({"model": "m", "messages": BOTH, "max_tokens": 5}, None, 5)
    assert b'"messages":[{"role":"user","content":"Be brief.\\n\\nHello"}]' in sent.body
    alone = own.write({"model": "m", "messages": BOTH[:1], "max_tokens": 5}, None, 5)
    assert b'"messages":[{"role":"user","content":"Be brief."}]' in alone.body


def test_nothing_is_changed_twice_for_calls_of_the_same_time() -> None:
    own = Dialect("auto")
    first = own.write({"model": "m", "messages": BOTH, "temperature": 1.0}, None, 500)
    for adapt in ("system", "drop temperature", "no stream", "max_completion_tokens"):
        assert own.adapt(Fault("dialect", "", adapt=adapt), first)
        assert own.adapt(Fault("dialect", "", adapt=adapt), first)  # it was on its way
    again = own.write({"model": "m", "messages": BOTH, "temperature": 1.0}, None, 500)
    assert again.renamed and again.merged and not again.streamed and b"temperature" not in again.body
    for adapt in ("system", "drop temperature", "no stream", "max_completion_tokens", "drop messages", None):
        assert not own.adapt(Fault("dialect", "", adapt=adapt), again)
    assert own.adapt(Fault("dialect", "", adapt="tokens", limit=400), again) and own.most == 400
    assert not own.adapt(Fault("dialect", "", adapt="tokens", limit=400), Sent(b"", 400))


@pytest.mark.parametrize("hidden", [(), ("--hidden",)])
def test_a_reply_that_is_cut_off_is_asked_for_with_more(serve: Serve, hidden: tuple[str, ...]) -> None:
    server = serve("--think", "1500", *hidden)
    llm = LLM("m", server.url, concurrency=1)
    replies = asked(llm, 4, max_tokens=300, most_tokens=20_000)
    assert all(isinstance(one, Reply) for one in replies)
    stats = server.stats()  # 300, 900, 2,700; the last two begin where the first two have ended
    assert stats["calls"] <= 8 and llm.faults == {"cut off": stats["calls"] - 4}
    assert llm.budget.spent[:3] == (
        stats["calls"],
        stats["tokens_in"],
        stats["tokens_out"],
    )  # thinking and all


def test_a_limit_that_a_reply_does_not_fit_is_told(serve: Serve, tmp_path: Path) -> None:
    server = serve("--think", "1500")
    with pytest.raises(EndpointError, match=r"cut off after 600 tokens\): allow more tokens a reply"):
        asked(LLM("m", server.url, concurrency=1), 20, max_tokens=300, most_tokens=600)
    assert server.stats()["calls"] <= 16  # two for each of six requests, and what was in flight


def test_what_is_whole_in_a_reply_that_was_cut_off_counts(serve: Serve) -> None:
    items = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    schema = {"type": "object", "properties": {"rows": {"type": "array", "minItems": 9, "items": items}},
              "required": ["rows"]}  # fmt: skip
    schema["properties"]["rows"].pop("minItems")
    server = serve("--per-letter", "1")
    whole = wait(LLM("m", server.url).ask("Hi", schema)).text
    reply = wait(LLM("m", server.url).ask("Hi", schema, max_tokens=len(whole) - 4))
    assert reply.finish == "length" and len(reply.data["rows"]) == 1 and reply.repaired
