"""Whatever a server answers: a reply that the ledger keeps, or a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lookalike.llm import LLM, Failure, Ledger, Reply, Request, ask_all
from lookalike.llm.budget import Spent
from lookalike.llm.dialect import Sent
from lookalike.llm.ledger import Entry
from lookalike.llm.request import read_chat
from tests.llm.soon import put, soon

Serve = Callable[..., Any]
ROWS = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
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


def test_what_a_server_says_of_itself_can_be_kept(tmp_path: Path) -> None:
    """Counts that no ledger can add up, and an ending that is no text."""
    most = Spent(1, 7, 9)
    choice = {"message": {"content": "x"}, "finish_reason": {"type": "stop"}}
    for counts in ((2**70, 1), (1, -1), ("1", 1), (1.5, 1), (None, 1)):
        usage = dict(zip(("prompt_tokens", "completion_tokens"), counts, strict=True))
        entry = read_chat({"choices": [choice], "usage": usage}, None, Sent(b"", 9), most)
        assert entry == Entry("x", "text", None, 7, 9), counts
        ledger = Ledger(tmp_path / f"{counts[0]}.sqlite")
        kept, _ = soon(put(ledger, entry))
        assert kept == {b"k": entry}
        ledger.close()


def test_a_refusal_keeps_the_words_of_the_server(serve: Serve) -> None:
    server = serve("--no", "messages")  # nothing that could be left out
    (failure,) = soon(ask_all(LLM("m", server.url), [Request("x")], progress=False))
    assert isinstance(failure, Failure) and "'messages' is not supported" in failure.reason
