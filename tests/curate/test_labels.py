"""Wrong labels: counts, the two posteriors, and the rule that chooses between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lookalike.curate.labels import (
    Audit,
    Trusted,
    audit,
    confident,
    margin,
    neighbour_votes,
    noisy_share,
    prune,
    spread,
    thresholds,
    transition,
    weights,
    worst,
)
from lookalike.learn import classifier, out_of_fold


def _roc(right: Any, bad: Any) -> float:
    """How often a wrong label has the smaller chance than a right one."""
    return float((right[bad][:, None] < right[~bad]).mean())


@pytest.fixture(scope="module")
def blobs() -> Any:
    """(noise, seed) -> the audit of 1,200 rows of three classes, whether each label is wrong, P, labels."""
    centres = np.eye(3) * 1.6

    def made(noise: str, seed: int = 0) -> tuple[Audit, Any, Any, Any]:
        rng = np.random.default_rng(seed)
        true = rng.integers(0, 3, 1260)
        points = centres[true] + rng.normal(0, 0.8, (1260, 3))
        given = true.copy()
        hit = rng.random(1260) < {"none": 0.0, "even": 0.25, "one-sided": 0.45}[noise]
        if noise == "one-sided":
            hit &= true == 2
            given[hit] = 0
        else:
            given[hit] = (true[hit] + rng.integers(1, 3, hit.sum())) % 3
        rows, real = slice(0, 1200), slice(1200, 1260)
        chances = out_of_fold(points[rows], given[rows], 5, seed)
        trusted = Trusted(
            true[real],
            classifier().fit(points[rows], given[rows]).predict_proba(points[real]),
            out_of_fold(points[real], true[real], 5, seed),
            classifier().fit(points[real], true[real]).predict_proba(points[rows]),
        )
        found = audit(chances, given[rows], trusted)
        return found, given[rows] != true[rows], chances, given[rows]

    return made


def test_counts_by_hand() -> None:
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.3, 0.7], [0.2, 0.8], [0.6, 0.4]])
    codes = np.array([0, 0, 0, 1, 1, 1])
    assert thresholds(chances, codes).tolist() == pytest.approx([0.6, 1.9 / 3])
    # row 2 is labelled 0 and surely 1, row 5 is labelled 1 and surely 0 (.6 is its threshold)
    assert confident(chances, codes).tolist() == [[2, 1], [1, 2]]
    assert prune(chances, codes).tolist() == [False, False, True, False, False, True]
    assert noisy_share(chances, codes) == pytest.approx(1 / 3)
    assert margin(chances, codes).tolist() == pytest.approx([0.8, 0.6, -0.8, 0.4, 0.6, -0.2])
    assert margin(chances, codes, adjusted=True)[0] == pytest.approx(0.3 - (0.1 - 1.9 / 3))


def test_of_several_sure_classes_the_likeliest_of_all_counts() -> None:
    right, odd = [0.02, 0.94, 0.02, 0.02], [0.39, 0.0, 0.3, 0.31]
    chances = np.array(
        [[0.94, 0.02, 0.02, 0.02]] * 2
        + [right, right, odd]
        + [[0.1, 0.55, 0.3, 0.05], [0.1, 0.55, 0.05, 0.3]]
    )
    codes = np.array([0, 0, 1, 1, 1, 2, 3])
    assert thresholds(chances, codes).tolist() == pytest.approx([0.94, 1.88 / 3, 0.3, 0.3])
    # the odd row is sure of 2 and of 3, and class 0 is likelier than both
    assert confident(chances, codes).tolist() == [[2, 0, 0, 0], [1, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


def test_counts_are_those_of_cleanlab(blobs: Any) -> None:
    count = pytest.importorskip("cleanlab.count")
    found = pytest.importorskip("cleanlab.filter")
    for noise in ("none", "even", "one-sided"):
        _, _, chances, codes = blobs(noise)
        assert (count.compute_confident_joint(codes, chances) == confident(chances, codes)).all()
        assert (found.find_label_issues(codes, chances, n_jobs=1) == prune(chances, codes)).all()


def test_counts_of_few_rows_round_as_those_of_cleanlab() -> None:
    count = pytest.importorskip("cleanlab.count")
    for seed in range(40):
        rng = np.random.default_rng(seed)
        classes = int(rng.integers(2, 9))
        codes = np.append(np.arange(classes), rng.integers(0, classes, int(rng.integers(5 * classes, 400))))
        chances = rng.dirichlet(np.full(classes, 0.4), len(codes))
        chances[np.arange(len(codes)), codes] += 0.6 * rng.random(len(codes))
        chances /= chances.sum(1, keepdims=True)
        assert (count.compute_confident_joint(codes, chances) == confident(chances, codes)).all(), seed


def test_the_estimated_share_is_that_of_wrong_labels(blobs: Any) -> None:
    for noise, low, high, sure in (("none", 0, 0.05, False), ("even", 0.18, 0.32, True)):
        found, bad, _, _ = blobs(noise)
        assert low <= found.share <= high and found.sure is sure, (noise, found.share, bad.mean())
        assert found.usual is not None and found.usual >= 0.05


def test_a_model_of_the_trusted_rows_that_knows_nothing_is_not_believed() -> None:
    """The same suspicions, by trusted rows that tell the classes apart and by some that do not."""
    rng = np.random.default_rng(3)
    true = np.arange(600) % 2
    codes = np.where(rng.random(600) < 0.2, 1 - true, true)
    near = np.clip(np.eye(2)[true] * 0.8 + 0.1 + rng.normal(0, 0.05, (600, 1)) * [1, -1], 0.01, 0.99)
    real = np.arange(40) % 2
    sure, lost = (
        audit(near, codes, Trusted(real, near[:40], near[:40], chances))
        for chances in (near, rng.dirichlet([5, 5], 600))
    )
    assert sure.skill == pytest.approx(1) and sure.sure
    assert lost.posterior == "product" and abs(lost.skill) < 0.2 and lost.share > lost.usual
    assert lost.sure is False


def test_the_rule_takes_the_noise_where_classes_suffer_differently(blobs: Any) -> None:
    even, bad_even, _, _ = blobs("even")
    uneven, bad, chances, codes = blobs("one-sided")
    assert (blobs("none")[0].posterior, even.posterior, uneven.posterior) == ("product", "product", "noise")
    rows = np.arange(len(codes))
    assert _roc(uneven.right, bad) > 0.9 > _roc(chances[rows, codes], bad)
    assert _roc(even.right, bad_even) > 0.85
    np.testing.assert_allclose(uneven.chances.sum(1), 1)


def test_a_model_that_one_sided_labels_misled_does_not_say_what_is_usual() -> None:
    """Half of one class is labelled as the other, and the trusted rows look as if they were wrong, too."""
    rng = np.random.default_rng(4)
    true = np.arange(800) % 2
    codes = np.where((true == 1) & (rng.random(800) < 0.5), 0, true)
    near = np.clip(np.eye(2)[true] * 0.8 + 0.1 + rng.normal(0, 0.05, (800, 1)) * [1, -1], 0.01, 0.99)
    real = np.arange(40) % 2
    misled = np.where(real[:, None] == 1, [0.999, 0.001], [0.6, 0.4])
    found = audit(near, codes, Trusted(real, misled, near[:40], near))
    assert found.posterior == "noise" and found.usual == 0.05
    assert found.share == pytest.approx(0.25, abs=0.06) and found.sure


def test_the_transition_is_that_of_the_noise(blobs: Any) -> None:
    _, _, chances, codes = blobs("one-sided")
    noise, sizes = transition(chances, codes)
    assert noise[0, 0] > 0.9 and noise[1, 1] > 0.9 and 0.25 < noise[2, 0] < 0.6
    np.testing.assert_allclose(noise.sum(1), 1)
    assert spread(noise, sizes) > 0.15
    assert spread(np.eye(3) * 0.7 + 0.1, np.full(3, 20.0)) == 0


def test_without_trusted_rows_it_is_confident_learning(blobs: Any) -> None:
    _, _, chances, codes = blobs("even")
    found = audit(chances, codes)
    assert found.posterior == "confident" and found.sure is None
    assert found.share == noisy_share(chances, codes)


def test_the_worst_rows_leave_two_of_a_class() -> None:
    chances = np.array([[0.9, 0.1]] * 4 + [[0.8, 0.2]] * 6)
    codes = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    found = Audit(chances, chances[np.arange(10), codes], "product", 0.9)
    assert worst(found, codes).tolist() == [0, 1]
    assert worst(Audit(chances, found.right, "product", 0.2), codes, 0.5).tolist() == [0]


def test_weights_take_away_the_share() -> None:
    right = np.linspace(0.05, 1, 200)
    found = Audit(np.empty((200, 2)), right, "product", 0.3)
    for part in (0.5, 1.0):
        kept = weights(found, part)
        assert kept.mean() == pytest.approx(1 - part * 0.3, abs=0.01)
        assert (np.diff(kept) >= 0).all() and kept.max() == 1
    assert weights(Audit(np.empty((200, 2)), right, "product", 0.0)).min() == pytest.approx(1)


def test_neighbours_outvote_a_wrong_label(blobs: Any) -> None:
    rng = np.random.default_rng(1)
    true = np.repeat([0, 1], 40)
    points = np.column_stack([4.0 * true + rng.normal(0, 0.5, 80), rng.normal(0, 0.5, 80)])
    given = true.copy()
    given[[3, 50]] = 1 - given[[3, 50]]
    votes = neighbour_votes(points, given)
    assert set(np.argsort(votes)[:2].tolist()) == {3, 50} and votes[[3, 50]].max() == 0
    assert votes[[0, 60]].min() >= 0.8
    assert neighbour_votes(np.zeros((12, 1)), np.zeros(12, dtype=int)).tolist() == [1] * 12
