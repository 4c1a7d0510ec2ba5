"""What the tests of growth share: places and accepted rows of a small plane."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookalike.prompting.arms import Place
from lookalike.prompting.growth.known import Known
from lookalike.prompting.written import Row

ANGLES = {"north": 90.0, "east": 0.0, "west": 180.0, "south": 270.0}


def embed(texts: Sequence[str]) -> np.ndarray:
    """The point of the unit circle that a text names by its angle: "90 degrees" is (0, 1)."""
    angles = np.deg2rad([float(text.split()[0]) for text in texts])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def known(
    angles: Sequence[float], labels: Sequence[str | None], n: int, steering: tuple[int, ...] = ()
) -> Known:
    points = embed([f"{angle} degrees" for angle in angles])
    return Known(labels, points, embed, lambda row: str(row.record["text"]), n, steering, len(angles))


def places(labels: Sequence[str | None]) -> list[Place]:
    return [Place(label, row) for row, label in enumerate(labels)]


def row(place: Place, text: str) -> Row:
    return Row({"text": text}, place, None, 0, "key")
