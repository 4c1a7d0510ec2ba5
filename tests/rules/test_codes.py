import json

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.codec import RecordCodec
from lookalike.rules import Plan, find_rules
from lookalike.rules.conditions import translated
from lookalike.table.rule_words import read_rule
from tests.rules.test_choose import drawn_apart

ROWS = 600


def coded(seed: int = 0) -> pd.DataFrame:
    """Codes beside what their parts are, or go with: of diagnoses, articles, levels, staff and invoices."""
    rng = np.random.default_rng(seed)
    letters, numbers = rng.choice(list("EIJK"), ROWS), rng.integers(10, 60, ROWS)
    table = pd.DataFrame(
        {"icd": [f"{a}{b}.{c}" for a, b, c in zip(letters, numbers, rng.integers(0, 10, ROWS), strict=True)]}
    )
    table["block"] = table["icd"].str[:3]
    table["chapter"] = table["icd"].str[0].map({"E": "endocrine", "I": "heart", "J": "lungs", "K": "gut"})
    table["level"] = [f"{a}.{b}.{c}" for a, b, c in rng.integers(1, 7, (ROWS, 3))]
    table["top"] = table["level"].str[0].astype(int)
    table["dept"] = rng.choice(["Sales", "Stock", "IT"], ROWS)
    heads = table["dept"].map({"Sales": "SAL", "Stock": "STO", "IT": "IT"})
    table["staff"] = [f"{head}-{k:05d}" for k, head in enumerate(heads, 1)]
    table["year"] = rng.choice([2022, 2023, 2024], ROWS)
    return table.assign(bill=[f"R-{year}/{k:06d}" for k, year in enumerate(table["year"], 1)])


WORDS = (
    "block = part 1 of icd",
    "top = part 1 of level",
    "first run of icd -> chapter",
    "dept -> part 1 of staff",
    "part 2 of bill = year",
)


def planned(table: pd.DataFrame) -> tuple[Plan, RecordCodec]:
    codec = RecordCodec.fit(table, lookalike.infer(table))
    plan = Plan.fit(table, codec, find_rules(table, codec.schema))
    assert plan is not None
    facts, arrays = plan.to_dict()
    return Plan.from_dict(json.loads(json.dumps(facts)), arrays, codec.schema), codec


def test_parts_of_codes_are_found_and_can_be_written() -> None:
    table = coded()
    schema = lookalike.infer(table)
    found = find_rules(table, schema)
    assert {*WORDS} <= {rule.words for rule in found}
    for rule in found:
        if rule.words in WORDS:
            assert read_rule(rule.words, schema) == rule
    rng = np.random.default_rng(1)
    mixed = pd.DataFrame({name: rng.permutation(table[name]) for name in table})
    assert find_rules(mixed, lookalike.infer(mixed)) == []


def test_parts_of_codes_are_right_in_every_row() -> None:
    table = coded()
    plan, codec = planned(table)
    rng = np.random.default_rng(1)
    made = plan.stamped(codec.fill(drawn_apart(plan, table, rng), rng), rng)
    assert (made.dtypes == table.dtypes).all()
    assert (made["icd"].str.split(".").str[0] == made["block"]).all()
    chapters = {"E": "endocrine", "I": "heart", "J": "lungs", "K": "gut"}
    assert (made["icd"].str[0].map(chapters) == made["chapter"]).all()
    assert (made["level"].str.split(".").str[0].astype(int) == made["top"]).all()
    heads = {"Sales": "SAL", "Stock": "STO", "IT": "IT"}
    assert (made["staff"].str.split("-").str[0] == made["dept"].map(heads)).all()
    assert (made["bill"].str[2:6].astype(int) == made["year"]).all()
    for name in ("staff", "bill"):
        assert made[name].is_unique
        assert not made[name].isin(table[name]).any()
    kept = plan.stamped(made.assign(dept="IT"), rng, held=["staff"])
    assert (kept["staff"] == made["staff"]).all()


def test_a_condition_on_a_part_is_one_on_the_codes() -> None:
    rng = np.random.default_rng(0)
    sku = np.array([f"{kind}-{k:02d}" for kind in ("TOY", "GAR") for k in range(15)])[
        rng.integers(0, 30, ROWS)
    ]
    table = pd.DataFrame({"sku": sku, "kind": np.where(pd.Series(sku).str[0] == "T", "toys", "garden")})
    plan, codec = planned(table.assign(price=rng.gamma(2, 9, ROWS).round(2)))
    inner, rest = translated(plan, codec, {"kind": "toys"})
    assert {*inner["sku"].values} == {one for one in sku if one.startswith("TOY")}
    assert not rest


@pytest.mark.parametrize("name", ["city", "note"])
def test_words_are_no_codes(name: str) -> None:
    rng = np.random.default_rng(0)
    words = np.array(
        [f"{a}{b}{c}" for a in ("Nor", "Sud", "Est") for b in "aeiou" for c in ("ton", "by", "ham")]
    )
    at = rng.integers(0, 45, ROWS)
    table = pd.DataFrame({name: words[at], "side": np.array(["N", "S", "E"])[at // 15]})
    assert [rule.words for rule in find_rules(table)] == [f"{name} -> side"]


INVENTED = ["7q.A", "987654321.A", "9" * 5000, "", ".", "٣.A", "-3.A", "04.A", "5.A", None]


@pytest.mark.parametrize("dtype", ["int64", "uint8", "Int32", "float64", "object", "str", "category"])
def test_what_an_invented_text_says_is_a_value_of_the_column(dtype: str) -> None:
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"x": rng.integers(1, 13, ROWS)})
    table["code"] = [f"{x}.A{k}" for x, k in zip(table["x"], rng.integers(0, 900, ROWS), strict=True)]
    gone = table.index < 6 if dtype in ("Int32", "float64") else np.zeros(ROWS, dtype=bool)
    table["x"] = (
        table["x"].map(str).astype(dtype) if dtype in ("str", "category") else table["x"].astype(dtype)
    )
    table.loc[gone, "x"] = None
    table["x"] = table["x"].astype(dtype)
    schema = lookalike.infer(table)
    schema["code"].kind = "text"
    if dtype == "str":
        schema["x"].kind = "category"
    rules = find_rules(table, schema)
    assert [rule.words for rule in rules if rule.columns[0] == "x"] == ["x = part 1 of code"]
    codec = RecordCodec.fit(table, schema)
    plan = Plan.fit(table, codec, rules)
    assert plan is not None
    assert plan.back(plan.forward(table), rng)["x"].equals(table["x"])
    inner = plan.forward(table).iloc[100 : 100 + len(INVENTED)].reset_index(drop=True)
    made = plan.back(inner.assign(code=pd.array(INVENTED, dtype=inner["code"].dtype)), rng)
    assert made["x"].dtype == table["x"].dtype
    assert made["x"].dropna().isin(table["x"]).all()
    assert str(made["x"].iloc[8]).removesuffix(".0") == "5"
    if dtype not in ("str", "category"):
        assert made["x"].iloc[7] == 4
    if not gone.any():
        assert (made["x"].drop(index=[7, 8]) == inner["x"].drop(index=[7, 8])).all()  # drawn by itself


def test_a_running_number_does_not_follow_from_the_order_of_the_rows() -> None:
    rng = np.random.default_rng(5)
    table = pd.DataFrame(
        {"arm": np.repeat(["drug", "placebo", "none"], 100), "age": rng.integers(20, 80, 300)}
    )
    table["subject"] = [f"GT{k}" for k in range(1000, 1300)]
    assert find_rules(table) == []
    table["subject"] = [f"{arm[0].upper()}{k}" for k, arm in enumerate(table["arm"], 1000)]
    assert [rule.words for rule in find_rules(table)] == ["arm -> first run of subject"]
