"""Pseudonyms: made-up names, mails and addresses (by the library Faker), and numbers as the real ones look.

Phone numbers, bank accounts, cards and whatever is not known are random letters and digits in the shapes of
the real values, with correct check digits. None is a real value of its column. A model must not tell which
those are, so it holds no list of them, but 8 or more bits for each, of which a salted hash sets one: up to
one in eight values that never were in the table is refused, too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.kinds import ids
from lookalike.codec.made import urls
from lookalike.codec.made.taken import Taken
from lookalike.codec.slot import Array
from lookalike.errors import DataError, MissingDependency, SchemaError
from lookalike.table.column import Column
from lookalike.table.personal import iban_check, luhn

PERSON = ("name", "first_name", "last_name", "username", "email")  # sorts that are made of one person's name
_STYLE = 20  # tries as the real ones look; then names are syllables, and letters and digits are any
_UNIQUE, _TRIES = 200, 400  # tries after which values may repeat; after which there is no room
_LOCALE = "en_US"


@dataclass(frozen=True)
class Shape:
    """What values of one shape look like. share: how many there are; letters: those of each position."""

    share: int
    letters: list[str]


@dataclass(frozen=True)
class Params:
    """How pseudonyms are made; no real value is in it.

    sort: as `personal.SORTS`, None = by shape; style: how most real values are written; numeric: whether they
    are numbers, of which top is the largest that the dtype holds; shapes: of what is not made by Faker;
    salt and taken: which values are real, as a packed array of bits.
    """

    sort: str | None
    style: list[str]
    numeric: bool
    top: int | None
    shapes: list[Shape]
    salt: str
    taken: Array


def of(facts: dict[str, Any]) -> Params:
    """The Params of a saved model, whose fields are `facts`."""
    return Params(**{**facts, "shapes": [Shape(**shape) for shape in facts["shapes"]]})


def analyse(distinct: pd.Series, column: Column, rare: int) -> Params:
    """How to make other values of the same look.

    Raises SchemaError for a locale that Faker does not know, DataError where no other value is possible,
    MissingDependency without Faker.
    """
    numeric = pd.api.types.is_numeric_dtype(distinct.dtype) or column.python in ("int", "float")
    texts = sorted(str(int(value)) if numeric else str(value) for value in distinct)
    sort = None if numeric and column.personal in (*PERSON, "address", "ip") else column.personal
    taken = Taken.of(texts)
    shapes = [Shape(len(group), ids.positions(group, rare)) for group in ids.alike(texts, rare)]
    params = Params(
        sort=sort,
        style=_style(sort, texts),
        numeric=numeric,
        top=_top(distinct.dtype) if numeric else None,
        shapes=[] if _faked(sort) else shapes,
        salt=taken.salt,
        taken=taken.bits,
    )
    make([(column, params, False)], [0], np.random.default_rng(0))  # what is wrong is better found now
    return params


def _top(dtype: Any) -> int:
    """The largest whole number that every number of the dtype up to it can be."""
    plain = getattr(dtype, "numpy_dtype", dtype)
    return int(np.iinfo(plain).max) if plain.kind in "iu" else 2 ** (24 if plain.itemsize < 8 else 53)


def make(
    columns: Sequence[tuple[Column, Params, bool]], numbers: Sequence[int], rng: np.random.Generator
) -> list[list[Any]]:
    """For each column a value for each of the persons `numbers`, which differ from person to person.

    columns: with what `analyse` gave, and whether their values differ from person to person, too. Name, mail
    and user name of a person agree; of two columns of names, the second one is of another person.
    """
    made: list[list[Any]] = [[] for _ in columns]
    for unit in _units(columns):
        own = [columns[i] for i in unit]
        faker = _faker(own[0][0], rng) if _faked(own[0][1].sort) else None
        used: list[set[str]] = [set() for _ in unit]
        for number in numbers:
            values = _values(own, faker, number, used, rng)
            for i, value, before in zip(unit, values, used, strict=True):
                before.add(value)
                made[i].append(int(value) if columns[i][1].numeric else value)
    return made


def _values(
    columns: Sequence[tuple[Column, Params, bool]],
    faker: Any,
    number: int,
    used: Sequence[set[str]],
    rng: np.random.Generator,
) -> list[str]:
    """One person's values, none a real one; used: by column, those of the persons before.

    Raises DataError where no other value is found.
    """
    for tries in range(_TRIES + 1):
        first, last = _name(faker, tries, rng) if columns[0][1].sort in PERSON else ("", "")
        values = [
            _value(params, faker, first, last, number, tries >= _STYLE, rng) for _, params, _ in columns
        ]
        if not any(
            is_real(params, value)
            or (params.top is not None and int(value) > params.top)
            or (differ and tries < _UNIQUE and value in before)
            for (_, params, differ), value, before in zip(columns, values, used, strict=True)
        ):
            return values
    raise DataError(
        f"column '{columns[0][0].name}' has no room for pseudonyms, all values of its shape are real ones: "
        "make its kind key or drop."
    )


def _units(columns: Sequence[tuple[Column, Params, bool]]) -> list[list[int]]:
    """The columns of one person together (the first of each sort, the second, ...), every other one alone."""
    persons: dict[int, list[int]] = {}
    alone = []
    seen: list[str] = []
    for i, (_, params, _) in enumerate(columns):
        if params.sort in PERSON:
            persons.setdefault(seen.count(params.sort), []).append(i)
            seen.append(params.sort)
        else:
            alone.append([i])
    return [*persons.values(), *alone]


def is_real(params: Params, value: str) -> bool:
    """Whether a value may be one of the real ones; never False for one that is."""
    return value in Taken(params.salt, params.taken)


def _faked(sort: str | None) -> bool:
    return sort in (*PERSON, "address", "ip")


def _faker(column: Column, rng: np.random.Generator) -> Any:
    try:
        import faker
    except ImportError:
        raise MissingDependency("faker", "pseudonym") from None
    try:
        found = faker.Faker(column.locale or _LOCALE, use_weighting=False)
    except (AttributeError, ValueError):
        raise SchemaError(
            f"column '{column.name}' has the locale {column.locale!r}, which Faker does not know: choose one "
            "such as 'en_US', 'de_DE' or 'fr_FR'."
        ) from None
    found.seed_instance(int(rng.integers(2**62)))
    return found


def _name(faker: Any, tries: int, rng: np.random.Generator) -> tuple[str, str]:
    if tries < _STYLE:
        return str(faker.first_name()), str(faker.last_name())
    first, last = (urls.word(int(number)).title() for number in rng.integers(6_400, 512_000, 2))
    return first, last


def _style(sort: str | None, texts: Sequence[str]) -> list[str]:
    """How most of the real values are written."""

    def most(test: Callable[[str], Any]) -> bool:
        return 2 * sum(bool(test(text)) for text in texts) > len(texts)

    cases = {"upper": str.isupper, "lower": str.islower} if sort in PERSON else {}
    found = [case for case, test in cases.items() if most(test)]
    if sort == "name" and most(lambda text: "," in text):
        found.append("last name first")
    if sort == "address" and most(lambda text: re.search("[,\n]", text)):
        found.append("with the town")
    if sort == "ip" and most(lambda text: ":" in text):
        found.append("version 6")
    return found


def _value(
    params: Params, faker: Any, first: str, last: str, number: int, wide: bool, rng: np.random.Generator
) -> str:
    """One value, as a string; wide: with any letter or digit where the real ones have one."""
    sort, style = params.sort, params.style
    if sort == "address":
        address = faker.address() if "with the town" in style else faker.street_address()
        return ", ".join(str(address).splitlines())
    if sort == "ip":
        return str(faker.ipv6() if "version 6" in style else faker.ipv4())
    if sort not in PERSON:
        return _shaped(params, wide, rng)
    mail = f"{_plain(first)}.{_plain(last)}{number}"  # the number: no two persons have the same
    value = {
        "name": f"{last}, {first}" if "last name first" in style else f"{first} {last}",
        "first_name": first,
        "last_name": last,
        "username": f"{_plain(first)[:1]}{_plain(last)}{number}",
        "email": f"{mail}@example.{('com', 'org', 'net')[number % 3]}",  # domains that nobody can have
    }[str(sort)]
    return value.upper() if "upper" in style else value.lower() if "lower" in style else value


def _plain(name: str) -> str:
    for letter, plain in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        name = name.lower().replace(letter, plain)
    flat = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub("[^a-z]", "", flat) or "user"


def _shaped(params: Params, wide: bool, rng: np.random.Generator) -> str:
    """Random letters and digits in one of the real shapes; check digits are right."""
    shares = np.array([shape.share for shape in params.shapes], dtype=np.float64)
    shape = params.shapes[int(rng.choice(len(shares), p=shares / shares.sum()))]
    options = [ids.class_of(some[0]) if wide else some for some in shape.letters]
    text = [letters[int(rng.integers(len(letters)))] for letters in options]
    places = [place for place, letter in enumerate(text) if letter.isalnum()]
    plain = "".join(text[place] for place in places)
    if params.sort == "card" and plain.isdigit():
        text[places[-1]] = str(luhn(plain[:-1]))
    if params.sort == "iban" and re.fullmatch("[A-Z]{2}[0-9]{2}[A-Z0-9]+", plain):
        for place, digit in zip(places[2:4], iban_check(plain[:2], plain[4:]), strict=True):
            text[place] = digit
    return "".join(text)
