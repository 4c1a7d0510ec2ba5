"""Diversity, utility and privacy on tables whose right answer is known."""

import numpy as np
import pandas as pd
import pytest

from lookalike.errors import OptionError
from lookalike.evaluate import evaluate
from lookalike.evaluate.figures import grades
from tests.paths import EXAMPLES

ROWS = 2000


def adult(name: str, rows: int) -> pd.DataFrame:
    return pd.read_csv(EXAMPLES / name).sample(rows, random_state=1).reset_index(drop=True)


REAL = adult("adult.csv.gz", ROWS)
HELD = adult("adult-test.csv.gz", 2 * ROWS)
HOLDOUT, OTHER = HELD[:ROWS], HELD[ROWS:].reset_index(drop=True)


def figures(synthetic: pd.DataFrame, **options: object) -> dict:
    options = {"holdout": HOLDOUT, "target": "income"} | options
    return evaluate(REAL, synthetic, **options).to_dict()


@pytest.fixture(scope="module")
def fresh() -> dict:
    """What another real sample scores."""
    return figures(OTHER)


def test_another_real_sample_is_at_every_reference(fresh: dict) -> None:
    for section in ("fidelity", "diversity", "utility", "privacy"):
        for key, entry in fresh[section].items():
            assert entry["value"] is not None, key
            assert set(entry) >= {"value", "reference", "low", "high"}
    close = {
        "fidelity": ("alpha_precision", "beta_recall", "mmd2"),
        "diversity": ("unique_rows", "near_duplicates", "category_coverage", "cell_coverage"),
        "utility": ("tstr", "ratio"),
        "privacy": ("dcr_share", "nndr", "membership_auc", "attribute_gain", "exact_copies"),
    }
    for section, keys in close.items():
        for key in keys:
            entry = fresh[section][key]
            assert entry["value"] == pytest.approx(entry["reference"], abs=0.04), key
            assert entry["low"] <= entry["value"] <= entry["high"]
    assert fresh["privacy"]["dcr_share"]["value"] == pytest.approx(0.5, abs=0.04)
    assert fresh["privacy"]["membership_auc"]["value"] == pytest.approx(0.5, abs=0.04)
    assert fresh["fidelity"]["mmd_p"]["value"] > 0.01
    assert fresh["verdict"]["grade"] == "good"
    assert any("No sign of memorising" in text for text in fresh["verdict"]["sentences"])
    assert not any("leak" in text for text in fresh["warnings"])


def test_copies_of_the_training_rows_alarm() -> None:
    found = figures(REAL.sample(frac=1, random_state=0))
    privacy = found["privacy"]
    assert privacy["exact_copies"]["value"] == 1
    assert privacy["dcr_share"]["value"] > 0.95
    assert privacy["membership_auc"]["value"] > 0.95
    assert privacy["attribute_gain"]["value"] > 0.2
    assert privacy["nndr"]["value"] < 0.05
    assert found["fidelity"]["alpha_precision"]["value"] > 0.99
    assert found["verdict"]["grade"] == "poor"


def test_a_fifth_of_training_rows_is_seen_by_the_attack(fresh: dict) -> None:
    mixed = pd.concat([REAL[: ROWS // 5], OTHER[: ROWS * 4 // 5]])
    found = figures(mixed)
    assert found["privacy"]["membership_auc"]["low"] > fresh["privacy"]["membership_auc"]["value"] + 0.03
    assert found["privacy"]["dcr_share"]["low"] > 0.53
    assert found["privacy"]["exact_copies"]["value"] == pytest.approx(0.2, abs=0.01)
    assert found["verdict"]["grade"] == "poor"


def test_collapse_onto_ten_rows_alarms_diversity() -> None:
    found = figures(HOLDOUT[:10].sample(ROWS, replace=True, random_state=0), holdout=OTHER)
    assert found["diversity"]["unique_rows"]["value"] == pytest.approx(10 / ROWS)
    assert found["diversity"]["near_duplicates"]["value"] == 1
    assert found["diversity"]["category_coverage"]["value"] < 0.75
    assert found["fidelity"]["beta_recall"]["value"] < 0.3
    assert found["fidelity"]["mmd_p"]["value"] < 0.01
    marks = {row["key"]: row["grade"] for row in grades(found)}
    assert marks["unique_rows"] == marks["near_duplicates"] == marks["category_coverage"] == "poor"


def test_shuffled_columns_destroy_utility(fresh: dict) -> None:
    shuffled = pd.DataFrame(
        {name: REAL[name].sample(frac=1, random_state=i).to_numpy() for i, name in enumerate(REAL)}
    )
    found = figures(shuffled)
    assert found["utility"]["trtr"]["value"] == pytest.approx(fresh["utility"]["trtr"]["value"], abs=0.02)
    assert found["utility"]["ratio"]["value"] < 0.8
    assert (
        found["utility"]["importance_agreement"]["value"] < fresh["utility"]["importance_agreement"]["value"]
    )
    assert found["verdict"]["grade"] == "poor"


def test_flipped_labels_lower_utility(fresh: dict) -> None:
    flip = np.random.default_rng(0).random(ROWS) < 0.3
    other = {"<=50K": ">50K", ">50K": "<=50K"}
    flipped = OTHER.assign(income=OTHER["income"].where(~flip, OTHER["income"].map(other)))
    assert figures(flipped)["utility"]["tstr"]["high"] < fresh["utility"]["tstr"]["low"]


def test_utility_of_a_number_is_a_share_of_variance() -> None:
    found = figures(OTHER, target="age", only=["utility"])
    assert 0.1 < found["utility"]["trtr"]["value"] < 0.6
    assert found["utility"]["ratio"]["value"] == pytest.approx(1, abs=0.15)
    assert found["models"]["score"] == "R^2"


def test_a_leak_between_train_and_holdout_is_said() -> None:
    leaky = pd.concat([REAL[: ROWS // 4], HOLDOUT[: ROWS * 3 // 4]])
    found = figures(OTHER, holdout=leaky, only=["fidelity"])
    assert any("leak" in text and "25" in text for text in found["warnings"])


def test_only_some_sections_and_quickly() -> None:
    found = figures(OTHER, only=["privacy"], quick=True)
    assert not found["fidelity"] and not found["utility"] and found["privacy"]
    report = evaluate(REAL, OTHER, HOLDOUT, only=["privacy"])
    assert "membership" in repr(report) and "C2ST" not in repr(report)
    with pytest.raises(OptionError, match="no section 'speed'"):
        evaluate(REAL, OTHER, only=["speed"])


def test_rare_values_are_looked_for_in_as_many_rows_as_the_holdout_has() -> None:
    found = figures(pd.concat([OTHER] * 3), only=["privacy"])["privacy"]["rare_values"]
    assert found["value"] == pytest.approx(found["reference"], abs=0.25)
    leaked = figures(REAL, only=["privacy"])["privacy"]["rare_values"]
    assert leaked["value"] == 1 and leaked["reference"] < 0.95


@pytest.mark.parametrize("rows", [1, 30])
def test_a_tiny_holdout_is_no_reference(rows: int) -> None:
    found = figures(OTHER, holdout=HOLDOUT[:rows])
    assert f"the holdout has {rows} rows" in found["skipped"]["reference"]
    assert {"utility", "privacy"} <= set(found["skipped"])
    assert found["fidelity"]["c2st_auc"]["reference"] is None


def test_a_missing_target_is_left_out_row_by_row() -> None:
    gaps = [t.assign(income=t["income"].where(np.arange(len(t)) % 3 > 0)) for t in (REAL, OTHER, HOLDOUT)]
    found = evaluate(*gaps, target="income", only=["utility"], quick=True).to_dict()
    assert found["utility"]["ratio"]["value"] == pytest.approx(1, abs=0.1)
    none = [t.assign(income=None) for t in gaps]
    assert "income" in evaluate(*none, target="income", only=["utility"]).to_dict()["skipped"]["utility"]


def test_without_a_holdout_it_says_what_could_not_be_judged() -> None:
    found = figures(OTHER, holdout=None)
    assert {"reference", "utility", "privacy"} <= set(found["skipped"])
    assert "membership_auc" not in found["privacy"] and not found["utility"]
    assert found["privacy"]["nndr"]["value"] is not None


@pytest.mark.parametrize(
    "target", [pd.Series("a", index=REAL.index), pd.Series(range(ROWS)).map("id{}".format)]
)
def test_a_target_that_cannot_be_predicted_is_named(target: pd.Series) -> None:
    tables = [t.assign(odd=target.to_numpy()) for t in (REAL, OTHER, HOLDOUT)]
    found = evaluate(*tables, target="odd", only=["utility"]).to_dict()
    assert "odd" in found["skipped"]["utility"]


def test_limits_are_a_gate() -> None:
    report = evaluate(REAL, OTHER, HOLDOUT, target="income", quick=True)
    assert report.failures("c2st=0.60,utility=0.90,copies=0.01") == []
    failed = report.failures("c2st=0.40,utility=1.5,unseen=0.5")
    assert len(failed) == 2 and "above 0.400" in failed[0] and "below" in failed[1]
    with pytest.raises(OptionError, match="no figure 'speed'"):
        report.failures("speed=1")
    with pytest.raises(OptionError, match=r"c2st=0\.60"):
        report.failures("c2st=low")


def test_categories_that_were_withheld_are_not_covered() -> None:
    """33 of 150 values are rare, and a synthesizer left them out: 78% are covered, not 100%."""
    frequent, rare = [f"often{i}" for i in range(117)], [f"rare{i}" for i in range(33)]
    real = pd.DataFrame({"intent": [*frequent * 25, *rare * 3]})
    holdout = pd.DataFrame({"intent": [*frequent * 25, *rare[:30] * 3, *frequent[:9]]})
    synthetic = pd.DataFrame({"intent": [*frequent * 25, *frequent[:99]]})
    for table in (real, holdout, synthetic):  # nine columns with nothing missing do not hide it
        for i in range(9):
            table[f"side{i}"] = np.arange(len(table)) % 2 == 0
    found = evaluate(real, synthetic, holdout, only=["diversity"]).to_dict()
    covered = found["diversity"]["category_coverage"]
    assert (covered["value"], covered["reference"]) == ((117 + 18) / 168, (147 + 18) / 168)
    marks = {row["key"]: row["grade"] for row in grades(found)}
    assert marks["category_coverage"] == "poor"
    found = evaluate(real, real.copy(), holdout, only=["diversity"]).to_dict()
    assert found["diversity"]["category_coverage"]["value"] == 1
