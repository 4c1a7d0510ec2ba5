"""How often recorded descriptions settle the method, and by how many."""

import numpy as np

from bench.llm.looks import decided


def test_what_is_sure_takes_few_looks_and_what_is_not_takes_all() -> None:
    rng = np.random.default_rng(0)
    assert decided(np.ones(5), 24, rng) == (1.0, 8.0)
    assert decided(np.full(5, 0.5), 24, rng) == (0.0, 4.0)
    assert decided(np.full(5, 0.7), 10, rng) == (0.0, 10.0)
