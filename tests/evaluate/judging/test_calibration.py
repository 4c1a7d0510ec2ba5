"""What people would say of all items, where that is known."""

import numpy as np
import pytest

from lookalike.agreement import wilson
from lookalike.evaluate.judging.calibration import rate, spread


def drawn(rng: np.random.Generator, win: float, right: float) -> tuple[np.ndarray, np.ndarray]:
    said = (rng.random(2000) < win).astype(float)
    return said, np.where(rng.random(2000) < right, said, 1 - said)


def test_the_interval_covers_and_is_narrower_than_that_of_the_answers_alone() -> None:
    rng, inside, widths, alone = np.random.default_rng(0), [], [], []
    for _ in range(400):
        said, judged = drawn(rng, 0.4, 0.8)
        found = rate(said[:100], judged[:100], judged[100:])
        inside.append(found.low <= 0.4 <= found.high)
        widths.append(found.high - found.low)
        alone.append(found.alone[1] - found.alone[0])
    assert 0.92 <= np.mean(inside) <= 0.98
    assert np.mean(widths) <= 0.85 * np.mean(alone)


def test_a_worthless_judge_is_not_counted() -> None:
    rng = np.random.default_rng(1)
    said = (rng.random(100) < 0.4).astype(float)
    against = rate(said, 1 - said, np.full(500, 0.9))
    assert against.trust == 0 and against.value == said.mean()
    assert (against.low, against.high) == against.alone


def test_the_formula_by_hand() -> None:
    said, judged, others = np.array([1.0, 0, 1, 0]), np.array([1.0, 0, 0, 0]), np.array([1.0, 1, 0, 0])
    found = rate(said, judged, others)
    trust = (1 / 6) / ((1 + 4 / 4) * 0.25)  # cov / ((1 + n / N) var)
    assert found.trust == pytest.approx(trust)
    assert found.value == pytest.approx(0.5 - trust * 0.25 + trust * 0.5)
    assert found.people == 4


@pytest.mark.parametrize("same", [0.0, 0.5, 1.0])
def test_answers_that_are_all_the_same_still_have_an_interval(same: float) -> None:
    found = rate(np.full(20, same), np.linspace(0, 1, 20), np.linspace(0, 1, 50))
    assert found.value == same and (found.low, found.high) == wilson(20 * same, 20)
    assert found.high - found.low > 0.1


def test_without_other_pairs_the_answers_stand_alone() -> None:
    found = rate(np.array([0.0, 1, 1]), np.array([0.0, 1, 1]), np.array([]))
    assert found.trust == 0 and found.value == pytest.approx(2 / 3)


def test_answers_spread_over_the_verdicts_tell_more_than_a_slice_at_random() -> None:
    rng, inside, widths, alone, at_random = np.random.default_rng(0), [], [], [], []
    for _ in range(400):
        said, judged = drawn(rng, 0.8, 0.8)
        slice_ = spread(judged, 100, rng)
        assert len(set(slice_)) == 100 and 35 <= (judged[slice_] == 0).sum() <= 45  # a third of all pairs
        others = np.delete(judged, slice_)
        found = rate(said[slice_], judged[slice_], others)
        inside.append(found.low <= 0.8 <= found.high)
        widths.append(found.high - found.low)
        plain = rate(said[:100], judged[:100], judged[100:], strata=False)
        alone.append(plain.alone[1] - plain.alone[0])
        at_random.append(plain.high - plain.low)
    assert 0.92 <= np.mean(inside) <= 0.98
    assert np.mean(widths) <= 0.85 * np.mean(alone) < np.mean(at_random)


def test_the_mean_by_verdict_by_hand() -> None:
    said = np.array([1.0, 1, 1, 1, 0, 1, 0, 0, 0, 0])
    judged = np.array([1.0] * 5 + [0.0] * 5)
    found = rate(said, judged, np.array([1.0] * 65 + [0.0] * 25))  # 70 of 100 pairs, and 30
    assert found.value == pytest.approx(0.7 * 0.8 + 0.3 * 0.2)
    variance = (0.7**2 + 0.3**2) * 0.2 / 5 + (0.7 * 0.18**2 + 0.3 * 0.42**2) / 100
    assert (found.high - found.low) / 2 == pytest.approx(2.36 * variance**0.5, rel=0.05)


def test_a_verdict_with_few_answers_goes_with_the_next() -> None:
    said = np.array([1.0, 0.0] * 10)
    judged = np.array([1.0] * 10 + [0.0] * 8 + [0.5] * 2)
    found = rate(said, judged, np.array([1.0] * 90 + [0.0] * 72 + [0.5] * 18))
    assert found.value == pytest.approx(0.5)
    few = rate(said, np.array([1.0] * 17 + [0.0] * 3), np.array([1.0] * 90 + [0.0] * 72))
    plain = rate(said, np.array([1.0] * 17 + [0.0] * 3), np.array([1.0] * 90 + [0.0] * 72), strata=False)
    assert few == plain  # three answers are too few for a mean of their own


def test_a_slice_has_what_there_is_of_a_rare_verdict() -> None:
    verdicts = np.array([0.5] * 3 + [1.0] * 500)
    some = spread(verdicts, 50, np.random.default_rng(0))
    assert len(some) == 50 and set(range(3)) <= set(some)
    assert sorted(spread(verdicts, 900, np.random.default_rng(0))) == list(range(503))
