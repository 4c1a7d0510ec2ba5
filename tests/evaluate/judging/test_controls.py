"""Controls: every one is a pair of which anybody can tell the better row."""

import numpy as np
import pandas as pd
import pytest

from lookalike.evaluate.judging.controls import FEWEST, planted
from lookalike.evaluate.judging.pairs import REAL, Rows


def test_texts_are_shuffled_or_stand_under_a_label_that_is_not_theirs(banking: pd.DataFrame) -> None:
    rows = Rows({REAL: banking}, "category")
    found = planted(rows, 800, 0)
    assert len(found) == 40 and len({pair.item for pair in found}) == 40
    label = dict(zip(banking.text, banking.category, strict=True))
    for pair in found:
        right, wrong = pair.texts
        assert pair.item < 0 and pair.given == f"category = {label[right]}"
        if pair.control == "shuffled":
            assert wrong != right and sorted(wrong.split()) == sorted(right.split())
        else:
            assert pair.control == "label" and label[wrong] != label[right]
    assert {pair.control for pair in found} == {"shuffled", "label"}


def test_without_a_label_texts_are_shuffled_alone(banking: pd.DataFrame) -> None:
    found = planted(Rows({REAL: banking}, "category"), 10, 0)
    assert len(found) == FEWEST
    assert {pair.control for pair in planted(Rows({REAL: banking[["text"]]}, None), 10, 0)} <= {
        "shuffled",
        "stammered",
    }


def test_cells_of_numbers_and_categories_stand_in_columns_that_never_hold_them() -> None:
    rng = np.random.default_rng(0)
    real = pd.DataFrame({"age": rng.integers(20, 60, 50), "city": rng.choice(["Ulm", "Kiel"], 50)})
    rows = Rows({REAL: real}, None)
    found = planted(rows, 100, 0)
    assert len(found) == FEWEST and {pair.control for pair in found} == {"moved"}
    for pair in found:
        assert pair.texts[1].startswith(("age: Ulm", "age: Kiel"))


@pytest.mark.parametrize("cells", [[0, 1, 1, 0], ["yes", "no", "no", "yes"], [True, False, True, True]])
def test_where_columns_hold_the_same_values_each_cell_stammers(cells: list[object]) -> None:
    real = pd.DataFrame({"a": cells, "b": cells[::-1]})
    for pair in planted(Rows({REAL: real}, None), 10, 0):
        assert pair.control == "stammered" and len(pair.texts[1]) > len(pair.texts[0])


def test_rows_that_cannot_be_spoilt_make_no_control() -> None:
    assert planted(Rows({REAL: pd.DataFrame({"a": [None, None]})}, None), 10, 0) == []
