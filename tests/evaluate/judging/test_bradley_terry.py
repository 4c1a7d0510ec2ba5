"""Strengths, against votes whose truth is known and against another solver."""

from dataclasses import replace

import numpy as np
import pytest

from lookalike.evaluate.judging.bradley_terry import (
    ANCHOR,
    ELO,
    RIDGE,
    Votes,
    connected,
    design,
    fit,
    standing,
    styles,
)


def votes(items: int, theta: list[float], first: float, longer: float, seed: int) -> Votes:
    """Of every table's rows against real ones, in both orders, by a judge with these favours."""
    rng, tables = np.random.default_rng(seed), len(theta)
    item, table = (one.ravel() for one in np.meshgrid(range(items), range(1, tables), indexing="ij"))
    letters = rng.integers(20, 200, (items, tables)).astype(float)
    item, a, b = np.r_[item, item], np.r_[table, 0 * table], np.r_[0 * table, table]
    style = styles(letters[item, a], letters[item, b], letters[:, 0])
    odds = np.array(theta)[a] - np.array(theta)[b] + first + longer * style[:, 0]
    won = (rng.random(len(item)) < 1 / (1 + np.exp(-odds))).astype(float)
    return Votes(item, a, b, won, style, styles(np.array([220.0]), np.array([110.0]), letters[:, 0])[0])


def test_the_planted_strengths_and_favours_are_found() -> None:
    theta = [0.0, -1.5, -0.7, 0.5]
    found = standing(votes(3000, theta, 0.4, 0.8, 0), 4, draws=200)
    truth = ANCHOR + ELO * np.array(theta)
    assert found.elo[0] == found.low[0] == found.high[0] == ANCHOR
    assert np.abs(found.elo - truth).max() < 20
    assert (found.low[1:] < truth[1:]).all() and (truth[1:] < found.high[1:]).all()
    assert found.first.low < 0.4 < found.first.high and abs(found.first.value - 0.4) < 0.06
    gain = 0.8 * votes(50, theta, 0, 0, 0).twice[0]
    assert found.length.low < gain < found.length.high and found.length.low > 0.3


def test_newton_finds_what_another_solver_finds() -> None:
    from scipy.optimize import minimize

    some = votes(60, [0.0, -1.0, 0.6], 0.3, 0.5, 1)
    x, won = design(some, 3), some.won.copy()
    assert x.shape == (len(some), 2 + 1 + 3) and set(x[:, 2]) == {1.0}
    assert (x[some.first == 1, 0] == 1).all() and (x[some.second == 2, 1] == -1).all()
    won[::7] = 0.5
    weight = np.random.default_rng(0).integers(0, 3, len(won)).astype(float)

    def loss(beta: np.ndarray) -> float:
        odds = x @ beta
        return float((weight * (np.logaddexp(0, odds) - won * odds)).sum() + RIDGE / 2 * beta @ beta)

    other = minimize(loss, np.zeros(6), method="BFGS", options={"gtol": 1e-8}).x
    assert fit(x, won, weight[None])[0] == pytest.approx(other, abs=1e-4)


def test_votes_on_the_same_rows_widen_the_interval() -> None:
    some = votes(100, [0.0, -0.5], 0.0, 0.0, 2)
    facts = {name: np.concatenate([one] * 4) for name, one in vars(some).items() if name != "twice"}
    often = Votes(**facts, twice=some.twice)
    apart = replace(often, item=often.item + 100 * (np.arange(len(often)) // len(some)))

    def width(of: Votes) -> float:
        found = standing(of, 2, draws=300)
        return float(found.high[1] - found.low[1])

    once, together, single = width(some), width(often), width(apart)
    assert together == pytest.approx(once, rel=0.15)  # four times the same votes tell nothing more
    assert single < 0.6 * once


def test_a_table_that_wins_every_vote_stays_finite_and_one_without_votes_has_no_elo() -> None:
    n = 50
    some = Votes(np.arange(n), np.ones(n, int), np.zeros(n, int), np.ones(n), np.zeros((n, 3)), np.zeros(3))
    found = standing(some, 3, draws=20)
    assert ANCHOR + 400 < found.elo[1] < 10_000
    assert np.isnan(found.elo[2]) and np.isnan(found.low[2])
    assert connected(some, 3).tolist() == [True, True, False]


def test_padding_one_table_does_not_change_the_style_of_others() -> None:
    first, second, real = np.array([100.0, 100.0]), np.array([60.0, 60.0]), np.array([50.0, 70.0, 90.0])
    before = styles(first, second, real)
    after = styles(first * [1, 9], second, real)
    assert (before[0] == after[0]).all() and (before[1] < after[1]).all() and (after <= 1).all()
    assert styles(second, first, real) == pytest.approx(-before)
    assert not styles(first, first, np.array([5.0, 5.0])).any()
