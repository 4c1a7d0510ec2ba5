"""Schemas as JSON, their notes, and what a schema refuses."""

import json
from pathlib import Path

import pandas as pd
import pytest

from lookalike.errors import SchemaError
from lookalike.table.inferring import infer
from lookalike.table.schema import Schema
from tests.table.columns import many_dtypes


def test_notes_say_what_was_chosen_why_and_how_to_change_it() -> None:
    table = pd.DataFrame(
        {
            "city": [f"town{i}x" for i in range(150)] * 10,
            "person": [f"p{i % 500}" for i in range(1500)],
            "product": [*([f"item{i}" for i in range(100)] * 12), *(f"rare{i}" for i in range(300))],
            "review": [f"{i} is what it is for a while" for i in range(1500)],
        }
    )
    schema = infer(table)
    person, product = schema.notes()
    assert person.startswith("column 'person' is learned as text, which may invent values, because 100% of")
    assert "occur in fewer than 5 rows" in person and 'kind to "category"' in person
    assert product.startswith("column 'product' is learned as a category, because most of its 400 values")
    assert 'kind to "text"' in product
    schema["product"].kind = "text"
    assert schema.notes() == [person]  # what the user decided needs no note
    assert Schema.from_dict(schema.to_dict()).notes() == []


def test_min_rows_is_kept_in_json_and_checked() -> None:
    schema = infer(pd.DataFrame({"x": ["a", "b"] * 20}), keep_rare=True)
    facts = json.loads(json.dumps(schema.to_dict()))
    assert facts["columns"][0]["min_rows"] == 1 and Schema.from_dict(facts) == schema
    assert "rare values kept" in repr(schema)
    for wrong in (0, 2.5, "2", True):
        facts["columns"][0]["min_rows"] = wrong
        with pytest.raises(SchemaError, match="column 'x' has the min_rows"):
            Schema.from_dict(facts)


def test_a_schema_survives_json(tmp_path: Path) -> None:
    table = pd.DataFrame(many_dtypes())
    schema = infer(table, missing={"?"})
    schema.save(tmp_path / "schema.json")
    assert Schema.load(tmp_path / "schema.json") == schema
    text = repr(schema)
    assert len(text.splitlines()) == len(table.columns) + 2
    assert "ordered" in text and "timedelta64[ms]" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "is not a schema"),
        ('{"format": 99}', "the format 99"),
        ('{"format": 1, "rows": 2, "columns": [{"name": "a", "kind": "nose", "dtype": "int64"}]}', "'nose'"),
        ('{"format": 1, "rows": 2, "columns": [{"name": "a", "kin": "x"}]}', "unknown entry 'kin'"),
        ('{"format": 1, "rows": 2, "columns": [{"name": "a"}]}', "is not the schema of a column"),
    ],
)
def test_a_bad_schema_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "schema.json"
    path.write_text(text)
    with pytest.raises(SchemaError, match=said) as error:
        Schema.load(path)
    assert str(path) in str(error.value)


def test_a_missing_schema_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="cannot be read"):
        Schema.load(tmp_path / "none.json")


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(SchemaError, match="no column 'ages': its columns are age"):
        infer(pd.DataFrame({"age": [1, 2]}))["ages"]
