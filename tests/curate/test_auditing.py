"""The check "labels" of `curate`: texts and tables, with and without real rows; what it cannot judge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.curate.auditing import label_names
from lookalike.errors import DataError, OptionError


def _table(rows: int, share: float, seed: int) -> tuple[pd.DataFrame, Any]:
    """Numbers and a category that tell the label `bought`, and which labels are wrong (of "yes" alone)."""
    rng = np.random.default_rng(seed)
    yes = rng.random(rows) < 0.5
    table = pd.DataFrame(
        {
            "age": np.where(yes, rng.normal(50, 8, rows), rng.normal(35, 8, rows)).round(),
            "pay": np.where(yes, rng.lognormal(9, 0.5, rows), rng.lognormal(8, 0.5, rows)).round(2),
            "town": np.where(rng.random(rows) < np.where(yes, 0.8, 0.3), "Oslo", "Rome"),
            "bought": np.where(yes, "yes", "no"),
        }
    )
    wrong = yes & (rng.random(rows) < share)
    table.loc[wrong, "bought"] = "no"
    return table, np.flatnonzero(wrong)


def _curate(synthetic: pd.DataFrame, real: pd.DataFrame | None, **options: Any) -> Any:
    options = {"only": ["labels"], "label": "bought", "progress": False} | options
    return lookalike.curate(synthetic, real, **options)


def test_a_table_with_one_sided_noise_is_mended() -> None:
    synthetic, wrong = _table(600, 0.4, 0)
    kept, decisions = _curate(synthetic, _table(240, 0, 1)[0])
    assert set(decisions.table.check) == {"labels"} and set(decisions.table.action) <= {
        "drop",
        "weigh",
        "relabel",
    }
    assert np.isin(decisions.table.nsmallest(60, "score").row, wrong).mean() > 0.7
    assert "held-out real rows right with the rows as they came" in decisions.notes[-1]
    pd.testing.assert_frame_equal(kept, decisions.apply(synthetic))


@pytest.mark.parametrize("method", ["drop", "weigh", "relabel"])
def test_the_method_is_the_one_asked_for(method: str) -> None:
    synthetic, wrong = _table(600, 0.4, 0)
    kept, decisions = _curate(synthetic, _table(60, 0, 1)[0], method=method)
    assert set(decisions.table.action) == {method}
    worst = decisions.table.nsmallest(40, "score").row
    assert np.isin(worst, wrong).mean() > 0.7
    if method == "weigh":
        assert 0 <= kept.weight.min() < 0.5 and kept.weight.max() == 1
    elif method == "relabel":
        assert (kept.bought[worst] == "yes").all() and "the likeliest is 'yes'" in decisions.table.reason[0]
    else:
        assert len(kept) == 600 - len(decisions.table)


def test_clean_labels_are_left_and_it_is_said() -> None:
    kept, decisions = _curate(_table(600, 0, 0)[0], _table(60, 0, 1)[0])
    assert len(kept) == 600 and "weight" not in kept and set(decisions.table.action) <= {"report"}
    assert any(note.startswith("no label was changed") for note in decisions.notes)


def test_without_real_rows_labels_are_reported() -> None:
    synthetic, _ = _table(400, 0.2, 0)
    decisions = _curate(synthetic, None)[1]
    assert set(decisions.table.action) == {"report"} and "nothing can judge" in decisions.notes[-1]
    assert len(_curate(synthetic, None, method="drop")[0]) == 400 - len(decisions.table)


def test_labels_of_texts(banking: pd.DataFrame) -> None:
    sizes = banking.category.value_counts()
    some = banking[banking.category.isin(sizes.index[:2])].reset_index(drop=True)
    synthetic = some.iloc[::2].reset_index(drop=True)
    names = sizes.index[:2].tolist()
    synthetic.loc[0, "category"] = next(name for name in names if name != synthetic.category[0])
    decisions = lookalike.curate(synthetic, None, label="category", only=["labels"], progress=False)[1]
    assert decisions.notes


def test_numeric_labels_keep_their_type() -> None:
    synthetic, _ = _table(400, 0.4, 0)
    real, _ = _table(60, 0, 1)
    for table in (synthetic, real):
        table["bought"] = (table.bought == "yes").astype(float)
    real["bought"] = real.bought.astype(int)
    kept, decisions = _curate(synthetic, real, method="relabel")
    assert kept.bought.dtype == float and set(decisions.table.value) == {1.0}
    assert label_names(pd.Series([1, 1.0, None, "a"], dtype=object)).tolist() == ["1", "1", None, "a"]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["yes"] * 200, "there is only one value in column 'bought'"),
        (list(np.random.default_rng(0).normal(size=200)), "has 200 different values, of which 0"),
        (["yes"] * 199 + ["no"], "has 2 different values, of which 1"),
        ([None] * 200, "there is no value in column 'bought'"),
    ],
)
def test_labels_that_cannot_be_checked_are_named(labels: list[Any], said: str) -> None:
    synthetic = _table(200, 0, 0)[0].assign(bought=labels)
    kept, decisions = _curate(synthetic, None)
    assert len(kept) == 200 and not len(decisions.table) and said in decisions.notes[0]


def test_very_many_classes_are_asked_of_the_neighbours() -> None:
    rng = np.random.default_rng(0)
    names = np.repeat([f"c{at}" for at in range(210)], 5)
    table = pd.DataFrame({"x": np.repeat(rng.normal(size=210), 5), "y": np.repeat(rng.normal(size=210), 5)})
    table["bought"] = names
    table.loc[7, "bought"] = "c200"
    decisions = _curate(table, None)[1]
    assert 7 in decisions.table.row.tolist() and "too many for a classifier" in decisions.notes[-1]


def test_classes_out_of_balance_are_said() -> None:
    synthetic = _table(600, 0.9, 0)[0]
    notes = _curate(synthetic, _table(240, 0, 1)[0])[1].notes
    assert notes[0].startswith("classes are not as frequent as in the real rows: ")
    assert "instead of" in notes[0]


def test_options_that_do_not_fit() -> None:
    synthetic, _ = _table(60, 0, 0)
    with pytest.raises(OptionError, match="needs a column of labels"):
        _curate(synthetic, None, label=None)
    with pytest.raises(OptionError, match="method 'prune' is not known"):
        _curate(synthetic, None, method="prune")
    weighed = synthetic.assign(weight=1.0)
    with pytest.raises(DataError, match="has a column 'weight' of its own"):
        _curate(weighed, None, method="weigh")
    kept, decisions = _curate(weighed, _table(60, 0, 1)[0].assign(weight=1.0))
    assert (kept.weight == 1).all() and any("cannot be weighed" in note for note in decisions.notes)
