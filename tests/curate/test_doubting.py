"""Every other way to doubt labels finds the wrong ones, by `curate` and by the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.cli.main import main
from lookalike.curate.doubting import NEED_REAL, doubter
from lookalike.curate.dynamics import dynamics
from lookalike.curate.labels import worst
from lookalike.curate.views import Views
from lookalike.decisions import Decisions
from lookalike.defaults import DOUBTS
from lookalike.errors import OptionError

WAYS = [way for way in DOUBTS if way not in ("audit", "steps")]


def _table(rows: int, share: float, seed: int) -> tuple[pd.DataFrame, Any]:
    """Numbers and a category that tell the label, and which labels are wrong."""
    rng = np.random.default_rng(seed)
    yes = rng.random(rows) < 0.5
    wrong = rng.random(rows) < share
    table = pd.DataFrame(
        {
            "age": np.where(yes, rng.normal(55, 8, rows), rng.normal(32, 8, rows)).round(),
            "pay": np.where(yes, rng.lognormal(9, 0.5, rows), rng.lognormal(8, 0.5, rows)).round(2),
            "town": np.where(rng.random(rows) < np.where(yes, 0.8, 0.2), "Oslo", "Rome"),
            "bought": np.where(yes ^ wrong, "yes", "no"),
        }
    )
    return table, np.flatnonzero(wrong)


def _curate(synthetic: pd.DataFrame, real: pd.DataFrame | None, doubt: str, **options: Any) -> Any:
    options = {"only": ["labels"], "label": "bought", "progress": False} | options
    return lookalike.curate(synthetic, real, doubt=doubt, **options)


@pytest.mark.parametrize("way", WAYS)
def test_wrong_labels_are_dropped(way: str) -> None:
    synthetic, wrong = _table(400, 0.25, 0)
    kept, decisions = _curate(synthetic, _table(50, 0, 1)[0], way, method="drop")
    hit = np.isin(decisions.table.row, wrong)
    assert set(decisions.table.action) == {"drop"} and len(kept) == 400 - len(decisions.table)
    assert hit.mean() > 0.8 and hit.sum() > 0.35 * len(wrong)
    assert "'yes'" in decisions.table.reason[0] or "'no'" in decisions.table.reason[0]
    assert "50 held-out real rows" in decisions.notes[-1] and "Brier" in decisions.notes[-1]


def test_weights_that_the_real_rows_judge() -> None:
    synthetic, _ = _table(400, 0.3, 0)
    kept, decisions = _curate(synthetic, _table(240, 0, 1)[0], "dynamics")
    assert "240 held-out real rows" in decisions.notes[-1]
    assert decisions.table.action.nunique() == 1
    pd.testing.assert_frame_equal(kept, decisions.apply(synthetic))


def test_steps_weigh_every_row_with_a_mean_of_one() -> None:
    synthetic, wrong = _table(400, 0.35, 0)
    kept, decisions = _curate(synthetic, _table(60, 0, 1)[0], "steps")
    assert set(decisions.table.action) == {"weigh"} and len(decisions.table) == 400
    assert kept.weight.mean() == pytest.approx(1)
    right = np.setdiff1d(np.arange(400), wrong)
    assert kept.weight[wrong].mean() < 0.8 < 1 < kept.weight[right].mean()
    assert "60 real rows, held out in turn, say when to stop" in decisions.notes[-1]
    clean, decisions = _curate(_table(400, 0, 0)[0], _table(60, 0, 1)[0], "steps")
    assert "weight" in clean or "no row was weighed" in decisions.notes[-1]
    own = _curate(synthetic.assign(weight=1), _table(60, 0, 1)[0].assign(weight=1), "steps")[1]
    assert not len(own.table) and "rename it" in own.notes[-1]


@pytest.mark.parametrize("way", ["neighbours", "margin"])
def test_without_real_rows_they_are_reported(way: str) -> None:
    synthetic, wrong = _table(400, 0.2, 0)
    decisions = _curate(synthetic, None, way)[1]
    assert set(decisions.table.action) == {"report"} and np.isin(decisions.table.row, wrong).mean() > 0.75
    kept, _ = _curate(synthetic, None, way, method="weigh")
    assert kept.weight.between(0, 1).all() and kept.weight[wrong].mean() < kept.weight.mean()


@pytest.mark.parametrize("way", NEED_REAL)
def test_ways_that_need_real_rows_say_so(way: str) -> None:
    with pytest.raises(OptionError, match=f"'{way}' needs real rows.*way to doubt: audit, neighbours"):
        _curate(_table(60, 0, 0)[0], None, way)


def test_options_that_do_not_fit() -> None:
    synthetic, _ = _table(60, 0, 0)
    with pytest.raises(OptionError, match="doubt 'guess' is not known"):
        _curate(synthetic, None, "guess")
    with pytest.raises(OptionError, match="--doubt steps weighs rows"):
        _curate(synthetic, synthetic, "steps", method="drop")
    with pytest.raises(OptionError, match="needs a column of labels"):
        _curate(synthetic, synthetic, "margin", label=None, only=None)
    with pytest.raises(OptionError, match="the labels that a classifier doubts"):
        _curate(synthetic, synthetic, "margin", method="relabel", annotate=lambda *_: [])


def test_all_of_the_authors_rule_is_taken() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, 400)
    points = np.eye(3)[true] * 2.2 + rng.normal(0, 0.6, (400, 3))
    codes = np.where(rng.random(400) < 0.3, (true + 1) % 3, true)
    doubt = doubter("dynamics", points, codes, "table", 0)
    assert doubt is not None and doubter("audit", points, codes, "table", 0) is None
    said = doubt(np.eye(3)[codes], Views.of(points[:60]), true[:60])
    hard = dynamics(points[:60], true[:60], points, codes).hard()
    assert said.usual == 0 and said.share == hard.mean() > 0.1
    assert set(worst(said, codes)) == set(np.flatnonzero(hard))


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    synthetic, real = tmp_path / "s.csv", tmp_path / "r.csv"
    _table(200, 0.3, 0)[0].to_csv(synthetic, index=False)
    _table(50, 0, 1)[0].to_csv(real, index=False)
    out = tmp_path / "o.csv"
    told = [str(synthetic), "-o", str(out), "--label", "bought", "--doubt", "neighbours", "--quiet"]
    assert main(["curate", *told, "--real", str(real), "--method", "relabel"]) == 0
    found = Decisions.load(f"{out}.decisions.json").table
    assert {"relabel"} == set(found.action[found.check == "labels"])
    assert "nearest rows are labelled" in capsys.readouterr().out
