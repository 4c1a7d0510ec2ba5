"""Are synthetic rows closer to each other than real rows are?"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.section import Entry, Section, share
from lookalike.evaluate.space import nearest
from lookalike.evaluate.view import View

Array = npt.NDArray[Any]

CLOSE = 0.01  # share of the real rows that have a neighbour as close as what counts as a near-duplicate


def measure(view: View) -> Section:
    """The entry `near_duplicates`, as far as distances can be measured."""
    if not view.has_points:
        return Section()
    return Section({"diversity": {"near_duplicates": near_duplicates(view.points, view.rng)}})


def near_duplicates(points: dict[str, Array], rng: np.random.Generator) -> Entry:
    """Share of the rows with another row of their own table closer than 1% of the real rows have one.

    Equal numbers of rows of each table, since more rows lie closer together; 1% is therefore what real rows
    score.
    """
    rows = min(len(p) for p in points.values())
    gap = {
        table: nearest(some, some, itself=True)[0][:, 0]
        for table, some in ((t, p[rng.permutation(len(p))[:rows]]) for t, p in points.items())
    }
    limit = np.quantile(gap["real"], CLOSE)
    close = {table: distances <= limit for table, distances in gap.items()}
    return share(close["synthetic"], close.get("holdout"), float(close["real"].mean()))
