"""The progress of writing records: how many are written, and how many texts had to be ended early."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from lookalike.progress import SHOW_AFTER, duration, say

WORTH_SAYING = 10.0  # seconds; a forecast of less is not printed
SHARE = 0.005  # of the rows that tells how long all of them take: the first can be quicker or slower


class Told:
    """Moves a bar as rows are written. After the first seconds it prints how long all of them will take.

    shown: the bar, None for silence. rows: the number of all rows. repeated: rows that come again because
    too few that were drawn satisfy the conditions. cut: texts that were ended early because
    all texts together grew far longer than real ones; so writing takes at most twice the printed time.
    """

    def __init__(self, shown: Any = None, rows: int = 0, progress: bool = False):
        self.shown, self.rows, self.progress, self.cut = shown, rows, progress, 0
        self.repeated = 0
        self._own, self._start, self._done, self._total = 0, 0, 0.0, 1.0
        self._chunk = 0
        self._begun, self._said = perf_counter(), False

    def chunk(self, start: int, rows: int) -> None:
        """The rows from number `start` on are written next."""
        self._chunk = self._start = start
        self._own = rows

    def block(self, first: int, rows: int) -> None:
        """So many rows of the chunk are written next, from its row `first` on."""
        self._start, self._own = self._chunk + first, rows

    def expect(self, tokens: float) -> None:
        """These rows take about so many tokens."""
        self._done, self._total = 0.0, max(1.0, tokens)

    def add(self, tokens: float) -> None:
        """So many more tokens are written."""
        self._done += tokens
        if self.shown is None:
            return
        now = min(self.rows, self._start + self._own * min(1.0, self._done / self._total))
        self.shown.update(max(0, int(now) - self.shown.n))
        taken = perf_counter() - self._begun
        if not self._said and taken > SHOW_AFTER and now > SHARE * self.rows:
            self._said = True
            if taken / now * self.rows > WORTH_SAYING:
                say(
                    f"writing {self.rows:,} rows: about {duration(taken / now * self.rows)}",
                    progress=self.progress,
                )
