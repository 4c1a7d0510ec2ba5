"""What is heard of records while they are written: how far they are, and how many texts had to be ended."""

from __future__ import annotations

from typing import Any


class Told:
    """Moves a bar over rows while they are written.

    shown: the bar, None for silence; cut: texts that were ended because all of them together grew far longer
    than real ones.
    """

    def __init__(self, shown: Any = None):
        self.shown, self.cut = shown, 0
        self._rows, self._start, self._done, self._total = 0, 0, 0.0, 1.0

    def chunk(self, start: int, rows: int) -> None:
        """So many rows are about to be written, beginning with that one."""
        self._start, self._rows = start, rows

    def expect(self, tokens: float) -> None:
        """About so many tokens are about to be written for them."""
        self._done, self._total = 0.0, max(1.0, tokens)

    def add(self, tokens: float) -> None:
        """So many more have been."""
        self._done += tokens
        if self.shown is not None:
            now = self._start + int(self._rows * min(1.0, self._done / self._total))
            self.shown.update(max(0, now - self.shown.n))
