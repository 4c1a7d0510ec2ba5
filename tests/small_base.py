"""The base of a small table with few trees: the shipped one takes most of the seconds of a short fit."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

PARTS = {
    "train.ORDERED": 0,  # rows of a table whose columns are put in an order
    "slotbase.FEW_FOLDS": 3,
    "slotbase.FEW_LEAF_ROWS": (6,),
    "forest.PAIRS": 2,
}
HERE = "import lookalike.difflm.small as small, lookalike.difflm.small.train; " + "; ".join(
    f"small.{name} = {value!r}" for name, value in PARTS.items()
)  # Python code that does the same in another process


@contextmanager
def small_base() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in PARTS.items():
            patch.setattr(f"lookalike.difflm.small.{name}", value)
        yield
