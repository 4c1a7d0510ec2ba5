"""Cells as JSON text: the one form that a grammar lets through, and what a model in words answers."""

import datetime
from typing import Any

import numpy as np
import pytest

from lookalike.codec.celltext import choice_tokens, literal, nearest


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.0, "2"), (0.1, "0.1"), (True, "true"), ('a"\n', '"a\\"\\n"'), ("é", '"é"'), ("\x7f", '"\\u007f"'),
     (None, "null"),
     (np.int64(3), "3"), ("\ud800x", '"x"'), (datetime.date(2015, 1, 2), '"2015-01-02"')],
)  # fmt: skip
def test_literals(value: Any, text: str) -> None:
    assert literal(value) == text


def test_tokens_of_choices_tell_true_from_one_and_take_1_for_1_0() -> None:
    cells = np.array(["1.0", "true", "null", None, '"x"'], dtype=object)
    assert choice_tokens(["true", "1", "", "null"], cells)[:, 0].tolist() == [1, 0, 3, 0, 0]


def test_a_tick_is_moved_into_the_nearest_range() -> None:
    ranges = [(0, 10), (20, 30)]
    assert [nearest(tick, ranges) for tick in (-5, 4, 14, 16, 99)] == [0, 4, 10, 20, 30]
    assert nearest(7, []) == 7
