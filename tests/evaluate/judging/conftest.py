"""A local server that judges, and the tables that it is asked about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lookalike.llm import LLM
from tests.paths import DATA

JUDGES = Path(__file__).with_name("judges.py")


@pytest.fixture
def judged_by(serve: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> Callable[..., LLM]:
    """judged_by("knows", "--fault", "500=0.1") -> a judge whose truth is the file BANKING77 of the tests.

    known: another file; ledger: as of `LLM`.
    """
    pytest.importorskip("aiohttp")

    def start(
        name: str = "knows", *options: str, known: Path = DATA / "banking77.csv", **more: object
    ) -> LLM:
        monkeypatch.setenv("JUDGE_KNOWS", str(known))
        server = serve("--writer", f"{JUDGES}:{name}", *options)
        llm = LLM("judge", server.url, progress=False, **more)  # type: ignore[attr-defined, arg-type]
        llm.server = server  # type: ignore[attr-defined]
        return llm

    return start
