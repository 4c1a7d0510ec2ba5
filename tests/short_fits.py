"""Short fits of small tables: the trees that are shipped, and the networks of texts, take most of the seconds
of a fit of few steps.
Few candidates: a condition tries 1,024 latents, and variations 32 choices of cells, for however few rows.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pkgutil import resolve_name
from typing import Any

import pytest

FITS = {
    "lookalike.difflm.small.train.ORDERED": 0,  # rows of a table whose columns are put in an order
    "lookalike.difflm.small.slotbase.FEW_FOLDS": 3,
    "lookalike.difflm.small.slotbase.FEW_LEAF_ROWS": (6,),
    "lookalike.difflm.small.forest.PAIRS": 2,  # of trees
    "lookalike.difflm.settings.TEXT_SIZES": {
        **{"width": 48, "layers": 2, "heads": 2, "expansion": 2},
        **{"prompts": 4, "word_dropout": 0.3},  # as shipped
    },
}
CANDIDATES = {
    "lookalike.difflm.small.records.TokenRecords.least": 128,
    "lookalike.difflm.sampling.completing.MASKS": 8,
}
HERE = (
    "import lookalike.difflm.settings, lookalike.difflm.small.records, lookalike.difflm.small.train; "
    + "; ".join(f"{name} = {value!r}" for name, value in (FITS | CANDIDATES).items())
)  # Python code that does the same in another process


def as_they_are() -> dict[str, Any]:
    """What FITS and CANDIDATES name, as it is now."""
    return {name: resolve_name(name) for name in FITS | CANDIDATES}


@contextmanager
def short_fits() -> Iterator[None]:
    with patched(FITS):
        yield


@contextmanager
def patched(parts: Mapping[str, Any]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in parts.items():
            patch.setattr(name, value)
        yield
