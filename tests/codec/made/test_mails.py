"""E-mail addresses: valid, none real, of the shares of the domains, built of the names beside them."""

import random

import numpy as np
import pandas as pd
import pytest

from lookalike.codec import RecordCodec
from lookalike.codec.made import mails
from lookalike.table.inferring import infer

RNG = random.Random(2)
FIRST = ["Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gina", "Hugo", "Jörg", "Mia"]
LAST = ["Baker", "Clark", "Davis", "Evans", "Foster", "Green", "Müller", "O'Neil", "King", "Lewis"]
PLAIN = {"Jörg": "joerg", "Müller": "mueller", "O'Neil": "oneil"}
WAYS = {
    "name.surname": lambda f, s, n: f"{f}.{s}{n}",
    "initial": lambda f, s, n: f"{f[0]}{s}{n}",
    "surname first": lambda f, s, n: f"{s}_{f[0]}{n}",
}


def people(way: str, rows: int = 600, apart: bool = False) -> pd.DataFrame:
    made = []
    for _ in range(rows):
        first, last = RNG.choice(FIRST), RNG.choice(LAST)
        number = RNG.choice(["", "", "1", "77", str(RNG.randrange(1000, 9999))])
        domain = RNG.choice(["example.com"] * 3 + ["example.org"])
        local = WAYS[way](PLAIN.get(first, first.lower()), PLAIN.get(last, last.lower()), number)
        name = {"first": first, "last": last} if apart else {"name": f"{first} {last}"}
        made.append({"email": f"{local}@{domain}", **name, "plan": RNG.choice(["pro", "free"])})
    return pd.DataFrame(made)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_addresses_agree_with_names(way: str, apart: bool) -> None:
    table = people(way, apart=apart)
    schema = infer(table)
    assert schema["email"].kind == "key"
    facts, arrays = RecordCodec.fit(table, schema).to_dict()
    assert not any(f'"{mail}"' in repr(facts) for mail in table["email"])
    codec = RecordCodec.from_dict(facts, arrays)
    rng = np.random.default_rng(0)
    made = codec.fill(codec.decode(*codec.encode(table), rng), rng)
    assert made["email"].str.fullmatch(r"[a-z._]+\d*@example\.(com|org)").all()
    assert not made["email"].isin(table["email"]).any()
    assert abs((made["email"].str.endswith("com")).mean() - 0.75) < 0.08
    names = made["first"] + " " + made["last"] if apart else made["name"]
    fitting = 0
    for name, mail in zip(names, made["email"], strict=True):
        first, last = (PLAIN.get(word, word.lower()) for word in name.split(" "))
        fitting += mail.startswith(WAYS[way](first, last, ""))
    assert fitting == len(made)


def test_addresses_of_no_name_have_the_pattern_of_the_real_ones() -> None:
    table = pd.DataFrame({"email": [f"user{RNG.randrange(10**6):06d}@example.com" for _ in range(300)]})
    codec = RecordCodec.fit(table, infer(table))
    rng = np.random.default_rng(0)
    made = codec.fill(codec.decode(*codec.encode(table), rng), rng)["email"]
    assert made.str.fullmatch(r"user\d{6}@example\.com").all() and not made.isin(table["email"]).any()


@pytest.mark.parametrize(
    ("local", "words", "tokens"),
    [
        ("ada.davis1", ["ada", "davis"], ("w0", ".", "w1", "9")),
        ("adavis", ["ada", "davis"], ("i0", "w1")),
        ("davis_a", ["ada", "davis"], ("w1", "_", "i0")),
        ("someone", ["ada", "davis"], None),
        ("a.d", ["ada", "davis"], None),  # letters alone are no name
    ],
)
def test_templates(local: str, words: list[str], tokens: tuple[str, ...] | None) -> None:
    found = mails._template(local, words)
    assert (found and found[0]) == tokens


def test_a_name_of_few_free_addresses_has_one_of_them_again() -> None:
    """Of 12 addresses of a name of the real form 10 are real ones, among them all of one domain."""
    domains = ["one.org", "two.org", "three.org"]
    forms = [f"ada.baker{end}@{domain}" for end in ("", "1", "77", "99") for domain in domains]
    params = mails.learn(pd.Series(forms * 5), {0: pd.Series(["Ada Baker"] * 60)}, 5)
    free = {forms[0], forms[4]}
    made = mails.make(
        params,
        [["Ada Baker"]] * 300,
        set(forms) - free,
        0,
        np.random.default_rng(0),
        again=True,  # type: ignore[arg-type]
    )
    assert set(made) == free
