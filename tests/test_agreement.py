"""Agreement, against figures that were worked out by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from lookalike.agreement import alpha, alpha_interval, dawid_skene, kappa, wilson

# Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, example C: four observers, twelve units
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
UNITS = [[one[unit] for one in OBSERVERS if one[unit] is not None] for unit in range(12)]


def by_hand(units: list[list[int | None]]) -> Fraction:
    """alpha = 1 - (n - 1) sum o_ck / sum n_c n_k, pair by pair in fractions."""
    together: dict[tuple[int | None, int | None], Fraction] = {}
    for unit in units:
        for at, one in enumerate(unit):
            for other in unit[:at] + unit[at + 1 :]:
                together[one, other] = together.get((one, other), Fraction(0)) + Fraction(1, len(unit) - 1)
    totals: dict[int | None, Fraction] = {}
    for (one, _), count in together.items():
        totals[one] = totals.get(one, Fraction(0)) + count
    n = sum(totals.values())
    apart = sum(count for (one, other), count in together.items() if one != other)
    expected = sum(totals[a] * totals[b] for a in totals for b in totals if a != b)
    return 1 - (n - 1) * apart / expected


def test_alpha_is_krippendorffs_own_figure() -> None:
    assert alpha(UNITS) == pytest.approx(0.743421052631579, abs=1e-12)  # 0.743 in the paper
    assert alpha(UNITS) == pytest.approx(float(by_hand(UNITS)), abs=1e-12)
    # example A: two observers, ten units, binary
    one, other = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert alpha(list(map(list, zip(one, other, strict=True)))) == pytest.approx(2 / 21, abs=1e-12)  # .095


@pytest.mark.parametrize("seed", range(5))
def test_alpha_of_any_answers_is_that_of_fractions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    units = [rng.integers(0, 4, rng.integers(0, 5)).tolist() for _ in range(40)]
    assert alpha(units) == pytest.approx(float(by_hand(units)), abs=1e-12)


def test_alpha_at_its_ends() -> None:
    assert alpha([["a", "a"], ["b", "b"]]) == 1
    assert alpha([["a", "b"], ["b", "a"]]) == pytest.approx(-0.5)
    assert (
        math.isnan(alpha([["a", "a"], ["a", "a"]])) and math.isnan(alpha([])) and math.isnan(alpha([["a"]]))
    )
    assert all(map(math.isnan, alpha_interval([["a", "a"], ["a", "a"]])))


def test_the_interval_of_alpha_covers_it() -> None:
    """Of 200 samples of items, about 95% of the intervals hold the alpha of all of them."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 20_000)
    wrong = rng.random((2, 20_000)) < 0.2
    said = np.where(wrong, (truth + rng.integers(1, 3, (2, 20_000))) % 3, truth).T
    whole = alpha(said.tolist())
    held = 0
    for turn in range(200):
        low, high = alpha_interval(said[rng.integers(0, 20_000, 80)].tolist(), seed=turn)
        held += low <= whole <= high
    assert 180 <= held <= 198


def of_table(p: np.ndarray) -> float:
    chance = float(p.sum(1) @ p.sum(0))
    return (float(np.trace(p)) - chance) / (1 - chance)


def test_kappa_and_its_variance_by_the_delta_method() -> None:
    """The variance is that of the derivatives of kappa by the shares of the table, here taken by steps."""
    table = np.array([[53, 5, 2], [11, 14, 5], [1, 6, 3]]) * 2
    pairs = [(a, b) for a in range(3) for b in range(3) for _ in range(table[a, b])]
    found = kappa([a for a, _ in pairs], [b for _, b in pairs])
    # by hand: .7 agree, .6 * .65 + .3 * .25 + .1 * .1 = .475 by chance
    assert found.kappa == pytest.approx((0.7 - 0.475) / (1 - 0.475), abs=1e-12)
    assert (found.items, found.share) == (200, pytest.approx(0.7))
    p, slope, step = table / 200, np.zeros((3, 3)), 1e-6
    for cell in np.ndindex(3, 3):
        moved = np.zeros((3, 3))
        moved[cell] = step
        slope[cell] = (of_table(p + moved) - of_table(p - moved)) / (2 * step)
    spread = math.sqrt(((p * slope**2).sum() - (p * slope).sum() ** 2) / 200)
    assert (found.high - found.low) / 2 == pytest.approx(1.959963984540054 * spread, rel=1e-6)
    assert math.isnan(kappa(["a"], ["a"]).kappa) and math.isnan(kappa([], []).kappa)


def test_the_interval_of_kappa_covers_it() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 50_000)
    one, other = (np.where(rng.random(50_000) < 0.15, 1 - truth, truth) for _ in range(2))
    whole = kappa(one.tolist(), other.tolist()).kappa
    held = 0
    for _ in range(300):
        some = rng.integers(0, 50_000, 150)
        found = kappa(one[some].tolist(), other[some].tolist())
        held += found.low <= whole <= found.high
    assert 274 <= held <= 296


def test_dawid_and_skene_trust_the_reviewers_who_are_right() -> None:
    """Three who often err alike outvote two who are right: the vote is wrong where the model is not."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 400)
    errors = {"a": 0.05, "b": 0.05, "c": 0.4, "d": 0.4, "e": 0.4}
    answers = {
        item: {
            name: int(1 - own if rng.random() < share else own)
            for name, share in errors.items()
            if rng.random() < 0.9
        }
        for item, own in enumerate(truth.tolist())
    }
    found = dawid_skene(answers)
    right = np.mean([found.truth[item][0] == own for item, own in enumerate(truth.tolist())])
    votes = [max(set(v := list(one.values())), key=v.count) for one in answers.values() if one]
    voted = np.mean([vote == truth[item] for vote, (item, one) in zip(votes, answers.items(), strict=True)])
    assert right > 0.95 > voted
    for name, share in errors.items():
        assert found.skill[name] == pytest.approx(1 - share, abs=0.06), name
    assert dawid_skene({}).truth == {}


def test_wilson() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 10) == (0.0, pytest.approx(0.2775, abs=1e-4))
    assert wilson(5, 50) == (pytest.approx(0.0435, abs=1e-4), pytest.approx(0.2136, abs=1e-4))
