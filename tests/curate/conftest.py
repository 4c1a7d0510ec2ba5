"""Points of which the truth is known."""

import numpy as np
import pytest


@pytest.fixture
def mixture():  # type: ignore[no-untyped-def]
    """(rows, shares of the clusters, seed) -> (unit points in 16 dims, cluster of each)."""
    centres = np.random.default_rng(99).standard_normal((8, 16))

    def draw(rows: int, shares: list[float], seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        of = rng.choice(len(shares), rows, p=shares)
        points = centres[of] + 0.5 * rng.standard_normal((rows, 16))
        return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), of

    return draw
