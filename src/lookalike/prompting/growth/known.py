"""What a strategy of growth may look at beside the places and the accepted rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.embed import Embed
from lookalike.prompting.arms import Place
from lookalike.prompting.written import Row

Array = npt.NDArray[Any]
Grow = Callable[[Sequence[Place], Sequence[Row], int], Sequence[float] | Array]


@dataclass(frozen=True)
class Known:
    """The real rows that steer, and what reads a text.

    labels: (rows,) of the real rows; points: (rows, dims) unit vectors of them, by `embed`; text: of an
    accepted row; n: rows that are wanted in all; steering: numbers of the real rows whose errors steer;
    fixed: how many of the places, the first ones, a fixed plan would use.
    """

    labels: Sequence[str | None]
    points: Array
    embed: Embed
    text: Callable[[Row], str]
    n: int
    steering: Sequence[int] = ()
    fixed: int = 0


class Embedded:
    """The points of accepted rows; each text is embedded once, in the order in which it was accepted."""

    def __init__(self, known: Known) -> None:
        self._known, self._points = known, dict[str, Array]()

    def __call__(self, rows: Sequence[Row]) -> Array:
        """(rows, dims) unit vectors."""
        texts = [self._known.text(row) for row in rows]
        fresh = list(dict.fromkeys(text for text in texts if text not in self._points))
        if fresh:
            self._points.update(zip(fresh, self._known.embed(fresh), strict=True))
        if not texts:
            return np.zeros((0, self._known.points.shape[1]), dtype=np.float32)
        return np.stack([self._points[text] for text in texts])
