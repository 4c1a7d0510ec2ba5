"""What the tests of `texts` share."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="session")
def many() -> tuple[list[str], list[str]]:
    """100,000 texts of 14 words, and 10,000 of them: the first 9,000 shuffled, the last 1,000 as they are."""
    rng = np.random.default_rng(0)
    words = np.array([f"w{at}" for at in range(3000)])
    draw = np.minimum(rng.zipf(1.3, (100_000, 14)) - 1, 2999)
    real = [" ".join(row) for row in words[draw]]
    return real, [" ".join(rng.permutation(text.split())) for text in real[:9_000]] + real[-1000:]
