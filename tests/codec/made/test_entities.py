"""Keys and pseudonyms: fresh, the same for all rows of an entity, as many rows an entity as in reality."""

import builtins
import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lookalike.codec import RecordCodec
from lookalike.codec.made import pseudonyms
from lookalike.codec.serialised import Serialised
from lookalike.errors import ConditionError, DataError, MissingDependency, SchemaError
from lookalike.table.inferring import infer
from lookalike.table.personal import iban_check, luhn
from lookalike.table.schema import Schema

PERSONS = ["customer_id=key", "customer=pseudonym", "email=pseudonym"]


def learned(table: pd.DataFrame, kinds: Sequence[str]) -> RecordCodec:
    """A codec that was saved and read again."""
    schema = infer(table)
    schema.set_kinds(kinds)
    facts, arrays = RecordCodec.fit(table, schema).to_dict()
    return RecordCodec.from_dict(json.loads(json.dumps(facts)), arrays)


def made(codec: RecordCodec, table: pd.DataFrame, seed: int = 0, offset: int = 0) -> pd.DataFrame:
    """What a perfect language model would write: the rows of the table, with other keys and pseudonyms."""
    rng = np.random.default_rng(seed)
    return codec.fill(codec.decode(*codec.encode(table), rng, offset=offset), rng, offset)


def same_in_all_rows(table: pd.DataFrame, key: str, names: list[str]) -> bool:
    return bool((table.groupby(key)[names].nunique() <= 1).all(axis=None))


def test_an_order_has_a_made_up_customer(orders: pd.DataFrame) -> None:
    synthetic = made(learned(orders, PERSONS), orders)
    assert synthetic.dtypes.equals(orders.dtypes)
    for name in ("order_id", "customer_id", "customer", "email"):
        assert not synthetic[name].isin(orders[name].dropna()).any()
    assert synthetic["order_id"].is_unique and synthetic["customer_id"].str.fullmatch(r"C-\d{4}").all()
    assert same_in_all_rows(synthetic, "customer_id", ["customer", "email", "city"])
    assert synthetic["email"].isna().mean() == pytest.approx(orders["email"].isna().mean(), abs=0.05)
    # a customer has a mail in all rows or in none, and it is that of the name
    groups = synthetic.groupby("customer_id")
    assert (groups["email"].count() % groups.size() == 0).all()
    named = synthetic.dropna()
    slugs = named["customer"].str.lower().str.replace(" ", ".").str.replace("'", "")
    for slug, mail in zip(slugs, named["email"], strict=True):
        assert re.fullmatch(rf"{slug}\d+@example\.(com|net|org)", mail)
    # what is learned stays as it is, but where a customer's rows differ
    assert synthetic["product"].equals(orders["product"])
    assert (synthetic["city"] != orders["city"]).mean() < 0.05


def test_rows_a_customer_are_distributed_as_the_real_ones(orders: pd.DataFrame) -> None:
    codec = learned(orders, PERSONS)
    many = pd.concat([orders] * 5, ignore_index=True)
    sizes = [np.sort(table["customer_id"].value_counts()) for table in (orders, made(codec, many))]
    places = np.arange(1, max(map(max, sizes)) + 1)
    real, synthetic = (np.searchsorted(s, places, side="right") / len(s) for s in sizes)
    assert np.abs(real - synthetic).max() < 0.02  # the distance of Kolmogorov and Smirnov
    assert len(sizes[1]) == pytest.approx(5 * len(sizes[0]), rel=0.02)


def test_the_same_seed_makes_the_same_persons_and_no_key_comes_again(orders: pd.DataFrame) -> None:
    codec = learned(orders, PERSONS)
    first, again, other = made(codec, orders), made(codec, orders), made(codec, orders, seed=1)
    assert first.equals(again) and not first["customer"].equals(other["customer"])
    following = made(codec, orders, seed=1, offset=len(orders))
    for name in ("order_id", "customer_id", "email"):
        assert not set(first[name].dropna()) & set(following[name].dropna())


def test_no_real_value_is_kept(orders: pd.DataFrame) -> None:
    schema = infer(orders)
    schema.set_kinds([*PERSONS, "city=drop"])
    facts, arrays = RecordCodec.fit(orders, schema).to_dict()
    kept = json.dumps(facts) + "".join(str(array.tolist()) for array in arrays.values())
    for name in ("customer_id", "customer", "email", "city"):
        assert not any(str(value) in kept for value in orders[name].dropna())
    taken = next(array for name, array in arrays.items() if name.endswith("taken"))
    assert np.unpackbits(taken).mean() <= 1 / 8  # so that a guess is never sure


@pytest.mark.parametrize(
    "name", ["int64", "Int64", "float64", "string", "object", "category", "int64[pyarrow]"]
)
def test_keys_of_every_dtype(name: str) -> None:
    keys = pd.Series(np.arange(400) // 4 + 100)
    values = (keys if "int" in name.lower() or name == "float64" else "K" + keys.astype(str)).astype(name)
    gaps = name in ("Int64", "float64", "object")
    table = pd.DataFrame({"key": values.mask(keys % 10 == 0) if gaps else values, "x": np.arange(400) % 3})
    found = made(learned(table, ["key=key"]), table)["key"]
    assert str(found.dtype) == ("str" if name == "category" else str(table["key"].dtype))
    assert found.isna().equals(table["key"].isna())
    assert not found.dropna().isin(table["key"].dropna().tolist()).any()
    assert found.value_counts().tolist() == [4] * (90 if gaps else 100)


def test_keys_that_determine_keys() -> None:
    rng = np.random.default_rng(0)
    account = rng.integers(0, 300, 1500)
    customer, company = account // 3, account // 30
    table = pd.DataFrame(
        {
            "account_no": 5000 + account,
            "iban": [f"DE{iban_check('DE', f'{i:018d}')}{i:018d}" for i in account * 987_654_321],
            "customer_id": [f"C{i:03d}" for i in customer],
            "company_id": [f"F-{i}" for i in company],
            "company": [f"Firma {chr(65 + i)}" for i in company],
            "country": np.array(["DE", "FR", "IT"])[company % 3],
            "x": rng.normal(size=1500),
        }
    )
    kinds = ["account_no=key", "iban=pseudonym", "customer_id=key", "company_id=key", "company=pseudonym"]
    found = made(learned(table, kinds), table)
    assert same_in_all_rows(found, "account_no", ["iban", "customer_id", "company_id", "company", "country"])
    assert same_in_all_rows(found, "customer_id", ["company_id", "company", "country"])
    assert same_in_all_rows(found, "company_id", ["company", "country"])
    assert same_in_all_rows(found, "iban", ["account_no"])  # one to one, as the real ones
    for name in ("account_no", "customer_id", "company_id"):
        assert found[name].nunique() == pytest.approx(table[name].nunique(), rel=0.1)
        assert not found[name].isin(table[name]).any()
    assert all(iban_check(text[:2], text[4:]) == text[2:4] for text in found["iban"])


def test_two_keys_that_share_what_they_determine() -> None:
    rng = np.random.default_rng(0)
    city = rng.integers(0, 4, 1200)
    table = pd.DataFrame(
        {
            "customer_id": 1000 + 4 * rng.integers(0, 100, 1200) + city,
            "store_id": [f"S{4 * i + c}" for i, c in zip(rng.integers(0, 10, 1200), city, strict=True)],
            "city": np.array(["Kiel", "Ulm", "Bonn", "Jena"])[city],
        }
    )
    found = made(learned(table, ["customer_id=key", "store_id=key"]), table)
    for key in ("customer_id", "store_id"):
        assert same_in_all_rows(found, key, ["city"])
        assert found[key].nunique() == pytest.approx(table[key].nunique(), rel=0.1)
    assert (found["city"] != table["city"]).mean() < 0.1  # the second one may not change it for the first


def test_names_without_a_key_repeat_as_the_real_ones_do(orders: pd.DataFrame) -> None:
    table = orders[["customer", "email", "city", "amount"]]
    found = made(learned(table, ["customer=pseudonym", "email=pseudonym"]), table)
    assert sorted(found["customer"].value_counts()) == sorted(table["customer"].value_counts())
    assert same_in_all_rows(found, "customer", ["email", "city"])


def test_a_customer_without_a_key_is_somebody_of_their_own() -> None:
    names = [f"Anna {chr(65 + i % 26)}{'xyz'[i % 3]}" for i in range(60)]
    keys = [f"K{i}" if i % 3 else None for i in range(60)]
    table = pd.DataFrame({"key": keys * 3, "name": names * 3, "x": range(180)})
    found = made(learned(table, ["key=key", "name=pseudonym"]), table)
    guests = found[found["key"].isna()]
    assert len(guests) == 60 and guests["name"].nunique() > 55
    assert same_in_all_rows(found.dropna(), "key", ["name"])


def test_what_is_given_stays_and_its_rows_are_one_customer(orders: pd.DataFrame) -> None:
    codec = learned(orders, PERSONS)
    rng = np.random.default_rng(0)
    table = codec.decode(*codec.encode(orders[:6]), rng)
    table.loc[[0, 1, 4], "customer_id"] = "C-1000"
    table.loc[1, "customer"] = "Somebody Known"
    found = codec.fill(table, rng, held=["city"])
    assert found["customer_id"].tolist()[:2] == ["C-1000", "C-1000"] and found["customer_id"][4] == "C-1000"
    assert found["customer"][[0, 1, 4]].tolist() == ["Somebody Known"] * 3
    assert found["city"].equals(orders["city"][:6])
    assert not found["customer_id"][[2, 3, 5]].isin(["C-1000"]).any()


def test_a_fresh_key_is_none_that_is_given(orders: pd.DataFrame) -> None:
    codec = learned(orders, ["customer_id=key"])
    rng = np.random.default_rng(0)
    next_ones = set(made(codec, orders)["customer_id"])
    table = codec.decode(*codec.encode(orders), rng)
    table.loc[: len(next_ones) - 1, "customer_id"] = sorted(next_ones)
    found = codec.fill(table, rng)["customer_id"]
    assert not found[len(next_ones) :].isin(next_ones).any()


PHONES = [f"+49-30-{i:07d}" for i in np.random.default_rng(0).integers(0, 10**7, 80)]
CARDS = [f"4{i:014d}" for i in np.random.default_rng(0).integers(0, 10**14, 80)]


@pytest.mark.parametrize(
    ("values", "sort", "shape"),
    [
        (PHONES, "phone", r"\+49-30-\d{7}"),
        ([int(text[-7:]) + 10**7 for text in PHONES], "phone", r"\d{8}"),
        ([text + str(luhn(text)) for text in CARDS], "card", r"4\d{15}"),
        ([f"BKL {i:04d}-{'ABC'[i % 3]}" for i in range(80)], None, r"BKL \d{4}-[ABC]"),
        (["Anna Abel", "Carl Ernst", "Dora Roth"], "name", r"[\w'-]+ [\w'-]+"),
        (["ABEL, ANNA", "ERNST, CARL"] * 2, "name", r"[A-Z]+, [A-Z]+"),
        (["Anna", "Carl", "Dora"], "first_name", r"[A-Z][a-z]+"),
        ([f"Lange Gasse {i}" for i in range(30)], "address", r"[\w' .]+"),
        ([f"Lange Gasse {i}, 12345 Ulm" for i in range(30)], "address", r".+, .+"),
        ([f"10.0.0.{i}" for i in range(30)], "ip", r"(\d{1,3}\.){3}\d{1,3}"),
        ([f"anna{i}" for i in range(30)], "username", r"[a-z]+\d+"),
    ],
)
def test_pseudonyms_look_as_the_real_ones(values: list[Any], sort: str | None, shape: str) -> None:
    table = pd.DataFrame({"x": values * 4})
    schema = infer(table)
    schema["x"].kind, schema["x"].personal = "pseudonym", sort
    codec = RecordCodec.fit(table, schema)
    found = made(codec, table)["x"]
    assert found.dtype == table["x"].dtype and not found.isin(values).any()
    assert found.nunique() == len(set(values))
    assert all(re.fullmatch(shape, str(value)) for value in found), found[0]
    if sort == "card":
        assert all(int(text[-1]) == luhn(text[:-1]) for text in found)


def test_the_locale(orders: pd.DataFrame) -> None:
    schema = infer(orders)
    schema.set_kinds(["customer=pseudonym"])
    schema["customer"].locale = "ja_JP"
    found = made(RecordCodec.fit(orders, schema), orders)["customer"]
    assert found.str.contains("[\u3040-\u9fff]").all()
    schema["customer"].locale = "xx_XX"
    with pytest.raises(SchemaError, match="the locale 'xx_XX', which Faker does not know"):
        RecordCodec.fit(orders, schema)


def test_names_when_faker_has_no_other_ones() -> None:
    from faker.providers.person.en_US import Provider

    every = list(dict.fromkeys(Provider.first_names))
    table = pd.DataFrame({"first_name": every * 2})
    schema = infer(table)
    schema.set_kinds(["first_name=pseudonym"])
    found = made(RecordCodec.fit(table, schema), table)["first_name"]
    assert not found.isin(every).any() and found.str.fullmatch("[A-Z][a-z]+").all()


def test_a_column_without_room_is_refused_before_training() -> None:
    table = pd.DataFrame({"x": [str(i) for i in range(10)] * 3})
    schema = infer(table)
    schema.set_kinds(["x=pseudonym"])
    with pytest.raises(DataError, match="column 'x' has no room for pseudonyms"):
        RecordCodec.fit(table, schema)


def test_keys_and_pseudonyms_that_are_always_missing() -> None:
    table = pd.DataFrame({"key": [np.nan] * 30, "name": pd.Series([None] * 30, dtype="str"), "x": range(30)})
    found = made(learned(table, ["key=key", "name=pseudonym"]), table)
    assert found.dtypes.equals(table.dtypes) and found[["key", "name"]].isna().all(axis=None)


def test_numbers_fit_their_dtype() -> None:
    values = np.repeat(np.arange(2_147_483_000, 2_147_483_640, 8), 3).astype("int32")
    table = pd.DataFrame({"phone": values})
    found = made(learned(table, ["phone=pseudonym:phone"]), table)["phone"]
    assert found.dtype == "int32" and found.min() > 0 and found.nunique() == 80


@pytest.mark.parametrize("kind", ["key", "pseudonym"])
@pytest.mark.parametrize(
    "values",
    [pd.date_range("1990-01-01", periods=30), np.arange(30) / 4, np.arange(30) % 2 == 0, [b"x", b"y"] * 15],
)
def test_what_is_neither_strings_nor_whole_numbers_is_refused(kind: str, values: Any) -> None:
    schema = infer(pd.DataFrame({"x": range(30)}))
    schema["x"].kind, table = kind, pd.DataFrame({"x": values})
    with pytest.raises(SchemaError, match=f"column 'x' is declared a {kind}, but holds"):
        RecordCodec.fit(table, schema)


def test_faker_is_needed_for_names_alone(orders: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str, *more: Any, of: Any = builtins.__import__) -> Any:
        if name == "faker":
            raise ImportError(name)
        return of(name, *more)

    monkeypatch.setattr(builtins, "__import__", absent)
    assert pseudonyms.make([], [0], np.random.default_rng(0)) == []
    learned(orders, ["customer_id=pseudonym", "email=key"])
    with pytest.raises(MissingDependency, match=r"'\.\[pseudonym\]'"):
        learned(orders, ["customer=pseudonym"])


def test_conditions(orders: pd.DataFrame) -> None:
    codec = learned(orders, [*PERSONS, "city=drop"])
    with pytest.raises(ConditionError, match="'customer_id' is a key: its values are made afresh"):
        codec.allowed({"customer_id": "C-1000"})
    with pytest.raises(ConditionError, match="'customer' is a pseudonym: its values are made afresh"):
        codec.allowed({"customer": "Anna Abel"})
    with pytest.raises(ConditionError, match="'city' is dropped"):
        codec.allowed({"city": "Ulm"})
    assert codec.allowed({"email": None})[0].ravel().tolist() == [0, 1]


def test_a_dropped_column_is_neither_needed_nor_made(orders: pd.DataFrame) -> None:
    schema = infer(orders)
    schema.set_kinds(["customer=drop", "email=drop"])
    rest = orders.drop(columns=["customer", "email"])
    codec = RecordCodec.fit(rest, schema)
    assert list(made(codec, rest).columns) == list(rest.columns)
    assert not {"customer", "email"} & {slot.column for slot in codec.slots}


def test_the_json_text_of_a_record_has_no_persons(orders: pd.DataFrame) -> None:
    codec = learned(orders, [*PERSONS, "city=drop"])
    records = Serialised.fit(codec, orders)
    assert records.names == ["email", "product", "amount"]  # of the mail, whether it is missing
    cells = records.cells(orders)
    assert set(cells[:, 0]) == {"true", "null"}
    found = codec.fill(records.decode(cells, np.random.default_rng(0)), np.random.default_rng(0))
    assert list(found.columns) == [name for name in orders.columns if name != "city"]
    assert found["email"].isna().mean() == pytest.approx(orders["email"].isna().mean(), abs=0.05)
    assert same_in_all_rows(found, "customer_id", ["customer", "email"])
    assert not found["customer"].isin(orders["customer"]).any()


def test_a_model_of_before_is_read(orders: pd.DataFrame) -> None:
    facts, arrays = RecordCodec.fit(orders, infer(orders)).to_dict()
    for column in facts["schema"]["columns"]:
        column.pop("personal", None)
    codec = RecordCodec.from_dict(facts, arrays)
    assert isinstance(codec.schema, Schema) and not codec.filled
    assert made(codec, orders)["customer"].isin(orders["customer"]).all()


def test_persons_that_come_twice_do_so_as_often_as_the_real_ones() -> None:
    rng = np.random.default_rng(0)
    first = [f"{a}{b}" for a in "ABCDEFGHIJ" for b in ("da", "ia")]
    last = [f"{a}{b}" for a in "BCDFGHJKLM" for b in ("aker", "oss", "ill")]
    persons: list[list[str]] = []
    for number in range(400):
        if number > 20 and rng.random() < 0.07:
            persons.append(persons[rng.integers(len(persons))])
            continue
        f, s = rng.choice(first), rng.choice(last)
        mail = f"{f}.{s}{rng.integers(1, 10_000)}@example.com".lower()
        persons.append([f"{f} {s}", mail, f"({rng.integers(201, 990)}) 555-{rng.integers(0, 10_000):04d}"])
    real = pd.DataFrame(persons, columns=["name", "email", "phone"])
    codec = RecordCodec.fit(real, infer(real))
    tokens, cells = codec.encode(real)
    for own in codec.columns:
        tokens[:, own] = tokens[rng.permutation(len(tokens))][:, own]
    made = codec.fill(codec.decode(tokens, cells, rng), rng)
    for name in real:
        share = real[name].duplicated(keep=False).mean()
        assert abs(made[name].duplicated(keep=False).mean() - share) < 0.03, name
    words = made["name"].str.lower().str.split(" ").str.join(".")
    assert all(mail.startswith(word) for mail, word in zip(made["email"], words, strict=True))
