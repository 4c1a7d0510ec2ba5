"""Times that rows of a call have, where one comes once in the table: rows that have one again are redrawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lookalike.codec.slot import Array

TRIES = 3  # draws for the rows whose time another row has
USED_UP = 0.5  # of the rows: with more that still have none of their own, later rows keep what they have
MOST = 1_000_000  # times that are remembered


class Times:
    """taken: (times,) those of all rows so far, ascending, as numbers; over: whether too few are left."""

    def __init__(self) -> None:
        self.taken: Array = np.zeros(0)
        self.over = False

    def apart(
        self, records: Array, times: Callable[[Array], Array | None], draw: Callable[[int], Array]
    ) -> Array:
        """The records, with others in place of those whose time another one has, as long as there are times.

        times: records -> (rows,) their times as numbers, None where they may come again; draw: a number of
        rows -> so many records.
        """
        left = np.arange(len(records))
        for tried in range(TRIES + 1):
            found = None if self.over else times(records[left])
            if found is None:
                return records
            left = left[~self._take(found)]
            if tried < TRIES and len(left):
                records[left] = draw(len(left))
        self.over = len(self.taken) > MOST or len(left) > USED_UP * len(records)
        return records

    def _take(self, times: Array) -> Array:
        """(rows,) times -> (rows,) bool: those that no row has yet; of equal ones the first."""
        new = np.zeros(len(times), dtype=bool)
        new[np.unique(times, return_index=True)[1]] = True
        new &= ~np.isin(times, self.taken)
        self.taken = np.union1d(self.taken, times[new])
        return new
