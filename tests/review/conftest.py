"""A table of texts with labels, what was decided on it, and a running server of its review."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lookalike.decisions import Decisions
from lookalike.review.reviewing import Review
from lookalike.review.server import Server, Session, serving
from lookalike.review.store import Answer


@pytest.fixture
def table(banking: pd.DataFrame) -> pd.DataFrame:
    """60 texts of six labels; the first one is a script."""
    some = banking[banking.category.isin(sorted(banking.category.unique())[:6])]
    out = some.drop_duplicates("text").sample(60, random_state=0).reset_index(drop=True)
    out.loc[0, "text"] = "<script>window.owned = 1</script><img src=x onerror='window.owned = 1'>"
    return out


@pytest.fixture
def decisions(table: pd.DataFrame) -> Decisions:
    """Rows 0 to 9 are to be dropped, row 10 has another label, row 11 repeats row 12."""
    found: list[dict[str, Any]] = [
        {
            "row": row,
            "check": "length",
            "column": "text",
            "score": 10.0 - row,
            "limit": 20.0,
            "action": "drop",
        }
        for row in range(10)
    ]
    other = next(label for label in sorted(table.category.unique()) if label != table.category[10])
    found += [{"row": 10, "check": "labels", "action": "relabel", "value": other, "reason": "it looks so"}]
    found += [{"row": 11, "check": "near", "action": "drop", "value": 12, "score": 0.9, "limit": 0.7}]
    return Decisions.of([{"reason": "because"} | one for one in found], len(table), "category")


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Callable[..., Review]]:
    """begun(table, ...) -> a review whose answers are in the folder of the test; the same one each time."""
    made: list[Review] = []

    def begin(table: pd.DataFrame, *given: Any, **more: Any) -> Review:
        made.append(Review.of(table, *given, **{"answers": tmp_path / "out.review", **more}))
        return made[-1]

    yield begin
    for one in made:
        one.store.close()


@pytest.fixture
def served() -> Iterator[Callable[..., Server]]:
    """served(review) -> its server, which is running."""
    running: list[Server] = []

    def start(one: Review, port: int | None = 0) -> Server:
        session = Session(one.store, one.cards, one.items, "a table", one.limit)
        running.append(Server(session, port))
        serving(running[-1])
        return running[-1]

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def said(row: int, answer: str, reviewer: str = "ann", value: Any = None, turn: int = 1) -> Answer:
    """An answer with a key of its own."""
    return Answer(row, turn, reviewer, answer, value, 1.0, key=f"{row}-{turn}-{reviewer}-{answer}-{value}")
