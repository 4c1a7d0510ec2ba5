"""Short fits of small tables: the trees that are shipped take most of the seconds of a fit of few steps."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

PARTS = {
    "train.ORDERED": 0,  # rows of a table whose columns are put in an order
    "slotbase.FEW_FOLDS": 3,
    "slotbase.FEW_LEAF_ROWS": (6,),
    "forest.PAIRS": 2,  # of trees
}
HERE = "import lookalike.difflm.small.train; " + "; ".join(
    f"lookalike.difflm.small.{name} = {value!r}" for name, value in PARTS.items()
)  # Python code that does the same in another process


@contextmanager
def short_fits() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in PARTS.items():
            patch.setattr(f"lookalike.difflm.small.{name}", value)
        yield
