"""Which rows meet, and how they are shown."""

from collections import Counter

import pandas as pd
import pytest

from lookalike.errors import DataError, OptionError
from lookalike.evaluate.judging.pairs import REAL, Rows, draw, sample_of

Halves = tuple[pd.DataFrame, pd.DataFrame]


def test_rows_of_one_label_meet_and_none_comes_twice(halves: Halves) -> None:
    real, other = halves
    rows = Rows({REAL: real, "a": other, "b": other[::-1]}, "category")
    pairs = draw(rows, ["a", "b"], 50, False, 0)
    label = dict(zip(pd.concat(halves).text, pd.concat(halves).category, strict=True))
    assert Counter(pair.other for pair in pairs) == {"a": 50, "b": 50}
    for pair in pairs:
        assert {label[text] for text in pair.texts} == {pair.given.removeprefix("category = ")}
        assert pair.texts[0] == real.text[pair.item]
    for name in ("a", "b"):
        own = [pair for pair in pairs if pair.other == name]
        assert len({pair.item for pair in own}) == len({pair.texts[1] for pair in own}) == 50
    assert len({pair.key for pair in pairs}) == 100
    assert [pair.key for pair in draw(rows, ["a", "b"], 50, False, 0)] == [pair.key for pair in pairs]
    assert {pair.item for pair in draw(rows, ["a", "b"], 50, False, 1)} != {pair.item for pair in pairs}


def test_a_label_that_a_table_lacks_has_no_pairs(halves: Halves) -> None:
    real, other = halves
    few = other[other.category == other.category.iloc[0]]
    pairs = draw(Rows({REAL: real, "a": few, "b": other}, "category"), ["a", "b"], 60, False, 0)
    count = Counter(pair.other for pair in pairs)
    assert 0 < count["a"] <= len(few) and count["b"] == 60
    with pytest.raises(DataError, match="no row of the tables has a label that a real row has"):
        draw(Rows({REAL: real, "a": few.assign(category="none")}, "category"), ["a"], 5, False, 0)


def test_tables_meet_one_another_where_that_is_asked_for(halves: Halves) -> None:
    real, other = halves
    pairs = draw(Rows({REAL: real, "a": other, "b": other}, None), ["a", "b"], 20, True, 0)
    assert Counter((pair.one, pair.other) for pair in pairs) == {
        (REAL, "a"): 20,
        (REAL, "b"): 20,
        ("a", "b"): 20,
    }


def test_rows_of_any_kind_are_shown() -> None:
    real = pd.DataFrame({"n": [1.0, 2.5], "when": pd.to_datetime(["2020-01-02", None]), "y": ["a", "b"]})
    rows = Rows({REAL: real, "s": real.astype({"n": object})[["y", "when", "n"]].assign(more=1)}, "y")
    assert rows.columns == ["n", "when"] and rows.text is None
    assert rows.text_of("s", 0) == "n: 1\nwhen: 2020-01-02 00:00:00"
    assert rows.text_of("s", 1) == "n: 2.5\nwhen: (missing)"
    assert sample_of(rows, "s", 5, 0) == [0, 1]


def test_what_cannot_be_compared_is_said() -> None:
    real = pd.DataFrame({"a": [1], "b": [2]})
    with pytest.raises(DataError, match="'s' has no rows"):
        Rows({REAL: real, "s": real[:0]}, None)
    with pytest.raises(DataError, match="no column in common"):
        Rows({REAL: real, "s": pd.DataFrame({"c": [1]})}, None)
    with pytest.raises(OptionError, match="'b' is not a column of the table 's'"):
        Rows({REAL: real, "s": real[["a"]]}, "b")
    with pytest.raises(DataError, match="has the column 'a' twice"):
        Rows({REAL: real, "s": pd.DataFrame([[1, 2]], columns=["a", "a"])}, None)
