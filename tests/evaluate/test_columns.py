"""Tables that are hard to read, and columns whose kind is declared."""

import numpy as np
import pandas as pd
import pytest

from lookalike import infer
from lookalike.errors import DataError, OptionError, SchemaError
from lookalike.evaluate import Report, evaluate
from lookalike.evaluate.columns import read_columns
from lookalike.table.schema import Schema
from tests.evaluate.every_kind import NAUGHTY, table

pytestmark = pytest.mark.usefixtures("few_trees")


def test_other_dtypes_with_the_same_values_are_the_same_table():
    real = table(300, 0).drop(columns="empty")
    figures = evaluate(real, real.convert_dtypes(dtype_backend="pyarrow")).to_dict()
    assert figures["fidelity"]["shape_error"]["value"] == 0
    assert figures["privacy"]["exact_copies"]["value"] == 1
    assert any("int64[pyarrow]" in warning for warning in figures["warnings"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.drop(columns="x"), "synthetic table has no column 'x'"),
        (lambda t: t.assign(more=1), "synthetic table .* 'more'"),
        (lambda t: t.head(0), "synthetic table has no rows"),
        (lambda t: t[[]], "synthetic table has no columns"),
        (lambda t: t.assign(x="foo"), "'x' holds numbers .* 'foo' in the synthetic"),
        (lambda t: t.assign(x=[f"5{i} lb" for i in range(len(t))]), "'x' holds numbers .* '50 lb' in the"),
        (lambda t: t.assign(day="32.13.2020"), "'day' holds dates .* '32.13.2020' in the synthetic"),
        (lambda t: pd.concat([t, t[["x"]]], axis=1), "two columns named 'x'"),
        (lambda t: "made.csv", r"synthetic table is the name 'made.csv': .*read_table\('made.csv'\)"),
        (lambda t: {"x": [1]}, "synthetic table has no column 'whole'"),
        (lambda t: t["x"], "synthetic table has no column 'whole'"),
        (lambda t: None, "synthetic table is None"),
    ],
)
def test_tables_that_do_not_fit_are_named(change, sentence):
    with pytest.raises(DataError, match=sentence) as error:
        evaluate(table(100, 0), change(table(100, 1)))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("real", "sentence"), [("a.csv", "real table is the name"), (table(1, 0), "only one")]
)
def test_a_real_table_that_is_none_is_named(real, sentence):
    with pytest.raises(DataError, match=sentence):
        evaluate(real, table(100, 1))


def test_a_few_values_that_cannot_be_read_count_as_out_of_range(tmp_path):
    made = table(300, 1).astype({"x": object, "when": object})
    made.loc[7, ["day", "when", "x"]] = ["32.13.2020", "rubbish", "many"]
    held = table(300, 2).astype({"x": object})
    held.loc[3, "x"] = "real secret"
    report = evaluate(table(300, 0), made, held, quick=True)
    figures = report.to_dict()
    for name, bad in (("day", "32.13.2020"), ("when", "rubbish"), ("x", "many")):
        told = [text for text in figures["warnings"] if f"'{name}': 1 of" in text and "synthetic" in text]
        assert len(told) == 1 and bad in told[0]
        strange = figures["columns"][name]["strange"]["synthetic"]
        missing = figures["columns"][name]["missing"]["synthetic"]
        assert strange >= 1 / 300 and missing == table(300, 1)[name].isna().sum() / 300 - (name == "when") * (
            pd.isna(table(300, 1)["when"][7]) / 300
        )
    report.save(tmp_path / "r.html")
    assert "real secret" not in (tmp_path / "r.html").read_text(encoding="utf-8") + repr(report)


@pytest.mark.parametrize("real", [lambda days: days, lambda days: days.strftime("%Y-%m-%d")])
def test_days_before_months_are_read_as_such_in_every_row(real):
    days = pd.date_range("2020-01-01", periods=60).repeat(5)
    tables = {"real": real(days), "synthetic": days.strftime("%d/%m/%Y")}
    column = read_columns({table: pd.DataFrame({"day": cells}) for table, cells in tables.items()})[0]
    assert np.array_equal(column.identity["synthetic"], column.identity["real"])


def test_moments_and_spans_written_as_text_are_read():
    real = table(300, 0)[["zone", "when"]].assign(
        span=pd.to_timedelta(np.random.default_rng(0).integers(0, 10**6, 300), unit="s")
    )
    texts = real.astype(str).where(real.notna(), None)
    assert texts["zone"].str[-6:].nunique() == 2, "summer time and winter time"
    figures = evaluate(real, texts, only=["fidelity"], quick=True).to_dict()
    for name in real:
        assert figures["columns"][name]["shape_error"]["value"] == 0, name
        assert figures["columns"][name]["strange"]["synthetic"] == 0, name


def test_column_names_of_several_levels_are_named():
    real = pd.concat({"top": table(60, 0)}, axis=1)
    with pytest.raises(DataError, match="the real table has column names of several levels"):
        evaluate(real, real)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("gap", [None, np.nan, pd.NA])
@pytest.mark.parametrize("name", ["x", "day", "when", "zone", NAUGHTY, "text", "nullable", "flag"])
def test_a_column_without_values_is_reported(name, gap, tmp_path):
    few = [*dict.fromkeys(("gaps", "ordered", "flag", name))]
    real, made, held = (table(120, seed)[few] for seed in range(3))
    only = None if gap is None else ["fidelity"]  # the other chapters see the same column, whatever the gap
    report = evaluate(real, made.assign(**{name: gap}), held, target="flag", only=only, quick=True)
    figures = report.to_dict()
    assert f"column '{name}' has no values in the synthetic table" in figures["warnings"]
    assert figures["columns"][name]["shape_error"]["value"] == 1
    assert figures["columns"][name]["missing"]["synthetic"] == 1
    report.save(tmp_path / "r.html")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1.7e308, 1e160, 1e-320])
def test_huge_and_tiny_numbers_are_compared(size, tmp_path, monkeypatch):
    monkeypatch.undo()  # its models have to learn

    def scaled(seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        x = rng.uniform(-1, 1, 300)
        return pd.DataFrame(
            {"big": x * size, "plain": x + rng.normal(size=300) / 2, "c": rng.choice(["a", "b"], 300)}
        )

    report = evaluate(scaled(0), scaled(1), scaled(2), target="big", quick=True)
    figures = report.to_dict()
    assert figures["columns"]["big"]["shape_error"]["value"] < 0.15
    (pair,) = (p for p in figures["pairs"] if {p["first"], p["second"]} == {"big", "plain"})
    assert pair["real"] == pytest.approx(0.75, abs=0.1) and pair["error"] < 0.05
    assert size < 1 or 0.3 < figures["utility"]["trtr"]["value"] < 0.8
    report.save(tmp_path / "r.html")
    assert "inf" not in figures["columns"]["big"]["histogram"]["labels"]


def test_dtypes_that_hold_the_same_values_are_coerced_and_the_others_named():
    real = table(300, 0)
    as_text = table(300, 1).assign(
        whole=lambda t: t["whole"].astype(str), x=lambda t: t["x"].astype("float32")
    )
    figures = evaluate(real, as_text).to_dict()
    assert any("'whole' is" in w for w in figures["warnings"]), figures["warnings"]
    assert figures["columns"]["whole"]["shape_error"]["value"] < 0.2
    with pytest.raises(DataError, match=r"'whole' holds numbers .* 'many'"):
        evaluate(real, table(300, 1).assign(whole="many"))


def test_columns_of_ids_that_are_named() -> None:
    real, other = table(300, 0), table(300, 1)
    figures = evaluate(real, other, ids=["whole", "text"], only=["fidelity"], quick=True).to_dict()
    assert figures["columns"]["whole"]["kind"] == figures["columns"]["text"]["kind"] == "id"
    assert "whole, text" in figures["skipped"]["ids"]
    with pytest.raises(OptionError, match="'planet' is not a column"):
        evaluate(real, other, ids=["planet"])
    with pytest.raises(OptionError, match="the target 'whole' is a column of ids"):
        evaluate(real, other, ids=["whole"], target="whole")


def declared(table: pd.DataFrame, **kinds: str) -> Schema:
    """The inferred schema of a table with other kinds for some of its columns."""
    schema = infer(table)
    for name, kind in kinds.items():
        schema[name].kind = kind
    return schema


def column(report: Report, name: str) -> dict:
    return report.to_dict()["columns"][name]


CODES = pd.DataFrame({"job": np.repeat(np.arange(0, 80, 2), 10), "x": np.arange(400) % 7})


def test_integer_codes_that_are_declared_a_category_are_judged_as_one() -> None:
    """Every fourth row has the next code, which is another job: near as a number, unseen as a category."""
    other = CODES.assign(job=CODES["job"] + (np.arange(400) % 4 == 0))
    options = {"only": ["fidelity", "diversity"], "quick": True}
    number = evaluate(CODES, other, **options)
    assert column(number, "job")["kind"] == "number"
    assert column(number, "job")["shape_error"]["value"] == pytest.approx(3 / 400)
    category = evaluate(CODES, other, schema=declared(CODES, job="category"), **options)
    assert column(category, "job")["kind"] == "category"
    assert column(category, "job")["shape_error"]["value"] == pytest.approx(0.25)
    assert category.to_dict()["fidelity"]["unseen"]["value"] == 0.25
    assert category.to_dict()["fidelity"]["out_of_range"]["value"] == 0
    assert category.to_dict()["diversity"]["category_coverage"]["value"] == 1


ZIPS = pd.DataFrame({"zip": np.repeat(np.arange(10115, 10165), 8), "x": np.arange(400) % 7})


@pytest.mark.parametrize("cells", [int, str])
@pytest.mark.parametrize("kind", ["category", "text", "number"])
def test_zip_codes_are_judged_as_what_they_are_declared(cells: type, kind: str) -> None:
    """Half of the synthetic ones have a digit more."""
    real = ZIPS.astype({"zip": cells})
    half = np.arange(400) % 2 == 0
    other = real.assign(zip=ZIPS["zip"].where(half, ZIPS["zip"] * 10).astype(cells))
    report = evaluate(real, other, schema=declared(real, zip=kind), only=["fidelity"], quick=True)
    found = column(report, "zip")
    assert found["kind"] == kind
    assert found["shape_error"]["value"] == pytest.approx(0.5)
    assert found["strange"]["synthetic"] == (0 if kind == "text" else 0.5)
    if kind == "text":
        assert found["histogram"]["labels"] == ["5", "1 other"], "a text is drawn by its length"


@pytest.mark.parametrize("kind", ["id", "key", "pseudonym"])
@pytest.mark.parametrize("name", ["x", "whole", "text"])
def test_what_is_declared_an_id_is_not_compared(name: str, kind: str) -> None:
    real, other = table(300, 0), table(300, 1)
    schema = declared(real, **{name: kind})
    figures = evaluate(real, other, schema=schema, only=["fidelity"], quick=True).to_dict()
    assert figures["columns"][name]["kind"] == "id"
    assert figures["columns"][name]["shape_error"]["value"] is None
    assert name in figures["skipped"]["ids"] and name not in figures["pair_map"]["columns"]
    with pytest.raises(OptionError, match=f"the target '{name}' is a column of ids"):
        evaluate(real, other, schema=schema, target=name)


def test_what_the_schema_drops_is_left_out() -> None:
    real = CODES.assign(note=[f"note {i}" for i in range(400)])
    other = real.assign(note=[f"other {i}" for i in range(400)])
    options = {"only": ["privacy"], "quick": True}
    assert evaluate(real, other, **options).to_dict()["privacy"]["exact_copies"]["value"] == 0
    schema = declared(real, note="drop")
    for made in (other, other.drop(columns="note")):
        figures = evaluate(real, made, real.drop(columns="note"), schema=schema, **options).to_dict()
        assert figures["privacy"]["exact_copies"]["value"] == 1
        assert set(figures["columns"]) == {"job", "x"} and figures["tables"]["columns"] == 2
    for option in ("target", "text"):
        with pytest.raises(OptionError, match=f"the {option} 'note' is dropped by the schema"):
            evaluate(real, other, schema=schema, **{option: "note"})


def test_code_and_dates_that_are_declared_a_category_are_judged_as_one() -> None:
    real = table(300, 0)[["day", "when", "text"]]
    kinds = {"day": "category", "when": "category", "text": "code"}
    report = evaluate(real, table(300, 1)[list(real)], schema=declared(real, **kinds), quick=True)
    figures = report.to_dict()
    assert [figures["columns"][name]["kind"] for name in real] == ["category", "category", "text"]
    assert not figures["texts"], "code is not prose"
    assert figures["fidelity"]["out_of_range"]["value"] is None


def test_the_declared_format_of_a_date_decides() -> None:
    """These dates can be read with the day or the month first."""
    days = [f"{day:02d}/{month:02d}/2020" for day in range(1, 13) for month in (1, 2, 3)]
    real = pd.DataFrame({"day": days * 10, "x": np.arange(360) % 5})
    last = {}
    for form in ("%d/%m/%Y", "%m/%d/%Y"):
        schema = infer(real)
        schema["day"].format = form
        report = evaluate(real, real, schema=schema, only=["fidelity"], quick=True)
        last[form] = column(report, "day")["histogram"]["labels"][-2]
    assert last["%d/%m/%Y"].startswith("2020-03-") and last["%m/%d/%Y"] > "2020-11"


def test_what_the_schema_declares_missing_is_missing() -> None:
    real = pd.DataFrame({"job": ["a", "b", "c", "?"] * 100, "n": [1, 2, 3, -9] * 100})
    other = real.assign(job=["a", "b", "c", "c"] * 100, n=[1, 2, 3, 3] * 100)
    found = evaluate(real, other, schema=infer(real, {"?", "-9"}), only=["fidelity"], quick=True)
    for name in real:
        assert column(found, name)["missing"] == {"real": 0.25, "synthetic": 0}
        assert column(found, name)["strange"]["synthetic"] == 0
    assert column(found, "job")["shape_error"]["value"] == pytest.approx(0.5 - 1 / 3)


@pytest.mark.filterwarnings("error")
def test_the_inferred_schema_changes_nothing_and_is_not_changed() -> None:
    real, other = table(120, 0), table(120, 1)
    schema = infer(real)
    before = schema.to_dict()
    found = [evaluate(real, other, schema=one, quick=True).to_dict() for one in (schema, None)]
    for figures in found:
        figures["about"] = None
    assert found[0] == found[1]
    assert schema.to_dict() == before
    few = ["x", "text"]
    assert set(evaluate(real[few], other[few], schema=schema, quick=True).to_dict()["columns"]) == set(few)


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        ({"x": "number"}, r"the schema is \{'x': 'number'\}: give what lookalike.infer made"),
        (infer(CODES[["x"]]), "the schema has no column 'job', which the real table has"),
        (declared(CODES, job="job"), "'job' has the kind 'job': the kinds are"),
        (declared(CODES, job="datetime"), "'job' is declared a datetime, but holds 0"),
    ],
)
def test_a_schema_that_does_not_fit_is_one_sentence(schema: object, sentence: str) -> None:
    with pytest.raises(SchemaError, match=sentence) as error:
        evaluate(CODES, CODES, schema=schema)
    assert "\n" not in str(error.value)
    words = CODES.assign(job="j" + CODES["job"].astype(str) + ":0")
    with pytest.raises(SchemaError, match="'job' is declared a number, but holds 'j0:0'"):
        evaluate(words, words, schema=declared(words, job="number"))
