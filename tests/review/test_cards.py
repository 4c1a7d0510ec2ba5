"""What is shown of a row: why it is here, what it repeats, its nearest real row; and of any table."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pandas as pd

from lookalike.curate import curate
from lookalike.decisions import Decisions
from lookalike.defaults import NEAR
from lookalike.review.cards import Cards
from lookalike.review.queue import Item
from lookalike.review.reviewing import Review
from lookalike.table.cells import written


def test_what_curate_decided_is_shown_with_both_rows(banking: pd.DataFrame) -> None:
    rows = banking.drop_duplicates("text").sample(90, random_state=1)
    real, table = rows[:40].reset_index(drop=True), rows[40:].reset_index(drop=True)
    table.loc[3, "text"] = real.text[7]
    table.loc[5, "text"] = table.text[6] + " please"
    table.loc[5, "category"] = table.category[6]
    table.loc[9] = table.loc[8]
    _, decisions = curate(table, real, label="category", progress=False)
    saved = Decisions.from_dict(decisions.to_dict())
    cards = Cards(table, real, saved)
    assert cards.label == "category" and cards.text == "text"
    copied = cards.card(Item(3, 1, "uncertain"))
    assert [one["title"] for one in copied["twins"]] == ["real row 8, which it copies"]
    assert copied["real"]["title"] == "nearest real row, 8: 100% alike"
    assert ("text", real.text[7]) in copied["twins"][0]["cells"]
    twin = next(cards.card(Item(row, 1, "uncertain")) for row in (5, 6) if cards.why(row))
    other = 5 if twin["row"] == 6 else 6
    assert f"row {other + 1}, which it repeats" in [one["title"] for one in twin["twins"]]
    (why,) = (one for one in twin["why"] if one["check"] == "near")
    assert why["score"] > why["limit"] == NEAR and why["action"] == "drop"
    equal = cards.card(Item(9, 1, "random"))
    assert [one["title"] for one in equal["twins"]] == ["row 9, which it repeats"]
    assert json.loads(json.dumps(equal)) is not None


def test_the_label_that_is_suggested_and_the_chance_of_the_own_one(table: pd.DataFrame) -> None:
    labels = sorted(table.category.unique())
    new = [next(label for label in labels if label != own) for own in table.category]
    base = {"check": "labels", "column": "category", "score": 0.12, "limit": 0.4}
    found = [
        base | {"row": 0, "action": "relabel", "value": new[0]},
        base | {"row": 1, "action": "report", "value": new[1]},
        base | {"row": 2, "action": "weigh", "value": 0.12},
        base | {"row": 3, "action": "report", "value": table.category[3]},
        base | {"row": 4, "column": "text", "score": 0.7},
    ]
    cards = Cards(table, None, Decisions.of([{"action": "report"} | one for one in found], 60, "category"))
    told = [cards.card(Item(row, 1, "uncertain")) for row in range(5)]
    assert [(one["suggested"], one["marked"], one["chance"]) for one in told] == [
        (new[0], True, 0.12),
        (new[1], False, 0.12),
        (None, False, 0.12),
        (None, False, 0.12),
        (None, False, None),
    ]


def test_the_nearest_real_row_of_a_table_of_numbers(small_csv: object) -> None:
    table = pd.read_csv(str(small_csv))
    real = table[100:].reset_index(drop=True)
    near = table[:20].copy()
    near.iloc[4] = real.iloc[50]
    near.loc[4, "age"] = near.loc[4, "age"] + 1
    cards = Cards(near, real, label="income")
    title = cards.card(Item(4, 1, "random"))["real"]["title"]
    assert title.startswith("nearest real row, 51: ") and cards.text is None


def test_any_cell_can_be_shown(begun: Callable[..., Review]) -> None:
    cells = [
        (None, None),
        (float("nan"), None),
        (pd.NA, None),
        (pd.NaT, None),
        (np.array([1, 2]), "[1,2]"),
        ({"a": [1]}, '{"a":[1]}'),
        (3.0, "3"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (True, "True"),
        ("\ud800<b>", "\ud800<b>"),
        (pd.Timestamp("2020-01-02"), "2020-01-02 00:00:00"),
    ]
    assert [written(value) for value, _ in cells] == [text for _, text in cells]
    one = begun(pd.DataFrame({"x": pd.Series([value for value, _ in cells], dtype=object), 7: range(12)}))
    for row in range(12):
        json.dumps(one.cards.card(Item(row, 1, "random")))
    assert [hit["row"] for hit in one.cards.find("<B>")] == [10]
