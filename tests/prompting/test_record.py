"""Rows as JSON records and back in the exact dtypes; what cannot stand in a column is refused."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import jsonschema
import pandas as pd
import pytest

from lookalike.errors import DataError
from lookalike.prompting.record import Form, as_json, form_of, reply_schema, table_of, value_of, with_text
from lookalike.table.inferring import infer
from lookalike.table.schema import Schema

ROWS = 60


@pytest.fixture(scope="module")
def mixed() -> pd.DataFrame:
    """A column of every kind and of the dtypes that are easily lost."""
    at = pd.Series(range(ROWS))
    days = pd.Timestamp("2021-01-01") + pd.to_timedelta(at, "D")
    return pd.DataFrame(
        {
            "question": [f"what is number {i}" for i in at],
            "answer": [None if i % 7 == 0 else f"it is {i} of them" for i in at],
            "label": at % 3,
            "flag": at % 2 == 0,
            "size": pd.Categorical.from_codes(at % 3, ["s", "m", "l"], ordered=True),
            "count": (at * at).astype("Int64").mask(at % 5 == 0),
            "price": at / 4 + 0.25,
            "exact": [Decimal(int(i)) / 100 for i in at],
            "ratio": (at / 7).astype("float32"),
            "day": days,
            "written": days.dt.strftime("%d.%m.%Y"),
            "zone": days.dt.tz_localize("Europe/Berlin"),
            "lasts": pd.to_timedelta(at, "h"),
            "same": "EUR",
            "key": [f"K-{i:06d}" for i in at],
        }
    )


def test_records_come_back_in_the_exact_dtypes_without_keys(mixed: pd.DataFrame) -> None:
    form = form_of(mixed, ["question", "answer"], "label")
    records = as_json(form, mixed)
    assert form.left_out == ["key"]
    assert "same" not in records[0]  # a constant is filled in, not asked for
    pd.testing.assert_frame_equal(table_of(form, records), mixed.drop(columns="key"))
    jsonschema.validate({"records": records}, reply_schema(form))
    assert records[8]["written"] == "09.01.2021"
    assert (records[8]["day"], records[8]["lasts"], records[8]["label"]) == ("2021-01-09", 8, "2")


def test_no_records_make_an_empty_table_of_the_same_dtypes(mixed: pd.DataFrame) -> None:
    form = form_of(mixed, ["question"], "label")
    empty = table_of(form, [])
    assert empty.dtypes.to_dict() == mixed.drop(columns="key").dtypes.to_dict()
    assert len(empty) == 0


def test_the_prompt_describes_the_fields(mixed: pd.DataFrame) -> None:
    said = {field.name: field.description for field in form_of(mixed, ["question"], "label").fields}
    assert said["question"] == "a text of about 4 to 4 words"
    assert said["label"] == 'one of "0", "1", "2"'
    assert said["count"].startswith("a whole number from ") and said["count"].endswith(", or null")
    assert said["price"].endswith("with at most 2 decimals")
    assert said["written"].endswith("written %d.%m.%Y")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("label", "3"),
        ("label", None),
        ("size", "xl"),
        ("price", 1e6),
        ("price", float("nan")),
        ("day", "soon"),
        ("written", "2021-01-09"),
        ("question", None),
    ],
)
def test_what_cannot_stand_in_the_column_is_refused(mixed: pd.DataFrame, name: str, written: Any) -> None:
    form = form_of(mixed, ["question"], "label")
    with pytest.raises(ValueError):
        value_of(form[name], written)


def test_values_are_brought_to_the_columns_precision(mixed: pd.DataFrame) -> None:
    form = form_of(mixed, ["question"], "label")
    assert value_of(form["price"], 3.14159) == 3.14
    assert value_of(form["count"], 3.9) == 4
    assert value_of(form["exact"], 0.3) == Decimal("0.30")
    assert value_of(form["answer"], None) is None


def test_texts_without_spaces_are_measured_in_characters() -> None:
    real = pd.DataFrame({"text": [f"我的卡还没有到{i}在哪里可以查询" for i in range(30)]})
    assert "characters" in form_of(real, ["text"], None).fields[0].description


@pytest.mark.parametrize(
    ("change", "texts", "label", "words"),
    [
        (lambda t: t, ["text"], "class", "no column 'class': its columns are text, label"),
        (lambda t: t, ["body"], None, "no column 'body'"),
        (lambda t: t, ["label"], None, "holds int64, not texts"),
        (lambda t: t, ["text"], "text", "cannot be both text and label"),
        (lambda t: t.assign(text=" "), ["text"], "label", "all texts of 'text' are empty"),
        (lambda t: t.assign(text=t.text.astype("category")), ["text"], None, "convert it to strings"),
        (lambda t: t.assign(label=[None] + [1.0] * 5), ["text"], "label", "1 real rows have no 'label'"),
        (lambda t: t.iloc[:0], ["text"], "label", "has no rows"),
        (lambda t: t.assign(**{"1": 2}).rename(columns={"label": 1}), ["text"], None, "written alike"),
        (
            lambda t: pd.concat([t] * 20, ignore_index=True).assign(label=range(120)),
            ["text"],
            "label",
            "has 120 values: name a column of classes",
        ),
    ],
)
def test_tables_that_cannot_be_used_are_refused_in_a_sentence(
    change: Any, texts: list[str], label: str | None, words: str
) -> None:
    table = change(pd.DataFrame({"text": [f"a text {i}" for i in range(6)], "label": [0, 1] * 3}))
    with pytest.raises(DataError, match=words):
        with_text(table, texts, label)


def test_rows_without_any_text_are_left_out() -> None:
    table = pd.DataFrame({"q": ["a", " ", None, "b"], "a": ["c", "", None, None]})
    assert with_text(table, ["q", "a"], None).tolist() == [0, 3]


def rare_values() -> pd.DataFrame:
    """60 rows; one holds a tool that no other has, one a class, and one a flag."""
    at = pd.Series(range(ROWS))
    return pd.DataFrame(
        {
            "text": [f"what is number {i} of all of them" for i in at],
            "tool": ["hammer" if i % 2 else "saw" for i in at[:-1]] + ["guillotine"],
            "class": ["a" if i % 2 else "b" for i in at[:-2]] + ["lonely", "a"],
            "flag": [i == 5 for i in at],
        }
    )


def test_rare_values_are_in_no_prompt_and_no_reply_schema() -> None:
    real = rare_values()
    form = form_of(real, ["text"], "class")
    shown = json.dumps([as_json(form, real), reply_schema(form), [f.description for f in form.fields]])
    assert "guillotine" not in shown and "lonely" not in shown and "hammer" in shown
    assert as_json(form, real)[-1]["tool"] is None and set(form["flag"].values) == {"False"}
    with pytest.raises(ValueError):
        value_of(form["tool"], "guillotine")
    assert [note.split(":")[0] for note in form.notes] == ["column 'tool'", "column 'class'", "column 'flag'"]
    assert "'guillotine'; keep them with --keep-rare" in form.notes[0]


def test_rare_values_are_shown_where_they_are_to_be_kept() -> None:
    real = rare_values()
    form = form_of(real, ["text"], "class", infer(real, keep_rare=True))
    assert form.notes == [] and value_of(form["tool"], "guillotine") == "guillotine"
    assert set(form["class"].values) == {"a", "b", "lonely"}
    pd.testing.assert_frame_equal(table_of(form, as_json(form, real)), real)


def told(real: pd.DataFrame, label: str | None = None, schema: Schema | None = None) -> tuple[Form, str]:
    """The form, and all that a prompt and a request say of the table without showing a row."""
    form = form_of(real, ["text"], label, schema)
    return form, json.dumps([reply_schema(form), [field.description for field in form.fields]])


def texts(rows: int = ROWS) -> list[str]:
    return [f"what is number {i} of all of them" for i in range(rows)]


@pytest.mark.parametrize(
    "values",
    [
        ["guillotine", "rack", "stocks"] + [None] * (ROWS - 3),
        [f"guillotine {i // 4}" for i in range(ROWS)],
        pd.array([True, False, True] + [None] * (ROWS - 3), dtype="boolean"),
        pd.Categorical(["guillotine", "rack"] + [None] * (ROWS - 2), categories=["rack", "guillotine"]),
    ],
    ids=["rest missing", "none frequent", "boolean", "categorical"],
)
def test_a_category_of_rare_values_alone_is_left_out_and_that_is_said(values: Any) -> None:
    real = pd.DataFrame({"text": texts(), "tool": values})
    schema = infer(real)
    schema["tool"].kind = "boolean" if schema["tool"].kind == "boolean" else "category"
    form, said = told(real, schema=schema)
    assert "tool" not in said and form.left_out == ["tool"]
    (note,) = form.notes
    assert note.startswith("column 'tool': none of its ") and note.endswith("out; keep it with --keep-rare")
    assert list(table_of(form, as_json(form, real)).columns) == ["text"]
    schema["tool"].min_rows = 1
    form, said = told(real, schema=schema)
    assert form.left_out == form.notes == [] and len(form["tool"].values) == real["tool"].nunique()
    pd.testing.assert_frame_equal(table_of(form, as_json(form, real)), real)


def test_a_constant_of_few_rows_is_not_filled_in() -> None:
    real = pd.DataFrame({"text": texts(), "tool": ["guillotine"] + [None] * (ROWS - 1), "unit": "EUR"})
    form, said = told(real)
    assert "guillotine" not in said and "EUR" not in said
    back = table_of(form, as_json(form, real))
    assert back["tool"].isna().all() and (back["unit"] == "EUR").all()
    assert back.dtypes.equals(real.dtypes)
    (note,) = form.notes
    assert note.startswith("column 'tool': its only value occurs in fewer than 5 rows (1 of 60 rows)")
    form, _ = told(real, schema=infer(real, keep_rare=True))
    assert (table_of(form, as_json(form, real))["tool"] == "guillotine").all() and form.notes == []


@pytest.mark.parametrize("rows", [8, ROWS])
def test_no_number_or_date_of_a_single_row_is_told_as_an_end(rows: int) -> None:
    at = pd.Series(range(rows))
    real = pd.DataFrame(
        {
            "text": texts(rows),
            "price": (at * 13.37).round(2),
            "count": at * at + 1017,
            "day": pd.Timestamp("2001-03-04") + pd.to_timedelta(at * 17, "D"),
            "lasts": pd.to_timedelta(at * 61, "min"),
        }
    )
    form, _ = told(real)
    for field in form.fields[1:]:
        ends = re.search(r" from (.+?) to (.+?)(,| with|$)", field.description)
        assert ends is not None
        held = set(real[field.name].astype(str)) | set(real[field.name].map(str))
        assert ends[1] not in held and ends[2] not in held, field.description
    kept, _ = told(real, schema=infer(real, keep_rare=True))
    assert f" from {real['count'].iloc[4 if rows == ROWS else 1]} to " in kept["count"].description


def test_a_range_that_many_rows_reach_is_told_as_it_is() -> None:
    real = pd.DataFrame({"text": texts(), "stars": [1, 2, 3, 4, 5, 5] * 10})
    form, _ = told(real)
    assert form["stars"].description == "a whole number from 1 to 5"


def test_the_keys_of_json_are_told_nowhere() -> None:
    real = pd.DataFrame({"text": texts(), "call": ['{"tool": 1}'] * (ROWS - 1) + ['{"guillotine": 2}']})
    schema = infer(real)
    schema["call"].kind = "json"
    form, said = told(real, schema=schema)
    assert form["call"].description.startswith("a text of about ")
    assert "guillotine" not in said and "tool" not in said
    assert as_json(form, real)[-1]["call"] == '{"guillotine": 2}'  # a demonstration shows its row


def test_rare_classes_of_a_label_that_is_no_category_are_said_too() -> None:
    real = pd.DataFrame({"text": texts(), "stars": [1, 2] * (ROWS // 2 - 1) + [7, 8]})
    form, said = told(real, "stars")
    assert list(form["stars"].values) == ["1", "2"] and '"7"' not in said
    assert form.notes == [
        "column 'stars': 2 of 4 values occur in fewer than 5 rows (2 of 60 rows) and are not reproduced: "
        "7, 8; keep them with --keep-rare"
    ]
    schema = infer(real)
    schema["stars"].min_rows = 1
    assert list(told(real, "stars", schema)[0]["stars"].values) == ["1", "2", "7", "8"]


def test_a_label_without_a_frequent_class_keeps_those_of_two_rows_and_never_those_of_one() -> None:
    real = pd.DataFrame({"text": texts(9), "class": ["a"] * 4 + ["b"] * 3 + ["lonely", "alone"]})
    form, said = told(real, "class")
    assert list(form["class"].values) == ["a", "b"] and "lonely" not in said
    assert (
        "none of its 4 values occurs in 5 rows, so those of at least 2 rows are reproduced" in form.notes[0]
    )
    single = pd.DataFrame({"text": texts(3), "class": ["a", "b", "c"]})
    with pytest.raises(DataError, match=r"no class of 'class' has two rows.*--keep-rare"):
        told(single, "class")
    assert len(told(single, "class", infer(single, keep_rare=True))[0]["class"].values) == 3
