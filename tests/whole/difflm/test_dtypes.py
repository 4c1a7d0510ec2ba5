"""Tables of every dtype and shape go in and come out as they are."""

import datetime
import decimal
from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lookalike.codec import NOT_MISSING
from lookalike.difflm import DiffLM
from lookalike.difflm.small.injection import VARIANTS
from lookalike.table.missing import hide

ROWS = 300
pytestmark = pytest.mark.usefixtures("few_candidates")


def make() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    whole = rng.integers(0, 12, ROWS)
    hours = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 3000, ROWS), "h"))
    days = hours.dt.floor("D")
    letters = pd.Series(rng.choice(list("abc"), ROWS))
    gone = rng.random(ROWS) < 0.1
    table = {
        "int64": pd.Series(whole),
        "uint8": pd.Series(whole.astype("uint8")),
        "Int32": pd.Series(whole, dtype="Int32").mask(gone),
        "float32": pd.Series(rng.normal(size=ROWS).astype("float32")),
        "float64": pd.Series(rng.normal(size=ROWS).round(2)).mask(gone),
        "Float64": pd.Series(rng.normal(size=ROWS)).astype("Float64"),
        "whole": pd.Series(whole.astype(float)).mask(gone),
        "huge": pd.Series([2**70 + int(x) for x in whole], dtype=object),
        "infinite": pd.Series(rng.normal(size=ROWS)).mask(gone, np.inf),
        "bool": pd.Series(whole > 5),
        "boolean": pd.Series(whole > 5).astype("boolean").mask(gone),
        "object_bool": pd.Series(whole > 5).astype(object).mask(gone, None),
        "category": pd.Series(pd.Categorical(letters, categories=["c", "unused", "b", "a"], ordered=True)),
        "int_category": pd.Series(pd.Categorical(whole % 4)),
        "str": letters,
        "object": letters.astype(object).mask(gone, None),
        "string": letters.astype("string").mask(gone),
        "days": days.astype("datetime64[s]"),
        "hours": hours.astype("datetime64[ns]").mask(gone),
        "zoned": hours.astype("datetime64[us]").dt.tz_localize("UTC").dt.tz_convert("Europe/Paris"),
        "span": pd.Series(pd.to_timedelta(whole, "h")),
        "date": pd.Series(list(days.dt.date), dtype=object),
        "written": days.dt.strftime("%d.%m.%Y"),
        "decimal": pd.Series([decimal.Decimal(int(x)) / 4 for x in whole], dtype=object),
        "a_int": pd.Series(whole).astype(pd.ArrowDtype(pa.int16())).mask(gone),
        "a_bool": pd.Series(whole > 5).astype(pd.ArrowDtype(pa.bool_())),
        "a_string": letters.astype(pd.ArrowDtype(pa.string())).mask(gone),
        "a_time": hours.astype(pd.ArrowDtype(pa.timestamp("ms"))),
        "a_date": days.astype(pd.ArrowDtype(pa.date32())),
        "a_decimal": pd.Series(
            [decimal.Decimal(int(x)) for x in whole], dtype=pd.ArrowDtype(pa.decimal128(10, 2))
        ),
        "text": pd.Series(
            [f"😀{x} {y}é" for x, y in zip(whole, rng.integers(0, 900, ROWS), strict=True)]
        ).mask(gone),
        "id": pd.Series([f"A{i:05d}" for i in range(ROWS)]),
        "null": pd.Series([None] * ROWS, dtype=object),
        "nan": pd.Series([np.nan] * ROWS),
        "constant": pd.Series([7] * ROWS),
        "sometimes": pd.Series(["x"] * ROWS).mask(gone),
        "target": pd.Series((rng.random(ROWS) < 0.2).astype("int64")),
    }
    return pd.DataFrame(table)


TABLE = make()
EMPTY = ["null", "nan"]
ORDERED = [
    "int64",
    "Int32",
    "float64",
    "Float64",
    "whole",
    "infinite",
    "days",
    "hours",
    "zoned",
    "span",
    "date",
]
ORDERED += ["decimal", "a_int", "a_time", "a_date", "a_decimal"]
PRESENT = [name for name in TABLE.columns if name not in EMPTY]


@pytest.fixture(scope="module")
def model(quick) -> DiffLM:  # type: ignore[no-untyped-def]
    return quick(steps=60).fit(TABLE)


def same(a: pd.Series, b: pd.Series) -> None:
    pd.testing.assert_series_equal(a.reset_index(drop=True), b.reset_index(drop=True), check_exact=True)


def test_a_sample_has_the_dtypes_of_the_table(model: DiffLM) -> None:
    made = model.sample(200)
    assert made.dtypes.equals(TABLE.dtypes)
    pd.testing.assert_index_equal(made.columns, TABLE.columns)
    pd.testing.assert_index_equal(made.index, pd.RangeIndex(200))
    assert made["id"].is_unique and not made["id"].isin(TABLE["id"]).any()
    assert made[EMPTY].isna().all().all() and (made["constant"] == 7).all()
    for name in TABLE.columns:
        assert made[name].isna().any() <= TABLE[name].isna().any(), name
    assert {type(v) for v in made["date"]} == {datetime.date}
    assert {type(v) for v in made["huge"]} == {int} and made["huge"].between(2**70, 2**70 + 11).all()
    assert made["int64"].between(0, 11).all()
    assert np.isinf(made["infinite"]).any()


@pytest.mark.parametrize("first", range(6))
def test_given_columns_come_back_exactly(model: DiffLM, first: int) -> None:
    given = TABLE[TABLE.columns[first::6]].iloc[40:60]
    made = model.sample(given=given)
    assert made.dtypes.equals(TABLE.dtypes)
    for name in given.columns:
        known = given[name].notna().to_numpy()
        same(made[name][known], given[name][known])


def test_given_tables_may_come_from_a_file(model: DiffLM) -> None:
    """Where a CSV has a gap its integers come back as floats, its booleans as objects."""
    given = pd.DataFrame(
        {
            "int64": [3.0, np.nan, 5.0],
            "bool": [True, None, False],
            "category": ["a", "b", None],
            "days": ["2024-02-03", None, "2024-03-04"],
            "int_category": [1.0, 2.0, np.nan],
        }
    )
    made = model.sample(given=given)
    assert made.dtypes.equals(TABLE.dtypes)
    assert made["int64"].iloc[[0, 2]].tolist() == [3, 5]
    assert made["bool"].iloc[[0, 2]].tolist() == [True, False]
    assert made["category"].iloc[[0, 1]].tolist() == ["a", "b"]
    assert made["days"].iloc[[0, 2]].tolist() == [pd.Timestamp("2024-02-03"), pd.Timestamp("2024-03-04")]
    assert made["int_category"].iloc[[0, 1]].tolist() == [1, 2]


def test_impute_leaves_no_gap_and_changes_nothing_else(model: DiffLM) -> None:
    rows = 100
    gaps = TABLE.head(rows).copy()
    gaps.index = pd.date_range("2024-01-01", periods=rows, name="when")
    for step, name in enumerate(gaps.columns):
        gaps[name] = hide(gaps[name], pd.Series((np.arange(rows) + step) % 5 == 0, index=gaps.index))
    filled = model.impute(gaps)
    assert filled.dtypes.equals(TABLE.dtypes)
    pd.testing.assert_index_equal(filled.index, gaps.index)
    assert filled[EMPTY].isna().all().all() and not filled[PRESENT].isna().any().any()
    for name in TABLE.columns:
        known = gaps[name].notna().to_numpy()
        same(filled[name][known], TABLE[name].head(rows)[known])


def test_impute_keeps_the_columns_it_is_given(model: DiffLM) -> None:
    part = TABLE[["text", "float64", "a_int"]].iloc[:20]
    filled = model.impute(part)
    assert list(filled.columns) == ["text", "float64", "a_int"] and not filled.isna().any().any()
    pd.testing.assert_frame_equal(model.impute(part.iloc[:0]), part.iloc[:0])


def conditions() -> list[tuple[str, Any]]:
    """One condition of every column, since each has to be read in its dtype, and every way to say one for
    columns of several kinds.
    """
    common = {name: TABLE[name].value_counts().index for name in PRESENT}
    low, high = (
        {name: TABLE[name].dropna().sort_values().iloc[place] for name in ORDERED} for place in (80, 160)
    )
    found: list[tuple[str, Any]] = [(name, (low[name], high[name])) for name in ORDERED]
    found += [(name, common[name][0]) for name in PRESENT if name not in (*ORDERED, "id", "float32")]
    found += [(name, common[name][0]) for name in ("int64", "Float64", "days", "decimal")]
    found += [("float32", (-0.5, 0.5)), ("infinite", np.inf)]
    found += [(name, (high[name], None)) for name in ("whole", "hours", "span")]
    found += [(name, (None, low[name])) for name in ("whole", "hours", "span")]
    found += [
        (name, NOT_MISSING) for name in ("Int32", "infinite", "hours", "string", "text", "id", "sometimes")
    ]
    found += [
        (name, None) for name in ("Int32", "float64", "hours", "boolean", "string", "text", "sometimes")
    ]
    found += [(name, set(common[name][:2])) for name in ("int64", "category", "boolean", "a_string")]
    found += [(name, {min(common[name][:2]), None}) for name in ("a_int", "object")]
    return found


TIMES = {"days", "hours", "zoned", "date", "written", "a_time", "a_date"}
LETTERS = {"category", "str", "object", "string", "a_string"}
ALONE = {"float32", "float64", "Float64", "infinite", "text", "constant", "sometimes", "target"}


def asked() -> list[dict[str, Any]]:
    """The conditions, those of values that nothing joins together.

    What is missing is asked about by itself: columns are missing together, so that one speaks for others.
    """
    found: list[dict[str, Any]] = []
    together: list[list[tuple[str, Any]]] = [[], [], [], []]
    for name, condition in conditions():
        if condition is None or condition is NOT_MISSING or condition is np.inf:
            found.append({name: condition})
        else:
            groups = (TIMES, LETTERS, ALONE)
            together[next((i for i, names in enumerate(groups) if name in names), 3)].append(
                (name, condition)
            )
    found += [dict(one for one in some if one) for some in zip_longest(*together)]
    assert sum(map(len, found)) == len(conditions())
    return found


@pytest.mark.parametrize("where", asked(), ids=str)
def test_every_row_satisfies_its_conditions(model: DiffLM, where: dict[str, Any]) -> None:
    made = model.sample(30, where=where)
    assert made.dtypes.equals(TABLE.dtypes) and len(made) == 30
    for name, condition in where.items():
        column = made[name]
        if condition is NOT_MISSING:
            assert column.notna().all()
        elif condition is None:
            assert column.isna().all()
        elif isinstance(condition, tuple):
            low, high = condition
            assert column.notna().all()
            assert all((low is None or v >= low) and (high is None or v <= high) for v in column)
        else:
            wanted = condition if isinstance(condition, set) else {condition}
            assert all(None in wanted if pd.isna(v) else v in wanted for v in column)


@pytest.mark.parametrize("name", ["bool", "category", "int_category", "string", "target", "int64"])
def test_balance_gives_equal_shares(model: DiffLM, name: str) -> None:
    common = TABLE[name].value_counts()
    common = common[common >= 5]
    made = model.sample(len(common) * 4, balance=name)
    assert made.dtypes.equals(TABLE.dtypes)
    shares = made[name].value_counts()
    assert set(shares[shares > 0]) == {4} and set(shares[shares > 0].index) == set(common.index)


@pytest.mark.parametrize("injection", VARIANTS)
def test_every_injection_does_everything(quick, injection: str) -> None:  # type: ignore[no-untyped-def]
    table = TABLE[["hours", "text", "category", "float64", "id", "null"]]
    model = quick(steps=8, denoiser_steps=4, injection=injection).fit(table)
    made = model.sample(50, where={"category": {"a", "c"}, "hours": ("2024-02-01", "2024-04-01")})
    assert made["category"].isin(["a", "c"]).all()
    assert made["hours"].between("2024-02-01", "2024-04-02", inclusive="left").all()
    assert not model.impute(table.iloc[:60])[["hours", "text", "float64"]].isna().any().any()
    known = table["text"].iloc[:60].notna()
    same(model.sample(given=table[["text"]].iloc[:60])["text"][known], table["text"].iloc[:60][known])
    assert (model.sample(9, where={"id": NOT_MISSING, "category": "a"})["category"] == "a").all()
    assert len(model.sample(30, like=table.iloc[:4], where={"category": "b"})) == 30


RNG = np.random.default_rng(1)
SHAPES = {
    "20 rows": pd.DataFrame({"x": RNG.normal(size=20), "y": list("abcd") * 5}),
    "2 rows": pd.DataFrame({"x": [1.5, 2.5], "y": ["a", "b"]}),
    "1 number": pd.DataFrame({"x": RNG.normal(size=200)}),
    "1 category": pd.DataFrame({"x": list("ab") * 50}),
    "1 text": pd.DataFrame({"x": [f"w{i * i % 211} and {i % 3}, or so" for i in range(600)]}),
    "ids and constants": pd.DataFrame({"x": np.arange(100), "y": 1, "z": np.nan}),
    "ids with gaps": pd.DataFrame({"x": [f"A{i:04d}" if i % 3 else None for i in range(100)]}),
    "integer names": pd.DataFrame(RNG.normal(size=(60, 3)), columns=[2, 0, 1]),
    "duplicate index": pd.DataFrame({"x": RNG.normal(size=60), "y": list("ab") * 30}, index=[5] * 60),
    "date index": pd.DataFrame({"x": RNG.normal(size=60)}, index=pd.date_range("2024", periods=60)),
    "all rare": pd.DataFrame({"x": [f"v{i % 40}" for i in range(60)], "y": RNG.normal(size=60)}),
    "only infinite": pd.DataFrame({"x": [np.inf, -np.inf, np.nan] * 20, "y": list("ab") * 30}),
    "huge": pd.DataFrame(
        {"x": 2**62 + RNG.integers(0, 10**9, 60), "y": RNG.integers(0, 2**60, 60).astype("uint64") * 8}
    ),
    "many columns": pd.DataFrame(
        {f"c{i}": RNG.normal(size=40) if i % 2 else RNG.integers(0, 4, 40) for i in range(40)}
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.filterwarnings("error")
def test_tables_of_all_shapes_fit_and_sample(quick, tmp_path, shape: str) -> None:  # type: ignore[no-untyped-def]
    table = SHAPES[shape]
    model = quick(steps=6, denoiser_steps=4).fit(table)
    made = model.sample(70)
    assert made.dtypes.equals(table.dtypes) and len(made) == 70
    pd.testing.assert_index_equal(made.columns, table.columns)
    model.save(tmp_path)
    pd.testing.assert_frame_equal(DiffLM.load(tmp_path).sample(70), made)
    if len(table.columns) < 10:
        filled = model.impute(table)
        pd.testing.assert_index_equal(filled.index, table.index)
        assert filled.dtypes.equals(table.dtypes)
        assert (filled.isna().all() == table.isna().all()).all() and not filled.dropna(
            axis=1, how="all"
        ).isna().any().any()
        assert len(model.sample(given=table.iloc[:2])) == 2
        assert len(model.sample(given=table.iloc[:2, :0])) == 2
        assert len(model.sample(7, like=table.iloc[:3])) == 7


def test_a_small_given_table_is_drawn_from_many_latents(model: DiffLM) -> None:
    latents = []
    original = model.records.draw

    def spy(latent, *rest, **more):  # type: ignore[no-untyped-def]
        latents.append(latent)
        return original(latent, *rest, **more)

    model.records.draw = spy  # type: ignore[method-assign]
    try:
        model.sample(given=TABLE[["category"]].iloc[:1])
    finally:
        del model.records.draw
    assert len(latents[0].unique(dim=0)) == len(latents[0]) > 1
