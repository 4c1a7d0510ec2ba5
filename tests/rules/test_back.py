"""Columns that are put together again from what was modelled of them."""

import numpy as np
import pandas as pd

import lookalike
from lookalike.codec import RecordCodec
from lookalike.rules import Plan
from lookalike.table.rule import Order
from lookalike.table.rule_words import read_rules
from tests.rules.test_choose import drawn_apart

ROWS = 2000


def test_a_gap_leads_out_of_no_range_and_makes_no_spike() -> None:
    """A warm day has a small gap to the dew point; drawn by itself it would be as warm as none."""
    rng = np.random.default_rng(0)
    dew = rng.normal(0, 14, ROWS).round() + 0.0
    temperature = np.minimum((dew + rng.gamma(2, 4, ROWS)).round(), np.maximum(dew, 36)) + 0.0
    temperature[0] = 90  # one row
    table = pd.DataFrame({"dew": dew, "temperature": temperature, "z": rng.normal(size=ROWS).round(2)})
    schema = lookalike.infer(table)
    codec = RecordCodec.fit(table, schema)
    plan = Plan.fit(table, codec, [Order("dew", "temperature")])
    assert plan is not None and plan.steps[0].way == "gap"
    made = drawn_apart(plan, table, rng)
    low, high = np.sort(temperature)[[4, -5]]
    assert plan.steps[0].ends == (low, high) and high < 90
    assert (made["temperature"] >= made["dew"]).all()
    assert made["temperature"].between(low, max(high, made["dew"].max())).all()
    shares = [
        table["temperature"].value_counts(normalize=True),
        made["temperature"].value_counts(normalize=True),
    ]
    top = made["temperature"].max()
    assert shares[1].max() < 2 * shares[0].max() and shares[1][top] < 0.01
    again = Plan.from_dict(*plan.to_dict(), plan.schema)
    assert again.steps[0] == plan.steps[0]


def test_rows_of_one_rate_only_have_their_tax() -> None:
    """As rows have that were asked for with it: a rate that is a category."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"net": rng.gamma(3, 40, 400).round(2), "rate": rng.choice(["7%", "19%"], 400)})
    table["vat"] = (table["net"] * table["rate"].str[:-1].astype(int) / 100).round(2)
    codec = RecordCodec.fit(table, lookalike.infer(table))
    plan = Plan.fit(table, codec, read_rules(["vat = 0.01 * net * rate"], codec.schema))
    assert plan is not None
    some = table[table["rate"] == "19%"].reset_index(drop=True)
    pd.testing.assert_frame_equal(plan.back(plan.forward(some), rng), some)
