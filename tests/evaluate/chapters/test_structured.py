"""Columns of code, JSON and tool calls whose right answer is known."""

import json

import numpy as np
import pandas as pd
import pytest

from lookalike.evaluate import evaluate
from lookalike.evaluate.chapters.structured import fits as calls_fit
from tests.evaluate.adult import marks

pytestmark = pytest.mark.usefixtures("few_trees")

TOOL = {"name": "weather", "parameters": {"city": {"type": "str"}, "days": {"type": "int", "default": 3}}}


def table(rows: int = 300) -> pd.DataFrame:
    cities = ["Paris", "Rome", "Oslo", "Lima"]
    return pd.DataFrame(
        {
            "sql": [f"SELECT name FROM city WHERE size > {i} AND kind = 'k{i % 7}'" for i in range(rows)],
            "code": [f"def f{i}(x):\n    return x + {i}\n" for i in range(rows)],
            "tools": [json.dumps([TOOL | {"description": f"number {i}"}]) for i in range(rows)],
            "calls": [
                json.dumps([{"name": "weather", "arguments": {"city": f"{cities[i % 4]} {i}", "days": i}}])
                for i in range(rows)
            ],
        }
    )


def test_what_works_is_perfect_and_what_is_broken_is_counted() -> None:
    real = table()
    found = evaluate(real, real.sample(frac=1, random_state=0), only=["fidelity"]).to_dict()
    for key in ("parses", "schema_valid", "calls_fit"):
        assert found["fidelity"][key]["value"] == 1, key
    assert {name: one["language"] for name, one in found["structured"].items()} == {
        "sql": "sql",
        "code": "python",
        "tools": "json",
        "calls": "json",
    }
    broken = real.copy()
    broken.loc[:29, "sql"] = "SELECT FROM WHERE )"
    broken.loc[:59, "code"] = "def f(:\n  return"
    broken.loc[:74, "calls"] = '[{"name": "weather", "arguments": {"planet": "Mars", "city": "x"}}]'
    broken.loc[:14, "tools"] = '{"name": 3'
    found = evaluate(real, broken, only=["fidelity"]).to_dict()
    columns = found["structured"]
    assert columns["sql"]["parses"]["value"] == pytest.approx(0.9)
    assert columns["code"]["parses"]["value"] == pytest.approx(0.8)
    assert columns["tools"]["parses"]["value"] == pytest.approx(0.95)
    assert columns["tools"]["schema_valid"]["value"] == pytest.approx(0.95)
    assert columns["calls"]["calls_fit"]["value"] == pytest.approx(0.75)
    assert found["fidelity"]["parses"]["value"] == pytest.approx((0.9 + 0.8 + 0.95 + 1) / 4)


@pytest.mark.parametrize(
    ("call", "fits"),
    [
        ({"name": "weather", "arguments": {"city": "Rome"}}, True),
        ({"name": "weather", "arguments": {"city": "Rome", "days": 2}}, True),
        ({"name": "weather", "arguments": {"days": 2}}, False),
        ({"name": "weather", "arguments": {"city": "Rome", "days": "two"}}, False),
        ({"name": "weather", "arguments": {"city": "Rome", "year": 2}}, False),
        ({"name": "time", "arguments": {"city": "Rome"}}, False),
        ({"name": "weather"}, False),
    ],
)
def test_a_call_fits_its_tool_or_not(call: dict, fits: bool) -> None:
    formal = {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
        },
    }
    as_bfcl = {**formal, "parameters": {**formal["parameters"], "type": "dict"}}
    for tool in (TOOL, formal, as_bfcl):
        assert calls_fit(json.dumps([call]), json.dumps([tool])) == fits


def native(name: str) -> list:
    return [json.loads(value) for value in table()[name]]


def test_cells_with_lists_and_objects_are_compared_as_json() -> None:
    real = table().assign(tools=native("tools"), calls=native("calls"))
    found = evaluate(real, real.sample(frac=1, random_state=0), only=["fidelity"]).to_dict()
    assert {key: found["fidelity"][key]["value"] for key in ("parses", "schema_valid", "calls_fit")} == {
        "parses": 1,
        "schema_valid": 1,
        "calls_fit": 1,
    }
    broken = real.copy()
    for row in range(75):
        broken.at[row, "calls"] = [{"name": "weather", "arguments": {"days": row}}]  # without the city
    for row in range(30):
        broken.at[row, "tools"] = {"name": "weather"}
    for synthetic in (broken, broken.assign(calls=[json.dumps(value) for value in broken["calls"]])):
        columns = evaluate(real, synthetic, only=["fidelity"]).to_dict()["structured"]
        assert columns["calls"]["parses"]["value"] == 1
        assert columns["calls"]["schema_valid"]["value"] == pytest.approx(0.75)
        assert columns["tools"]["schema_valid"]["value"] == pytest.approx(0.9)
        assert columns["calls"]["calls_fit"]["value"] == pytest.approx(0.75)


def test_the_order_of_keys_makes_no_other_value() -> None:
    real = table().assign(calls=native("calls"))
    turned = real.assign(calls=[[dict(reversed(call.items())) for call in row] for row in real["calls"]])
    found = evaluate(real, turned, only=["privacy"]).to_dict()
    assert found["privacy"]["exact_copies"]["value"] == 1


def maps(seed: int, vocabulary: list[str], rows: int = 200) -> pd.DataFrame:
    """Objects of one fixed key and a map from a few free keys, frequent and rare ones."""
    rng = np.random.default_rng(seed)
    places = np.minimum(rng.zipf(1.4, (rows, 4)) - 1, len(vocabulary) - 1)
    return pd.DataFrame(
        {
            "json": [
                json.dumps({"id": 7, "tags": {vocabulary[i]: int(i) for i in row}}) for row in places.tolist()
            ]
        }
    )


@pytest.mark.parametrize("held", [True, False])
def test_random_keys_of_a_map_are_not_good_and_new_real_ones_are(held: bool) -> None:
    words, random = ([f"{name}{i}" for i in range(500)] for name in ("tag", "qx"))
    real, other, holdout = (maps(seed, words) for seed in (0, 1, 2))
    graded = {}
    for name, made in {"other": other, "random": maps(3, random)}.items():
        report = evaluate(real, made, holdout if held else None, only=["fidelity"], quick=True)
        found = report.to_dict()
        entry = found["fidelity"]["new_keys"]
        graded[name] = marks(report)
        said = [text for text in found["verdict"]["sentences"] if "JSON keys" in text]
        if name == "other":
            assert 0.02 < entry["value"] < 0.3 and not said
        else:
            keys = [key for text in made["json"] for key in ["id", "tags", *json.loads(text)["tags"]]]
            assert entry["value"] == pytest.approx(np.mean([key.startswith("qx") for key in keys]))
            assert said and found["verdict"]["grade"] == "poor"
            assert found["fidelity"]["schema_valid"]["value"] > 0.95, "any key fits the schema of a map"
    assert graded["other"]["new_keys"] == "good" and graded["random"]["new_keys"] == "poor"


def test_invented_keys_of_an_object_of_fixed_keys_are_counted() -> None:
    real = pd.DataFrame({"json": [json.dumps({"a": i, "b": i % 3}) for i in range(200)]})
    made = pd.DataFrame({"json": [json.dumps({"a": i, "zq"[: i % 3] or "b": 1}) for i in range(200)]})
    entry = evaluate(real, made, only=["fidelity"], quick=True).to_dict()["structured"]["json"]["new_keys"]
    assert entry["value"] == pytest.approx(np.mean([i % 3 > 0 for i in range(200)]) / 2)
    assert entry["chance"] == 0
