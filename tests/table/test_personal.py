"""Which columns look personal, and that those of other things do not."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.errors import SchemaError
from lookalike.table.personal import iban_check, looks_personal, luhn
from tests.paths import EXAMPLES

RNG = np.random.default_rng(0)
FIRST = "Anna Jürgen Chloé Pia Mateo Olga Fatima Wei Sven Giulia Xaver Ylvi".split()  # noqa: SIM905
LAST = ["Abel", "van Dijk", "O'Neill", "García Marín", "Brandt-Vogt", "Ferrari", "Kowalska", "Ött"]
NAMES = [f"{a} {b}" for a in FIRST for b in LAST]
DIGITS = [str(number) for number in RNG.integers(10**9, 10**10, 60)]
CARDS = [f"4{digits}1234" for digits in DIGITS]
IBANS = [f"00{digits}000000" for digits in DIGITS]
CITIES = ["New York", "San Jose", "Bad Homburg", "Le Havre", "Rio Grande", "Los Angeles", "Den Haag", "Ulm",
          "Saint Louis", "Charlotte", "La Paz", "Buenos Aires", "Cape Town", "Santa Maria"]  # fmt: skip
FOUND: list[tuple[str, list[Any], str]] = [
    ("customer", NAMES, "name"),
    ("name", NAMES, "name"),
    ("Kundenname", NAMES, "name"),
    ("x", NAMES, "name"),  # by the values alone
    ("contact person", [f"{b}, {a}" for a in FIRST for b in LAST], "name"),
    ("prénom", FIRST, "first_name"),
    ("vorname", FIRST, "first_name"),
    ("LastName", [f"{last}{x}" for last in LAST for x in "abc"], "last_name"),
    ("x", [f"u{digits}@example.org" for digits in DIGITS], "email"),
    ("Tel.", DIGITS, "phone"),
    ("mobile_phone", [int(digits) for digits in DIGITS], "phone"),
    ("x", [f"+49 {d[:3]} {d[3:]}" for d in DIGITS], "phone"),
    ("x", [f"({d[:3]}) {d[3:6]}-{d[6:]}" for d in DIGITS], "phone"),
    ("street", [f"Main Road {d[:2]}" for d in DIGITS], "address"),
    ("Straße", [f"Lange Gasse {d[:2]}" for d in DIGITS], "address"),
    ("x", [f"{d[:3]} Elm Street, Springfield" for d in DIGITS], "address"),
    ("x", [f"{d[:3]}-{d[3:5]}-{d[5:9]}" for d in DIGITS], "national_id"),
    ("passport_no", [f"C{d}" for d in DIGITS], "national_id"),
    ("x", [f"DE{iban_check('DE', account)}{account}" for account in IBANS], "iban"),
    ("x", [card + str(luhn(card)) for card in CARDS], "card"),
    ("x", [int(card + str(luhn(card))) for card in CARDS], "card"),
    ("client", [f"10.{d[:2]}.1.{d[2:4]}" for d in DIGITS], "ip"),
    ("x", [f"fe80::{int(d) % 65536:x}:1" for d in DIGITS], "ip"),
    ("customer_id", [int(d[:4]) for d in DIGITS], "key"),
    ("userId", [f"u-{d[:4]}" for d in DIGITS], "key"),
    ("Kundennummer", [int(d[:5]) for d in DIGITS], "key"),
]
OTHERS: list[tuple[str, list[Any]]] = [
    ("city", CITIES),
    ("x", CITIES),
    ("name", ["Blue Chair", "Oak Table", "Desk Lamp", "Tea Pot", "Office Chair", "Coffee Table", *CITIES]),
    ("product name", NAMES[:1] + [f"Model {letter} Deluxe" for letter in "ABCDEFGHIJKLMNOP"]),
    ("file_name", [f"report_{d[:3]}.pdf" for d in DIGITS]),
    ("country", ["Jordan", "Georgia", "Chad", "Peru", "Cuba", "Mali", "Iran", "Oman", "Togo", "Fiji"]),
    ("diagnosis", [f"{name} Disease" for name in ("Crohn", "Graves", "Lyme", "Down", *LAST[:1], *"ABCDEF")]),
    ("address_count", [int(d[:2]) for d in DIGITS]),
    ("email", ["yes", "no", "weekly", *"abcdefghijkl"]),
    ("phone", ["iPhone 15", "Galaxy S24", *(f"Pixel {i}" for i in range(12))]),
    ("web_address", [f"https://example.org/{d}" for d in DIGITS]),
    ("version", [f"1.{d[:1]}.{d[1:3]}" for d in DIGITS]),
    ("amount", [float(d) / 100 for d in DIGITS]),
    ("visits", [int(d[:2]) for d in DIGITS]),
    ("zip", [d[:5] for d in DIGITS]),
    ("customer type", ["Private Person", "Small Business", *(f"Group {a}" for a in "ABCDEFGHIJ")]),
    ("mobile", [True, False]),
    ("time", [f"{20 + i}:{i:02}:00" for i in range(60)]),
    ("mobil", [-0.002747 - i / 1e5 for i in range(60)]),  # returns of a share
]


def looks(name: str, values: list[Any], repeats: int = 3) -> str | None:
    distinct = list(dict.fromkeys(values))
    return looks_personal(name, distinct, repeats * len(distinct), len(distinct))


@pytest.mark.parametrize(("name", "values", "sort"), FOUND)
def test_personal_columns_are_seen(name: str, values: list[Any], sort: str) -> None:
    assert looks(name, values) == sort


@pytest.mark.parametrize(("name", "values"), OTHERS)
def test_other_columns_are_not(name: str, values: list[Any]) -> None:
    assert looks(name, values) is None


def test_the_adult_data_alarm_nobody() -> None:
    schema = lookalike.infer(pd.read_csv(EXAMPLES / "adult.csv.gz", keep_default_na=False))
    assert schema.notes() == [] and not any(column.personal for column in schema.columns)


def test_check_digits() -> None:
    assert luhn("7992739871") == 3  # the example of the standard
    assert iban_check("GB", "WEST12345698765432") == "82"


def test_the_schema_says_what_looks_personal_and_how_to_change_it(orders: pd.DataFrame) -> None:
    schema = lookalike.infer(orders)
    found = {column.name: column.personal for column in schema.columns if column.personal}
    assert found == {"customer_id": "key", "customer": "name", "email": "email"}
    key, name, _ = (note for note in schema.notes() if "looks like" in note)
    assert "'customer_id' looks like keys that repeat" in key and "--kind customer_id=key" in key
    assert "'customer' looks like names of persons" in name and "--kind customer=pseudonym" in name
    assert not any(value in " ".join(schema.notes()) for value in orders["customer"])
    schema.set_kinds(["customer_id=key", "customer=pseudonym", "email=drop"])
    assert [column.kind for column in schema.columns[:4]] == ["id", "key", "pseudonym", "drop"]
    assert "looks like" not in " ".join(schema.notes()) and "'email' is dropped" in schema.notes()[-1]
    again = lookalike.Schema.from_dict(schema.to_dict())
    assert again == schema
    assert again.kept == ["order_id", "customer_id", "customer", "city", "product", "amount"]


def test_kinds_of_columns_with_odd_names() -> None:
    schema = lookalike.infer(pd.DataFrame({"a=b": ["x", "y"] * 20, 7: range(40)}))
    schema.set_kinds(["a=b=drop", "7=pseudonym:phone"])
    assert (schema["a=b"].kind, schema[7].kind, schema[7].personal) == ("drop", "pseudonym", "phone")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("customer", "'customer' has no '='"),
        ("planet=key", "no column 'planet'"),
        ("customer=alias", "the kind 'alias'"),
        ("customer=pseudonym:planet", "'planet', which is not known"),
    ],
)
def test_wrong_kinds_are_refused(orders: pd.DataFrame, text: str, names: str) -> None:
    with pytest.raises(SchemaError, match=names):
        lookalike.infer(orders).set_kinds([text])
