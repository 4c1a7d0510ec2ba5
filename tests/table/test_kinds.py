"""Columns of code and JSON: recognised, printed, and refused in one sentence where they hold more."""

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lookalike.errors import DataError, SchemaError
from lookalike.table.inferring import infer
from lookalike.table.nested import DEEPEST, json_values
from lookalike.table.schema import Schema

PYTHON = [f"def f{i}(x):\n    return x + {i}\n" for i in range(60)]

SQL = [f"SELECT a FROM t WHERE b = {i}" for i in range(60)]

OBJECTS = [{"name": f"f{i}", "arguments": {"n": i}, "tags": []} for i in range(60)]


def kind_of(values: list[Any]) -> str:
    return infer(pd.DataFrame({"x": pd.Series(values)}))["x"].kind


def test_kinds_are_recognised() -> None:
    table = pd.DataFrame(
        {
            "python": PYTHON,
            "sql": SQL,
            "text": [f"the cat ({i}) sat" for i in range(60)],
            "objects": OBJECTS,
            "lists": [[i] if i % 2 else [] for i in range(60)],
            "either": [OBJECTS[0] if i % 2 else "N/A" for i in range(60)],
            "written": [json.dumps(value) for value in OBJECTS],
            "always": [{"a": 1}] * 60,
            "holes": [None if i % 3 else OBJECTS[i] for i in range(60)],
        }
    )
    schema = infer(table)
    assert {c.name: (c.kind, c.language) for c in schema.columns} == {
        "python": ("code", "python"),
        "sql": ("code", "sql"),
        "text": ("text", None),
        "objects": ("json", None),
        "lists": ("json", None),
        "either": ("json", None),
        "written": ("json", None),
        "always": ("json", None),
        "holes": ("json", None),
    }
    assert schema["objects"].python == "json" and schema["written"].python != "json"
    assert schema["holes"].nullable and schema["objects"].keys == 3 == schema["written"].keys
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))).columns == schema.columns
    lines = repr(schema).splitlines()
    assert lines[2].endswith("in python") and lines[5].endswith("3 keys") and lines[9].endswith("1 key")


def codes(heads: list[str], form: str, rows: int, distinct: int) -> list[str]:
    """Codes that come again; of the form each 9 is a digit, each A a letter."""
    rng = np.random.default_rng(1)
    sets = {"9": list("123456789"), "A": list("ABDEFGHJLN")}
    own = [rng.choice(heads) + "".join(rng.choice(sets.get(c, [c])) for c in form) for _ in range(distinct)]
    return [own[i] for i in rng.integers(0, distinct, rows)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (codes(["SW", "E", "LS", "M1", "EC1"], "9 9AA", 1200, 400), "key"),  # British postcodes
        (codes(["B-", "HH-", "M-"], "AA 999", 1200, 500), "key"),
        (codes([""], "9A", 1200, 90), "category"),
        (codes(["1", "12", ""], "99BR", 1200, 600), "number"),  # no letter varies: a unit
    ],
)
def test_codes_of_several_lengths_that_come_again_are_made_afresh(values: list[str], kind: str) -> None:
    assert kind_of(values) == kind
    if kind == "key":
        pattern = infer(pd.DataFrame({"x": values}))["x"].pattern
        assert pattern is not None and all(re.fullmatch(pattern, value) for value in values)


def random_keys(letters: str, form: str, rows: int = 300) -> list[str]:
    """Keys of a form, of which each 9 is one of the letters."""
    rng = np.random.default_rng(2)
    return ["".join(rng.choice(list(letters)) if c == "9" else c for c in form) for _ in range(rows)]


HEX = "0123456789abcdef"
CAPITALS = list(dict.fromkeys(random_keys("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "999", 400)))
ANY = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (random_keys(ANY, "R_999999999999999"), "id"),  # survey answers
        (random_keys(ANY + "-_", "99999999999"), "id"),  # videos
        (random_keys(HEX, "{99999999-9999-9999-9999-999999999999}"), "id"),
        (random_keys(HEX, "urn:uuid:99999999-9999-9999-9999-999999999999"), "id"),
        (random_keys(HEX, "#999999"), "id"),
        (random_keys(HEX[1:], "2001:db8:9999:99:999:9:9999:9"), "id"),
        (random_keys("abcdefghijklmnop", "999999999999"), "text"),  # no digit: words
        ([f"INV-2023-{n // 3:05d}" for n in range(400)], "key"),  # lines of an invoice
        (CAPITALS + [f"{n:02d}{s[0]}" for n, s in enumerate(CAPITALS[:99])], "id"),  # airports
        ([f"{s[0]}{'AEIOU'[n % 5]}{s[1:]}" for n, s in enumerate(CAPITALS)], "text"),  # words
        ([*(f"{n:02d}" for n in range(90)), *(f"{n:04d}"[:2] + f".{n % 90}" for n in range(900))], "text"),
        (
            [
                f"http://www.poll{'-a.b/c_d/'[: n % 9]}{n * 7919 % 1000}.com/{'abc/' * (n % 4)}report{n}.pdf"
                for n in [n if n % 5 else n // 10 for n in range(400)]
            ],
            "key",  # web addresses of many layouts that come again
        ),
    ],
)
def test_keys_in_their_own_dress_are_made_afresh(values: list[str], kind: str) -> None:
    column = infer(pd.DataFrame({"x": values}))["x"]
    assert column.kind == kind
    if column.pattern is not None:
        assert all(re.fullmatch(column.pattern, value) for value in values)


def test_what_is_frequent_is_a_category_whatever_it_is_written_in() -> None:
    assert kind_of([*PYTHON[:3]] * 20) == "category"
    assert kind_of(["[]", '["a"]'] * 30) == "category"
    assert kind_of(PYTHON[:10]) == "category"


def test_a_kind_may_be_set_by_hand() -> None:
    from lookalike.codec import RecordCodec

    table = pd.DataFrame({"x": [f"fn f{i}() -> i32 {{ {i} }}" for i in range(60)], "y": ["[]", '["a"]'] * 30})
    schema = infer(table)
    schema["x"].kind, schema["y"].kind = "code", "json"
    fitted = RecordCodec.fit(table, schema).schema
    assert fitted["x"].language is None and "no parser known" in repr(fitted)
    assert fitted["y"].keys == 0
    schema["x"].language = "rust"
    with pytest.raises(SchemaError, match=r"'x'.*'rust'.*python, sql"):
        RecordCodec.fit(table, schema)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ('{"a": ', "row 41 does not.*Expecting value"),
        ("", "row 41 does not"),
        ("[" * 100_000, f"deeper than {DEEPEST} levels"),
        ('[{"a": Infinity}]', "no infinity"),
    ],
)
def test_text_that_is_no_json_is_named(broken: str, said: str) -> None:
    values = [json.dumps(value) for value in OBJECTS]
    values[41] = broken
    with pytest.raises(SchemaError, match=f"column 'x' holds JSON, but {said}|column 'x'.*{said}") as raised:
        kind_of(values)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ('{"a": ', "row 41 does not"),
        ({1: 2}, "row 41 does not.*the key 1 is no string"),
        ({"a": pd.Timestamp("2020")}, "JSON has no Timestamp"),
        ({"a": {1, 2}}, "JSON has no set"),
    ],
)
def test_cells_that_json_has_not_are_named(odd: Any, said: str) -> None:
    values: list[Any] = [*OBJECTS]
    values[41] = odd
    with pytest.raises(SchemaError, match=f"column 'x'.*{said}"):
        kind_of(values)


def test_values_become_those_of_json() -> None:
    import numpy as np

    odd = [{"a": np.int64(3), "b": np.array([1.5, np.nan]), "c": (True, None), "d": "x\ud800"}]
    assert json_values(pd.Series(odd), "x", True).tolist() == [
        {"a": 3, "b": [1.5, None], "c": [True, None], "d": "x"}
    ]


def test_a_column_of_objects_is_nothing_else() -> None:
    from lookalike.codec import RecordCodec

    table = pd.DataFrame({"x": OBJECTS})
    for kind in ("text", "category", "number", "id", "constant"):
        schema = infer(table)
        schema["x"].kind = kind
        with pytest.raises(SchemaError, match=f"'x' is declared {kind}.*json"):
            RecordCodec.fit(table, schema)


def test_a_prompt_does_not_show_objects() -> None:
    from lookalike.prompting.record import form_of

    with pytest.raises(DataError, match=r"'x'.*lists or objects"):
        form_of(pd.DataFrame({"x": OBJECTS, "t": PYTHON}), ["t"], None)
    fields = form_of(pd.DataFrame({"t": PYTHON, "s": SQL}), ["t"], None).fields
    assert [field.asked.said for field in fields] == [
        "a text of about 6 to 6 words",
        "a text of about 8 to 8 words",
    ]


def test_a_value_that_most_rows_have_makes_no_text_of_a_category() -> None:
    rng = np.random.default_rng(0)
    rare = [f"Country {letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    column = ["United-States"] * 450 + ["Mexico"] * 10 + rng.choice(rare, 40).tolist()
    assert infer(pd.DataFrame({"country": column}))["country"].kind == "category"
    said = ["none"] * 300 + [f"{one} {two}" for one in rare for two in ("late", "lost", "torn", "wet", "old")]
    column = infer(pd.DataFrame({"said": said}))["said"]
    assert (column.kind, column.exceptions) == ("compound", ["none"])
