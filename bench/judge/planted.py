"""A judge whose faults are known: it favours the first place and longer texts, and at times flips a coin.

Rows differ within a table, so that votes on the same rows agree more than votes on others do, and each vote
is drawn by itself. What the intervals have to cover is what this judge would say of endlessly many items: the
fit to the chances of its votes on 15,000 items.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from lookalike.evaluate.judging.bradley_terry import ANCHOR, ELO, Votes, styles
from lookalike.seed import child

ELOS = (1000.0, 560.0, 650.0, 740.0, 830.0, 920.0, 980.0)  # planted; the first is that of the real rows
SPREAD = 0.6  # of the rows of a table, in log odds
FIRST = 0.6  # how often the first of two equal rows is preferred
LONGER = 0.8  # log odds of a far longer row
NOISE = 0.2  # share of the votes that are a coin's
LETTERS = (4.2, 0.5)  # mean and spread of the logarithm of a row's length
TELLING = 50.0  # letters of difference that count


@dataclass(frozen=True)
class World:
    """Votes as they were drawn, and the lengths of their rows. chance: that the first is preferred."""

    votes: Votes
    chance: np.ndarray
    letters: tuple[np.ndarray, np.ndarray]


FAVOURS = {  # how a judge's favour grows with the letters of both rows; the first is the one that runs are of
    "levels off": lambda a, b: LONGER * np.tanh((a - b) / TELLING),
    "is relative": lambda a, b: 0.7 * LONGER * np.log(a / b),
    "grows on": lambda a, b: LONGER * np.clip((a - b) / 120, -2, 2),
}


def world(
    items: int,
    seed: int,
    padded: tuple[int, float] | None = None,
    favour: str = "levels off",
    between: bool = False,
) -> World:
    """Each table's row of each item against the real one, in both orders. padded: a table whose rows are that
    many times as long. favour: one of `FAVOURS`. between: the tables' rows meet one another, too.
    """
    rng, tables = child(seed, "world"), len(ELOS)
    theta = (np.array(ELOS) - ANCHOR) / ELO
    quality = theta[None, :] + SPREAD * rng.standard_normal((items, tables))
    letters = np.rint(np.exp(LETTERS[0] + LETTERS[1] * rng.standard_normal((items, tables))))
    if padded is not None:
        letters[:, padded[0]] *= padded[1]
    meet = [(table, 0) for table in range(1, tables)]
    meet += list(combinations(range(1, tables), 2)) if between else []
    item = np.repeat(np.arange(items), len(meet))
    one, other = np.tile(np.array(meet), (items, 1)).T
    item, first, second = np.r_[item, item], np.r_[one, other], np.r_[other, one]
    a, b = letters[item, first], letters[item, second]
    odds = quality[item, first] - quality[item, second] + np.log(FIRST / (1 - FIRST))
    odds += FAVOURS[favour](a, b)
    chance = NOISE / 2 + (1 - NOISE) / (1 + np.exp(-odds))
    won = (rng.random(len(item)) < chance).astype(float)
    real = letters[:, 0]
    twice = styles(2 * real.mean(keepdims=True), real.mean(keepdims=True), real)[0]
    return World(Votes(item, first, second, won, styles(a, b, real), twice), chance, (a, b))
