"""Vectors that cannot be used are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookalike.errors import LLMError
from lookalike.llm import LLM, embed, embedder
from lookalike.llm.transport import Call, Transport
from tests.llm.soon import soon

Serve = Callable[..., Any]


def answering(monkeypatch: pytest.MonkeyPatch, found: Any) -> None:
    """Every call is answered so."""

    async def post(transport: Transport, path: str, body: bytes, call: Call) -> Any:
        return found

    monkeypatch.setattr(Transport, "post", post)


@pytest.mark.parametrize("vector", [[10**400], [float("nan")], [1e300], ["x"], [[1.0]], None, {"a": 1}])
def test_vectors_that_are_none_are_told(monkeypatch: pytest.MonkeyPatch, vector: Any) -> None:
    answering(monkeypatch, {"data": [{"index": 0, "embedding": vector}], "usage": {"prompt_tokens": 2**70}})
    with np.errstate(over="ignore"), pytest.raises(LLMError, match="vectors"):
        soon(embed(LLM("m", "http://127.0.0.1:9/v1"), ["x"], progress=False))


def test_embeddings_are_unit_rows_kept_text_by_text(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    llm = LLM("e", server.url, ledger=tmp_path / "l.sqlite")
    texts = [f"text number {at} of many" for at in range(150)]
    rows = embedder(llm, progress=False)([*texts, texts[0]])
    assert rows.shape == (151, 32) and np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-6)
    assert np.array_equal(rows[0], rows[150]) and server.stats()["calls"] == 3
    again = embedder(LLM("e", server.url, ledger=tmp_path / "l.sqlite"), progress=False)(
        [*texts[::-1], "new"]
    )
    assert np.array_equal(again[:150], rows[149::-1]) and server.stats()["calls"] == 4
