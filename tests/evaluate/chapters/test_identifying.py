"""Tables of orders that name real customers, and tables that name made-up ones."""

import sys

import numpy as np
import pandas as pd
import pytest

from lookalike.evaluate import evaluate
from lookalike.evaluate.chapters.identifying import identify
from lookalike.evaluate.columns import joined, read_columns
from lookalike.evaluate.figures import FIGURES, grade
from lookalike.evaluate.section import Entry
from tests.evaluate.adult import marks

pytestmark = pytest.mark.usefixtures("few_trees")

FIRST = ["Anna", "Ben", "Clara", "David", "Emma", "Felix", "Greta", "Hugo", "Ida", "Jonas", "Klara", "Leo"]
FIRST += ["Mia", "Noah", "Olga", "Paul", "Rosa", "Simon"]
LAST = [
    "Adler",
    "Bauer",
    "Conrad",
    "Dorn",
    "Engel",
    "Fuchs",
    "Graf",
    "Huber",
    "Jung",
    "Keller",
    "Lang",
    "Maier",
]
LAST += [
    "Nagel",
    "Otto",
    "Peters",
    "Roth",
    "Sauer",
    "Thal",
    "Unger",
    "Vogt",
    "Weber",
    "Zahn",
    "Brandt",
    "Kraft",
]
LAST += ["Lindner", "Moser", "Pohl", "Ritter", "Stein", "Wolff"]
ROWS = 400
MARKS = {figure.key: figure for figure in FIGURES}


def customers(seed: int, number: int = 150) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    who = rng.choice(len(FIRST) * len(LAST), number, replace=False)
    return pd.DataFrame(
        {
            "customer_id": rng.choice(np.arange(10_000, 99_999), number, replace=False),
            "customer": [f"{FIRST[i % len(FIRST)]} {LAST[i // len(FIRST)]}" for i in who],
            "city": rng.choice(["Aachen", "Bonn", "Celle", "Essen", "New Ulm"], number),
        }
    )


def orders(people: pd.DataFrame, seed: int, first: int = 1, rows: int = ROWS) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = people.iloc[rng.integers(0, len(people), rows)].reset_index(drop=True)
    table.insert(0, "order_id", np.arange(first, first + rows))
    table["product"] = rng.choice(["lamp", "desk", "chair", "shelf", "rug", "clock"], rows)
    table["amount"] = np.round(rng.gamma(2, 40, rows), 2)
    return table


REAL = orders(customers(0), 1)
COPIED = (
    REAL.sample(ROWS, replace=True, random_state=2)
    .reset_index(drop=True)
    .assign(**orders(customers(0), 3, first=401)[["order_id", "product", "amount"]])
)
CLEAN = orders(customers(9), 4)
HOLDOUTS = {
    "none": None,
    "the same customers": orders(customers(0), 5, first=1001),
    "others": orders(customers(8), 6, first=1001),
}


def graded(key: str, entry: Entry) -> dict:
    return entry.to_dict() | {"grade": grade(MARKS[key], entry)}


def measured(
    real: pd.DataFrame, synthetic: pd.DataFrame, holdout: pd.DataFrame | None = None, **more
) -> tuple:
    """(entries as dicts with their grade as "grade", details)."""
    tables = {"real": real, "synthetic": synthetic} | ({} if holdout is None else {"holdout": holdout})
    entries, details = identify(joined(read_columns(tables), tables), np.random.default_rng(0), **more)
    return {key: graded(key, entry) for key, entry in entries.items()}, details


@pytest.mark.parametrize("holdout", HOLDOUTS)
def test_real_customers_are_counted_and_named(holdout: str) -> None:
    report = evaluate(REAL, COPIED, HOLDOUTS[holdout], only=["privacy"])
    found = report.to_dict()
    # of a column that looks like names of persons, those of many orders count, too
    assert found["privacy"]["identifying_values"]["value"] == 1
    assert found["privacy"]["identifying_pairs"]["value"] == 1
    assert [one["names"] for one in found["identifying"]["columns"][:2]] == [["customer_id"], ["customer"]]
    assert found["identifying"]["pairs"][0]["names"] == ["customer_id", "customer"]
    grades = marks(report)
    assert grades["identifying_values"] == grades["identifying_pairs"] == found["verdict"]["grade"] == "poor"
    (sentence,) = [text for text in found["verdict"]["sentences"] if "'customer_id' and 'customer'" in text]
    assert ("no excuse" in sentence) == (holdout == "the same customers")
    assert "values of few real rows are shown most in: customer_id" in repr(report)
    assert "customer_id + customer" in repr(report)


@pytest.mark.parametrize("holdout", HOLDOUTS)
def test_made_up_customers_are_good(holdout: str) -> None:
    entries, details = measured(REAL, CLEAN, HOLDOUTS[holdout])
    assert {entry["grade"] for entry in entries.values()} == {"good"}
    assert "order_id" not in {name for one in details["columns"] for name in one.names}


def test_a_good_report_names_no_column() -> None:
    report = evaluate(REAL, CLEAN, only=["privacy"])
    assert "values of few real rows" not in repr(report)
    assert not any("few real rows" in text for text in report.to_dict()["verdict"]["sentences"])


def test_the_page_names_columns_and_no_customer(tmp_path) -> None:
    evaluate(REAL, COPIED, quick=True).save(tmp_path / "r.html")
    html = (tmp_path / "r.html").read_text(encoding="utf-8").partition('id="examples"')[0]
    assert 'id="identifying"' in html
    assert not any(name in html for name in REAL["customer"])


def keyed(keys: list, seed: int = 0) -> pd.DataFrame:
    return pd.DataFrame({"key": keys, "x": np.random.default_rng(seed).normal(size=len(keys))})


@pytest.mark.parametrize("form", ["{}", "A-{:05d}", "order {}"])
def test_a_key_that_counts_is_real_by_chance(form: str) -> None:
    def count(first: int) -> list:
        return [form.format(i) if form != "{}" else i for i in range(first, first + 300)]

    for made in (count(1), count(150)):
        entries, _ = measured(keyed(count(1)), keyed(made, 1))
        assert entries["identifying_values"]["grade"] == "good"
    held = keyed(count(301), 2)
    assert measured(keyed(count(1)), keyed(count(1), 1), held)[0]["identifying_values"]["grade"] == "good"


@pytest.mark.parametrize("form", ["{}", "A-{}", "{:x}"])
def test_a_key_of_many_digits_is_not(form: str) -> None:
    rng = np.random.default_rng(0)
    real, other = ([form.format(i) for i in rng.integers(10**8, 10**9, 300)] for _ in range(2))
    if form == "{}":
        real, other = ([int(key) for key in keys] for keys in (real, other))
    for holdout in (None, keyed(other, 2)):
        entries, details = measured(keyed(real), keyed(real[:150] + other[:150], 1), holdout)
        assert entries["identifying_values"]["value"] == pytest.approx(0.5)
        assert entries["identifying_values"]["grade"] == "poor"
        assert details["columns"][0].names == ["key"]
    assert measured(keyed(real), keyed(other, 1))[0]["identifying_values"]["grade"] == "good"


def names(seed: int, rows: int = 400) -> pd.DataFrame:
    """First names, a few of them frequent and many rare; some cities of two words."""
    rng = np.random.default_rng(seed)
    syllables = ["ma", "ri", "no", "la", "be", "to", "su", "ke"]
    known = [f"{a}{b}{c}".title() for a in syllables for b in syllables for c in syllables[:3]]
    cities = ["New Ulm", "Bad Ems", "Bonn", "Sankt Veit", "Los Altos"]
    place = np.minimum(rng.zipf(1.4, rows) - 1, len(known) - 1)
    return pd.DataFrame({"first": [known[i] for i in place], "city": rng.choice(cities, rows)})


def test_ordinary_first_names_and_frequent_cities_are_no_leak() -> None:
    real, other, held = (names(seed) for seed in (0, 1, 2))
    for holdout in (None, held):
        entries, _ = measured(real, other, holdout)
        assert {entry["grade"] for entry in entries.values()} == {"good"}
    alone = measured(real[["first"]], other[["first"]], held[["first"]])[0]["identifying_values"]
    assert alone["value"] > 0.05 and alone["reference"] > 0.05, "rare first names do occur again"
    assert alone["grade"] == "good"
    copied = measured(real, real[real["first"].map(real["first"].value_counts()) < 5], held)[0]
    assert copied["identifying_values"]["value"] == 1 and copied["identifying_values"]["grade"] == "poor"


def test_name_and_birth_date_identify_where_each_alone_does_not() -> None:
    rng = np.random.default_rng(0)
    days = np.array([f"{year}-{month:02d}-15" for year in range(1950, 2000) for month in (1, 5, 9)])

    def table(rows: int = 400) -> pd.DataFrame:
        return pd.DataFrame(
            {"name": rng.choice(LAST, rows), "born": rng.choice(days, rows), "n": rng.random(rows)}
        )

    real, other, held = table(), table(), table()
    fresh, _ = measured(real, other, held)
    assert fresh["identifying_pairs"]["grade"] == "good"
    found, details = measured(real, real.assign(n=other["n"]), held)
    assert details["pairs"][0].names == ["name", "born"]
    assert found["identifying_pairs"]["grade"] == "poor"


def test_of_personal_columns_every_value_counts() -> None:
    people = customers(0, 25)  # 16 orders each
    real, made = orders(people, 1), orders(people, 2, first=401)
    plain, _ = measured(real, made)
    known, details = measured(real, made, personal=["customer_id", "customer", "city"])
    assert plain["identifying_values"]["value"] < 0.1
    assert known["identifying_values"]["value"] == known["identifying_pairs"]["value"] == 1
    assert known["identifying_values"]["grade"] == known["identifying_pairs"]["grade"] == "poor"
    assert {"customer_id", "customer"} <= {one.names[0] for one in details["columns"]}


def test_many_columns_of_chance_are_good() -> None:
    real, other = (
        pd.DataFrame(np.random.default_rng(s).integers(0, 300, (200, 60))).add_prefix("c") for s in (0, 1)
    )
    assert {entry["grade"] for entry in measured(real, other)[0].values()} == {"good"}


def test_pairs_that_are_not_looked_at_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["lookalike.evaluate.chapters.identifying"]
    monkeypatch.setattr(module, "PAIR_CELLS", 0)
    monkeypatch.setattr(module, "FEWEST_PAIRS", 4)
    found = evaluate(REAL, COPIED, only=["privacy"]).to_dict()
    assert "4 of the 15 pairs" in found["skipped"]["identifying"]
    assert found["identifying"]["pairs"][0]["names"] == ["customer_id", "customer"]


def test_tables_without_rare_values_or_with_holes_are_measured() -> None:
    plain = pd.DataFrame({"a": ["x", "y"] * 50, "b": [1, 2] * 50})
    assert measured(plain, plain)[0]["identifying_values"]["value"] == 0
    holes = REAL.assign(customer=REAL["customer"].where(REAL.index % 2 == 0), void=None)
    entries, _ = measured(holes, holes)
    assert 0.3 < entries["identifying_values"]["value"] <= 1
    assert "identifying_pairs" not in measured(plain[["a"]], plain[["a"]])[0]
