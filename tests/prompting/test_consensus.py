"""Rows that the others and the real ones place in another class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lookalike import SynAlign
from lookalike.embed import embedder
from lookalike.llm import LLM
from lookalike.prompting.arms import Place
from lookalike.prompting.consensus import FEWEST, Consensus
from lookalike.prompting.written import Row

WORDS = {"a": ["rain", "snow", "wind", "storm"], "b": ["bread", "cheese", "soup", "salad"]}


def rows_of(count: int, wrong: int) -> list[Row]:
    """Rows of two classes in turn, of which the first ones speak of the other class."""
    rng, found = np.random.default_rng(0), []
    for at in range(count):
        label = "ab"[at % 2]
        of = "ba"[at % 2] if at < wrong else label
        text = " ".join([*rng.choice(WORDS[of], 3), f"word{at}"])
        found.append(Row({"text": text}, Place(label), None, at, "k"))
    return found


@pytest.fixture
def agreed() -> Consensus:
    texts = ["rain and snow", "wind", "bread and soup", "cheese"]
    every = [*texts, *(row.record["text"] for row in rows_of(200, 0))]
    return Consensus(
        embedder(None, every), texts, ["a", "a", "b", "b"], lambda row: str(row.record["text"]), seed=0
    )


def test_rows_of_another_class_are_found(agreed: Consensus) -> None:
    assert agreed.doubtful(rows_of(200, 12)) == list(range(12))


def test_a_row_that_has_passed_stays_and_a_few_rows_vouch_for_nothing(agreed: Consensus) -> None:
    rows = rows_of(FEWEST - 1, 12)
    assert agreed.doubtful(rows) == []
    rows = rows_of(200, 0)
    assert agreed.doubtful(rows) == []
    for row in rows[:5]:
        row.record["text"] = "bread soup salad" if row.place.label == "a" else "rain snow wind"
    assert agreed.doubtful(rows) == []  # they were there before
    assert agreed.doubtful(rows_of(200, 3)) == [0, 1, 2]
    assert agreed.doubtful([*rows, *rows_of(200, 0)]) == [0, 1, 2, 3, 4]  # twice as many can tell more


def test_rows_whose_texts_tell_no_class_are_all_kept(agreed: Consensus) -> None:
    rows = rows_of(200, 0)
    for row in rows:
        row.record["text"] = "rain bread"
    assert agreed.doubtful(rows) == []


def test_classes_of_few_rows_are_left_alone(agreed: Consensus) -> None:
    rows = rows_of(120, 0)
    rows.append(Row({"text": "bread soup salad"}, Place("rare"), None, 0, "k"))
    assert agreed.doubtful(rows) == []
    assert agreed.doubtful([Row({"text": "x"}, Place("rare"), None, 0, "k")] * 150) == []


def test_a_class_that_cannot_be_told_is_not_emptied(agreed: Consensus) -> None:
    rows = [row for row in rows_of(200, 0) if row.place.label == "a" or row.sample < 60]
    rare = [at for at, row in enumerate(rows) if row.place.label == "b"]
    for at in rare:  # they are like those of the other class
        rows[at].record["text"] = rows[at - 1].record["text"]
    assert not set(agreed.doubtful(rows)) & set(rare)


def test_steered_rows_of_another_class_are_asked_for_again(
    writing: Callable[..., Any], banking: pd.DataFrame
) -> None:
    names = banking.category.unique()[:2]
    real = banking[banking.category.isin(names)].groupby("category").head(12)
    real = real.assign(text=[f"{name} {text}" for name, text in zip(real.category, real.text, strict=True)])
    found = {}
    for method in ("steered", "few-shot"):
        model = SynAlign(
            LLM("m", writing("drifting").url), "text", "category", method=method, gen_size=20, progress=False
        ).fit(real)
        table = model.sample(120)
        assert len(table) == 120
        found[method] = np.mean(
            [not text.startswith(own) for text, own in zip(table.text, table.category, strict=True)]
        )
        lost = model.rejected[model.rejected.reason == "class"]
        if method == "steered":
            right = [text.startswith(own) for text, own in zip(lost.text, lost.category, strict=True)]
            assert len(lost) > 3 and np.mean(right) < 0.2
    assert found["steered"] < 0.04 < 0.06 < found["few-shot"]
