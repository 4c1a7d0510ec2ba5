"""What a user can ask of the rows: conditions, given cells, variations, equal shares."""

import numpy as np
import pandas as pd
import pytest
from torch.utils.flop_counter import FlopCounterMode

from lookalike.codec import NOT_MISSING
from lookalike.difflm import DiffLM
from lookalike.errors import ConditionError, OptionError
from tests.difflm.distances import distance

ROWS = 1000


def shape_error(real: pd.DataFrame, synthetic: pd.DataFrame, leave_out: tuple[str, ...] = ()) -> float:
    """Mean over the columns: total variation of categories, Kolmogorov-Smirnov distance of numbers."""
    errors = []
    for name in real.columns.difference(leave_out):
        a, b = real[name].dropna(), synthetic[name].dropna()
        if pd.api.types.is_numeric_dtype(a.dtype):
            grid = np.union1d(a, b)
            below = [np.searchsorted(np.sort(x), grid, side="right") / len(x) for x in (a, b)]
            errors.append(np.abs(below[0] - below[1]).max())
        else:
            shares = [real[name].astype(object).fillna("?"), synthetic[name].astype(object).fillna("?")]
            p, q = (x.value_counts(normalize=True) for x in shares)
            errors.append(p.sub(q, fill_value=0).abs().sum() / 2)
    return float(np.mean(errors))


def holds(column: pd.Series, condition: object) -> pd.Series:
    if condition is None or condition is NOT_MISSING:
        return column.isna() if condition is None else column.notna()
    if isinstance(condition, tuple):
        low, high = condition
        return (column >= (low if low is not None else -np.inf)) & (
            column <= (high if high is not None else np.inf)
        )
    if isinstance(condition, set):
        return column.isin(condition - {None}) | (column.isna() if None in condition else False)
    return column == condition


@pytest.fixture(scope="module")
def free(adult_model: DiffLM) -> pd.DataFrame:
    return adult_model.sample(ROWS, refine=False)  # as rows under conditions are


CONDITIONS = [
    {"income": ">50K"},
    {"education-num": (13, None)},
    {"age": (30, 39)},
    {"relationship": {"Wife", "Own-child"}},
    {"sex": "Female", "hours-per-week": (None, 35)},
    {"capital-gain": (1, None)},
    {"occupation": NOT_MISSING, "marital-status": "Divorced"},
    {"workclass": {"Private", None}, "income": "<=50K"},
]


@pytest.mark.parametrize("where", CONDITIONS, ids=str)
def test_all_rows_satisfy_a_condition_and_the_rest_follows_it(
    adult: pd.DataFrame, adult_model: DiffLM, free: pd.DataFrame, where: dict
) -> None:
    made = adult_model.sample(ROWS, where=where, seed=1)
    assert len(made) == ROWS
    met = pd.Series(True, index=adult.index)
    for name, condition in where.items():
        assert holds(made[name], condition).all(), name
        met &= holds(adult[name], condition)
    real = adult[met]
    half = real.sample(frac=0.5, random_state=0)
    chance = shape_error(half, real.drop(half.index)) / 2  # the real rows that meet it are few
    assert shape_error(real, made) <= 2 * shape_error(adult, free) + chance
    assert shape_error(real, made) < 0.75 * shape_error(real, free)  # an unconditional sample would not do


def test_missing_values_can_be_asked_for(adult: pd.DataFrame, adult_model: DiffLM) -> None:
    made = adult_model.sample(500, where={"occupation": None})
    assert made["occupation"].isna().all()
    # where the occupation is missing the class of work is, too
    assert adult.loc[adult["occupation"].isna(), "workclass"].isna().mean() > 0.95
    assert made["workclass"].isna().mean() > 4 * adult["workclass"].isna().mean()


def test_one_row_under_a_condition(adult_model: DiffLM) -> None:
    made = [
        adult_model.sample(1, where={"relationship": "Husband"}, seed=seed)["sex"].item()
        for seed in range(10)
    ]
    assert made.count("Male") >= 9


def test_a_rare_condition_costs_at_most_three_times_a_free_sample(
    adult: pd.DataFrame, adult_model: DiffLM
) -> None:
    rare = {"hours-per-week": (70, None), "sex": "Female"}
    share = np.mean([holds(adult[name], condition) for name, condition in rare.items()], axis=0) == 1
    assert 0.002 < share.mean() < 0.015

    def operations(**options: object) -> int:
        with FlopCounterMode(display=False) as counter:
            adult_model.sample(500, **options)
        return counter.get_total_flops()

    assert 0 < operations(where=rare) <= 3 * operations()


def test_given_columns_come_back_and_the_rest_follows_them(
    adult: pd.DataFrame, adult_model: DiffLM, free: pd.DataFrame
) -> None:
    names = ["relationship", "education-num", "age", "fnlwgt"]
    made = adult_model.sample(given=adult[names].iloc[:ROWS])
    pd.testing.assert_frame_equal(made[names], adult[names].iloc[:ROWS])
    assert (made["sex"] == "Male")[made["relationship"] == "Husband"].mean() > 0.9
    assert (made["sex"] == "Female")[made["relationship"] == "Wife"].mean() > 0.45  # of all: 0.33
    schooling = adult.groupby("education-num")["education"].agg(lambda x: x.mode()[0])
    assert (made["education"] == made["education-num"].map(schooling)).mean() > 0.5
    assert shape_error(adult.iloc[:ROWS], made) <= 1.5 * shape_error(adult.iloc[:ROWS], free)


def test_given_cells_that_are_missing_are_drawn(adult: pd.DataFrame, adult_model: DiffLM) -> None:
    given = adult[["age", "relationship", "sex"]].iloc[:400].astype({"age": "Int64"})
    for step, name in enumerate(given.columns):
        given.loc[given.index % 4 == step, name] = pd.NA
    made = adult_model.sample(given=given)
    assert made["age"].dtype == adult["age"].dtype
    for name in given:
        known = given[name].notna()
        assert (made[name][known] == given[name][known]).all()
    hidden = (given["sex"].isna()) & (given["relationship"] == "Husband")
    assert hidden.sum() > 20 and (made["sex"][hidden] == "Male").mean() > 0.85


def test_given_and_where_go_together(adult: pd.DataFrame, adult_model: DiffLM) -> None:
    made = adult_model.sample(given=adult[["sex"]].iloc[:200], where={"income": ">50K", "age": (40, 50)})
    assert (made["sex"] == adult["sex"].iloc[:200]).all()
    assert (made["income"] == ">50K").all() and made["age"].between(40, 50).all()


def test_impute_fills_gaps_sensibly_and_keeps_everything_else(
    adult: pd.DataFrame, adult_model: DiffLM
) -> None:
    full = adult.iloc[:400].set_axis(np.arange(400) // 2)  # an index with duplicates
    full.index.name = "person"
    gaps = full.astype({name: "Int64" for name in full.select_dtypes("int64")})
    hidden = np.random.default_rng(0).random(gaps.shape) < 0.06
    gaps = gaps.mask(hidden)
    filled = adult_model.impute(gaps, seed=0)
    assert filled.dtypes.equals(full.dtypes)
    pd.testing.assert_index_equal(filled.index, full.index)
    assert not filled.isna().any().any()
    for name in full:
        known = gaps[name].notna().to_numpy()
        assert (filled[name][known].to_numpy() == full[name][known].to_numpy()).all()
    at = hidden[:, full.columns.get_loc("sex")] & (gaps["relationship"] == "Husband").to_numpy()
    assert (filled["sex"][at] == "Male").mean() > 0.85
    at = hidden[:, full.columns.get_loc("education-num")] & gaps["education"].notna().to_numpy()
    right = (filled["education-num"] == full["education-num"]).to_numpy()[at].mean()
    assert right > 0.4  # chance: 0.2


def test_balance_gives_equal_shares(adult: pd.DataFrame, adult_model: DiffLM) -> None:
    made = adult_model.sample(ROWS + 1, balance="income")
    assert set(made["income"].value_counts()) == {ROWS // 2, ROWS // 2 + 1}
    rich, poor = (made[made["income"] == value] for value in (">50K", "<=50K"))
    assert (rich["relationship"] == "Husband").mean() > 1.5 * (poor["relationship"] == "Husband").mean()
    both = adult_model.sample(100, balance="sex", where={"income": ">50K"})
    assert (both["income"] == ">50K").all() and set(both["sex"].value_counts()) == {50}
    # it is mixed: not one class after the other
    assert 0.3 < made["income"].iloc[: ROWS // 2].eq(">50K").mean() < 0.7


def test_variations_move_away_with_strength(adult: pd.DataFrame, adult_model: DiffLM) -> None:
    seeds = adult.iloc[:600]
    distances = [
        distance(seeds, adult_model.sample(like=seeds, strength=strength), adult)
        for strength in (0.0, 0.5, 1.0)
    ]
    assert distances == sorted(distances)
    assert distances[0] < 0.9 * distances[-1]
    fresh = distance(seeds, adult_model.sample(600), adult)
    assert distances[-1] == pytest.approx(fresh, rel=0.05)  # at 1 nothing is left of the seeds


def test_variations_can_be_under_a_condition(adult: pd.DataFrame, adult_model: DiffLM) -> None:
    made = adult_model.sample(
        100, like=adult.iloc[:7], strength=0.2, where={"sex": "Female", "age": (20, 30)}
    )
    assert len(made) == 100 and (made["sex"] == "Female").all() and made["age"].between(20, 30).all()


def test_memory_is_given_back_when_all_rows_are_drawn(
    adult_model: DiffLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lookalike.difflm.small.records.CHUNK", 100)
    records, kept = adult_model.fitted.records, []
    for chunk in adult_model.sample_chunks(300, seed=1):
        kept.append(len(records._spare))  # type: ignore[attr-defined]
        assert len(chunk) == 100
    assert kept == [1, 1, 1] and records._spare == []  # type: ignore[attr-defined]


def test_chunks_join_to_the_sample(adult_model: DiffLM, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.difflm.small.records.CHUNK", 120)
    for options in ({}, {"where": {"sex": "Male"}}, {"balance": "sex"}):
        chunks = list(adult_model.sample_chunks(300, seed=2, **options))
        assert [len(chunk) for chunk in chunks] == [120, 120, 60]
        whole = adult_model.sample(300, seed=2, **options)
        pd.testing.assert_frame_equal(pd.concat(chunks, ignore_index=True), whole)
        assert not chunks[0].equals(chunks[1])


MISTAKES = [
    ({"n": 0}, OptionError, "number of rows is 0"),
    ({}, OptionError, "number of rows is None"),
    ({"n": 5, "seed": -1}, OptionError, "seed is -1"),
    ({"n": 5, "where": {"wealth": 1}}, ConditionError, "no column 'wealth'"),
    ({"n": 5, "where": {"income": "1M"}}, ConditionError, "'1M' of column 'income'"),
    ({"n": 5, "where": {"age": (200, 300)}}, ConditionError, "column 'age' lies in 200..300"),
    ({"n": 5, "where": {"age": None}}, ConditionError, "column 'age' is missing"),
    ({"n": 5, "balance": "wealth"}, ConditionError, "no column 'wealth'"),
    ({"n": 5, "balance": "fnlwgt"}, ConditionError, "column 'fnlwgt' has no classes"),
    ({"n": 5, "balance": "sex", "where": {"sex": "Male"}}, ConditionError, "column 'sex' is both"),
    (
        {"given": pd.DataFrame({"wealth": [1]})},
        ConditionError,
        "column 'wealth' that the model does not know",
    ),
    ({"given": pd.DataFrame({"age": [30.5]})}, ConditionError, "value 30.5 of column 'age'"),
    ({"given": pd.DataFrame({"age": ["old"]})}, ConditionError, "'old' of column 'age'"),
    ({"given": pd.DataFrame({"age": [3]}), "where": {"age": 30}}, ConditionError, "column 'age' is both"),
    ({"given": pd.DataFrame({"age": [3]}), "n": 2}, OptionError, "given has 1 rows"),
    ({"given": pd.DataFrame([[1, 2]], columns=["age", "age"])}, ConditionError, "two columns named 'age'"),
    ({"given": pd.DataFrame({"age": [3]}), "balance": "sex"}, OptionError, "given cannot be joined"),
    ({"n": 5, "like": pd.DataFrame({"age": []})}, OptionError, "like has no rows"),
    ({"n": 5, "strength": 1.5}, OptionError, "strength is 1.5"),
]


@pytest.mark.parametrize(("options", "error", "said"), MISTAKES, ids=[said for _, _, said in MISTAKES])
def test_mistakes_are_told_in_one_sentence(
    adult_model: DiffLM, options: dict, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        adult_model.sample(**options)
    text = str(caught.value)
    assert said in text and text.endswith(".") and "\n" not in text
