"""Rows that are far from all others: reported, not dropped, as a rare row may be the best one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.curate.checks import Decision
from lookalike.texts.measures import limits

Array = npt.NDArray[Any]

NEIGHBOURS = 10
CORE = 0.98  # of the synthetic rows, the nearest, that say what is usual without real rows


def outliers(order: Array, synthetic: Array, real: Array | None) -> Iterator[Decision]:
    """Rows of `order` whose mean distance to the 10 nearest real rows is beyond what real rows have among
    themselves; without real rows, beyond that of the synthetic ones. synthetic, real: (rows, dims) points.
    """
    base = synthetic[order] if real is None else real
    if len(base) <= 2 * NEIGHBOURS or not base.shape[1]:
        return
    usual = _apart(base, base, 1)
    own = usual if real is None else _apart(base, synthetic[order], 0)
    if real is None:  # its own outliers do not say what is usual
        usual = np.sort(usual)[: int(CORE * len(usual))]
    _, high = limits(usual)
    for at in np.flatnonzero(own > high):
        yield {
            **{"row": int(order[at]), "check": "outlier", "column": None, "score": float(own[at])},
            **{"limit": float(high), "action": "report"},
            "reason": f"it is {own[at] / np.median(usual):.1f} times as far from its nearest rows as usual",
        }


def _apart(base: Array, points: Array, skip: int) -> Array:
    """(points,) the mean distance to the 10 nearest rows of `base`; skip: 1 where the row itself is one."""
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=NEIGHBOURS + skip).fit(base).kneighbors(points)[0]
    return np.asarray(near[:, skip:].mean(1))
