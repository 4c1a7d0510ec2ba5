"""Columns of code, JSON and tool calls whose right answer is known."""

import json

import pandas as pd
import pytest

from lookalike.evaluate import evaluate
from lookalike.evaluate.structured import _fits

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
        assert _fits(json.dumps([call]), json.dumps([tool])) == fits


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
