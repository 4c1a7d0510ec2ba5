"""What the tests of `texts` share."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="session")
def many() -> tuple[list[str], list[str]]:
    """12,000 texts of 14 words, and the first 900 of them with their words in another order."""
    rng = np.random.default_rng(0)
    words = np.array([f"w{at}" for at in range(3000)])
    draw = np.minimum(rng.zipf(1.3, (12_000, 14)) - 1, 2999)
    real = [" ".join(row) for row in words[draw]]
    return real, [" ".join(rng.permutation(text.split())) for text in real[:900]]
