"""The verdict leads with what matters: copies first."""

import functools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lookalike.evaluate import evaluate
from lookalike.evaluate.results import Figures, TableFacts
from lookalike.evaluate.section import Entry, Rows, Section
from lookalike.evaluate.verdict import strange_holdout
from tests.evaluate.adult import marks

pytestmark = pytest.mark.usefixtures("few_trees")

ROWS = 800


def table(seed: int, rows: int = ROWS) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    return pd.DataFrame(
        {
            "x": x.round(3),
            "y": (x + rng.normal(size=rows)).round(2),
            "age": rng.integers(18, 90, rows),
            "city": rng.choice(list("abcdefgh"), rows),
            "sex": rng.choice(["m", "f"], rows),
        }
    )


REAL, OTHER, HOLDOUT = table(0), table(1), table(2)
ONE_CELL = REAL.assign(age=REAL["age"] + 1)
EVERY, CELL = (
    "Every synthetic row is a copy of a real one.",
    "Every synthetic row is a copy of a real one in all but one cell.",
)


def judged(
    synthetic: pd.DataFrame, holdout: pd.DataFrame | None, real: pd.DataFrame = REAL
) -> tuple[dict, dict]:
    report = evaluate(real, synthetic, holdout, quick=True)
    return report.to_dict(), marks(report)


MADE = {
    "itself": (REAL, EVERY),
    "shuffled": (REAL.sample(frac=1, random_state=0), EVERY),
    "half of it twice": (pd.concat([REAL[: ROWS // 2]] * 2), EVERY),
    "half copied": (
        pd.concat([REAL[: ROWS // 2], OTHER[: ROWS // 2]]),
        "50.0% of the synthetic rows are copies of real ones",
    ),
    "one cell": (ONE_CELL, CELL),
    "other rows": (OTHER, "can hardly be told"),
}


@functools.cache
def found(name: str, held: bool = True) -> tuple[dict, dict]:
    """What is judged of a table of `MADE`."""
    return judged(MADE[name][0], HOLDOUT if held else None)


@pytest.mark.parametrize("held", [True, False], ids=["holdout", "none"])
@pytest.mark.parametrize("name", MADE)
def test_copies_lead(name: str, held: bool) -> None:
    figures, grades = found(name, held)
    headline, verdict = MADE[name][1], figures["verdict"]
    assert headline in verdict["headline"]
    fresh = name == "other rows"
    assert verdict["grade"] == ("good" if fresh else "poor")
    assert grades["exact_copies"] == ("poor" if headline != CELL and not fresh else "good")
    assert grades["near_copies"] == ("good" if fresh else "poor")
    assert fresh or "equal a real training row" in verdict["sentences"][0]


@pytest.mark.parametrize("name", ["itself", "one cell"])
def test_a_detector_that_is_wrong_more_often_than_a_coin_is_a_warning(name: str) -> None:
    figures, grades = found(name)
    assert figures["fidelity"]["c2st_auc"]["value"] < 0.35 and grades["c2st_auc"] == "poor"
    assert any("far below 0.5" in text for text in figures["warnings"])
    assert any("more often than a coin" in text for text in figures["verdict"]["sentences"])
    only = evaluate(REAL, MADE[name][0], HOLDOUT, quick=True, only=["fidelity"]).to_dict()["verdict"]
    assert only["grade"] == "poor" and "repeat real rows" in only["headline"]
    figures, grades = found("other rows")
    assert grades["c2st_auc"] == "good" and not figures["warnings"]


def test_rows_that_come_twice_are_said_to_repeat() -> None:
    figures, _ = judged(pd.concat([OTHER[: ROWS // 2]] * 2), None)
    assert figures["diversity"]["unique_rows"]["value"] == 0.5
    assert figures["diversity"]["unique_rows"]["reference"] == 1
    assert figures["verdict"]["headline"] == "The synthetic rows say fewer different things than real ones."


@pytest.mark.parametrize("holdout", [True, False])
def test_equal_rows_of_few_categories_are_no_copies(holdout: bool) -> None:
    """Two of three rows of this table have a twin in any other sample of it."""
    few = [table(seed)[["city", "sex", "age"]] for seed in range(3)]
    figures, grades = judged(few[1], few[2] if holdout else None, few[0])
    copies = figures["privacy"]["exact_copies"]
    assert 0.4 < copies["value"] < 0.6 and copies["chance"] == pytest.approx(copies["value"], abs=0.06)
    assert grades["exact_copies"] == "good" and "copy" not in figures["verdict"]["headline"]
    figures, grades = judged(few[0], few[2] if holdout else None, few[0])
    assert grades["exact_copies"] == "poor" and figures["verdict"]["headline"] == EVERY
    tiny = [one[["city", "sex"]] for one in few]
    figures, grades = judged(tiny[0], tiny[2] if holdout else None, tiny[0])
    assert figures["privacy"]["exact_copies"]["chance"] == 1 and grades["exact_copies"] == "good"


def test_a_real_table_whose_rows_repeat_is_named() -> None:
    twice = pd.concat([REAL, REAL])
    figures, _ = judged(OTHER, None, twice)
    assert any("100% of the real rows equal another" in text for text in figures["warnings"])


def test_a_holdout_of_other_rows_is_no_yardstick() -> None:
    """Rows as good as any look remembered beside a holdout that differs: that is said, and is no headline."""
    figures, grades = judged(OTHER, HOLDOUT.assign(x=HOLDOUT["x"] + 3, age=HOLDOUT["age"] + 40))
    assert "poor" in (grades["membership_auc"], grades["dcr_share"])
    assert any("the holdout itself is told from the real rows" in text for text in figures["warnings"])
    assert "betray" not in figures["verdict"]["headline"]
    assert any("the holdout differs" in text for text in figures["verdict"]["sentences"])


@pytest.mark.parametrize(
    ("rows", "auc", "warned"),
    [
        (100, 0.60, False),  # 2.4 standard errors
        (100, 0.66, True),
        (300, 0.57, False),
        (300, 0.59, True),
        (5_000, 0.54, False),  # beyond chance, but it hardly matters
        (5_000, 0.56, True),
        (60, 0.90, False),  # too few rows to say anything
    ],
)
def test_a_holdout_is_told_from_the_real_rows_only_beyond_chance(rows: int, auc: float, warned: bool) -> None:
    found = Section({"fidelity": {"c2st_auc": Entry(0.5, auc)}}, sizes={"detection": rows})
    tables = {name: TableFacts(name, 10 * rows, 5) for name in ("real", "synthetic", "holdout")}
    figures = Figures(tables, "", "", 0, None, False, {}, False, Rows([], []), found)
    assert bool(strange_holdout(figures)) is warned
    del tables["holdout"]
    assert not strange_holdout(figures)


def test_a_strange_holdout_excuses_no_difference() -> None:
    """Rows that a classifier knows are not called alike because it knows those of the holdout, too."""
    figures, grades = judged(OTHER.assign(x=OTHER["x"] + 3), HOLDOUT.assign(x=HOLDOUT["x"] + 3))
    assert figures["fidelity"]["c2st_auc"]["value"] > 0.8 and grades["c2st_auc"] == "good"
    assert figures["verdict"]["headline"].startswith("The synthetic rows differ")


def test_synthetic_rows_that_are_the_holdout_are_named() -> None:
    figures, _ = judged(OTHER, OTHER)
    assert any("100.0% of the synthetic rows are in the holdout" in text for text in figures["warnings"])
    for one in (HOLDOUT, REAL):  # copies of the real rows, which leaked into the holdout, are another fault
        figures, _ = judged(REAL, one)
        assert not any("synthetic rows are in the holdout" in text for text in figures["warnings"])


def test_where_nothing_was_measured_nothing_is_called_good() -> None:
    figures = evaluate(REAL, OTHER, target="sex", only=["utility"], quick=True).to_dict()
    assert figures["verdict"] == {"grade": None, "headline": "Nothing was measured.", "sentences": []}


def test_without_a_holdout_none_is_named(tmp_path: Path) -> None:
    report = evaluate(REAL, OTHER, quick=True)
    said = " ".join(report.to_dict()["verdict"]["sentences"])
    assert "half of the real rows" in said and "holdout" not in said
    report.save(tmp_path / "report.html")
    shown = (tmp_path / "report.html").read_text().partition("<body>")[2].partition('id="notes"')[0]
    assert "real holdout" not in shown and " · no holdout" in shown
