"""What the trees of a fold predict of a row: from other rows alone, and the same as arrays."""

import numpy as np
import pytest
import torch

from lookalike.codec.slot import Array
from lookalike.difflm.small.forest import PAIRS, Forest, Grown, grow

SHIPPED = True
ROWS, FOLDS = 120, 5
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 2)).astype(np.float32)
TOKEN = RNG.integers(3, size=ROWS)
FOLD = np.arange(ROWS) % FOLDS
CLASSES = (X[:, 0] > 0).astype(np.int64) + (TOKEN == 2)
CODES = np.array([0.5, -1.0, 2.0])


def inputs(use: Array) -> tuple[Array, Array]:
    """A number, a category as its codes, and a prediction."""
    return np.stack([X[:, 0], CODES[TOKEN], X[:, 1]], 1).astype(np.float32), CODES


def grown(y: Array, classes: int) -> tuple[Grown, Array]:
    return grow(inputs, y, np.ones(ROWS, dtype=bool), FOLD, np.random.default_rng(1), classes)


@pytest.mark.parametrize("classes", [0, 3])
def test_arrays_say_what_the_trees_that_have_not_seen_a_row_say(classes: int) -> None:
    found, said = grown(CLASSES if classes else X[:, 0].astype(float), classes)
    forest = Forest(found.arrays("own_"), "own_")
    x, token = torch.from_numpy(X), torch.from_numpy(TOKEN)
    again = forest.predict(x[:, :1], token[:, None], x[:, 1], torch.from_numpy(FOLD))
    np.testing.assert_allclose(again.numpy(), said, atol=1e-5)
    assert forest.of.shape == (FOLDS, PAIRS) and forest.size == max(classes, 1)
    if classes:
        np.testing.assert_allclose(said.sum(1), 1, atol=1e-9)
        assert (said.argmax(1) == CLASSES).mean() > 0.9
    else:
        assert np.corrcoef(said[:, 0], X[:, 0])[0, 1] > 0.9


def test_a_row_does_not_count_in_what_is_said_of_it() -> None:
    """Nor do the other rows of its fold: what is said of them stays the same whatever they hold."""
    y = X[:, 0].astype(float)
    _, said = grown(y, 0)
    own = FOLD == 3
    _, other = grown(np.where(own, 100.0, y), 0)
    assert np.array_equal(said[own], other[own]) and not np.array_equal(said[~own], other[~own])


def test_a_class_of_few_rows_keeps_its_place() -> None:
    """Trees that have not seen a class say 0 of it, and what they say of the others is not moved."""
    rare = np.where(np.arange(ROWS) == 7, 1, 2 * (X[:, 0] > 0))
    _, said = grown(rare, 3)
    assert said.shape == (ROWS, 3) and said[7, 1] == 0
    assert (said.argmax(1) == rare).mean() > 0.9
