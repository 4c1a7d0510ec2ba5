import pandas as pd
import pytest

import lookalike
from lookalike.errors import SchemaError
from lookalike.table.rule import from_dict, to_dict
from lookalike.table.rule_words import read_rule

TABLE = pd.DataFrame(
    {
        "a": [1.5, 2.0, 3.25] * 9,
        "b c": [3, 4, 9] * 9,
        "d-e": [1, 2, 4] * 9,
        "day": pd.date_range("2020-01-01", periods=27),
        "until": pd.date_range("2020-02-01", periods=27),
        "name": ["x", "y", "z"] * 9,
        "other": ["x", "y", "w"] * 9,
    }
)


@pytest.mark.parametrize(
    ("words", "read"),
    [
        ("day <= until", "until >= day"),
        ("a < 'b c'", "'b c' > a"),
        ("'b c' >= a + 18", "'b c' >= a + 18"),
        ("a - 2.5 <= d-e", "d-e >= a - 2.5"),
        ("d-e - 3 > a", "d-e > a + 3"),
        ("until >= day + 30 minutes", "until >= day + 30 minutes"),
        ("a = max('b c' - d-e, 0)", "a = max('b c' - d-e, 0)"),
        ("a = max(0, 'b c' - 40)", "a = max('b c' - 40, 0)"),
        ("a = min(0.1 * d-e, 50), rounded down", "a = min(0.1 * d-e, 50), rounded down"),
        ("a = min(max('b c' - 4, 0), 10)", "a = min(max('b c' - 4, 0), 10)"),
        ("a = max(until - day in days, 0)", "a = max(until - day in days, 0)"),
        ("a = min('b c', d-e)", "a = min('b c', d-e)"),
        ("a = max('b c', d-e), rounded down", "a = max('b c', d-e), rounded down"),
        ("a = ('b c' + 2 * d-e) / 3", "a = ('b c' + 2 * d-e) / 3"),
        ("'b c' > d-e -> name", "'b c' > d-e -> name"),
        ("'b c' <= d-e -> name", "d-e >= 'b c' -> name"),
        ("sign of 'b c' - d-e -> name", "sign of 'b c' - d-e -> name"),
        ("a = 0.19*'b c' - d-e + 2", "a = 0.19 * 'b c' - d-e + 2"),
        ("a = d-e * 2", "a = 2 * d-e"),
        ("a = -d-e + 'b c' / 4 - 1", "a = -d-e + 0.25 * 'b c' - 1"),
        ("a = log('b c')", "a = log('b c')"),
        ("a = 0.01 * square('b c'), rounded down", "a = 0.01 * square('b c'), rounded down"),
        ("a = log10(d-e + 1)", "a = log10(d-e + 1)"),
        ("name != other", "name != other"),
        ("'b c'  !=  a", "'b c' != a"),
        ("until = day + a months", "until = day + a months"),
        ("until = day + 'b c' years - 1 days", "until = day + 'b c' years - 1 days"),
        ("until = day - 3 months, last of month", "until = day - 3 months, last of month"),
        ("until = day + 30 days", "until = day + 30 days"),
        ("a = until - day in hours", "a = until - day in hours"),
        ("a = (until - day) / 86400", "a = until - day in days"),
        ("a = 'b c' * d-e, rounded down", "a = 'b c' * d-e, rounded down"),
        ("a = 'b c' / d-e", "a = 'b c' / d-e"),
        ("a = 100 * 'b c' / d-e", "a = 100 * 'b c' / d-e"),
        ("a = ('b c' * d-e) / 100", "a = 0.01 * 'b c' * d-e"),
        ("a = 'b c' * d-e / 100, rounded down", "a = 0.01 * 'b c' * d-e, rounded down"),
        ("a = d-e * (1 + 'b c' / 100)", "a = d-e * (1 + 'b c' / 100)"),
        ("a = (100 - 'b c') * d-e / 100", "a = d-e * (1 - 'b c' / 100)"),
        ("a = d-e * (1 - 'b c')", "a = d-e * (1 - 'b c')"),
        ("a = d-e / (1 + 0.01 * 'b c')", "a = d-e / (1 + 'b c' / 100)"),
        ("a = 100 * d-e / 'b c' - 100", "a = 100 * d-e / 'b c' - 100"),
        ("a = 100 - 100 * d-e / 'b c'", "a = 100 - 100 * d-e / 'b c'"),
        ("day = d-e * 'b c' * a / 100", "day = 0.01 * d-e * 'b c' * a"),
        ("day = d-e * 'b c' * (1 - a), rounded down", "day = d-e * 'b c' * (1 - a), rounded down"),
        ("a = 10000 * d-e / 'b c' / 'b c'", "a = 10000 * d-e / 'b c' / 'b c'"),
        ("a = d-e * 'b c' * 'b c'", "a = d-e * 'b c' * 'b c'"),
        ("a = d-e / 1.19", "a = d-e / 1.19"),
        ("a = 'b c' * d-e * day / 36500", "a = 'b c' * d-e * day / 36500"),
        ("a = 'b c' * d-e * day / 100 / 12", "a = 'b c' * d-e * day / 1200"),
        ("a = ('b c' + 1.5 * d-e) * day", "a = 'b c' * day + 1.5 * d-e * day"),
        ("a = 12.5 + 'b c' * d-e", "a = 'b c' * d-e + 12.5"),
        ("a = ('b c' - d-e) / 'b c' * 100", "a = 100 - 100 * d-e / 'b c'"),
        ("a = 'b c' / (d-e / 100)^2", "a = 10000 * 'b c' / d-e / d-e"),
        ("a = 3.1416 * d-e^2", "a = 3.1416 * d-e * d-e"),
        ("a = 1 / d-e", "a = 1 / d-e"),
        ("a = 1 / (1 + d-e)", "a = 1 / (1 + d-e)"),
        ("a = d-e * (1 - 'b c' / 100) * (1 + day)", "a = d-e * (1 - 'b c' / 100) * (1 + day)"),
        ("a = (d-e - 32) / 1.8", "a = (d-e - 32) / 1.8"),
        ("a = (d-e + 'b c') * (1 - day) / 2", "a = 0.5 * d-e * (1 - day) + 0.5 * 'b c' * (1 - day)"),
        ("a = (d-e) / 1.19", "a = d-e / 1.19"),
        ("a = d-e + 'b c', empty as 0", "a = d-e + 'b c', empty as 0"),
        ("a = d-e * 'b c', rounded up, empty as 0", "a = d-e * 'b c', rounded up, empty as 0"),
        ("a = -0.01 * d-e * 'b c'", "a = -0.01 * d-e * 'b c'"),
        ("a = year of day", "a = year of day"),
        ("other = name", "other = name"),
        ("name -> 'b c'", "name -> 'b c'"),
        ("exactly one of a, 'b c', d-e", "exactly one of a, 'b c', d-e"),
        ("known combinations of name, other", "known combinations of name, other"),
        ("a, 'b c' empty together", "a, 'b c' empty together"),
        ("a is empty exactly when name is 'x' or 'y'", "a is empty exactly when name is 'x' or 'y'"),
        ("exactly one of a, 'b c' filled", "exactly one of a, 'b c' filled"),
        ("'b c' cut at -1, 2.5 -> name", "'b c' cut at -1, 2.5 -> name"),
        ("name -> sign of 'b c'", "name -> sign of 'b c'"),
        ("name -> format of a", "name -> format of a"),
        ("month of day + 3 months -> name", "month of day + 3 months -> name"),
        ("a = weekday of day, from 1", "a = weekday of day, from 1"),
        ("a = quarter of day - 3 months", "a = quarter of day - 3 months"),
        ("other is '?' exactly when name is 'x'", "other is '?' exactly when name is 'x'"),
    ],
)
def test_words_are_read_and_saved(words: str, read: str) -> None:
    schema = lookalike.infer(TABLE)
    rule = read_rule(words, schema)
    assert rule.words == read
    assert read_rule(read, schema) == rule
    assert from_dict(to_dict(rule)) == rule


@pytest.mark.parametrize(
    "words",
    [
        "a",
        "a = ",
        "a = log(a)",
        "a = log(nothing)",
        "until = day + nothing months",
        "name != nothing",
        "name != name",
        "until = day - a months",
        "until = day + 1.5 months",
        "a = 0 * square('b c')",
        "a >= nothing",
        "a is nice",
        "a -> ",
        "exactly one of a",
        "a = d-e * 'b c' * a",
        "a = d-e * 'b c' / 0",
        "a = d-e * (1 + 'b c'",
        "a = d-e / (day + 'b c')",
        "a = ('b c' + d-e)^2",
        "a = 'b c'^0 * d-e",
        "a = 'b c' * (d-e + a)",
        "a = 0 * 'b c' * d-e",
        "name = other, empty as 0",
        "a = 2 d-e",
        "a = d-e 'b c'",
        "a = d-e +",
        "a = d-e / 0",
        "a = (d-e + 'b c') / 0",
        "a = (d-e) / -",
        "a = (d-e) / 1-2",
        "name -> size of a",
        "sign of a -> name",
        "a cut at x -> name",
        "a cut at 1.2.3 -> name",
        "nothing of day -> name",
        "exactly one of a, name, other filled",
        "a >= d-e + day",
        "a >= d-e + 3 parsecs",
        "a + 1 >= d-e + 3",
        "a > -> name",
        "a > nothing -> name",
        "a = max('b c', 3, d-e)",
        "a = max(nothing, 0)",
        "a = min(a, 'b c')",
        "a = max(a - 1, 0)",
        "a = max(max('b c', 0), 1)",
    ],
)
def test_other_words_are_refused(words: str) -> None:
    with pytest.raises(SchemaError, match="cannot be read"):
        read_rule(words, lookalike.infer(TABLE))


def test_a_schema_keeps_its_rules(tmp_path) -> None:
    schema = lookalike.infer(TABLE)
    assert "rules" not in schema.to_dict()
    schema.rules = [read_rule("day <= until", schema), "other = name"]
    schema.save(tmp_path / "s.json")
    assert lookalike.Schema.load(tmp_path / "s.json").rules == schema.rules
    assert "until >= day  (100% of the rows)" in repr(schema)


def test_what_is_no_rule_is_refused() -> None:
    facts = lookalike.infer(TABLE).to_dict()
    for rules in ("a", [{"rule": "best"}], [{"rule": "order", "low": "a"}], [{"rule": "copy", "what": 1}]):
        with pytest.raises(SchemaError):
            lookalike.Schema.from_dict(facts | {"rules": rules})
