"""Rows as points: rows that are alike are near, whatever the columns hold."""

import numpy as np
import pandas as pd

from lookalike.curate.checks import Rows
from lookalike.curate.points import points
from lookalike.table.inferring import infer


def test_columns_of_every_kind() -> None:
    table = pd.DataFrame(
        {
            "age": [20.0, 30, None, 40] * 30,
            "town": ["Rome", None, "Oslo", "Rome"] * 30,
            "day": pd.date_range("2020-01-01", periods=120),
            "label": ["a", "b"] * 60,
            "same": 1,
        }
    )
    own, real = points(Rows(table, table.iloc[:40], infer(table), [], "label"), None, 0)
    assert real is not None and own.shape == (120, 2 + 3 + 2) and real.shape == (40, 7)
    np.testing.assert_array_equal(own[:40], real)
    assert np.abs(own).max() <= 1 and own[2, 0] == 0 and own[2, 1] == 1 and own[0, 1] == 0
    assert (np.diff(own[:, 5]) > 0).sum() >= 79  # the days are in order


def test_texts_are_embedded_and_the_label_is_left_out() -> None:
    table = pd.DataFrame({"text": [f"row {at} of the table" for at in range(30)], "label": ["a", "b"] * 15})
    rows = Rows(table, None, infer(table), ["text"], "label")
    own, real = points(rows, lambda texts: np.eye(30)[: len(texts)], 0)
    assert real is None and (own == np.eye(30)).all()
    assert points(Rows(table[["label"]], None, infer(table[["label"]]), [], "label"), None, 0)[0].shape == (
        30,
        0,
    )
