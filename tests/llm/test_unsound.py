"""Whatever a server answers or a disk does: a reply, or a sentence, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookalike.errors import LedgerError, LLMError
from lookalike.llm import LLM, Failure, Ledger, Reply, Request, ask_all, embed, run
from lookalike.llm.budget import Spent
from lookalike.llm.faults import refused, server_message
from lookalike.llm.ledger import Entry
from lookalike.llm.request import read_chat
from lookalike.llm.structured import Malformed, form
from lookalike.llm.transport import Transport

Serve = Callable[..., Any]
SOON = 30.0  # seconds: what takes longer hangs
ROWS = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


def soon(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return run(asyncio.wait_for(coroutine, SOON))


def answering(monkeypatch: pytest.MonkeyPatch, found: Any) -> None:
    """Every call is answered so."""

    async def post(transport: Transport, path: str, body: bytes) -> Any:
        return found

    monkeypatch.setattr(Transport, "post", post)


WRITER = """
import json
def raw(messages, schema, rng):
    return '{"a": "half \\ud83d and ' + chr(0) + str(rng.random()) + '"}'
def escaped(messages, schema, rng):
    return json.dumps({"a": "half \\ud83d and \\0" + str(rng.random())})
"""


def writing(serve: Serve, folder: Path, how: str) -> Any:
    path = folder / "writer.py"
    path.write_text(WRITER)
    return serve("--writer", f"{path}:{how}")


@pytest.mark.parametrize("how", ["raw", "escaped"])
@pytest.mark.parametrize("schema", [None, ROWS])
def test_half_a_character_is_replaced_and_the_ledger_keeps_the_reply(
    serve: Serve, tmp_path: Path, how: str, schema: dict[str, Any] | None
) -> None:
    server, ledger = writing(serve, tmp_path, how), tmp_path / "l.sqlite"
    requests = [Request(f"Line {at}", schema) for at in range(8)]
    first = soon(ask_all(LLM("m", server.url, ledger=ledger), requests, progress=False))
    for reply in first:
        assert isinstance(reply, Reply)
        said = reply.text if schema is None else reply.data["a"]
        said.encode()
        if how == "raw" or schema is not None:
            assert "half \ufffd and \ufffd0." in said
    again = soon(ask_all(LLM("m", server.url, ledger=ledger), requests, progress=False))
    assert [(one.text, one.data) for one in again] == [(one.text, one.data) for one in first]
    assert all(one.known for one in again) and server.stats()["calls"] == 8


def test_a_ledger_of_before_is_read(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    request = Request("Line", ROWS)
    llm = LLM("m", server.url, ledger=tmp_path / "l.sqlite")
    key = llm._written(request)[3]
    kept = Entry('{"a": "half \\ud83d, \\u0000"}', "prompt", "stop", 1, 1)
    soon(llm.keep({key: kept}, Spent(1, 1, 1)))
    assert soon(llm.answer(request)).data == {"a": "half \ufffd, \ufffd"} and server.stats()["calls"] == 0


@pytest.mark.parametrize(
    "text", ['{"a": ' + "[" * 100_000, '{"a": "x", "b": ' + "[" * 50_000 + "]" * 50_000 + "}"]
)
def test_a_reply_that_is_nested_too_deep_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        form(ROWS).parse(text)


def test_what_a_server_says_of_itself_can_be_kept(tmp_path: Path) -> None:
    """Counts that no ledger can add up, and an ending that is no text."""
    most = Spent(1, 7, 9)
    choice = {"message": {"content": "x"}, "finish_reason": {"type": "stop"}}
    for counts in ((2**70, 1), (1, -1), ("1", 1), (1.5, 1), (None, 1)):
        usage = dict(zip(("prompt_tokens", "completion_tokens"), counts, strict=True))
        entry = read_chat({"choices": [choice], "usage": usage}, None, "text", most)
        assert entry == Entry("x", "text", None, 7, 9), counts
        ledger = Ledger(tmp_path / f"{counts[0]}.sqlite")
        kept, _ = soon(put(ledger, entry))
        assert kept == {b"k": entry}
        ledger.close()


async def put(ledger: Ledger, entry: Entry) -> Any:
    return await ledger.put("a", {b"k": entry}, Spent(1, entry.tokens_in, entry.tokens_out))


def test_error_texts_and_addresses_are_sound() -> None:
    for body in (
        b'{"error": {"message": "no \\ud83d \\u0000"}}',
        b'["no \xed\xa0\xbd"]',
        b"no \x00 \xed\xa0\xbd",
    ):
        said = server_message(body)[0]
        assert said and "\x00" not in said and said.encode()
    assert server_message(b"[" * 100_000)[0]
    reason = refused(302, {"Location": "http://x/\udce9"}, b"").reason
    assert reason == "it sends calls on to http://x/\ufffd"


@pytest.mark.parametrize("vector", [[10**400], [float("nan")], [1e300], ["x"], [[1.0]], None, {"a": 1}])
def test_vectors_that_are_none_are_told(monkeypatch: pytest.MonkeyPatch, vector: Any) -> None:
    answering(monkeypatch, {"data": [{"index": 0, "embedding": vector}], "usage": {"prompt_tokens": 2**70}})
    with np.errstate(over="ignore"), pytest.raises(LLMError, match="vectors"):
        soon(embed(LLM("m", "http://127.0.0.1:9/v1"), ["x"], progress=False))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (sqlite3.OperationalError("database or disk is full"), "full disk"),
        (sqlite3.OperationalError("database is locked"), "held by another process"),
        (sqlite3.OperationalError("disk I/O error"), "cannot be used"),
        (OSError(5, "Input/output error"), "cannot be used"),
        (UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed"), "UnicodeEncodeError"),
        (OverflowError("Python int too large"), "OverflowError"),
        (MemoryError(), "MemoryError"),
        (SystemExit(), "SystemExit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_error_of_the_writing_thread_reaches_all_who_wait(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, said: str
) -> None:
    server, ledger = serve(), Ledger(tmp_path / "l.sqlite")

    def fails(writes: Any) -> None:
        raise error

    monkeypatch.setattr(ledger, "_commit", fails)
    llm = LLM("m", server.url, ledger=ledger, concurrency=4)
    with pytest.raises(LedgerError, match=said):
        soon(ask_all(llm, [Request(f"Line {at}") for at in range(50)], progress=False))
    calls = server.stats()["calls"]
    assert calls <= 8  # what was in flight
    with pytest.raises(LedgerError, match=said):  # and nothing more is paid for
        soon(llm.ask("another"))
    assert server.stats()["calls"] == calls
    ledger.close()


def test_a_ledger_that_nobody_writes_any_more_says_so(serve: Serve, tmp_path: Path) -> None:
    server, ledger = serve(), Ledger(tmp_path / "l.sqlite")
    ledger._queue.put(None)  # the thread ends, as after a fork
    ledger._thread.join()
    with pytest.raises(LedgerError, match="is closed"):
        soon(put(ledger, Entry("x", "text", None, 1, 1)))
    with pytest.raises(LedgerError, match="is closed"):
        soon(LLM("m", server.url, ledger=ledger).ask("x"))
    assert server.stats()["calls"] == 0
    ledger.close()


def test_a_refusal_keeps_the_words_of_the_server(serve: Serve) -> None:
    server = serve("--no-system")
    asked = Request([{"role": "system", "content": "x"}, {"role": "user", "content": "y"}])
    (failure,) = soon(ask_all(LLM("m", server.url), [asked], progress=False))
    assert isinstance(failure, Failure) and "System role not supported" in failure.reason
