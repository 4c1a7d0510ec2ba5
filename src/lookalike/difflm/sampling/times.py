"""Times that rows of a call have, where one comes once in the table: rows that have one again are redrawn.

Blocks of rows are drawn side by side. Each has its *turn* to take the times that no row before it has, in the
order of the blocks, so that rows do not depend on the number of threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lookalike.codec.slot import Array

if TYPE_CHECKING:
    import torch

TRIES = 3  # draws for the rows whose time another row has
USED_UP = 0.5  # of the rows: with more that still have none of their own, later rows keep what they have
MOST = 1_000_000  # times that are remembered


class Times:
    """taken: (times,) those of all rows so far, ascending, as numbers; over: whether too few are left."""

    def __init__(self) -> None:
        self.taken: Array = np.zeros(0)
        self.over = False
        self._claimed = self._done = 0  # turns
        self._stopped = False
        self._change = threading.Condition()  # of these

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
            left = left[~self.take(found)]
            if tried < TRIES and len(left):
                records[left] = draw(len(left))
        self.leave(len(left), len(records))
        return records

    def take(self, times: Array, most: int | None = None) -> Array:
        """(rows,) times -> (rows,) bool: those that no row has yet, of equal ones the first.

        most: how many, None for all.
        """
        first = np.zeros(len(times), dtype=bool)
        first[np.unique(times, return_index=True)[1]] = True
        new: Array = first & self.free(times)
        if most is not None:
            new[np.flatnonzero(new)[most:]] = False
        own = np.sort(times[new])
        self.taken = np.insert(self.taken, self.taken.searchsorted(own), own)
        return new

    def free(self, times: Array) -> Array:
        """Times, an array of any shape -> bool, of the same shape: those that no row has."""
        at = self.taken.searchsorted(times)
        free: Array = np.append(self.taken, np.nan)[at] != times
        return free

    def leave(self, left: int, rows: int) -> None:
        """So many of the rows are left without a time of their own."""
        self.over = len(self.taken) > MOST or left > USED_UP * rows

    # ---- turns ---------------------------------------------------------------------------------------------

    def claim(self, blocks: int) -> int:
        """The number of the first of so many turns."""
        self._claimed += blocks
        return self._claimed - blocks

    @contextmanager
    def turn(self, number: int) -> Iterator[None]:
        """Times are taken now, those of all turns before having been taken."""
        with self._change:
            self._change.wait_for(lambda: self._stopped or self._done >= number)
        yield
        with self._change:
            self._done += 1
            self._change.notify_all()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """For the work on a block: where it fails, no other one waits for its turn."""
        try:
            yield
        except BaseException:
            with self._change:
                self._stopped = True
                self._change.notify_all()
            raise


@dataclass(frozen=True)
class Once:
    """That rows have times of their own. times: of the call; fresh: rows, generator -> so many latents."""

    times: Times
    fresh: Callable[[int, torch.Generator], torch.Tensor]
