"""Votes between tables -> the strength of each, as Elo with the real rows at 1000.

Bradley and Terry (1952) as a logistic regression, with what judges are known to favour as terms of their own:
logit P(first preferred) = theta_first - theta_second + gamma + phi . style, where gamma is the favour of the
first place and style says how much longer the first text is (AlpacaEval 2, Dubois et al. 2024, with one
term). How a judge's favour grows with length is not known: three terms follow a small, a large and a relative
difference. A tie is half a vote for each. Strengths are those at the same length, in either place. A ridge of
0.01 keeps them finite where one table wins every vote. Intervals are of a bootstrap of items: a row's pairs,
in both orders, come or stay away together, since votes on the same rows agree more than votes on others do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lookalike.seed import child

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

ANCHOR = 1000.0  # Elo of the real rows
ELO = 400 / np.log(10)  # of one unit of theta
RIDGE = 1e-2
DRAWS = 1000  # of the bootstrap
MOST_STEPS, STILL, LONGEST_STEP = 40, 1e-5, 2.0  # of Newton's method
AT_ONCE = 400_000  # votes times draws that are held in memory
SPREAD = (0.025, 0.975)


@dataclass(frozen=True)
class Votes:
    """(votes,) each. item: whose pairs are drawn together. first, second: the number of the table in each
    place, 0 is the real one. won: 1 where the first is preferred, 0.5 for a tie, else 0. style: (votes, 3),
    as `styles`. twice: (3,) that of a text twice as long as real ones are.
    """

    item: Codes
    first: Codes
    second: Codes
    won: Array
    style: Array
    twice: Array

    def __len__(self) -> int:
        return len(self.item)


@dataclass(frozen=True)
class Term:
    """A coefficient in log odds, with its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Standing:
    """elo, low, high: (tables,) with the real one first; nan where no votes connect a table with it. first,
    length: the favour of the first place and of a text twice as long, in log odds.
    """

    elo: Array
    low: Array
    high: Array
    first: Term
    length: Term


def styles(first: Array, second: Array, real: Array) -> Array:
    """(votes, 3) how much longer the first of two texts is, each -1..1. first, second: (votes,) letters;
    real: of real rows.

    tanh of the difference over a standard deviation, as AlpacaEval has it, tanh of a third of that, and the
    difference over the sum. The deviation is that of the difference of two real rows: over that of the pairs
    themselves, padding one table would change the scale for all of them.
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    apart = first - second
    usual = float(np.sqrt(2) * np.std(real)) if len(real) else 0.0
    usual = usual or float(np.sqrt((apart**2).mean())) or 1.0
    return np.column_stack(
        [np.tanh(apart / usual), np.tanh(apart / (3 * usual)), apart / np.maximum(first + second, 1)]
    )


def standing(votes: Votes, tables: int, seed: int = 0, draws: int = DRAWS) -> Standing:
    """The strength of each of `tables` tables, the real one among them, by at least one vote."""
    x = design(votes, tables)
    around = fit(x, votes.won, np.ones((1, len(votes))))
    _, item = np.unique(votes.item, return_inverse=True)
    items = int(item.max()) + 1
    times = child(seed, "judge", "bootstrap").multinomial(items, np.full(items, 1 / items), draws)
    size = max(1, AT_ONCE // len(votes))
    drawn = [
        fit(x, votes.won, times[start : start + size, item].astype(float), around[0])
        for start in range(0, draws, size)
    ]
    found_of = np.vstack([around, *drawn])
    gain = found_of[:, tables:] @ votes.twice
    found_of = np.column_stack([found_of[:, :tables], gain])
    low, high = np.quantile(found_of[1:], SPREAD, axis=0)
    known = connected(votes, tables)

    def elo(theta: Array) -> Array:
        return np.where(known, ANCHOR + ELO * np.r_[0.0, theta[: tables - 1]], np.nan)

    best = found_of[0]
    terms = [Term(*(float(one[at]) for one in (best, low, high))) for at in (tables - 1, tables)]
    return Standing(elo(best), elo(low), elo(high), *terms)


def connected(votes: Votes, tables: int) -> npt.NDArray[np.bool_]:
    """(tables,) whether votes lead from a table to the real one, over others if need be."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    pairs = coo_matrix((np.ones(len(votes)), (votes.first, votes.second)), shape=(tables, tables))
    _, group = connected_components(pairs, directed=False)
    return np.asarray(group == group[0])


def fit(x: Array, won: Array, weights: Array, start: Array | None = None) -> Array:
    """(draws, terms) the likeliest coefficients, by Newton's method for all draws at once.

    x: (votes, terms). weights: (draws, votes), how often each vote counts. start: (terms,).
    """
    terms = x.shape[1]
    beta = np.tile(np.zeros(terms) if start is None else start, (len(weights), 1))
    upper = np.triu_indices(terms)
    products = x[:, upper[0]] * x[:, upper[1]]
    weighed = weights.T
    curvature = np.empty((len(weights), terms, terms))
    for _ in range(MOST_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ beta.T, -30, 30)))
        slope = (x.T @ (weighed * (won[:, None] - p))).T - RIDGE * beta
        found = (products.T @ (weighed * p * (1 - p))).T
        curvature[:, upper[0], upper[1]] = curvature[:, upper[1], upper[0]] = found
        step = np.linalg.solve(curvature + RIDGE * np.eye(terms), slope[:, :, None])[:, :, 0]
        step = np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        beta += step
        if np.abs(step).max() < STILL:
            break
    return beta


def design(votes: Votes, tables: int) -> Array:
    """(votes, tables - 1 + 1 + 3): the strengths without the real one's, the first place, the style."""
    x = np.zeros((len(votes), tables))
    rows = np.arange(len(votes))
    x[rows, votes.first] += 1
    x[rows, votes.second] -= 1
    return np.column_stack([x[:, 1:], np.ones(len(votes)), votes.style])
