"""`curate`: which rows of a synthetic table are kept, and why the others are not."""

from __future__ import annotations

import datetime
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.curate.checks import CHECKS
from lookalike.curate.curating import NAMES, NEEDS_REAL
from lookalike.defaults import CHECKS as ALL
from lookalike.defaults import NEAR
from lookalike.errors import DataError, OptionError


@pytest.fixture(scope="module")
def reviews(banking: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Real and synthetic rows, 150 each: halves of one table."""
    mixed = banking.drop_duplicates("text").sample(frac=1, random_state=0)
    return mixed.iloc[::2].reset_index(drop=True), mixed.iloc[1::2].reset_index(drop=True)


def _decided(synthetic: pd.DataFrame, real: pd.DataFrame | None, **options: Any) -> pd.DataFrame:
    return lookalike.curate(synthetic, real, progress=False, **options)[1].table


def test_real_rows_are_kept(reviews: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    real, held = reviews
    kept, decisions = lookalike.curate(held, real, label="category", progress=False)
    assert len(kept) >= 0.94 * len(held)
    assert len(kept) + len(decisions.dropped()) == len(held)


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ("missing", None),
        ("missing", "  "),
        ("length", "why is my card " * 60),
        ("repetition", "help me please help me please help me please help me please"),
        ("repetition", "my card is lost aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("symbols", "my card *** is ### lost @@@ $$$ %%% ^^^ &&& ??? !!! ---"),
        ("encoding", "why can\u00e2\u20ac\u2122t I use my card"),
        ("encoding", "why can\ufffdt I use my card"),
        (
            "language",
            "\u043f\u043e\u0447\u0435\u043c\u0443 \u043c\u043e\u044f \u043a\u0430\u0440\u0442\u0430",
        ),
        ("language", "Warum ist meine Karte nicht da und wie kann ich sie finden?"),
        ("refusal", "I'm sorry, but I can't help with that."),
        ("refusal", "Sure, here are five questions about a card"),
        ("meta", "The customer who wrote this message expresses frustration about a card"),
    ],
)
def test_planted_texts_are_dropped(
    check: str, text: str | None, reviews: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    real, synthetic = reviews
    synthetic = synthetic.astype({"text": object})
    synthetic.loc[7, "text"] = text
    decided = _decided(synthetic, real)
    own = decided[(decided.row == 7) & (decided.check == check)]
    assert own.action.tolist() == ["drop"] and own.column.tolist() == ["text"]


def test_copies_and_repeats(reviews: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    real, synthetic = reviews
    synthetic = synthetic.copy()
    synthetic.loc[3, "text"] = real.text[5].upper()
    synthetic.loc[[8, 9]] = synthetic.loc[[6, 6]].to_numpy()
    synthetic.loc[11, "text"] = synthetic.text[10].replace("e", "ee", 1)
    synthetic.loc[11, "category"] = synthetic.category[10]
    other = next(name for name in real.category if name != synthetic.category[12])
    synthetic.loc[13, "text"], synthetic.loc[13, "category"] = synthetic.text[12] + "!", other
    decided = _decided(synthetic, real, label="category").set_index(["row", "check"])
    assert decided.reason[3, "copy"] == "it copies the text of real row 6"
    assert decided.reason[8, "exact"] == decided.reason[9, "exact"] == "it equals row 7"
    assert decided.reason[11, "near"] == "its text nearly repeats that of row 11"
    assert decided.score[11, "near"] >= decided.limit[11, "near"] == NEAR
    assert decided.action[13, "conflict"] == "report" and (13, "near") not in decided.index
    assert "labelled" in decided.reason[13, "conflict"]


def test_numbers_dates_and_categories() -> None:
    rng = np.random.default_rng(0)
    real = pd.DataFrame(
        {
            "age": rng.integers(18, 80, 500),
            "pay": rng.lognormal(8, 1, 500).round(2),
            "day": pd.date_range("2020-01-01", periods=500),
            "city": rng.choice(["Rome", "Oslo"], 500),
        }
    )
    synthetic = real.sample(100, random_state=1).reset_index(drop=True).astype({"age": object, "day": object})
    synthetic["pay"] += 0.01
    synthetic.loc[0, "age"], synthetic.loc[1, "age"], synthetic.loc[2, "age"] = 200, "old", 16
    synthetic.loc[3, "day"] = pd.Timestamp("1905-01-01")
    synthetic.loc[4, "city"] = "Roma"
    synthetic.loc[5, "pay"] = -1e9
    decided = _decided(synthetic, real)
    assert decided[["row", "check", "column"]].to_numpy().tolist() == [
        [0, "range", "age"],
        [1, "range", "age"],
        [3, "range", "day"],
        [4, "unknown", "city"],
        [5, "range", "pay"],
    ]
    assert decided.reason[1] == "old in column 'age' is no number"


def test_cells_that_are_not_written_as_real_ones_are_out_of_range() -> None:
    days = pd.date_range("2020-01-01", periods=300)
    size = [f"{number % 40} kg" for number in range(300)]
    real = pd.DataFrame({"day": days.strftime("%Y-%m-%d"), "size": size, "x": np.arange(300) / 7})
    synthetic = real.head(50).copy()
    synthetic.loc[1, "day"], synthetic.loc[2, "size"], synthetic.loc[3, "x"] = "31/01/2020", "5 lb", -np.inf
    decided = _decided(synthetic, real, only=["range"])
    assert decided[["row", "column"]].to_numpy().tolist() == [[1, "day"], [2, "size"], [3, "x"]]
    assert decided.reason[0] == "31/01/2020 in column 'day' is no date as real ones are written"
    assert "below" in decided.reason[2]
    real.loc[299, "x"] = -np.inf  # then it is real
    assert set(_decided(synthetic, real, only=["range"]).row) == {1, 2}


def test_rows_that_break_a_rule_of_all_real_rows(bookings: pd.DataFrame) -> None:
    real, synthetic = bookings.iloc[:300], bookings.iloc[300:360].reset_index(drop=True)
    assert "rules" not in set(_decided(synthetic, real).check)
    city = synthetic.city[0]
    synthetic.loc[0, "city"] = next(one for one in real.city.dropna() if one != city)
    decided = _decided(synthetic, real, only=["rules"])
    assert set(decided.row) == {0} and "city" in decided.reason[0]


def test_equal_rows_are_left_where_the_real_table_has_them() -> None:
    real = pd.DataFrame({"a": list("xy") * 50, "b": [1, 2] * 50})
    assert not len(_decided(real.iloc[:80], real))
    fresh = pd.DataFrame({"a": list("xy") * 50, "b": np.random.default_rng(0).normal(size=100)})
    synthetic = fresh.iloc[[*range(20), 3, 3, 5]].reset_index(drop=True)
    assert _decided(synthetic, fresh, only=["exact"]).row.tolist() == [20, 21, 22]


def test_code_and_json_have_to_parse() -> None:
    real = pd.DataFrame({"code": [f"def f(x):\n    return x + {at}" for at in range(40)]})
    synthetic = pd.DataFrame(
        {"code": [f"def g(x):\n    return x * {at}" for at in range(9)] + ["def (x: return"]}
    )
    assert _decided(synthetic, real, only=["parses"]).row.tolist() == [9]
    real = pd.DataFrame({"call": [f'{{"name": "f", "at": {at}}}' for at in range(40)]})
    synthetic = pd.DataFrame({"call": [f'{{"name": "g", "at": {at}}}' for at in range(9)] + ['{"name": "g"']})
    assert _decided(synthetic, real, only=["parses"]).row.tolist() == [9]


def test_texts_of_one_meaning_on_request() -> None:
    texts = ["north", "east", "north again", "south"]
    points = {"north": (0, 1), "north again": (0.1, 0.99), "east": (1, 0), "south": (0, -1)}

    def embed(some: list[str]) -> np.ndarray:
        found = np.array([points[text] for text in some], dtype=np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    table = pd.DataFrame({"text": texts, "n": [1.5, 2.5, 3.5, 4.5]})
    decided = _decided(table, None, text="text", only=["semantic"], embed=embed)
    assert decided[["row", "check"]].to_numpy().tolist() == [[2, "semantic"]]
    assert "semantic" not in set(_decided(table, None, text="text").check)


def test_without_real_rows_limits_are_absolute(reviews: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    synthetic = reviews[1].copy()
    synthetic.loc[0, "text"] = "again and " * 30
    kept, decisions = lookalike.curate(synthetic, progress=False)
    assert decisions.table[decisions.table.row == 0].check.tolist() == ["repetition"]
    assert len(kept) > 0.9 * len(synthetic)
    assert decisions.notes == [f"without real rows these checks were left out: {', '.join(NEEDS_REAL)}"]


def test_checks_can_be_chosen_and_only_noted(reviews: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    real, synthetic = reviews
    synthetic = synthetic.copy()
    synthetic.loc[0, "text"], synthetic.loc[1, "text"] = real.text[0], "help me " * 20
    assert set(_decided(synthetic, real, only="copy").check) == {"copy"}
    kept, decisions = lookalike.curate(synthetic, real, without={"copy"}, progress=False)
    assert synthetic.text[0] in set(kept.text) and synthetic.text[1] not in set(kept.text)
    assert decisions.counts()["copy"].keys() == {"report"}


def test_every_check_has_a_name_on_the_command_line() -> None:
    assert (*CHECKS, "exact", "near", "semantic", "labels", "outlier") == ALL == NAMES


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"only": []}, OptionError, "no check was asked for"),
        ({"only": ["nearly"]}, OptionError, "there is no check 'nearly'"),
        ({"label": "klass"}, OptionError, "the label 'klass' is not a column"),
        ({"text": "body"}, OptionError, "the text 'body' is not a column"),
        ({"near": 2}, OptionError, "near"),
        (
            {"text": "n", "synthetic": pd.DataFrame({"n": [0.5, 1.7] * 25, "b": ["x", "y"] * 25})},
            OptionError,
            "column 'n' holds no texts but is of kind number",
        ),
        ({"real": pd.DataFrame({"text": ["a"]})}, DataError, "differ in these columns: 'category'"),
        ({"synthetic": pd.DataFrame({"text": []})}, DataError, "has no rows"),
        ({"synthetic": [1]}, DataError, "synthetic table"),
    ],
)
def test_mistakes_are_one_sentence(
    options: dict[str, Any], error: type, said: str, reviews: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    synthetic = options.pop("synthetic", reviews[1])
    with pytest.raises(error, match=said):
        lookalike.curate(synthetic, **options)


def test_nothing_left_names_the_check_that_took_most() -> None:
    real = pd.DataFrame({"day": [datetime.date(2020, 1, 1 + at % 28) for at in range(60)], "n": range(60)})
    synthetic = pd.DataFrame({"day": [datetime.date(1950, 1, 1)] * 9, "n": [10_000] * 9})
    with pytest.raises(DataError, match="no row would be left: the check 'range' drops 9 of 9"):
        lookalike.curate(synthetic, real, progress=False)


CITIES = ("Paris", "Rome", "Oslo", "Bonn", "Kiel", "Nice", "Bern", "Lima", "Cali", "Baku")


def test_json_without_texts_is_no_near_duplicate() -> None:
    """Calls of one tool are alike in form; those of equal values are equal, however they are written."""
    calls = [
        {"name": "get_weather", "arguments": {"city": city, "day": day}} for city in CITIES for day in (1, 2)
    ]
    written = [json.dumps(call) for call in calls]
    for column in (written, calls):
        assert _decided(pd.DataFrame({"call": column}), None, only=("exact", "near", "semantic")).empty
    again = json.dumps(dict(reversed(calls[3].items())), indent=1)
    found = _decided(pd.DataFrame({"call": [*written, again]}), None)
    assert found[["row", "check", "value"]].to_numpy().tolist() == [[20, "exact", 3]]


def test_texts_in_json_are_near_duplicates() -> None:
    texts = ["why is my new card not here yet", "the film has a plot that never ends"]
    rows = [{"id": at, "text": text} for at, text in enumerate([*texts, "Why is my new card not here yet?!"])]
    found = _decided(pd.DataFrame({"row": [json.dumps(row) for row in rows]}), None, only=("near",))
    assert found[["row", "check", "value"]].to_numpy().tolist() == [[2, "near", 0]]


def test_texts_of_a_template_are_no_near_duplicates() -> None:
    """Real queries that differ in a number allow synthetic ones that do; prose beside them is looked at."""
    queries = [f"SELECT name FROM users WHERE city = 'Rome' AND age > {at}" for at in range(60)]
    rng = np.random.default_rng(0)
    prose = [
        " ".join("".join(rng.choice(list("aeiou") + list("bdfkmr"), 5)) for _ in range(8)) for _ in range(60)
    ]
    real = pd.DataFrame({"query": queries, "prose": prose})
    synthetic = real.iloc[:20].assign(query=[one.replace("name", "age") for one in queries[:20]])
    synthetic.loc[9, "prose"] = prose[3] + "!"
    kept, decisions = lookalike.curate(synthetic, real, only=("near",), progress=False)
    assert [(one["row"], one["column"], one["value"]) for one in decisions.table.to_dict("records")] == [
        (9, "prose", 3)
    ]
    assert len(kept) == 19
    assert decisions.notes == [
        "'near' was left out for 'query': 98% of its real texts nearly repeat each other"
    ]
    assert len(lookalike.curate(synthetic, None, only=("near",), progress=False)[0]) == 1


REFUSED = "I'm sorry, but I can't help with that."


def test_a_sentence_that_comes_again_and_again_is_checked_as_text() -> None:
    """Without real rows a column of one or two sentences looks like a constant or a category."""
    rows = pd.DataFrame({"text": [REFUSED, "My card has not come yet."] * 10, "n": range(20)})
    found = _decided(rows, None)
    assert set(found["check"]) == {"refusal"} and found["row"].tolist() == list(range(0, 20, 2))
    with pytest.raises(DataError, match="the check 'refusal' drops 20 of 20"):
        lookalike.curate(rows.assign(text=REFUSED), None, progress=False)
    answers = pd.DataFrame({"answer": ["Yes", "Rather no"] * 10, "n": range(20)})
    assert _decided(answers, None).empty


def test_a_column_named_as_text_is_text() -> None:
    rows = pd.DataFrame(
        {"text": ["My card has not come yet.", "A dull film that never ends."] * 10, "n": range(20)}
    )
    found = _decided(rows, None, text="text")
    assert set(found["check"]) == {"near"} and len(found) == 18
    assert set(
        _decided(rows.assign(text=[REFUSED, "b"] * 10), None, text="text", only=("refusal",))["row"]
    ) == set(range(0, 20, 2))


def test_near_rows_of_which_one_has_no_label() -> None:
    rows = pd.DataFrame(
        {"text": ["why is my new card not here"] * 2 + ["a dull film"] * 2, "label": ["a", None, None, None]}
    )
    found = _decided(rows, None, text="text", label="label", only=("near",))
    assert found[["row", "check", "action"]].to_numpy().tolist() == [
        [1, "conflict", "report"],
        [3, "near", "drop"],
    ]
    assert found["reason"].iloc[0] == (
        "its text nearly repeats that of row 1, which is labelled 'a', and this row has no label"
    )


def test_json_that_does_not_parse_is_dropped_without_real_rows() -> None:
    rows = [json.dumps({"city": city, "day": day}) for city in CITIES for day in (1, 2)]
    found = _decided(pd.DataFrame({"call": ['{"city": "Par', *rows, "sorry"]}), None)
    assert found[["row", "check"]].to_numpy().tolist() == [[0, "parses"], [21, "parses"]]
