"""The whole report on tables whose right answer is known: the figures must say what was done to them."""

from collections.abc import Iterator
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from lookalike.errors import OptionError
from lookalike.evaluate import Report, evaluate
from tests.evaluate.adult import ROWS, adult, marks

REAL = adult("adult.csv.gz")
HELD = adult("adult-test.csv.gz", 2 * ROWS)
HOLDOUT, OTHER = HELD[:ROWS], HELD[ROWS:].reset_index(drop=True)


@pytest.fixture(scope="module", autouse=True)
def fewer_trees() -> Iterator[None]:
    """30 trees tell as much of tables that are as different as these."""
    utility = import_module("lookalike.evaluate.chapters.utility")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("lookalike.evaluate.chapters.detection"), "TREES", 30)
        patch.setattr(utility, "TREES", 30)
        patch.setattr(utility, "ROUNDS", 30)
        yield


def figures(synthetic: pd.DataFrame, **options: object) -> dict:
    options = {"holdout": HOLDOUT, "target": "income"} | options
    return evaluate(REAL, synthetic, **options).to_dict()


@pytest.fixture(scope="module")
def fresh() -> dict:
    """What another real sample scores."""
    return figures(OTHER)


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
    report = evaluate(
        real, real.sample(frac=1, random_state=0), holdout, only=["fidelity", "privacy"], quick=True
    )
    assert value(report, "fidelity", "shape_error") == 0
    assert value(report, "fidelity", "pair_error") < 1e-12  # a sum in another order
    assert value(report, "fidelity", "c2st_auc") < 0.4
    assert value(report, "privacy", "exact_copies") == 1
    assert report.to_dict()["verdict"]["grade"] == "poor"
    assert report.to_dict()["verdict"]["headline"] == "Every synthetic row is a copy of a real one."


def test_another_real_sample_is_at_its_reference(real, holdout):
    other = adult("adult-test.csv.gz", 6000).iloc[ROWS:]
    figures = evaluate(real, other, holdout, only=["fidelity"], quick=True).to_dict()
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
    report = evaluate(real, shuffled, holdout, only=["fidelity"], quick=True)
    assert value(report, "fidelity", "shape_error") < 1e-12
    assert value(report, "fidelity", "pair_error") > 0.06
    assert value(report, "fidelity", "c2st_auc") > 0.95
    assert value(report, "fidelity", "c2st_auc_linear") < 0.55, "a linear model sees single columns only"
    worst = report.to_dict()["pairs"][0]
    assert {worst["first"], worst["second"]} == {"education", "education-num"}


@pytest.mark.parametrize("column", ["age", "hours-per-week"])
def test_a_shifted_column_is_named_first(real, holdout, column):
    shifted = holdout.assign(**{column: holdout[column] + 8})
    report = evaluate(real, shifted, holdout, only=["fidelity"], quick=True)
    assert first_giveaway(report) == column
    assert value(report, "fidelity", "c2st_auc") > 0.6
    details = report.to_dict()["columns"]
    assert max(details, key=lambda name: details[name]["shape_error"]["value"]) == column


@pytest.mark.usefixtures("few_trees")
def test_dropped_missing_values_are_seen(real, holdout):
    with_gaps = [
        t.mask(np.random.default_rng(i).random(t.shape) < 0.2) for i, t in enumerate((real, holdout))
    ]
    report = evaluate(with_gaps[0], holdout, with_gaps[1], only=["fidelity"], quick=True)
    entry = report.to_dict()["fidelity"]["missing_error"]
    assert entry["value"] == pytest.approx(0.2, abs=0.02)
    assert entry["reference"] < 0.02
    assert report.to_dict()["columns"]["age"]["missing"]["synthetic"] == 0


def test_training_rows_mixed_in_show_as_copies(real, holdout):
    other = adult("adult-test.csv.gz", 6000).iloc[ROWS:]
    mixed = pd.concat([real[: ROWS // 5], other[: ROWS * 4 // 5]])
    entry = evaluate(real, mixed, holdout, only=["privacy"]).to_dict()["privacy"]["exact_copies"]
    assert entry["value"] == pytest.approx(0.2, abs=0.01)
    assert entry["low"] < 0.2 < entry["high"]
    assert entry["reference"] < 0.01


@pytest.mark.usefixtures("few_trees")
def test_unseen_and_out_of_range_values_are_counted(real):
    strange = real.copy()
    strange.loc[: ROWS // 10 - 1, "sex"] = "robot"
    strange.loc[: ROWS // 20 - 1, "age"] = 200
    figures = evaluate(real, strange, only=["fidelity"], quick=True).to_dict()
    assert figures["fidelity"]["unseen"]["value"] == pytest.approx(0.1)
    assert figures["fidelity"]["out_of_range"]["value"] == pytest.approx(0.05)
    assert figures["columns"]["sex"]["strange"]["synthetic"] == pytest.approx(0.1)


def test_collapse_onto_ten_rows_is_found(real, holdout):
    collapsed = holdout[:10].sample(ROWS, replace=True, random_state=0)
    report = evaluate(real, collapsed, holdout, only=["fidelity"], quick=True)
    assert value(report, "fidelity", "c2st_auc") > 0.95
    assert report.to_dict()["verdict"]["grade"] == "poor"


@pytest.mark.usefixtures("few_trees")
def test_the_same_seed_gives_the_same_figures(real, holdout):
    one, two, other = (
        evaluate(real[:400], holdout[:400], seed=seed, quick=True).to_dict() for seed in (3, 3, 4)
    )
    one["about"].pop("date"), two["about"].pop("date")
    one["about"].pop("seconds"), two["about"].pop("seconds")
    assert one == two
    assert one["fidelity"]["c2st_auc"] != other["fidelity"]["c2st_auc"]


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


@pytest.mark.usefixtures("few_trees")
def test_copies_of_the_training_rows_alarm() -> None:
    found = figures(REAL.sample(frac=1, random_state=0), only=["fidelity", "privacy"])
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
    found = figures(mixed, only=["privacy"])
    assert found["privacy"]["membership_auc"]["low"] > fresh["privacy"]["membership_auc"]["value"] + 0.03
    assert found["privacy"]["dcr_share"]["low"] > 0.53
    assert found["privacy"]["exact_copies"]["value"] == pytest.approx(0.2, abs=0.01)
    assert found["verdict"]["grade"] == "poor"


@pytest.mark.usefixtures("few_trees")
def test_collapse_onto_ten_rows_alarms_diversity() -> None:
    collapsed = HOLDOUT[:10].sample(ROWS, replace=True, random_state=0)
    report = evaluate(REAL, collapsed, OTHER, only=["fidelity", "diversity"], quick=True)
    found = report.to_dict()
    assert found["diversity"]["unique_rows"]["value"] == pytest.approx(10 / ROWS)
    assert found["diversity"]["near_duplicates"]["value"] == 1
    assert found["diversity"]["category_coverage"]["value"] < 0.75
    assert found["fidelity"]["beta_recall"]["value"] < 0.3
    assert found["fidelity"]["mmd_p"]["value"] < 0.01
    assert {marks(report)[key] for key in ("unique_rows", "near_duplicates", "category_coverage")} == {"poor"}


def test_shuffled_columns_destroy_utility(fresh: dict) -> None:
    shuffled = pd.DataFrame(
        {name: REAL[name].sample(frac=1, random_state=i).to_numpy() for i, name in enumerate(REAL)}
    )
    found = figures(shuffled, only=["utility"])
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
    assert figures(flipped, only=["utility"])["utility"]["tstr"]["high"] < fresh["utility"]["tstr"]["low"]


@pytest.mark.usefixtures("few_trees")
def test_a_leak_between_train_and_holdout_is_said() -> None:
    leaky = pd.concat([REAL[: ROWS // 4], HOLDOUT[: ROWS * 3 // 4]])
    found = figures(OTHER, holdout=leaky, only=["fidelity"], quick=True)
    assert any("leak" in text and "25" in text for text in found["warnings"])


def test_only_some_sections_and_quickly() -> None:
    found = figures(OTHER, only=["privacy"], quick=True)
    assert not found["fidelity"] and not found["utility"] and found["privacy"]
    report = evaluate(REAL, OTHER, HOLDOUT, only=["privacy"], quick=True)
    assert "membership" in repr(report) and "C2ST" not in repr(report)
    with pytest.raises(OptionError, match="no section 'speed'"):
        evaluate(REAL, OTHER, only=["speed"])


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize("rows", [1, 30])
def test_a_tiny_holdout_is_no_reference(rows: int) -> None:
    found = figures(OTHER, holdout=HOLDOUT[:rows], quick=True)
    assert f"the holdout has {rows} rows" in found["skipped"]["reference"]
    assert {"utility", "privacy"} <= set(found["skipped"])
    assert found["fidelity"]["c2st_auc"]["reference"] is None


@pytest.mark.usefixtures("few_trees")
def test_without_a_holdout_it_says_what_could_not_be_judged() -> None:
    found = figures(OTHER, holdout=None, quick=True)
    assert {"reference", "utility", "privacy"} <= set(found["skipped"])
    assert "membership_auc" not in found["privacy"] and not found["utility"]
    assert found["privacy"]["nndr"]["value"] is not None


def test_limits_are_a_gate() -> None:
    report = evaluate(REAL, OTHER, HOLDOUT, target="income", quick=True)
    assert report.failures("c2st=0.60,utility=0.90,copies=0.01") == []
    failed = report.failures("c2st=0.40,utility=1.5,unseen=0.5")
    assert len(failed) == 2 and "above 0.400" in failed[0] and "below" in failed[1]
    with pytest.raises(OptionError, match="no figure 'speed'"):
        report.failures("speed=1")
    with pytest.raises(OptionError, match=r"c2st=0\.60"):
        report.failures("c2st=low")
