"""What the chapters of a report look at: the columns, and which rows of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lookalike.evaluate import shown, space
from lookalike.evaluate.columns import ComparedColumn
from lookalike.evaluate.rows import FULL, QUICK, draw, match, sample, split, whole_rows
from lookalike.evaluate.section import Rows

if TYPE_CHECKING:
    import pandas as pd

    from lookalike.table.schema import Schema

Array = npt.NDArray[Any]

FEWEST_POINTS = 20  # rows of a table below which distances between rows say nothing


class View:
    """The tables as the chapters see them; what is costly is made when a chapter first asks for it.

    tables, schema: as they were given. columns: all rows of every table. target, text: names of columns, or
    None. only: the sections that are measured. rows: table -> how many rows were given. apart: table -> row
    numbers, the real rows as two halves, where no holdout was given and there are enough rows; else None.
    compared: table -> how many rows are compared where that must be equally many. drawn: table -> the numbers
    of those rows. judge: as of `evaluate`. no_reference: why the figures have no reference, or None. rng:
    draws for one chapter after the other, so that their order decides the figures of a seed.
    """

    def __init__(
        self,
        tables: Mapping[str, pd.DataFrame],
        columns: list[ComparedColumn],
        *,
        schema: Schema | None = None,
        target: Any = None,
        text: Any = None,
        seed: int = 0,
        only: Collection[str],
        quick: bool = False,
        show_real: bool = False,
        judge: Any = None,
    ) -> None:
        self.judge = judge
        self.columns, self.target, self.text = columns, target, text
        self.seed, self.only, self.quick, self.show_real = seed, only, quick, show_real
        self.limits = QUICK if quick else FULL
        self.rng = np.random.default_rng(seed)
        self.rows = {table: len(t) for table, t in tables.items()}
        self.tables, self.schema = tables, schema
        # The rows are drawn at once: later, what was measured before would decide which ones they are.
        self.apart = split(self.rows, self.rng)
        rows = self.rows if self.apart is None else {t: len(at) for t, at in self.apart.items()}
        self.compared, self.no_reference = match(rows, self.limits)
        held = "holdout" in self.compared
        self._whole, self._halves = whole_rows(self.rows, self.apart, held, self.rng)
        self.drawn = draw(self.rows if self.apart is None else self.apart, self.compared, self.rng)

    @cached_property
    def whole(self) -> list[ComparedColumn]:
        """All rows of the real and the synthetic table; of the holdout at most as many as synthetic ones."""
        return [column.take(self._whole) for column in self.columns]

    @cached_property
    def yardstick(self) -> list[ComparedColumn] | None:
        """The real and the holdout rows whose difference is the reference of `whole`, if these are others."""
        if self._halves is None:
            return None
        return [column.take(self._halves) for column in self.columns]

    @cached_property
    def matched(self) -> list[ComparedColumn]:
        """The rows of `drawn`: equally many of the synthetic table and the holdout."""
        return [column.take(self.drawn) for column in self.columns]

    @property
    def has_points(self) -> bool:
        """Whether distances between rows can be measured."""
        return min(self.compared.values()) >= FEWEST_POINTS and any(column.parts for column in self.columns)

    @property
    def neighbour_rows(self) -> dict[str, int]:
        """Table -> how many rows distances are measured between."""
        return {table: min(n, self.limits.points) for table, n in self.compared.items()}

    @cached_property
    def near(self) -> list[ComparedColumn]:
        """The rows of `near_points`: twice as many as distances are measured between, where there are."""
        wanted = {table: min(n, 2 * self.limits.points) for table, n in self.compared.items()}
        return sample(self.matched, wanted, self.rng)

    @cached_property
    def near_points(self) -> tuple[dict[str, Array], Array]:
        """The rows of `near` as points, as `space.points` gives them."""
        return space.points(self.near)

    @cached_property
    def points(self) -> dict[str, Array]:
        """Table -> (rows, dims) the points that distances are measured between."""
        return {table: p[: self.limits.points] for table, p in self.near_points[0].items()}

    def show(self, numbers: Array) -> Rows:
        """Rows of the synthetic table as text, by their numbers."""
        return shown.rows(self.tables["synthetic"], self.columns, numbers, self.show_real)
