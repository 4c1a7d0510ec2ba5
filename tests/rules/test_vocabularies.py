from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.codec import RecordCodec
from lookalike.rules import Plan, find_rules, with_vocabularies
from lookalike.rules.conditions import translated
from lookalike.table.schema import Schema
from tests.rules.test_choose import drawn_apart

ROWS = {1: 60, 2: 60, 3: 40, 7: 10, 30: 5}  # rows of a city -> cities


@pytest.fixture
def visits() -> pd.DataFrame:
    """510 rows of 175 cities, most of them in one to three rows; each tells its region and its height."""
    rng = np.random.default_rng(0)
    sizes = np.repeat([*ROWS], [*ROWS.values()])
    names = np.array([f"{'ABCDEFG'[k % 7]}{'aeiou'[k % 5]}{'lmnrst'[k % 6]}town {k:03d}" for k in range(175)])
    names = np.array([name.translate(str.maketrans("0123456789", "abcdefghij")) for name in names])
    at = rng.permutation(np.repeat(np.arange(175), sizes))
    table = pd.DataFrame({"city": names[at], "region": np.array(["N", "S", "E", "W"])[at * 7 % 4]})
    return table.assign(height=at * 37 % 900, spent=rng.gamma(2, 40, len(at)).round(2))


def learned(table: pd.DataFrame, schema: Schema) -> Schema:
    return with_vocabularies(table, schema, find_rules(table, schema))


def test_values_of_two_rows_are_drawn_and_what_follows_is_right(visits: pd.DataFrame) -> None:
    schema = lookalike.infer(visits)
    assert schema["city"].kind == "text" or schema["city"].min_rows is None
    rules = find_rules(visits, schema)
    assert {"city -> region", "city -> height"} <= {rule.words for rule in rules}
    own = with_vocabularies(visits, schema, rules)
    assert (own["city"].kind, own["city"].min_rows) == ("category", 2)
    assert "because 'region', 'height' follow from it" in " ".join(own.notes())
    codec = RecordCodec.fit(visits, own)
    plan = Plan.fit(visits, codec, rules)
    assert plan is not None
    made = drawn_apart(plan, visits, np.random.default_rng(1))
    rows, first = visits["city"].value_counts(), visits.drop_duplicates("city").set_index("city")
    assert rows[made["city"].unique()].min() == 2
    assert made["city"].nunique() > 90
    for name in ("region", "height"):
        assert (made["city"].map(first[name]) == made[name]).all()
    inner, rest = translated(plan, codec, {"region": "N"})
    assert {*inner["city"].values} == {*first.index[first["region"] == "N"]} & {*rows.index[rows > 1]}
    assert not rest


def test_what_a_user_has_set_stays_and_persons_are_no_vocabulary(visits: pd.DataFrame) -> None:
    schema = lookalike.infer(visits)
    for one in (
        replace(schema["city"], kind="category", min_rows=5),
        replace(schema["city"], min_rows=1),
        replace(schema["city"], personal="name"),
    ):
        asked = replace(schema, columns=[one, *schema.columns[1:]])
        assert learned(visits, asked) is asked
    lonely = visits.assign(region=np.random.default_rng(2).permutation(visits["region"])).drop(
        columns="height"
    )
    schema = lookalike.infer(lonely)
    assert learned(lonely, schema) is schema


def test_a_category_that_loses_few_rows_stays(visits: pd.DataFrame) -> None:
    often = visits[visits["city"].map(visits["city"].value_counts()) > 5]
    few = visits[visits["city"].map(visits["city"].value_counts()) == 2].head(20)
    table = pd.concat([often, few], ignore_index=True)
    schema = lookalike.infer(table)
    assert "city -> region" in [rule.words for rule in find_rules(table, schema)]
    assert learned(table, schema) is schema


def test_sentences_are_no_vocabulary(visits: pd.DataFrame) -> None:
    """Somebody wrote them: two rows of one are no reason to give it out."""
    for words, kept in [(" Nest was not seen.", True), (" Ltd.", False)]:
        table = visits.assign(city=visits["city"] + words)
        schema = lookalike.infer(table)
        assert {"city -> region"} <= {rule.words for rule in find_rules(table, schema)}
        assert (learned(table, schema)["city"].min_rows is None) == kept


def test_strings_that_few_of_the_rows_looked_at_hold_twice_tell_what_follows() -> None:
    """1,900 planes in 6,000 rows: of 2,000 rows most would hold a plane of their own."""
    rng = np.random.default_rng(0)
    plane = rng.permutation(np.arange(6000) % 1900)
    letters = str.maketrans("0123456789", "abcdefghij")
    names = np.array([f"{'ABCDEFG'[k % 7]}{k * 7919 % 9973:04d}".translate(letters) for k in range(1900)])
    table = pd.DataFrame({"plane": names[plane], "carrier": np.array([*"ABCDEFGHI"])[plane * 11 % 9]})
    table = table.assign(other=rng.permutation(table["plane"]), delay=rng.gamma(2, 20, 6000).round())
    rules = find_rules(table)
    assert [(rule.words, rule.support) for rule in rules] == [("plane -> carrier", 1.0)]
    own = with_vocabularies(table, lookalike.infer(table), rules)
    assert (own["plane"].kind, own["plane"].min_rows, own["other"].min_rows) == ("category", 2, None)
