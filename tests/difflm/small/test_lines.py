"""What a regression of a fold says of the classes of a row: from other rows alone, and the same as arrays."""

import numpy as np
import torch

from lookalike.codec.slot import Array
from lookalike.difflm.small.lines import Line, Lines, fit_lines

SHIPPED = True
ROWS, FOLDS = 160, 8
RNG = np.random.default_rng(0)
SCORES = RNG.normal(size=(ROWS, 2))
TOKEN = RNG.integers(3, size=ROWS)
LEVELS = (TOKEN[:, None] == [0, 2]).astype(float)  # token 1 is rare, say
FOLD = np.arange(ROWS) % FOLDS
HERE = np.ones(ROWS, dtype=bool)
SUM = (SCORES[:, 0] + 0.7 * SCORES[:, 1] + 2 * (TOKEN == 2) > 0.6).astype(np.int64)


def fitted(y: Array, classes: int = 2) -> tuple[Lines, Array]:
    return fit_lines(SCORES, LEVELS, [0, 2], 4, y, HERE, FOLD, classes)


def test_arrays_say_what_the_regressions_that_have_not_seen_a_row_say() -> None:
    lines, said = fitted(SUM)
    line = Line(lines.arrays("own_"), "own_")
    numbers, levels = torch.from_numpy(SCORES).float(), torch.from_numpy(TOKEN)[:, None]
    again = line.predict(numbers, levels, torch.from_numpy(FOLD))
    np.testing.assert_allclose(again.numpy(), said, atol=1e-5)
    assert (said.argmax(1) == SUM).mean() > 0.9 and line.size == 2


def test_a_square_tells_the_middle_from_both_ends() -> None:
    middle = (np.abs(SCORES[:, 0]) < 0.7).astype(np.int64)
    assert (fitted(middle)[1].argmax(1) == middle).mean() > 0.85


def test_what_chance_gives_is_said_as_frequencies() -> None:
    """Of lots the strongest prior is taken, and held-out rows lose little by it."""
    lots = np.random.default_rng(1).permutation(SUM)
    told = np.log(fitted(lots)[1][np.arange(ROWS), lots]).mean()
    share = np.bincount(lots) / ROWS
    assert told > float(share @ np.log(share)) - 0.04


def test_a_row_does_not_count_in_what_is_said_of_it() -> None:
    """Nor do the other rows of its fold, but for the prior, which all rows choose."""
    own = FOLD == 3
    _, said = fitted(SUM)
    changed = SUM.copy()
    changed[np.flatnonzero(own)[0]] ^= 1
    _, other = fitted(changed)
    np.testing.assert_array_equal(said[own], other[own])
    assert not np.array_equal(said[~own], other[~own])


def test_a_class_that_a_fold_has_not_seen_keeps_a_share() -> None:
    rare = np.where(np.arange(ROWS) == 7, 2, SUM)
    _, said = fitted(rare, 3)
    np.testing.assert_allclose(said.sum(1), 1, atol=1e-9)
    assert 0 < said[7, 2] < 0.05
