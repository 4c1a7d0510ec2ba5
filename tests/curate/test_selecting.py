"""Rows to be labelled next, as a table."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import lookalike
from lookalike.curate.selecting import compared
from lookalike.errors import DataError, OptionError


@pytest.fixture(scope="module")
def texts(banking: pd.DataFrame) -> pd.DataFrame:
    return banking[["text", "category"]].drop_duplicates("text")[:150].reset_index(drop=True)


def test_rows_without_a_label_come_with_their_place(texts: pd.DataFrame) -> None:
    half = texts.assign(category=texts.category.where(texts.index < 80))
    for method in ("k-means", "explore", "entropy"):
        chosen = lookalike.select(half, 9, method, text="text", label="category", progress=False)
        assert len(chosen) == 9 and chosen.category.isna().all() and chosen.row.is_unique
        assert chosen.text.tolist() == half.text[chosen.row - 1].tolist() and (chosen.row > 80).all()


def test_methods_stand_beside_each_other(texts: pd.DataFrame) -> None:
    told = compared(texts, 10, text="text", label=None, embed=None, seed=0, progress=False)
    assert list(told) == ["k-means", "explore", "vote-k", "random"]
    assert told["random"].startswith("leaves 100%") and "shares 10 of 10" in told["k-means"]


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"label": "category"}, DataError, "every row has a label"),
        ({"method": "entropy"}, OptionError, "learns from labels"),
        ({"text": "body"}, OptionError, "not a column of the table"),
        ({"text": "text", "label": "text"}, OptionError, "named as text and as label"),
        ({"n": 0}, OptionError, "the number of rows"),
        ({"table": pd.DataFrame({"a": []})}, DataError, "has no rows"),
    ],
)
def test_mistakes_are_one_sentence(
    texts: pd.DataFrame, given: dict[str, Any], error: type, said: str
) -> None:
    with pytest.raises(error, match=said):
        lookalike.select(**({"table": texts, "n": 5, "progress": False} | given))
