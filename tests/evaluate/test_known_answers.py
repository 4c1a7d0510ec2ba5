"""Tables whose right answer is known: the figures must say what was done to them."""

import numpy as np
import pandas as pd
import pytest

from lookalike.evaluate import Report, evaluate
from tests.paths import EXAMPLES

ROWS = 2000


def adult(name: str, rows: int = ROWS) -> pd.DataFrame:
    return pd.read_csv(EXAMPLES / name).sample(rows, random_state=1).reset_index(drop=True)


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    return adult("adult.csv.gz")


@pytest.fixture(scope="module")
def holdout() -> pd.DataFrame:
    return adult("adult-test.csv.gz")


def value(report: Report, section: str, key: str) -> float:
    return report.to_dict()[section][key]["value"]


def first_giveaway(report: Report) -> str:
    return report.to_dict()["giveaways"][0]["column"]


def test_real_against_itself_is_perfect_and_all_copies(real, holdout):
    report = evaluate(real, real.sample(frac=1, random_state=0), holdout)
    assert value(report, "fidelity", "shape_error") == 0
    assert value(report, "fidelity", "pair_error") < 1e-12  # a sum in another order
    assert value(report, "fidelity", "c2st_auc") < 0.4
    assert value(report, "privacy", "exact_copies") == 1
    assert report.to_dict()["verdict"]["grade"] == "poor"
    assert report.to_dict()["verdict"]["headline"] == "Every synthetic row is a copy of a real one."


def test_another_real_sample_is_at_its_reference(real, holdout):
    other = adult("adult-test.csv.gz", 6000).iloc[ROWS:]
    figures = evaluate(real, other, holdout).to_dict()
    for key in ("shape_error", "pair_error", "c2st_auc", "c2st_auc_linear"):
        entry = figures["fidelity"][key]
        assert entry["value"] == pytest.approx(entry["reference"], abs=0.03)
        assert entry["low"] <= entry["value"] <= entry["high"]
        assert entry["high"] - entry["low"] < 0.06
    assert figures["verdict"]["grade"] == "good"


def test_shuffled_columns_keep_shapes_and_lose_pairs(real, holdout):
    shuffled = pd.DataFrame(
        {name: real[name].sample(frac=1, random_state=i).to_numpy() for i, name in enumerate(real)}
    )
    report = evaluate(real, shuffled, holdout)
    assert value(report, "fidelity", "shape_error") < 1e-12
    assert value(report, "fidelity", "pair_error") > 0.06
    assert value(report, "fidelity", "c2st_auc") > 0.95
    assert value(report, "fidelity", "c2st_auc_linear") < 0.55, "a linear model sees single columns only"
    worst = report.to_dict()["pairs"][0]
    assert {worst["first"], worst["second"]} == {"education", "education-num"}


@pytest.mark.parametrize("column", ["age", "hours-per-week"])
def test_a_shifted_column_is_named_first(real, holdout, column):
    shifted = holdout.assign(**{column: holdout[column] + 8})
    report = evaluate(real, shifted, holdout)
    assert first_giveaway(report) == column
    assert value(report, "fidelity", "c2st_auc") > 0.6
    details = report.to_dict()["columns"]
    assert max(details, key=lambda name: details[name]["shape_error"]["value"]) == column


def test_dropped_missing_values_are_seen(real, holdout):
    with_gaps = [
        t.mask(np.random.default_rng(i).random(t.shape) < 0.2) for i, t in enumerate((real, holdout))
    ]
    report = evaluate(with_gaps[0], holdout, with_gaps[1])
    entry = report.to_dict()["fidelity"]["missing_error"]
    assert entry["value"] == pytest.approx(0.2, abs=0.02)
    assert entry["reference"] < 0.02
    assert report.to_dict()["columns"]["age"]["missing"]["synthetic"] == 0


def test_training_rows_mixed_in_show_as_copies(real, holdout):
    other = adult("adult-test.csv.gz", 6000).iloc[ROWS:]
    mixed = pd.concat([real[: ROWS // 5], other[: ROWS * 4 // 5]])
    entry = evaluate(real, mixed, holdout).to_dict()["privacy"]["exact_copies"]
    assert entry["value"] == pytest.approx(0.2, abs=0.01)
    assert entry["low"] < 0.2 < entry["high"]
    assert entry["reference"] < 0.01


def test_unseen_and_out_of_range_values_are_counted(real):
    strange = real.copy()
    strange.loc[: ROWS // 10 - 1, "sex"] = "robot"
    strange.loc[: ROWS // 20 - 1, "age"] = 200
    figures = evaluate(real, strange).to_dict()
    assert figures["fidelity"]["unseen"]["value"] == pytest.approx(0.1)
    assert figures["fidelity"]["out_of_range"]["value"] == pytest.approx(0.05)
    assert figures["columns"]["sex"]["strange"]["synthetic"] == pytest.approx(0.1)


def test_collapse_onto_ten_rows_is_found(real, holdout):
    report = evaluate(real, holdout[:10].sample(ROWS, replace=True, random_state=0), holdout)
    assert value(report, "fidelity", "c2st_auc") > 0.95
    assert report.to_dict()["verdict"]["grade"] == "poor"


def test_the_same_seed_gives_the_same_figures(real, holdout):
    one, two, other = (evaluate(real[:400], holdout[:400], seed=seed).to_dict() for seed in (3, 3, 4))
    one["about"].pop("date"), two["about"].pop("date")
    one["about"].pop("seconds"), two["about"].pop("seconds")
    assert one == two
    assert one["fidelity"]["c2st_auc"] != other["fidelity"]["c2st_auc"]
