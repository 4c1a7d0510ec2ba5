"""Copies of real rows, on small tables worked out by hand."""

import pandas as pd

from lookalike.evaluate.chapters import copies
from lookalike.evaluate.columns import read_columns


def test_copies_compare_every_column_exactly():
    real = pd.DataFrame({"n": [2**60 + i // 2 for i in range(60)], "c": ["a", "b", None] * 20})
    other = pd.DataFrame({"n": [2**60, 2**60, 2**60 + 1, 7], "c": ["a", None, None, "a"]})
    found = copies.copies(read_columns({"real": real, "synthetic": other}))
    assert found["exact_copies"].value == 0.5


def test_near_copies_by_hand() -> None:
    real = pd.DataFrame({"a": list("pqrs") * 3, "b": list("pppqqqrrrsss"), "c": list("xyxyxyxyxyxy")})
    other = pd.DataFrame({"a": ["p", "p", "p", "z"], "b": ["p", "p", "z", "z"], "c": ["x", "z", "x", "z"]})
    columns = read_columns({"real": real, "synthetic": other})
    assert [bool(flag) for flag in copies.twins(columns)["synthetic"]] == [True, False, False, False]
    assert [bool(flag) for flag in copies.twins(columns, 1)["synthetic"]] == [True, True, True, False]
    found = copies.copies(columns)
    assert found["exact_copies"].value == 0.25 and found["near_copies"].value == 0.75
