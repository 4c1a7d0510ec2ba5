"""What a classifier learns of rows."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from lookalike.embed import embedder
from lookalike.learn import ClassCheck, Gain, class_check, classifier, gain, out_of_fold


@pytest.fixture(scope="module")
def check(halves: tuple[pd.DataFrame, pd.DataFrame]) -> ClassCheck | None:
    texts = halves[0].text.tolist()
    return class_check(embedder(None, texts), texts, halves[0].category.tolist(), seed=0)


def test_the_class_check_rejects_rows_of_another_class_and_few_others(
    halves: tuple[pd.DataFrame, pd.DataFrame], check: ClassCheck | None
) -> None:
    held_out = halves[1]
    texts, labels = held_out.text.tolist(), held_out.category.tolist()
    assert check is not None
    assert np.mean(check.wrong(texts, labels)) <= 0.05
    others = [labels[(at + 37) % len(labels)] for at in range(len(labels))]
    differ = [at for at, (one, other) in enumerate(zip(labels, others, strict=True)) if one != other]
    wrong = check.wrong([texts[at] for at in differ], [others[at] for at in differ])
    assert np.mean(wrong) > 0.3  # only what is sure
    assert check.wrong(["anything"], ["a class that it never saw"]) == [False]


def test_no_class_check_where_the_real_rows_do_not_tell_the_classes_apart(banking: pd.DataFrame) -> None:
    texts, labels = banking.text.tolist(), banking.category.tolist()
    embed = embedder(None, texts)
    shuffled = np.random.default_rng(0).permutation(labels).tolist()
    assert class_check(embed, texts, shuffled, 0) is None
    assert class_check(embed, texts[:59], labels[:59], 0) is None
    assert class_check(embed, texts, ["one"] * len(texts), 0) is None


def points_of(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Unit rows of two dims, a direction a class, with a little noise."""
    angles = codes * 2.0 + 0.2 * rng.standard_normal(len(codes))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_out_of_fold_probabilities_tell_apart_what_can_be_told() -> None:
    rng = np.random.default_rng(0)
    codes = rng.permutation(np.repeat([0, 1, 2], (60, 30, 12)))
    found = out_of_fold(points_of(codes, rng), codes, 3, seed=0)
    assert found.shape == (102, 3)
    np.testing.assert_allclose(found.sum(1), 1.0)
    assert (found.argmax(1) == codes).mean() > 0.95
    assert found[np.arange(102), codes].mean() > 0.8


def test_no_row_is_scored_by_a_model_that_has_seen_it() -> None:
    """A row of its own dimension is known by heart where it was seen, and nothing can be said elsewhere."""
    points, codes = np.eye(80), np.random.default_rng(0).permutation(np.repeat([0, 1], 40))
    seen = classifier().fit(points, codes).predict_proba(points)
    assert (seen.argmax(1) == codes).all()
    found = out_of_fold(points, codes, 4, seed=0)
    np.testing.assert_allclose(found, 0.5, atol=0.02)


def test_the_seed_makes_the_folds_and_the_model_can_be_another() -> None:
    rng = np.random.default_rng(1)
    codes = np.repeat([0, 1], 30)
    points = points_of(codes, rng) + 0.5 * rng.standard_normal((60, 2))
    first, same, other = (out_of_fold(points, codes, 3, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 1e-3
    flat = out_of_fold(points, codes, 3, 1, model=LogisticRegression(C=1e-9))
    np.testing.assert_allclose(flat, 0.5, atol=1e-3)
    with pytest.raises(ValueError, match="n_splits"):
        out_of_fold(points[[0, 30]], codes[[0, 30]], 3, 0)


def as_points(texts: Sequence[str]) -> np.ndarray:
    return np.array([json.loads(text) for text in texts])


def written(codes: np.ndarray, rng: np.random.Generator) -> list[str]:
    return [json.dumps(row.tolist()) for row in points_of(codes, rng)]


def test_the_gate_passes_rows_that_help_and_no_others() -> None:
    rng = np.random.default_rng(0)
    codes, more = np.repeat([0, 1, 2], 8), np.repeat([0, 1, 2], 40)
    names, names_of_more = [f"c{code}" for code in codes], [f"c{code}" for code in more]
    noise = np.c_[0.7 * rng.standard_normal((24, 2)), 2 * rng.standard_normal((24, 40))]
    real = [json.dumps(row.tolist()) for row in np.c_[points_of(codes, rng), np.zeros((24, 40))] + noise]
    plain = [json.dumps([*row, *[0.0] * 40]) for row in points_of(more, rng).tolist()]
    good = gain(as_points, (real, names), (plain, names_of_more), 0)
    assert good is not None and good.rows == 24 and good.chance == pytest.approx(1 / 3)
    assert good.both > good.alone and good.helps and "may be added" in good.sentence("c")
    assert 0 < good.error < 0.6 / 24**0.5 and 0 < good.score_error < good.score
    wrong = [f"c{(code + 1) % 3}" for code in more]
    bad = gain(as_points, (real, names), (plain, wrong), 0)
    assert bad is not None and bad.alone == good.alone  # the same folds of the same real rows
    assert bad.both < bad.alone and not bad.helps and bad.score < 0
    assert bad.sentence("kind").endswith("train on the real rows alone.") and "'kind'" in bad.sentence("kind")
    assert gain(as_points, (real, names), (plain, names_of_more), 0) != bad


def test_few_real_rows_ask_for_more() -> None:
    def found(alone: float, both: float, rows: int, error: float, chance: float = 0.5) -> Gain:
        return Gain(alone, both, rows, error, chance, score=0.1, score_error=0.05)

    assert not found(0.7, 0.75, 20, 0.048).helps  # one row of twenty, and no other changed
    assert found(0.7, 0.75, 2000, 0.005).helps and found(0.6, 0.75, 20, 0.1).helps
    assert not found(0.6, 0.75, 20, 0.16).helps
    chance = found(0.8, 0.85, 24, 0.06)
    assert not chance.helps and "(no more than chance brings)" in chance.sentence("c")
    assert found(0.4, 0.55, 20, 0.1, chance=0.2).helps and not found(0.4, 0.55, 20, 0.1).helps
    assert not Gain(0.6, 0.8, 20, 0.1, 0.5, score=0.04, score_error=0.05).helps  # the chances are no better


def test_copies_of_the_rows_that_are_told_open_no_gate() -> None:
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1], 20)
    real = [json.dumps(row.tolist()) for row in rng.standard_normal((40, 60))]  # nothing to learn
    names = [f"c{code}" for code in codes]
    copies, labels = real * 5, names * 5
    fooled = gain(as_points, (real, names), (copies, labels), 0)
    assert fooled is not None and fooled.both > fooled.alone + 0.05
    fair = gain(as_points, (real, names), (copies, labels), 0, [[row % 40] for row in range(200)])
    assert fair is not None and abs(fair.both - fair.alone) < 0.03 and fair.alone == fooled.alone


def test_the_gate_leaves_out_what_nobody_can_tell() -> None:
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], (6, 6, 1))
    real, names = written(codes, rng), [f"c{code}" for code in codes]
    found = gain(as_points, (real, names), (written(codes, rng), [*names[:-1], "unknown"]), 0)
    assert found is not None and found.rows == 12 and found.both == found.alone == 1.0 and not found.helps
    assert gain(as_points, (real[:6], names[:6]), (real, names), 0) is None  # one class
    assert gain(as_points, (real, names), (real[-1:], ["unknown"]), 0) is None
