"""How far the weights may go, as real rows that were not matched say."""

from __future__ import annotations

import numpy as np

from lookalike.curate.strength import caps, choose


def test_the_limits_that_are_tried() -> None:
    assert caps(5, 1) == [0, 1, 2, 5]
    assert caps(1, 1) == [0, 1]
    assert caps(20, 3) == [0, 5, 10, 20]
    assert caps(3, 2) == [0, 2, 3]


def test_the_least_change_is_made_that_helps() -> None:
    rng = np.random.default_rng(0)
    real = rng.standard_normal((400, 4))
    near, far = rng.standard_normal((600, 4)), rng.standard_normal((600, 4)) + 1.5
    synthetic = np.concatenate([near, far])
    half = {0: np.arange(1200), 1: np.arange(900), 2: np.arange(600), 5: np.arange(0, 600, 2).repeat(2)}
    assert choose([0, 1, 2, 5], half.__getitem__, synthetic, real, np.random.default_rng(1)) == 2
    alike = {0: np.arange(600), 1: np.arange(300), 2: np.arange(200).repeat(2)}
    assert choose([0, 1, 2], alike.__getitem__, synthetic, real, np.random.default_rng(1)) == 0


def test_rows_that_come_again_count_against_a_limit() -> None:
    rng = np.random.default_rng(0)
    real, synthetic = rng.standard_normal((300, 4)), rng.standard_normal((300, 4))
    few = {0: np.arange(12).repeat(25), 1: np.arange(300)}
    assert choose([0, 1], few.__getitem__, synthetic, real, np.random.default_rng(1)) == 1
