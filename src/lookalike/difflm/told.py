"""What is heard of records while they are written: how far they are, and how many texts had to be ended."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from lookalike.progress import SHOW_AFTER, duration, say

WORTH_SAYING = 10.0  # seconds: what takes less is not said before


class Told:
    """Moves a bar over rows while they are written, and says after the first seconds what all will take.

    shown: the bar, None for silence; rows: all of them; cut: texts that were ended because all of them
    together grew far longer than real ones, so that the writing takes at most twice what was said.
    """

    def __init__(self, shown: Any = None, rows: int = 0, progress: bool = False):
        self.shown, self.rows, self.progress, self.cut = shown, rows, progress, 0
        self._own, self._start, self._done, self._total = 0, 0, 0.0, 1.0
        self._begun, self._said = perf_counter(), False

    def chunk(self, start: int, rows: int) -> None:
        """So many rows are about to be written, beginning with that one."""
        self._start, self._own = start, rows

    def expect(self, tokens: float) -> None:
        """About so many tokens are about to be written for them."""
        self._done, self._total = 0.0, max(1.0, tokens)

    def add(self, tokens: float) -> None:
        """So many more have been."""
        self._done += tokens
        if self.shown is None:
            return
        now = self._start + self._own * min(1.0, self._done / self._total)
        self.shown.update(max(0, int(now) - self.shown.n))
        taken = perf_counter() - self._begun
        if not self._said and taken > SHOW_AFTER and now > 0:
            self._said = True
            if taken / now * self.rows > WORTH_SAYING:
                say(
                    f"writing {self.rows:,} rows: about {duration(taken / now * self.rows)}",
                    progress=self.progress,
                )
