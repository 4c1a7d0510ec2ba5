"""Rows that are drawn too rarely are kept more often, and a selector without a signal changes nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lookalike.codec import Slot
from lookalike.difflm import DiffLM, learning
from lookalike.difflm.refining import TREES, fit_selector, kept, marginals, told
from lookalike.difflm.selector import Selector
from lookalike.errors import OptionError

pytestmark = pytest.mark.usefixtures("few_candidates")

RNG = np.random.default_rng(0)
ROWS = 1200


def points(rows: int, bent: bool) -> np.ndarray:
    """Two features that go together or do not, and a third one of noise."""
    a, noise = RNG.normal(size=rows), RNG.normal(size=(rows, 2))
    return np.stack([a, np.where(bent, np.abs(a), 0) + noise[:, 0], noise[:, 1]], 1)


@pytest.fixture(scope="module")
def selector() -> Selector:
    found = fit_selector(points(3000, True), points(3000, False), 0)
    assert found is not None
    return found


def test_rows_that_are_too_rare_weigh_more(selector: Selector) -> None:
    x = np.array([[2.0, 3.0, 0.0], [2.0, -2.0, 0.0]])
    high, low = selector.log_weights(x)
    assert high > 1 and low < -1


def test_weights_are_those_of_the_trees(selector: Selector) -> None:
    """Of each fold alone, the first of them: as scikit-learn says, on values that no bin begins at."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    x, y = points(1500, True), np.arange(1500) % 2
    model = HistGradientBoostingClassifier(max_iter=20, max_depth=5, early_stopping=False).fit(x, y)
    for trees, said in enumerate(model.staged_decision_function(x), 1):
        if trees in (7, 20):
            own = Selector.of_models([model, model], trees, 1.0)
            assert np.allclose(own.log_weights(x), said.ravel())
            at_once = own.log_weights(x)
            assert np.array_equal(np.concatenate([own.log_weights(part) for part in np.split(x, 5)]), at_once)


def test_trees_of_any_shape_are_read() -> None:
    """A leaf alone, a chain to the left, one to the right, a full tree of 32 leaves; values at thresholds."""
    leaf = {"below": (0, 0), "feature": 0, "threshold": np.inf}

    def tree(depth: int, side: int | None) -> list[dict[str, Any]]:
        if not depth:
            return [leaf | {"value": float(RNG.normal())}]
        shorter = [tree(depth - 1 if side in (None, way) else 0, side) for way in (0, 1)]
        parts = [[n | {"below": (n["below"][0] + at, n["below"][1] + at)} for n in part]
                 for part, at in zip(shorter, (1, 1 + len(shorter[0])), strict=True)]  # fmt: skip
        asked = {"feature": int(RNG.integers(3)), "threshold": float(RNG.integers(-2, 3)), "value": 0.0}
        return [asked | {"below": (1, 1 + len(shorter[0]))}, *parts[0], *parts[1]]

    def followed(nodes: list[dict[str, Any]], row: np.ndarray) -> float:
        at = 0
        while nodes[at]["below"] != (at, at):
            at = nodes[at]["below"][int(row[nodes[at]["feature"]] > nodes[at]["threshold"])]
        return float(nodes[at]["value"])

    trees = [tree(0, None), tree(5, 0), tree(5, 1), tree(5, None), tree(3, None)]
    roots = np.cumsum([0, *map(len, trees)])
    every = [
        n | {"below": np.add(n["below"], at)} for own, at in zip(trees, roots, strict=False) for n in own
    ]
    arrays = [np.array([node[name] for node in every]) for name in ("feature", "threshold", "below", "value")]
    x = RNG.integers(-3, 4, (400, 3)).astype(float)
    for chosen in (slice(None), slice(0, 1)):
        found = Selector(*arrays, roots[:-1][chosen], 0.5, 0.25).log_weights(x)
        assert np.allclose(found, [0.5 * (0.25 + sum(followed(t, row) for t in trees[chosen])) for row in x])


def test_what_is_kept_is_more_like_the_learned_rows(selector: Selector) -> None:
    drawn = points(4000, False)
    chosen = kept(selector.log_weights(drawn), 2000, np.random.default_rng(0))
    assert len(chosen) == 2000 == len(set(chosen.tolist())) and (np.diff(chosen) > 0).all()
    real = points(4000, True)
    gap = [abs(rows[:, 1].mean() - real[:, 1].mean()) for rows in (drawn, drawn[chosen])]
    assert gap[1] < 0.7 * gap[0]
    assert abs(drawn[chosen][:, 2].std() - 1) < 0.05


def test_rows_of_one_kind_leave_all_chances_equal() -> None:
    """Trees that know nothing of rows they have not seen are hardly believed."""
    found = fit_selector(points(2000, True), points(2000, True), 0)
    if found is not None:
        assert np.abs(found.log_weights(points(1000, True))).mean() < 0.15


def test_few_trees_see_whether_rows_are_told() -> None:
    """Also where there are more drawn rows than learned ones."""
    for drawn in (4000, 9000):
        assert told(points(4000, True), points(drawn, False), 0)
        assert not told(points(4000, True), points(drawn, True), 0)


def test_of_many_rows_one_part_is_left_out() -> None:
    found = fit_selector(points(6000, True), points(15_000, False), 0)
    assert found is not None and len(found.roots) <= TREES and found.strength > 0.8
    high, low = found.log_weights(np.array([[2.0, 3.0, 0.0], [2.0, -2.0, 0.0]]))
    assert high > 1 and low < -1
    x = RNG.random((21_000, 8))  # of what trees learn slowly all have a share, and as many again
    y = RNG.random(21_000) < 1 / (1 + np.exp(-4 * np.sin(9 * x).sum(1)))
    assert len(fit_selector(x[y], x[~y], 0).roots) == 2 * TREES  # type: ignore[union-attr]


def test_too_few_rows_have_no_selector() -> None:
    assert fit_selector(points(900, True), points(3000, False), 0) is None


@pytest.mark.parametrize("rows", [1, 7, 500, 1000])
def test_the_number_of_rows_comes_out_right(rows: int) -> None:
    weights = np.random.default_rng(1).normal(size=1000) * 3
    assert len(kept(weights, rows, np.random.default_rng(2))) == rows
    assert len(kept(np.zeros(1000), rows, np.random.default_rng(2))) == rows


def test_a_selector_is_read_as_it_was_saved(selector: Selector) -> None:
    arrays = {name: torch.clone(value) for name, value in selector.arrays().items()}
    x = points(50, True)
    assert np.array_equal(Selector.of_arrays(arrays).log_weights(x), selector.log_weights(x))


def test_each_column_holds_what_the_learned_rows_do() -> None:
    """Whatever the weights say: numbers in twentieths, tokens that are frequent, and all others together."""
    rng = np.random.default_rng(0)
    rank = (np.arange(60) + 0.5).reshape(30, 2) / 60
    counts = rng.integers(1, 50, (30, 2)).astype(float)
    rank = (np.cumsum(counts).reshape(30, 2) - counts / 2) / counts.sum()
    number = Slot("x", "", counts, rank=rank)
    kinds = Slot("k", "", np.array([[600.0], [300.0], [92.0], [5.0], [3.0]]))
    losing = Slot("id", "", np.array([[500.0], [500.0]]), banned=(1,))
    slots = [number, kinds, losing]
    drawn = np.zeros((6000, 2, 3), dtype=np.int64)
    drawn[:, 0, 0], drawn[:, 1, 0] = rng.integers(0, 30, 6000), rng.integers(0, 2, 6000)
    drawn[:, 0, 1] = rng.choice(5, 6000, p=[0.5, 0.3, 0.15, 0.03, 0.02])
    groups = marginals(slots, drawn)
    assert [len(shares) for _, shares in groups] == [20, 4]  # type: ignore[arg-type]
    weights = 2.0 * rng.normal(size=6000) - drawn[:, 0, 0] / 30 + (drawn[:, 0, 1] == 1)
    chosen = kept(weights, 4000, np.random.default_rng(1), groups)
    assert len(chosen) == 4000
    for own, shares in groups:
        assert np.abs(np.bincount(own[chosen], minlength=len(shares)) / 4000 - shares).max() < 0.012
    plain = kept(weights, 4000, np.random.default_rng(1))
    assert abs((drawn[plain, 0, 1] == 0).mean() - 0.6) > 0.05 > abs((drawn[chosen, 0, 1] == 0).mean() - 0.6)
    assert weights[chosen].mean() > weights.mean() + 0.3  # what they say still counts within each part


# ---- a model that refines ----------------------------------------------------------------------------------


def bent() -> pd.DataFrame:
    """Ids, two numbers that go together, a category with a rare value, a sum and empty cells."""
    rng = np.random.default_rng(0)
    a, q = rng.normal(size=ROWS).round(2), rng.integers(1, 9, ROWS)
    b = np.where(rng.random(ROWS) < 0.1, np.nan, (np.abs(a) + 0.3 * rng.normal(size=ROWS)).round(2))
    k = rng.choice(list("xyz"), ROWS, p=[0.9, 0.07, 0.03])
    ids = [f"u{i:05d}" for i in range(ROWS)]
    return pd.DataFrame({"id": ids, "a": a, "b": b, "k": k, "q": q, "total": 2 * q + 5})


@pytest.fixture(scope="module")
def refined(quick: Any) -> DiffLM:
    model: DiffLM = quick(20, 10, seed=1, refine=True, threads=1).fit(bent())
    assert model.fitted.selector is not None and model.fitted.plan is not None
    return model


def test_a_model_that_has_learned_to_refine_does(refined: DiffLM, tmp_path: Path) -> None:
    """Also when it is loaded, and in chunks; ids stay unique and rules are kept."""
    table = refined.sample(400, seed=3)
    assert table.equals(refined.sample(400, seed=3, refine=True))
    assert not table.equals(refined.sample(400, seed=3, refine=False))
    assert table["id"].is_unique and (table["total"] == 2 * table["q"] + 5).all()
    refined.save(tmp_path)
    loaded = DiffLM.load(tmp_path, progress=False, threads=1)
    assert loaded.refine and table.equals(pd.concat(loaded.sample_chunks(400, seed=3)))
    assert (table["a"].abs() - table["b"]).abs().mean() < (
        refined.sample(400, seed=3, refine=False).eval("abs(abs(a) - b)").mean()
    )


def test_many_rows_are_refined_unasked_where_it_helps(quick: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not where nobody wants it, few trees tell nothing, rows are few, or the time is over."""
    assert learning.LOOKED_AT == (5000, 20_000)

    def refines(rows: int, **options: Any) -> bool:
        model = quick(6, 6, seed=1, threads=1, **options).fit(bent().head(rows))
        if model.fitted.selector is not None:
            assert model.refine is None and not model.sample(50, seed=1).equals(
                model.sample(50, seed=1, refine=False)
            )
        return model.fitted.selector is not None

    assert not refines(ROWS)
    monkeypatch.setattr(learning, "LOOKED_AT", (ROWS, 1100))
    assert refines(ROWS) and not refines(ROWS - 1) and not refines(ROWS, refine=False)
    assert refines(ROWS, max_time=600) and not refines(ROWS, max_time=0.1)
    monkeypatch.setattr(learning, "told", lambda *_: False)
    assert not refines(ROWS)


def test_a_wide_table_is_compared_by_fewer_rows(quick: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it takes no more memory: 1,000 learned rows are the fewest, and three drawn ones for each."""
    seen = []
    monkeypatch.setattr(learning, "SELECTOR_CELLS", 1)
    monkeypatch.setattr(learning, "fit_selector", lambda *rows: seen.append((len(rows[0]), len(rows[1]))))
    quick(2, 2, refine=True).fit(bent())
    assert seen == [(1000, 3000)]


def test_rows_whose_values_are_never_drawn_are_left_in(quick: Any) -> None:
    """Members of the group w come in three rows each and are not reproduced; the group is, as often as it is.

    What tells learned rows of w from drawn ones is the member alone, of which the selector is told nothing.
    """
    rng = np.random.default_rng(0)
    w = np.arange(ROWS) < 0.2 * ROWS
    member = np.where(w, 20 + np.arange(ROWS) // 3, rng.integers(0, 20, ROWS))
    group = np.where(w != (rng.random(ROWS) < 0.05), "w", "v")  # no rule: else members are reproduced
    table = pd.DataFrame({"group": group, "member": [f"m{k:03d}" for k in member]})
    table = table.assign(a=rng.normal(size=ROWS).round(2)).sample(frac=1, random_state=1, ignore_index=True)
    model = quick(20, 10, seed=1, refine=True, threads=1).fit(table)
    made = model.sample(2000, seed=3)
    assert abs((made["group"] == "w").mean() - (group == "w").mean()) < 0.05
    assert [slot.column for slot in model.fitted.slots if slot.lost] == ["member"]


@pytest.mark.parametrize("column, condition", [("k", "z"), ("a", (0.5, 1)), ("total", (7, 9)), ("b", None)])
def test_refined_rows_satisfy_conditions(refined: DiffLM, column: str, condition: Any) -> None:
    made = refined.sample(25, where={column: condition}, seed=1, refine=True)[column]
    assert len(made) == 25
    if condition is None:
        assert made.isna().all()
    elif isinstance(condition, tuple):
        assert made.between(*condition).all()
    else:
        assert (made == condition).all()


def test_refined_rows_are_balanced(refined: DiffLM) -> None:
    assert set(refined.sample(30, balance="k", refine=True)["k"].value_counts()) == {10}


def test_rows_that_are_given_are_not_refined(refined: DiffLM) -> None:
    given, like = pd.DataFrame({"k": ["x", "z"]}), bent().head(2)
    assert len(refined.sample(given=given)) == len(refined.sample(like=like)) == 2
    for options in ({"given": given}, {"like": like}):
        with pytest.raises(OptionError, match="refine chooses among rows"):
            refined.sample(**options, refine=True)


def test_refining_has_to_be_learned(quick: Any) -> None:
    table = bent().head(60)
    with pytest.raises(OptionError, match="fit it with refine=True"):
        quick(2, 2).fit(table).sample(2, refine=True)
    assert len(quick(2, 2, refine=True).fit(table).sample(2, refine=True)) == 2  # of too few rows
    assert len(quick(2, 2, refine=True).fit(table[["id"]]).sample(2, refine=True)) == 2
