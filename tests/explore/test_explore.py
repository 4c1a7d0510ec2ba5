"""Exploration against scikit-learn's Gaussian process, against random picks, and on odd tables."""

import tracemalloc

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF

from lookalike.embed import embedder
from lookalike.errors import DataError, OptionError
from lookalike.explore import explore as module
from lookalike.explore import tracker
from lookalike.explore.explore import explore
from lookalike.explore.tracker import ALPHA, Rows
from lookalike.sampling import median_distance


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def clusters(rng: np.random.Generator, rows: int = 4000, count: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Skewed clusters: the largest holds a third of the rows, the smallest about one in two hundred."""
    share = 0.82 ** np.arange(count)
    of = np.concatenate([np.arange(count), rng.choice(count, rows - count, p=share / share.sum())])
    centres = rng.standard_normal((count, 64))
    return unit(centres[of] + 0.25 * rng.standard_normal((rows, 64))), of


def refitted(
    points: np.ndarray, first: int, t: int, group: int, length: float
) -> tuple[list[int], list[float]]:
    """The picks of a Gaussian process of scikit-learn that is fitted anew at every step, and what is left."""
    picks, left, used = [first], [], np.zeros(len(points), dtype=bool)
    while True:
        used[picks[-1]] = True
        distance = np.linalg.norm(points - points[picks[-1]], axis=1)
        used[[i for i in np.argsort(distance, kind="stable") if not used[i]][: group - 1]] = True
        process = GaussianProcessRegressor(RBF(length, "fixed"), alpha=ALPHA, optimizer=None)
        _, deviation = process.fit(points[picks], np.zeros(len(picks))).predict(points, return_std=True)
        left.append(float((deviation**2).mean()))
        if len(picks) == t:
            return picks, left
        picks.append(int(np.where(used, -1, deviation).argmax()))


@pytest.mark.parametrize("pool", [256, 8, 1])
@pytest.mark.parametrize(("group", "seed"), [(1, 0), (4, 1), (4, 2)])
def test_the_picks_are_those_of_a_refitted_gaussian_process(
    group: int, seed: int, pool: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"LEAST_POOL": pool, "POOL": 1000, "BLOCK": 5}.items():
        monkeypatch.setattr(tracker, name, value)
    points = unit(np.random.default_rng(seed).standard_normal((300, 12)))
    found = explore(points, 40, criterion="largest", group=group, seed=seed)
    length = median_distance(points, np.random.default_rng(0))
    picks, left = refitted(points.astype(np.float64), int(found.picks[0]), 40, group, length)
    assert found.picks.tolist() == picks
    np.testing.assert_allclose(found.coverage, left, atol=1e-9)


def test_the_mean_criterion_is_that_of_a_refitted_gaussian_process() -> None:
    points = unit(np.random.default_rng(3).standard_normal((60, 6)))
    found = explore(points, 8, criterion="mean", group=1)
    length = median_distance(points, np.random.default_rng(0))
    picks: list[int] = []
    for step in range(8):
        left = {}
        for row in set(range(60)) - set(picks):
            process = GaussianProcessRegressor(RBF(length, "fixed"), alpha=ALPHA, optimizer=None)
            shown = points[[*picks, row]].astype(np.float64)
            _, deviation = process.fit(shown, np.zeros(step + 1)).predict(points, return_std=True)
            left[row] = float((deviation**2).mean())
        picks.append(min(left, key=lambda row: left[row]))
        assert found.coverage[step] == pytest.approx(left[picks[-1]], abs=1e-6)
    assert found.picks.tolist() == picks


def test_the_mean_criterion_prefers_rows_that_stand_for_others_to_outliers() -> None:
    rng = np.random.default_rng(0)
    points = clusters(rng, 2000)[0]
    odd = unit(rng.standard_normal((60, 64)))
    both = np.concatenate([points, odd])
    outliers = {name: (explore(both, 30, criterion=name).picks >= 2000).sum() for name in ("largest", "mean")}
    assert outliers["mean"] <= 3 and outliers["largest"] >= 10
    left = {name: explore(both, 30, criterion=name).coverage[-1] for name in outliers}
    assert left["mean"] < left["largest"]
    assert len(set(explore(points, 20, criterion="mean").picks)) == 20


def test_single_precision_makes_the_same_picks(monkeypatch: pytest.MonkeyPatch) -> None:
    points = unit(np.random.default_rng(0).standard_normal((2000, 32)))
    double = explore(points, 100, criterion="largest")
    monkeypatch.setattr(tracker, "EXACT_BYTES", 0)
    single = explore(points, 100, criterion="largest")
    assert single.picks.tolist() == double.picks.tolist()
    np.testing.assert_allclose(single.coverage, double.coverage, atol=1e-5)


def test_twenty_picks_cover_twenty_skewed_clusters_where_random_ones_cover_half() -> None:
    seen, random = [], []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        points, of = clusters(rng)
        seen.append(len(set(of[explore(points, 20, criterion="largest", seed=seed).picks])))
        random.append(len(set(of[rng.permutation(len(of))[:20]])))
    assert seen == [20] * 5
    assert 7 < np.mean(random) < 13


def test_coverage_never_rises_and_starts_below_one() -> None:
    points, of = clusters(np.random.default_rng(0), 1000)
    left = explore(points, 150, of % 3).coverage
    assert 0 <= left[-1] < 0.3 < left[0] < 1
    assert (np.diff(left) <= 1e-12).all()


def test_reference_takes_unnormalised_rows_in_file_order() -> None:
    points = np.random.default_rng(0).standard_normal((60, 768)).astype(np.float32)
    assert explore(points, 30, group=1, reference=True).picks.tolist() == list(range(30))
    assert explore(points, 30, criterion="largest", group=1).picks.tolist() != list(range(30))
    found = explore(points, 5, group=4, reference=True)
    used: set[int] = set()
    for pick, group in zip(found.picks, found.groups, strict=True):
        assert pick == min(set(range(60)) - used)
        used |= set(group.tolist())


def test_groups_are_of_one_class_begin_with_the_pick_and_do_not_overlap() -> None:
    points, of = clusters(np.random.default_rng(0), 600)
    labels = np.array(["a", "b", "c"])[of % 3]
    found = explore(points, 30, labels, group=5)
    for pick, group, label in zip(found.picks, found.groups, found.classes, strict=True):
        assert group[0] == pick and len(group) == 5
        assert set(labels[group]) == {label}
    assert len(np.unique(np.concatenate(found.groups))) == 150


def test_shares() -> None:
    labels = ["a"] * 70 + ["b"] * 25 + ["c"] * 5
    points = unit(np.random.default_rng(0).standard_normal((100, 8)))
    proportion, average = (explore(points, 19, labels, share=s).classes for s in ("proportion", "average"))
    assert [proportion.count(c) for c in "abc"] == [13, 5, 1]
    assert [average.count(c) for c in "abc"] == [7, 6, 6]
    assert set(average[:3]) == {"a", "b", "c"}  # the classes take turns


def test_same_seed_same_picks_and_another_seed_others() -> None:
    points, _ = clusters(np.random.default_rng(0), 500)
    one, same, other = (
        explore(points, 10, criterion="largest", seed=seed).picks.tolist() for seed in (1, 1, 2)
    )
    assert one == same != other


def test_fewer_rows_than_demonstrations_are_used_in_rounds() -> None:
    points = unit(np.random.default_rng(0).standard_normal((7, 8)))
    found = explore(points, 20, group=1)
    assert sorted(found.picks[:7]) == sorted(found.picks[7:14]) == list(range(7))
    assert explore(points, 20, group=100).groups[0].size == 7


def test_a_label_with_one_row() -> None:
    points = unit(np.random.default_rng(0).standard_normal((11, 8)))
    found = explore(points, 8, ["common"] * 10 + ["rare"], share="average")
    assert found.classes.count("rare") == 4
    assert {int(p) for p, c in zip(found.picks, found.classes, strict=True) if c == "rare"} == {10}


def test_duplicates_are_shown_once_before_they_are_shown_twice() -> None:
    texts = ["a cat sat"] * 30 + ["the dog ran", "a bird flew away", "fish swim deep"]
    points = embedder(None, texts)(texts)
    found = explore(points, 4, group=1)
    assert len({texts[i] for i in found.picks}) == 4
    same = explore(np.ones((10, 3), dtype=np.float32), 5)
    assert same.coverage[0] < 1e-5


def test_labels_that_are_not_strings() -> None:
    points = unit(np.random.default_rng(0).standard_normal((10, 8)))
    assert set(explore(points, 4, [1, 2] * 5).classes) == {1, 2}
    with pytest.raises(DataError, match="1 real rows have no label"):
        explore(points, 4, [None, *[1] * 9])


@pytest.mark.parametrize(
    ("n", "changes", "sentence"),
    [
        (0, {}, "at least 1 of each"),
        (2, {"group": 0}, "at least 1 of each"),
        (2, {"share": "most"}, "choose one of proportion, average"),
        (2, {"share": "average", "labels": list("abcde")}, "cannot show 5 classes"),
    ],
)
def test_mistakes_are_one_sentence(n: int, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        explore(np.eye(5), n, **changes)  # type: ignore[arg-type]


def test_points_that_are_not_finite() -> None:
    with pytest.raises(DataError, match="nan or infinite"):
        explore(np.full((3, 2), np.nan), 1)
    with pytest.raises(DataError, match="no real rows"):
        explore(np.empty((0, 2)), 1)


def test_memory_is_bounded_by_a_sample_of_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    points = unit(np.random.default_rng(0).standard_normal((20_000, 64)))
    asked: list[tuple[int, int]] = []
    kernel = Rows.kernel

    def counted(self: Rows, others: np.ndarray) -> np.ndarray:
        asked.append((len(self.points), len(others)))
        return kernel(self, others)

    monkeypatch.setattr(Rows, "kernel", counted)
    tracemalloc.start()
    try:
        explore(points, 200, criterion="largest")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(rows * shown for rows, shown in asked) < 1.5 * 20_000 * 200  # each row with each pick, once
    assert sum(rows == 20_000 for rows, _ in asked) < 50  # by blocks, not pick by pick
    assert peak < 3 * 20_000 * 200 * 8  # the factor, and what a block takes: nothing of rows x rows
    monkeypatch.setattr(module, "MOST_BYTES", 4 * 200 * 1000)
    assert len(np.unique(explore(points, 200, criterion="largest").picks)) == 200  # of a sample of 1,000 rows
