"""Cells as people read them, and which column they read as text."""

import numpy as np
import pandas as pd
import pytest

from lookalike.table.cells import text_column, written


def test_any_cell_can_be_shown() -> None:
    cells = {None: None, pd.NaT: None, 3.0: "3", 0.1: "0.1", True: "True", "<b>": "<b>"}
    assert [written(cell) for cell in cells] == list(cells.values())
    assert written(float("nan")) is None and written(pd.NA) is None
    assert written(np.array([1, 2])) == "[1,2]" and written({"a": [1]}) == '{"a":[1]}'
    assert written(pd.Timestamp("2020-01-02")) == "2020-01-02 00:00:00"


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"a": ["one two three four"], "b": ["one two three four five"]}, "b"),
        ({"a": ["one"], "b": [1]}, None),
        ({"a": [None], "b": [None]}, None),
    ],
)
def test_the_column_of_texts_is_that_of_most_words(
    columns: dict[str, list[object]], name: str | None
) -> None:
    assert text_column(pd.DataFrame(columns), set()) == name
