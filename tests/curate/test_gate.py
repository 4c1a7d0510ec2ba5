"""The gate: changes that help are made, others are not, and it says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lookalike.curate.gate import CANDIDATES, brier, changed, decide, smallest
from lookalike.curate.labels import Audit
from lookalike.curate.views import Committee, Views

CENTRES = np.random.default_rng(5).normal(0, 1, (2, 12)) * 0.45


def _made(rows: int, share: float, seed: int, one_sided: bool = False) -> tuple[Any, Any, Any]:
    """(points, labels, true classes)."""
    rng = np.random.default_rng(seed)
    true = np.arange(rows) % 2
    points = CENTRES[true] + rng.normal(0, 0.6, (rows, 12))
    hit = (rng.random(rows) < share) & ((true == 1) | (not one_sided))
    return points, np.where(hit, 1 - true, true), true


def test_clean_labels_are_left() -> None:
    points, codes, _ = _made(400, 0.0, 0)
    real, real_codes, _ = _made(240, 0.0, 1)
    found = decide(points, codes, real, real_codes)
    assert found.method == "nothing" and found.judged == 240
    assert (found.codes == codes).all() and (found.weights == 1).all()
    assert "no label was changed" in found.sentence("label") and "usual in the real" in found.sentence(
        "label"
    )


def test_one_sided_noise_is_mended_and_the_real_rows_say_so() -> None:
    points, codes, _ = _made(600, 0.45, 0, one_sided=True)
    real, real_codes, _ = _made(240, 0.0, 1)
    found = decide(points, codes, real, real_codes)
    assert found.method != "nothing" and found.after > found.before + 0.02
    test, _, test_true = _made(2000, 0.0, 2)

    def right(labels: Any, weights: Any) -> float:
        both, ones = Views.of(points) + Views.of(real), np.ones(240)
        model = Committee().fit(both, np.append(labels, real_codes), np.append(weights, ones))
        return float((model.predict(Views.of(test)) == test_true).mean())

    assert right(found.codes, found.weights) > right(codes, np.ones(600)) + 0.02
    assert f"{found.after:.1%}" in found.sentence("label")


def test_forty_real_rows_judge_by_the_same_rule() -> None:
    points, codes, _ = _made(600, 0.4, 0, one_sided=True)
    real, real_codes, _ = _made(40, 0.0, 1)
    noisy = decide(points, codes, real, real_codes)
    assert (noisy.method, noisy.part) in CANDIDATES[1:] and noisy.judged == 40
    assert noisy.score > noisy.score_error > 0
    assert "smallest change" in noisy.sentence("y") and f"{noisy.score:.3f}" in noisy.sentence("y")
    clean = decide(*_made(600, 0.0, 0)[:2], real, real_codes)
    assert (clean.method, clean.score) == ("nothing", 0) and (clean.weights == 1).all()
    asked = decide(points, codes, real, real_codes, methods=["drop"])
    assert asked.method == "drop" and set(asked.weights) == {0.0, 1.0}


def test_a_change_that_real_rows_are_against_is_not_made() -> None:
    points, codes, _ = _made(600, 0.0, 0)
    real, real_codes, _ = _made(40, 0.0, 1)
    others = np.eye(2)[1 - codes]

    def doubt(chances: Any, some: Views, some_codes: Any) -> Audit:
        return Audit(others, np.zeros(len(codes)), "margin", 0.5, 0.0)

    found = decide(points, codes, real, real_codes, doubt=doubt)
    assert found.audit.sure and (found.codes == codes).all() and (found.weights == 1).all()
    assert "no change is better by more than chance" in found.sentence("y")


def test_the_brier_score_is_best_for_the_true_chances() -> None:
    assert brier(np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]), np.array([0, 0, 1])).tolist() == [1, -1, 0.5]
    told = np.linspace(0.01, 0.99, 99)
    both = np.column_stack([told, 1 - told])
    mean = 0.7 * brier(both, np.zeros(99, dtype=int)) + 0.3 * brier(both, np.ones(99, dtype=int))
    assert told[mean.argmax()] == pytest.approx(0.7)


def test_the_smallest_change_within_one_standard_error_of_the_best() -> None:
    right, codes = np.zeros((3, 100)), np.zeros(100, dtype=np.int64)
    right[0, :70], right[1, :80], right[2, 1:82] = 1, 1, 1
    assert smallest(right, codes) == 1  # one row in a hundred is chance, ten are not
    right[0, :80] = 1
    assert smallest(right, codes) == 0


def test_what_one_class_gains_and_another_loses_is_no_chance() -> None:
    codes = np.arange(40) % 2
    scores = np.stack([np.zeros(40), np.where(codes == 1, 0.6, -0.5)])
    scores[1] += np.random.default_rng(0).normal(0, 0.01, 40)
    assert smallest(scores, codes) == 1
    assert smallest(scores, np.zeros(40, dtype=np.int64)) == 0  # of one class such differences may be chance


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_candidates_change_what_they_say(candidate: tuple[str, float]) -> None:
    chances = np.tile([[0.9, 0.1], [0.2, 0.8]], (10, 1))
    codes = np.tile([0, 0], 10)
    codes[:4] = 1
    found = Audit(chances, chances[np.arange(20), codes], "product", 0.4)
    new, kept = changed(*candidate, found, codes)
    method, part = candidate
    assert ((new != codes).sum() > 0) == (method == "relabel")
    assert (kept == 0).sum() == (int(8 * part) if method == "drop" else 0)
    assert ((kept < 1).any() and kept.mean() >= 1 - 0.4 * part - 1e-6) if method == "weigh" else True
