"""The scorer's figures on tables for which they are known; `mle` needs xgboost (the extra "bench")."""

import json

import numpy as np
import pandas as pd
import pytest

from bench.tables import score
from bench.tables.columns import BadInput
from bench.tables.score import c2st, closer, copies, mle, shapes, trends

ROWS = 600


def drawn(seed: int, rows: int = ROWS) -> pd.DataFrame:
    """Two numbers that hang together, a category of three, and a target that says whether x is above .5."""
    rng = np.random.default_rng(100 + seed)  # the numbers that the scorer draws are those of small seeds
    x = rng.random(rows)
    return pd.DataFrame({
        "x": x,
        "near": x + rng.normal(0, 0.1, rows),
        "kind": rng.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2]),
        "high": np.where(x > 0.5, "yes", "no"),
    })  # fmt: skip


@pytest.fixture
def boosted():
    pytest.importorskip("xgboost", reason='needs the extra "bench"')


def test_a_classifier_cannot_tell_a_holdout_and_tells_a_shifted_table():
    whole = drawn(0, 2 * ROWS)
    real, held = whole.iloc[:ROWS], whole.iloc[ROWS:]
    assert c2st(real, held) == pytest.approx(0.5, abs=0.06)  # two standard deviations of the AUC are .033
    assert c2st(real, held.assign(x=held.x + 10)) > 0.9999
    rare = held.assign(kind=np.where(np.arange(ROWS) < ROWS // 2, "new", held.kind))
    assert c2st(real, rare) == pytest.approx(0.75, abs=0.06)  # half of the rows are told for sure, half not
    assert c2st(real, held.assign(x=held.x + 10).head(100)) > 0.999  # as many rows of both


@pytest.mark.parametrize(
    ("real", "other", "distance"),
    [
        (range(100), range(50, 150), 0.5),  # Kolmogorov-Smirnov: half of each lies beyond the other
        (range(100), [0.0] * 100, 0.99),
        ([*range(99), None], range(99), 0.0),  # missing numbers are left out
        (range(100), [None] * 100, 1.0),
        ("aabb", "aaab", 0.25),  # total variation
        ("aabb", "cccc", 1.0),
        (["a", "a", None, None], "aaaa", 0.5),  # missing is a category
        ([0, 1] * 50, [0] * 100, 0.5),  # few numbers are categories, and so
        ([0, 1] * 50, [0, 5] * 50, 0.5),  # how far they are apart does not matter
        ([1, 2] * 50, ["1", "2.0"] * 50, 0.5),  # a text is compared as it is written
        ([1, 2] * 50, [1.0, 2.0] * 50, 0.0),
        ([True, False], ["True", "False"], 0.0),
    ],
)
def test_the_shape_error_of_a_column(real, other, distance):
    tables = (pd.DataFrame({"a": list(column)}) for column in (real, other))
    assert shapes(*tables) == {"a": pytest.approx(distance)}


ALL = list(range(100))


@pytest.mark.parametrize(
    ("real", "other", "distance"),
    [
        ((ALL, ALL), (ALL, ALL[::-1]), 1.0),  # correlations 1 and -1
        ((ALL, ALL), (ALL, [7] * 100), 0.5),  # a constant has none: 0
        (("ab" * 50, "xy" * 50), ("aabb" * 25, "xyxy" * 25), 0.5),  # two pairs of values against all four
        ((ALL, ["low"] * 50 + ["high"] * 50), (ALL, ["high"] * 50 + ["low"] * 50), 1.0),
        ((ALL, ["low"] * 50 + ["high"] * 50), (ALL, ["low"] * 60 + ["high"] * 40), 0.1),
    ],
)
def test_the_trend_error_of_a_pair(real, other, distance):
    tables = (pd.DataFrame({"a": list(a), "b": list(b)}) for a, b in (real, other))
    assert trends(*tables) == {("a", "b"): pytest.approx(distance)}


def test_one_extreme_value_moves_all_bins_of_sdmetrics_and_none_of_ours():
    real = pd.DataFrame({"a": ALL, "b": "c"})
    other = real.assign(a=[*ALL[:-1], 10_000])
    assert trends(real, other) == {("a", "b"): 0.0}  # the largest value has the last place in both
    # of ten bins of 1,000 each, 99 values lie in the first, where 10 of the real ones are
    assert trends(real, other, own_edges=True) == {("a", "b"): pytest.approx(1 - 0.10 - 0.01)}


def test_copies_are_equal_in_every_column_whatever_the_dtype():
    real = pd.DataFrame({"a": [1, 2, 3, 4], "b": ["x", "x", None, "y"]})
    other = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.5], "b": ["x", "y", None, "y"]})
    assert copies(real, other) == 0.5  # the first row, and the third with its missing cell


def test_rows_that_repeat_training_rows_lie_nearer_to_them_and_fresh_ones_do_not():
    real, test, fresh = drawn(0, 500), drawn(1, 200), drawn(2, 500)
    assert closer(real, test, real) == 1 and closer(real, test, test) == 0
    assert closer(real, test, fresh) == pytest.approx(0.5, abs=0.06)  # two standard deviations are .05
    half = pd.concat([real.head(250), fresh.head(250)])
    share = 0.5 + 0.5 * 500 / 700  # half of the rows for sure, the others as there are of both
    odds = share / (1 - share) * 200 / 500
    assert closer(real, test, half) == pytest.approx(odds / (1 + odds), abs=0.05)


def test_a_planted_class_is_learned_from_right_rows_only(boosted):
    test, made = drawn(1), drawn(2)
    turned = made.assign(high=made.high.map({"yes": "no", "no": "yes"}))
    assert mle(made, test, "high", False, "yes") > 0.98
    assert mle(turned, test, "high", False, "yes") < 0.02
    mixed = [made.assign(high=np.random.default_rng(seed).permutation(made.high)) for seed in range(8)]
    assert np.mean([mle(one, test, "high", False, "yes") for one in mixed]) == pytest.approx(0.5, abs=0.15)
    assert mle(made.assign(high="no"), test, "high", False, "yes") == 0.5
    # rows without a target are left out, of both tables: they would count as "no"
    some, few = (t.assign(high=t.high.where(t.kind != "a")) for t in (made, test))
    assert mle(some, test, "high", False, "yes") > 0.98
    assert mle(made, few, "high", False, "yes") > 0.98


def test_a_planted_number_is_learned_from_right_rows_only(boosted):
    test, made = (drawn(seed).assign(y=lambda t: 10 * t.x).drop(columns="high") for seed in (1, 2))
    spread = float(test.y.std())
    assert mle(made, test, "y", True, "") < 0.1 * spread
    assert (
        mle(made.assign(y=np.random.default_rng(0).permutation(made.y)), test, "y", True, "") > 0.9 * spread
    )
    assert mle(made.assign(y=made.y + 100), test, "y", True, "") == pytest.approx(100, abs=1)


def test_too_few_rows_with_a_target_are_a_sentence(boosted):
    with pytest.raises(BadInput, match="2 rows with a value of 'high' are too few to learn from"):
        mle(drawn(0, 2).assign(high=["yes", "no"]), drawn(1), "high", False, "yes")


def test_the_score_of_a_copy_and_of_a_holdout(boosted):
    real, test = drawn(0), drawn(1, 200)
    copy = score.score(real, test, real, "high")
    assert (copy["shape"], copy["trend"], copy["trend_sdmetrics"], copy["copies"]) == (0, 0, 0, 1)
    assert copy["c2st_test"] == pytest.approx(0.5, abs=0.1) and copy["closer"] == 1
    assert copy["c2st"] < 0.1  # its twin was learned as the other one: below .5 means that rows are repeated
    assert (copy["mle_kind"], copy["rows"]) == ("auc", ROWS) and copy["mle"] > 0.98
    assert 0 < copy["shape_matched"] < 0.15 and 0 < copy["trend_matched"] < 0.15  # of 200 rows
    held = score.score(real, test, test, "high", trained_on=real.assign(high=real.high.map(str.upper)))
    assert held["mle"] == 0.5 and held["rows"] == 200  # no training row is "yes" now
    assert held["c2st_test"] == pytest.approx(0.5, abs=0.12) and 0.3 < held["closer"] < 0.7
    assert 0 < held["shape"] < 0.15 and held["copies"] == 0
    number = score.score(real, test, real.assign(x=real.x + 1), "near")
    assert number["mle_kind"] == "rmse" and next(iter(number["worst_columns"])) == "x"
    assert number["shape"] == pytest.approx(shapes(real, real.assign(x=real.x + 1))["x"] / 4, abs=1e-5)


GOOD = drawn(0, 30).assign(high=["yes"] * 10 + ["no"] * 20)


@pytest.mark.parametrize(
    ("tables", "target", "sentence"),
    [
        (
            (GOOD, GOOD, GOOD),
            "hihg",
            "the real table has no column 'hihg': name the target among 'x', 'near'",
        ),
        ((GOOD[["x"]],) * 3, "x", "the real table has no column but the target 'x'"),
        (
            (GOOD, GOOD.drop(columns=["x", "kind"]), GOOD),
            "high",
            "the test table lacks columns .*: add 'x', 'k",
        ),
        ((GOOD, GOOD, GOOD.drop(columns="high")), "high", "the synthetic table lacks columns .*: add 'high'"),
        ((GOOD, GOOD, GOOD.head(0)), "high", "the synthetic table has 0 rows: give at least 5"),
        ((GOOD, GOOD, GOOD.assign(high=None)), "high", "column 'high' of the synthetic table has no values"),
        ((GOOD, GOOD.assign(high="no"), GOOD), "high", "column 'high' of the test table has no row of 'yes'"),
        (
            (GOOD.assign(high="no"), GOOD, GOOD),
            "high",
            "column 'high' of the real table has no row of 'no', or",
        ),
        (
            (GOOD, GOOD, GOOD.assign(x="many")),
            "x",
            "'x' of the synthetic table has 'many', which is no finite",
        ),
        (
            (GOOD, GOOD.assign(x=np.inf), GOOD),
            "x",
            "column 'x' of the test table has inf, which is no finite",
        ),
    ],
)
def test_tables_that_cannot_be_scored_are_a_sentence(tables, target, sentence):
    with pytest.raises(BadInput, match=sentence):
        score.score(*tables, target)


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Runs the command on three files; gives (exit status, standard output, standard error)."""
    for name, seed in (("real", 0), ("test", 1), ("synthetic", 2)):
        drawn(seed, 200).to_csv(tmp_path / f"{name}.csv", index=False)

    def run(target: str, **files: str) -> tuple[int, str, str]:
        paths = {name: str(tmp_path / f"{name}.csv") for name in ("real", "test", "synthetic")} | files
        options = [f"--{name}={path}" for name, path in paths.items()]
        monkeypatch.setattr("sys.argv", ["score", *options, f"--target={target}"])
        try:
            score.main()
        except SystemExit as ended:
            return int(ended.code), *capsys.readouterr()
        return 0, *capsys.readouterr()

    return run


def test_the_command_prints_json(call, boosted):
    status, out, _ = call("high")
    found = json.loads(out)
    assert status == 0 and found["rows"] == 200 and 0.4 < found["c2st"] < 0.6 and found["mle"] > 0.95


def test_the_command_ends_with_a_sentence_and_2(call, tmp_path):
    status, out, err = call("income")
    assert (status, out) == (2, "") and err.splitlines()[-1].endswith(
        "error: the real table has no column 'income': name the target among 'x', 'near', 'kind', 'high'"
    )
    status, _, err = call("high", test=str(tmp_path / "none.csv"))
    assert status == 2 and "argument --test: there is no file" in err
    for name in ("bytes.parquet", "bytes.csv.gz", "empty.csv"):
        (tmp_path / name).write_bytes(b"" if name.startswith("empty") else b"\x00\xff\x01")
        status, _, err = call("high", synthetic=str(tmp_path / name))
        assert status == 2 and f"{name} cannot be read as a table" in err and "Traceback" not in err
