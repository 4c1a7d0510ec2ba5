import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.codec import RecordCodec
from lookalike.errors import SchemaError
from lookalike.rules import Plan
from lookalike.rules.find import find_rules, rules_of
from lookalike.rules.functions import _may_tell
from lookalike.rules.holds import holds
from lookalike.rules.values import Values
from lookalike.table.rule import Joined
from lookalike.table.rule_words import read_rules
from tests.paths import EXAMPLES
from tests.rules.test_choose import drawn_apart
from tests.work import steps


def words(table: pd.DataFrame) -> list[str]:
    return [rule.words for rule in find_rules(table)]


def test_the_rules_of_bookings_are_found(bookings: pd.DataFrame) -> None:
    assert words(bookings) == [
        "tax = 0.1 * room",
        "total = room + tax",
        "nights = end - start in days",
        "city -> country",
        "end > start",
    ]


def test_numbers_that_have_no_products_are_in_no_formula(bookings: pd.DataFrame) -> None:
    rng = np.random.default_rng(0)
    huge = rng.integers(17, 90, len(bookings)) * 1e306
    some = np.where(rng.random(len(bookings)) < 0.05, np.finfo(float).max, rng.normal(size=len(bookings)))
    assert {*words(bookings.assign(huge=huge, some=some))} == {*words(bookings)}


def test_shuffled_columns_have_no_rules(bookings: pd.DataFrame) -> None:
    rng = np.random.default_rng(1)
    adult = pd.read_csv(EXAMPLES / "adult.csv.gz", nrows=3000)
    for table in (bookings, adult):
        shuffled = pd.DataFrame({name: rng.permutation(table[name].to_numpy()) for name in table})
        assert words(shuffled) == []


def test_fresh_rows_keep_what_is_found() -> None:
    table = pd.read_csv(EXAMPLES / "adult.csv.gz", nrows=6000)
    schema = lookalike.infer(table)
    first, second = table.iloc[::2], table.iloc[1::2]
    rules = find_rules(first, schema)
    assert [rule.words for rule in rules] == ["education -> education-num"]
    for rule in rules:
        kept, speaks = holds(rule, Values(second, schema), Values(first, schema))
        assert (~kept)[speaks].mean() <= 1 - rule.support + 2 / len(second) ** 0.5


def numbers(rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"a": rng.gamma(2, 50, rows).round(2), "b": rng.integers(1, 30, rows)})
    table["c"] = rng.gamma(3, 9, rows).round(2)
    return table


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        (lambda t: (t.a * t.b).round(2), "x = a * b"),
        (lambda t: t.a / t.b, "x = a / b"),
        (lambda t: (100 * t.a / t.c).round(2), "x = 100 * a / c"),
        (lambda t: (t.a * t.b / 100).round(2), "x = 0.01 * a * b"),
        (lambda t: ((t.a + t.b + t.c) / 3).round(1), "x = (a + b + c) / 3"),
        (lambda t: (1000 - t.a - t.b).round(2), "x = -a - b + 1000"),
        (lambda t: (t.a + t.b + t.c).round(2), "x = a + b + c"),
        (lambda t: (t.a + t.b - t.c).round(2), "x = a + b - c"),
        (lambda t: ((t.a + t.b) / 2).round(3), "x = 0.5 * a + 0.5 * b"),
        (lambda t: (0.25 * t.a + 0.75 * t.c).round(2), "x = 0.25 * a + 0.75 * c"),
        (lambda t: (t.a - t.c).round(2), "a = c + x"),
        (lambda t: (t.a * 1.8 + 32).round(1), "x = 1.8 * a + 32"),
        (lambda t: np.floor(t.a * 0.19), "x = 0.19 * a, rounded down"),
        (lambda t: (t.a / 1.19).round(2), "x = a / 1.19"),
        (lambda t: (-t.a * t.b / 100).round(2), "x = -0.01 * a * b"),
        (lambda t: (t.a * (1 + t.b / 100)).round(2), "x = a * (1 + b / 100)"),
        (lambda t: (t.a * (1 - t.b / 100)).round(2), "x = a * (1 - b / 100)"),
        (lambda t: (t.a / (1 + t.b / 100)).round(2), "x = a / (1 + b / 100)"),
        (lambda t: (100 * t.a / t.c - 100).round(1), "x = 100 * a / c - 100"),
        (lambda t: (100 - 100 * t.a / t.c).round(1), "x = 100 - 100 * a / c"),
        (lambda t: (t.a * t.b * t.c).round(2), "x = a * b * c"),
        (lambda t: (t.a * t.c * (1 - t.b / 100)).round(2), "x = a * c * (1 - b / 100)"),
        (lambda t: (t.a / t.c**2).round(2), "x = a / c / c"),
        (lambda t: np.log(t.a), "x = log(a)"),
        (lambda t: np.log1p(t.a).astype(np.float32), "x = log(a + 1)"),
        (lambda t: np.log10(t.a).round(4), "x = log10(a)"),
        (lambda t: t.a**2 / 100, "x = 0.01 * square(a)"),
        (lambda t: (100 / t.c).round(3), "x = 100 * reciprocal(c)"),
        (lambda t: (t.a / t.c).astype(np.float32), "x = a / c"),
        (lambda t: t.a + t.c.where(np.arange(len(t)) % 7 > 0, 0), "x >= a"),
    ],
)
def test_a_formula_is_found(made, rule: str) -> None:
    table = numbers()
    table["x"] = made(table)
    found = words(table)
    assert found == [rule] or (rule == "a = c + x" and found in (["x = a - c"], ["a = c + x"]))


@pytest.mark.parametrize("parts, least, most", [(1000, 1, 60), (100, 30, 90)])
def test_digits_are_cut_off_a_code_by_the_shortest_factor(parts: int, least: int, most: int) -> None:
    """Not by .00099 rounded to the nearest, which says the same of codes whose last digits are few."""
    rng = np.random.default_rng(0)
    code = rng.integers(least, most, 900) * parts + rng.integers(0, 0.6 * parts, 900)
    table = pd.DataFrame({"code": code, "state": code // parts, "other": rng.integers(0, 999, 900)})
    assert words(table) == [f"state = {1 / parts:g} * code, rounded down"]


@pytest.mark.parametrize(
    "made, rule",
    [
        (lambda t: t.a * t.on, "x = a * on"),
        (lambda t: t.a * (1 - t.on), "x = a * (1 - on)"),
        (lambda t: t.off * t.on, "x = on * off"),
        (lambda t: np.log(t.a) * t.on, "x cut at 1 -> on"),
        (lambda t: t.a * (t.on | t.off), "a >= x"),
    ],
)
def test_a_number_that_a_flag_makes_0_is_found(made, rule: str) -> None:
    table = numbers(900)
    rng = np.random.default_rng(5)
    table["on"], table["off"] = rng.integers(0, 2, (2, 900))
    table["x"] = made(table)
    assert words(table) == [rule]


def test_the_range_of_a_number_tells_a_flag() -> None:
    """0 and 1, also of a number that hardly comes twice."""
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"wage": rng.gamma(3, 100, 3000).round(2), "hour": rng.integers(0, 20, 3000)})
    table["high"], table["night"] = (table.wage >= 370).astype(int), (table.hour > 16).astype(int)
    assert sorted(words(table)) == ["hour cut at 17 -> night", "wage cut at 370 -> high"]
    assert "wage" not in " ".join(words(table.head(250)))  # two groups of few rows lie apart by chance


@pytest.mark.parametrize("unit", [100, 1])
def test_a_formula_of_a_rate_that_is_often_empty_is_found(unit: int) -> None:
    """As a category with a sign, and as a share; an empty discount is none, and an empty fee is 0."""
    rng = np.random.default_rng(7)
    table = numbers(800)
    off = rng.choice([0.05, 0.1, 0.25, np.nan], 800)
    table["off"] = off if unit == 1 else [None if np.isnan(one) else f"{100 * one:g} %" for one in off]
    table["fee"] = np.where(rng.random(800) < 0.5, np.nan, rng.gamma(2, 3, 800).round(2))
    table["net"] = (table.a * (1 - np.nan_to_num(off))).round(2)
    table["total"] = (table.c + table.fee.fillna(0)).round(2)
    share = "off" if unit == 1 else "off / 100"
    assert words(table) == ["total = c + fee, empty as 0", f"net = a * (1 - {share}), empty as 0"]


def paid(rows: int = 700) -> pd.DataFrame:
    rng = np.random.default_rng(13)
    table = pd.DataFrame({"gross": rng.gamma(8, 400, rows).round(2)})
    table["tax"] = (table.gross * rng.uniform(0.1, 0.4, rows)).round(2)
    table["social"] = np.minimum(0.0935 * table.gross, 300).round(2)
    table["bonus"] = np.where(rng.random(rows) < 0.9, np.nan, rng.gamma(2, 100, rows).round(2))
    table["net"] = (table.gross - table.tax - table.social).round(2)
    return table


def test_a_sum_is_found_beside_numbers_that_hardly_a_row_has() -> None:
    """No row has all of them, and they are no parts of it."""
    rng, table = np.random.default_rng(14), paid()
    kind = rng.integers(0, 3, 700)
    for at in range(3):
        table[f"note{at}"] = np.where(kind == at, rng.integers(1, 900, 700), np.nan)
    table.loc[:6, "net"] += 5
    (rule,) = (one for one in find_rules(table) if one.column == "net")
    assert (rule.words, rule.support) == ("net = gross - tax - social", 0.99)
    table["net"] = rng.permutation(table["net"])
    assert not any(one.column == "net" for one in find_rules(table))


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        (lambda t: t.gross - t.tax + t.bonus.fillna(0), "net = gross - tax + bonus, empty as 0"),
        (lambda t: t.gross - t.tax + t.bonus.fillna(0) + 2.5, "net = gross - tax + bonus + 2.5, empty as 0"),
        (lambda t: t["in"].fillna(0) - t.out.fillna(0), "net = in - out, empty as 0"),
        (lambda t: t["in"].fillna(0) + t.out.fillna(0), "net = in + out, empty as 0"),
        (
            lambda t: t.gross + t["in"].fillna(0) - t.out.fillna(0) - t.bonus.fillna(0),
            "net = gross - bonus + in - out, empty as 0",
        ),
    ],
)
def test_a_sum_of_which_an_empty_part_is_0_is_found(made, rule: str) -> None:
    """Also where no row has all of its parts, such as deposits and withdrawals."""
    rng, table = np.random.default_rng(15), paid()
    goes = rng.random(700) < 0.4
    table["in"] = np.where(goes, rng.gamma(2, 300, 700).round(2), np.nan)
    table["out"] = np.where(goes, np.nan, rng.gamma(2, 200, 700).round(2))
    table["net"] = made(table).round(2)
    table["net"] = table.pop("net")
    assert [one.words for one in find_rules(table) if getattr(one, "column", "") == "net"] == [rule]


def test_what_a_total_follows_from_is_found_though_others_follow_from_it() -> None:
    table = numbers(800)
    table["line"] = (table.a * table.b * (1 - np.repeat([0, 0.1, 0.2, 0.3], 200))).round(2)
    table["off"], table["rate"] = np.repeat([0, 10, 20, 30], 200), np.resize([7, 19, 20], 800)
    table["gross"] = (table.line * (1 + table.rate / 100)).round(2)
    assert {*words(table)} >= {"line = a * b * (1 - off / 100)", "gross = line * (1 + rate / 100)"}


def test_a_ratio_is_kept_by_its_own_column_however_floats_round_it() -> None:
    """a = pieces * each holds in all real rows, too, and would leave most values of `each` no ratio."""
    rng = np.random.default_rng(5)
    table = pd.DataFrame({"a": rng.gamma(2, 50, 400).round(2), "pieces": rng.integers(1, 9, 400)})
    table["each"] = (table["a"] / table["pieces"]).round(4)
    assert "each = a / pieces" in words(table)


def test_a_change_follows_where_both_ends_are_logarithms() -> None:
    """And all of it in single precision, as statistics programs keep it."""
    rng = np.random.default_rng(8)
    table = pd.DataFrame({"before": rng.gamma(3, 5, 500), "now": rng.gamma(4, 5, 500)}).astype(np.float32)
    table["lbefore"], table["lnow"] = np.log(table["before"]), np.log(table["now"])
    table["change"] = table["lnow"] - table["lbefore"]
    table = table.astype(float)
    assert words(table) == ["lbefore = log(before)", "lnow = log(now)", "change = lnow - lbefore"]


def test_two_sums_of_the_same_columns_are_both_found() -> None:
    """Each is also the other and twice a third one."""
    table = numbers()
    table["sum"], table["net"] = (
        (table.a + table.b + table.c).round(2),
        (table.a + table.b - table.c).round(2),
    )
    assert {"sum = a + b + c", "net = a + b - c"} <= {*words(table)}


def test_parts_of_a_date_and_copies_are_found() -> None:
    rng = np.random.default_rng(3)
    day = pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 1500, 300), "D")
    name = rng.choice(["ann", "bob", "cy", "dee", "eve"], 300)
    table = pd.DataFrame({"day": day, "year": day.year, "month": day.month, "w": day.day_of_week + 1})
    table["name"], table["again"], table["upper"] = name, name, [f"{one.upper()}!" for one in name]
    found = words(table)
    assert {"year = year of day", "month = month of day", "w = weekday of day, from 1", "again = name"} <= {
        *found
    }
    assert 'upper = upper name & "!"' in found or "name -> upper" in found


DATES = [
    ("week", lambda at: at.isocalendar().week.astype(int).to_numpy(), "x = week of at"),
    ("2019-W03", lambda at: at.strftime("%G-W%V"), "x = first of week of at"),
    ("201903", lambda at: at.isocalendar().year * 100 + at.isocalendar().week, "x = year and week of at"),
    (
        "2019Q3",
        lambda at: [f"{y}Q{q}" for y, q in zip(at.year, at.quarter, strict=True)],
        "x = first of quarter of at",
    ),
    ("KW 3", lambda at: [f"KW {one}" for one in at.isocalendar().week], 'x = "KW " & %-V at'),
    ("Sunday is 1", lambda at: (at.day_of_week + 1) % 7 + 1, "x = weekday from Sunday of at, from 1"),
    ("day of year", lambda at: at.day_of_year, "x = day of year of at"),
    ("14:05", lambda at: at.strftime("%H:%M"), "x = time of at"),
    ("epoch", lambda at: (at - pd.Timestamp(0)) // pd.Timedelta("1s"), "x = seconds since 1970 of at"),
    ("last day", lambda at: (at + pd.offsets.MonthEnd(0)).strftime("%Y-%m-%d"), "x = last of month of at"),
    ("season", lambda at: at.month.map(lambda m: "wssuuuaaaw"[(m + 9) % 12 // 3 * 3]), "month of at -> x"),
    ("weekend", lambda at: at.day_of_week >= 5, "weekday of at -> x"),
    ("afternoon", lambda at: np.where(at.hour < 12, "am", "pm"), "hour of at -> x"),
    (
        "Mo",
        lambda at: at.day_of_week.map(lambda day: ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"][day]),
        "weekday of at -> x",
    ),
    ("fiscal", lambda at: (at + pd.DateOffset(months=6)).year, "x = year of at + 6 months"),
    (
        "FY19",
        lambda at: [f"FY{y % 100}" for y in (at - pd.DateOffset(months=3)).year],
        "year of at - 3 months -> x",
    ),
    ("fiscal Q3", lambda at: (at + pd.DateOffset(months=3)).quarter, "x = quarter of at + 3 months"),
]


@pytest.mark.parametrize(("made", "rule"), [one[1:] for one in DATES], ids=[one[0] for one in DATES])
def test_what_a_date_tells_is_found_and_kept_for_other_dates(made, rule: str) -> None:
    rng = np.random.default_rng(3)
    at = pd.to_datetime("2018-12-01") + pd.to_timedelta(rng.integers(0, 1400 * 86400, 1200), "s")
    table = pd.DataFrame({"at": at.astype(str), "x": made(at)})
    known, fresh = table[:600], table[600:].reset_index(drop=True)
    schema = lookalike.infer(known)
    own = [one for one in find_rules(known, schema) if "x" in one.columns]
    assert [one.words for one in own] == [rule]
    assert '"' in rule or read_rules([rule], schema) == own  # joined texts are not written in words
    plan = Plan.fit(known, RecordCodec.fit(known, schema), own)
    assert plan is not None
    assert (plan.back(plan.forward(fresh), rng)["x"].astype(str) == fresh["x"].astype(str)).all()


def test_groups_and_empty_cells_are_found() -> None:
    rng = np.random.default_rng(4)
    which = rng.integers(0, 4, 400)
    table = pd.DataFrame({f"is_{k}": (which == k).astype(int) for k in range(4)})
    gone = rng.random(400) < 0.3
    table["x"], table["y"] = (np.where(gone, np.nan, rng.normal(size=400).round(2)) for _ in range(2))
    table["tested"] = np.where(rng.random(400) < 0.4, "f", "t")
    table["result"] = np.where(table.tested == "f", "?", rng.integers(100, 130, 400).astype(str))
    paid = rng.random(400) < 0.6
    table["debit"] = np.where(paid, rng.gamma(2, 50, 400).round(2), np.nan)
    table["credit"] = np.where(paid, np.nan, rng.gamma(2, 90, 400).round(2))
    assert words(table) == [
        "exactly one of is_0, is_1, is_2, is_3",
        "result is '?' exactly when tested is 'f'",
        "x, y empty together",
        "exactly one of debit, credit filled",
    ]


def test_a_rule_with_exceptions_has_its_support() -> None:
    rng = np.random.default_rng(5)
    table = pd.DataFrame({"low": rng.normal(50, 20, 2000).round(1)})
    table["high"] = (table.low + rng.gamma(1, 15, 2000)).round(1)
    table.loc[:15, "high"] = (table.low[:16] - rng.gamma(1, 15, 16) - 0.1).round(1)
    (rule,) = find_rules(table)
    assert rule.words == "high >= low"
    assert rule.support == pytest.approx(1 - 16 / 2000)


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        (lambda t: t.a + t.b, "x = a + b"),
        (lambda t: t.a - t.c, "a = c + x"),
        (lambda t: t.a * t.b, "x = a * b"),
        (lambda t: t.a + t.b - t.c, "x = a + b - c"),
        (lambda t: 0.19 * t.a, "x = 0.19 * a"),
        (lambda t: t.a, "x = a"),
    ],
)
def test_a_formula_that_some_rows_break_has_its_support(made, rule: str) -> None:
    rng = np.random.default_rng(7)
    table = pd.DataFrame({name: rng.gamma(2, 50, 3000).round(2) for name in "abc"})
    broken = rng.random(3000) < 0.035
    table["x"] = np.where(broken, -rng.gamma(2, 60, 3000), made(table)).round(2)
    (found,) = [one for one in find_rules(table) if one.words == rule]
    assert found.support == pytest.approx(1 - broken.mean(), abs=0.001)


def test_columns_that_agree_where_they_are_0_have_no_rule() -> None:
    rng = np.random.default_rng(8)
    table = pd.DataFrame(
        {name: np.where(rng.random(3000) < 0.02, rng.gamma(2, 900, 3000).round(), 0) for name in "abcd"}
    )
    table["e"] = np.where(rng.random(3000) < 0.5, table.a, table.a * rng.integers(2, 9, 3000))
    assert [rule for rule in words(table) if "=" in rule.replace(">=", "")] == []


def seldom(rows: int = 6000) -> pd.DataFrame:
    """Costs that are mostly 0, as insurers and airlines have them: the total is nearly always the repair."""
    rng = np.random.default_rng(6)
    table = pd.DataFrame({"repair": np.where(rng.random(rows) < 0.03, rng.gamma(2, 900, rows).round(), 0)})
    table["other"] = np.where(rng.random(rows) < 0.007, rng.gamma(2, 90, rows).round(), 0)
    table["total"] = table.repair + table.other
    return table


@pytest.mark.parametrize("order", [["repair", "other", "total"], ["other", "total", "repair"]])
def test_an_exact_sum_goes_before_a_copy_with_exceptions(order: list[str]) -> None:
    table = seldom()[order]
    assert 0.99 < (table.total == table.repair).mean() < 1
    (found,) = find_rules(table)
    assert {*found.columns} == {*order}
    assert found.support == 1


def test_an_exact_product_or_function_goes_before_a_copy_with_exceptions() -> None:
    rng = np.random.default_rng(7)
    table = pd.DataFrame({"price": rng.gamma(2, 50, 3000).round(2)})
    table["pieces"] = np.where(rng.random(3000) < 0.01, rng.integers(2, 9, 3000), 1)
    table["paid"] = (table.price * table.pieces).round(2)
    table["town"] = rng.choice([f"town {k}" for k in range(100)], 3000)
    table["area"] = table.town.where(table.town != "town 7", "hills")
    found = find_rules(table)
    assert [one.words for one in found] == ["paid = price * pieces", "town -> area"]
    assert {one.support for one in found} == {1.0}


def test_rules_of_a_schema_are_taken_or_none(bookings: pd.DataFrame) -> None:
    schema = lookalike.infer(bookings)
    schema.rules = []
    assert rules_of(bookings, schema) == []
    schema.rules = ["room >= tax", "city -> country"]
    assert [rule.words for rule in rules_of(bookings, schema)] == ["room >= tax", "city -> country"]
    schema.rules = ["rooms >= tax"]
    with pytest.raises(SchemaError, match="rooms"):
        rules_of(bookings, schema)


def test_hours_are_the_time_between_two_clocks_without_the_break() -> None:
    rng = np.random.default_rng(6)
    start, rest = rng.integers(80, 130, 300) * 5, rng.choice([0, 30, 45, 60], 300)
    end = start + rng.integers(60, 120, 300) * 5
    table = pd.DataFrame({"start": start, "end": end, "break": rest})
    table["hours"] = [f"{hours:.2f}" for hours in (end - start - rest) / 60]
    for name in ("start", "end", "break"):
        table[name] = [f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in table[name]]
    table["minutes"] = rest
    assert "hours = end - start - break in hours" in words(table.drop(columns="minutes"))
    assert "hours = end - start - 60 * minutes in hours" in words(table.drop(columns="break"))


def test_a_rate_of_few_values_is_a_factor_though_it_is_a_category() -> None:
    rng = np.random.default_rng(7)
    net, rate = rng.gamma(3, 40, 400).round(2), rng.choice([7, 19], 400)
    table = pd.DataFrame(
        {"net": net, "rate": [f"{one}%" for one in rate], "vat": (net * rate / 100).round(2)}
    )
    (rule,) = (one for one in find_rules(table) if one.words == "vat = 0.01 * net * rate")
    assert rule.support == 1


def test_names_of_days_and_months_follow_from_their_date() -> None:
    rng = np.random.default_rng(8)
    day = pd.Series(pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 1500, 400), "D"))
    table = pd.DataFrame({"on": day.dt.strftime("%d.%m.%Y"), "short": day.dt.strftime("%a")})
    table["german"] = day.dt.day_of_week.map(dict(enumerate(["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"])))
    table["month"], table["year"] = day.dt.strftime("%B"), "FY" + day.dt.strftime("%y")
    found = words(table)
    assert {"short = weekday of on", "month = month of on", 'year = "FY" & year of on'} <= {*found}
    assert "short -> german" in found


def test_a_sign_or_a_format_is_told_only_where_chance_would_break_it() -> None:
    rng = np.random.default_rng(11)
    side, other = rng.choice(["D", "C"], 600), rng.choice(["x", "y"], 600)
    amount = rng.gamma(2, 50, 600).round(2)
    table = pd.DataFrame({"other": other, "side": side, "amount": np.where(side == "D", -amount, amount)})
    table["noise"] = np.where(rng.random(600) < 0.5, -amount, amount + 1)
    table["unit"] = rng.choice(["kg", "lb"], 600)
    table["weight"] = [f"{one} {unit}" for one, unit in zip(rng.permutation(amount), table.unit, strict=True)]
    table["written"] = [
        f"{one} {unit}" for one, unit in zip(amount[::-1], rng.permutation(table.unit), strict=True)
    ]
    assert words(table) == ["side -> sign of amount", "unit -> format of weight"]


def test_the_range_of_a_number_tells_a_category() -> None:
    rng = np.random.default_rng(15)
    index = rng.normal(26, 5, 600).round(1)
    table = pd.DataFrame({"index": index, "other": rng.normal(size=600).round(3)})
    table["class"] = np.select([index < 18.5, index < 25, index < 30], ["low", "usual", "high"], "highest")
    schema = lookalike.infer(table[:400])
    rules = find_rules(table[:400], schema)
    assert [rule.words for rule in rules] == ["index cut at 18.5, 25, 30 -> class"]
    plan = Plan.fit(table[:400], RecordCodec.fit(table[:400], schema), rules)
    assert plan is not None
    fresh = table[400:].reset_index(drop=True)
    pd.testing.assert_frame_equal(plan.back(plan.forward(fresh), rng), fresh)
    table.loc[::9, "class"] = "usual"
    assert words(table) == []


def test_an_item_tells_its_price_though_a_total_tells_the_item() -> None:
    rng = np.random.default_rng(16)
    item, pieces = rng.integers(0, 12, 600), rng.integers(1, 4, 600)
    table = pd.DataFrame({"item": [f"i{one}" for one in item], "pieces": pieces})
    table["price"] = (item * 7.31 + 3.17).round(2)
    table["total"] = (table.price * pieces).round(2)
    assert words(table) == ["total = pieces * price", "item -> price"]


def test_a_total_tells_no_part_that_it_is_made_of() -> None:
    """Where its other part is not in the table; nor does a number that hardly comes again tell anything."""
    rng = np.random.default_rng(17)
    guests, fee = rng.integers(1, 7, 1200), rng.choice([1.5, 4.25, 9.9], 1200)
    table = pd.DataFrame(
        {"guests": guests, "total": guests * rng.choice([19.9, 24.5, 29.9, 42.5, 75.5], 1200)}
    )
    assert words(table.round(2)) == []
    table = pd.DataFrame({"fee": fee, "due": fee + rng.choice([10.1, 20.3, 33.8, 47.2], 1200)})
    assert words(table.round(2)) == []
    code, price = rng.integers(0, 30, 1200), np.random.default_rng(3).choice([5, 10, 15, 25], 30)
    zips, states = np.arange(30) * 37 + 20100, np.random.default_rng(4).choice([*"NESW"], 30)
    table = pd.DataFrame({"code": code + 41_107, "price": price[code]})
    assert words(table) == ["code -> price"]
    table = pd.DataFrame({"zip": zips[code], "state": states[code], "guests": guests})
    assert words(table) == ["zip -> state"]
    few = pd.DataFrame({"id": np.repeat(rng.permutation(9000)[:200], 3)[:600]})
    few["level"] = few["id"] % 7 % 3
    assert words(few.sample(frac=1, random_state=0)) == []


def test_what_chance_brings_is_no_rule() -> None:
    rng = np.random.default_rng(5)
    measured = pd.DataFrame({"pop": rng.permutation(9000)[:90], "rate": rng.normal(size=90).round(3)})
    measured.loc[:44, "rate"] = np.nan  # a number that no two rows share tells nothing
    assert words(measured.sample(frac=1, random_state=0)) == []
    flags = pd.DataFrame({"ky": rng.integers(0, 2, 3000)})
    flags["mi"], flags["neck"] = 1 - flags["ky"], (rng.random(3000) < 0.015).astype(int)
    assert not any("exactly one" in one for one in words(flags))  # what is seldom on goes with neither
    states = pd.DataFrame({"state": rng.integers(0, 50, 4000).astype(str)})
    states["overdue"] = np.where(rng.random(4000) < 0.01, rng.integers(1, 9, 4000), 0)
    assert words(states) == []  # a state of 80 rows may have none


def test_a_number_of_flags_is_no_sum_of_them() -> None:
    rng = np.random.default_rng(6)
    table = pd.DataFrame({"year": rng.integers(1980, 1988, 900)})
    for year in range(1981, 1988):
        table[f"d{year}"] = (table["year"] == year).astype(int)
    trades = rng.integers(0, 3, 900)
    for trade in range(3):
        table[f"trade{trade}"] = (trades == trade).astype(int)
    found = words(table)
    assert not any(one.startswith("year = ") for one in found)
    assert {f"year -> d{year}" for year in range(1981, 1988)} <= {*found}


@pytest.mark.filterwarnings("error")
def test_an_order_that_only_its_most_frequent_value_breaks_is_looked_at_without_a_warning() -> None:
    rng = np.random.default_rng(0)
    low = np.where(rng.random(1000) < 0.4, 0.0, rng.integers(1, 50, 1000))
    high = low + rng.integers(0, 3, 1000)
    high[np.flatnonzero(low == 0)[:5]] = -1
    assert "high >= low" in words(pd.DataFrame({"low": low, "high": high}))


def test_a_glance_leaves_out_what_a_key_does_not_tell() -> None:
    rng = np.random.default_rng(1)
    key, other = rng.integers(0, 30, 800), rng.integers(0, 30, 800)
    told = np.where(rng.random(800) < 0.01, 3, key % 3)  # with exceptions
    flag = (rng.random(800) < 0.004).astype(int)  # too seldom to say
    seen = _may_tell([key, other], [told, flag])
    assert seen.tolist() == [[True, True], [False, True]]
    gaps = np.where(rng.random(800) < 0.5, -1, key)
    assert _may_tell([gaps], [told]).tolist() == [[True]]


def test_a_wide_table_is_searched_in_whole_blocks_of_columns() -> None:
    rng = np.random.default_rng(3)
    factors, columns = rng.normal(size=(80, 4)), {}
    for at in range(30):
        own = factors @ rng.normal(size=4)
        columns[f"measure{at}"] = own.round(2)
        columns[f"flag{at}"] = (own > rng.uniform(0, 1)).astype(int)
        columns[f"kind{at}"] = np.array([*"abcd"])[np.digitize(own, [-1, 0, 1])]
        columns[f"part{at}"] = np.where(factors[:, at % 4] > 0.5, np.nan, rng.integers(0, 90, 80))
    table = pd.DataFrame(columns)
    schema = lookalike.infer(table)
    first = table[[*table.columns[:40]]]
    own_schema = lookalike.infer(first)
    few = steps(lambda: find_rules(first, own_schema))
    assert steps(lambda: find_rules(table, schema)) < 4 * few


def test_columns_that_are_only_of_different_sizes_have_no_order() -> None:
    rng = np.random.default_rng(4)
    works = rng.random(600) < 0.5
    size = rng.gamma(1.5, 2000, 600)
    table = pd.DataFrame(
        {
            "hours": np.where(works, rng.integers(200, 2500, 600), 0),  # 0 where the wage is
            "wage": np.where(works, rng.gamma(4, 3, 600).round(2), 0),
            "students": (80 + size).round(),
            "teachers": (4 + size / 20 + rng.normal(0, 3, 600)).clip(1).round(),
            "scored": rng.integers(0, 100, 600),
        }
    )
    table["of"] = (table["scored"] * rng.uniform(1, 3, 600)).round()
    table["begun"] = rng.integers(18, 60, 600)
    table["ended"] = table["begun"] + rng.geometric(0.2, 600) - 1
    table["gust"] = np.where(works, rng.gamma(9, 0.5, 600).round(1), 0)
    table["gust_max"] = (table["gust"] * rng.uniform(2, 9, 600)).round()  # of one measure
    assert [one for one in words(table) if "=" in one] == [
        "of >= scored",
        "ended >= begun",
        "gust_max >= gust",
    ]


def test_an_order_has_a_distance_where_many_rows_are_at_it() -> None:
    rng = np.random.default_rng(8)
    table = pd.DataFrame({"birth": rng.integers(1940, 1990, 800)})
    table["hired"] = table["birth"] + 18 + rng.geometric(0.2, 800) - 1
    assert words(table) == ["hired >= birth + 18"]
    table["hired"] = table["birth"] + rng.normal(25, 8, 800).round().astype(int).clip(1)
    assert not any("+" in one for one in words(table))  # few rows are at the least gap
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 9000, 800) * 15, "min")
    end = start + pd.to_timedelta(15 * (1 + rng.geometric(0.3, 800)), "min")
    assert words(pd.DataFrame({"start": start, "end": end})) == ["end >= start + 30 minutes"]
    cheapest = 60 * rng.geometric(0.2, 800)  # a deposit and the rest: apart at least by those of the cheapest
    parts = pd.DataFrame({"deposit": np.rint(cheapest * rng.uniform(0.2, 0.4, 800)), "rest": 0.7 * cheapest})
    parts.loc[cheapest == 60, "deposit"] = 20
    parts["rest"] = parts["rest"].round().where(cheapest > 60, 40).clip(lower=parts["deposit"] + 20)
    assert not any("+" in one for one in words(parts))


def test_an_age_that_was_never_seen_has_its_group() -> None:
    rng = np.random.default_rng(9)
    age = rng.integers(0, 95, 2000)
    table = pd.DataFrame({"age": age[age != 37]})
    table["group"] = [f"{one // 5 * 5}-{one // 5 * 5 + 4}" for one in table["age"]]
    table["senior"] = (table["age"] >= 65).astype(int)
    schema = lookalike.infer(table)
    rules = find_rules(table, schema)
    assert words(table.drop(columns="group")) == ["age cut at 65 -> senior"]
    plan = Plan.fit(table, RecordCodec.fit(table, schema), rules)
    assert plan is not None
    made = plan.back(pd.DataFrame({"age": [37, 64, 65]}), rng)
    assert made["group"].tolist() == ["35-39", "60-64", "65-69"]
    assert made["senior"].tolist() == [0, 0, 1]


def test_columns_that_hardly_vary_or_a_few_far_values_are_no_rule() -> None:
    rng = np.random.default_rng(10)
    table = pd.DataFrame({"gust": rng.uniform(5, 90, 900).round(1)})
    table["rain"] = np.where(rng.random(900) < 0.04, rng.uniform(0.01, 0.09, 900).round(2), 0)
    table["share"] = rng.uniform(0.4, 26, 900).round(2)
    table["density"] = (rng.gamma(2, 0.02, 900) + 0.002).round(4)
    table.loc[:13, "density"] = 11.1  # one district of far higher density
    table.loc[:13, "share"] = 27.2
    assert words(table) == []
    job = rng.integers(0, 4, 3000)
    flags = pd.DataFrame({f"job{one}": (job == one).astype(int) for one in range(1, 4)})
    flags.loc[job == 0] = np.eye(3, dtype=int)[rng.integers(0, 3, (job == 0).sum())]
    idle = rng.permutation(3000)[:60]
    flags.loc[idle] = 0
    flags["ill"] = np.isin(np.arange(3000), idle[:12]).astype(int)
    assert not any("exactly one" in one for one in words(flags))


def test_a_text_of_three_columns_and_the_signs_between_them_is_found_and_kept() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"state": rng.choice(["Alaska", "New York", "Ohio"], 400)})
    table["lat"], table["long"] = rng.uniform(30, 60, 400).round(5), rng.uniform(-150, -70, 400).round(5)
    places = table.astype(str)
    table["place"] = places["state"] + " \n(" + places["lat"] + ", " + places["long"] + ")"
    table["link"] = "https://maps.example.org/at/" + places["lat"] + "/" + places["long"] + "/as-map"
    rules = find_rules(table)
    assert [one.column for one in rules if isinstance(one, Joined)] == ["place", "link"]
    codec = RecordCodec.fit(table, lookalike.infer(table))
    plan = Plan.fit(table, codec, rules)
    assert plan is not None
    made = drawn_apart(plan, table, rng)
    written = made.astype(str)
    assert (made["place"] == written["state"] + " \n(" + written["lat"] + ", " + written["long"] + ")").all()
    assert made["link"].str.fullmatch(r"https://maps\.example\.org/at/[\d.]+/-[\d.]+/as-map").all()


def test_keys_that_come_again_tell_more_than_the_usual_value() -> None:
    rng = np.random.default_rng(6)
    value = np.where(np.arange(500) < 450, 0.0, rng.gamma(2, 20, 500).round(3))
    table = pd.DataFrame({"value": value, "bought": (value > 0) & (rng.random(500) < 0.7)})
    assert "value -> bought" not in [rule.words for rule in find_rules(table)]
    table["value"] = np.where(np.arange(500) < 450, np.arange(500) * 7 % 90, 100 + np.arange(500) % 4)
    table["bought"] = table["value"].isin([*range(3, 90, 5), 101])
    assert "value -> bought" in [rule.words for rule in find_rules(table)]


def test_numbers_of_several_units_are_in_no_order() -> None:
    rng = np.random.default_rng(0)
    price = np.round(rng.gamma(3, 40, 600) + 1, 2)
    unit = rng.choice(["EUR", "USD", "JPY"], 600, p=[0.5, 0.3, 0.2])
    paid = [
        f"{p * 110:,.0f} JPY" if u == "JPY" else f"{p:,.2f} {u}" for p, u in zip(price, unit, strict=True)
    ]
    table = pd.DataFrame(
        {"price": price, "paid": paid, "cost": np.round(price * rng.uniform(0.5, 1, 600), 2)}
    )
    assert words(table) == ["price >= cost"]
