"""Unique ids: no slots, never modelled. Decoding makes fresh ones of the same shape, none a real one.

Integers go on after the largest real one; row numbers, by the name of the column, count the rows again.
Strings keep their shape and count on in their last digits, beyond the largest number that stands there; long
hexadecimal strings (UUIDs) and other keys of one length and no few shapes are random; of web addresses see
urls.py. An id that may be missing, or another word, has one slot, which says so (presence.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.celltext import Asked, Extent, JsonSchema, choice_shape, choice_tokens
from lookalike.codec.kinds import presence
from lookalike.codec.kinds.presence import encode, literals, slots, write
from lookalike.codec.learned import LEARNED
from lookalike.codec.made import mails, patterns, urls
from lookalike.codec.made.taken import Taken
from lookalike.codec.slot import Array
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError, DataError
from lookalike.table.codes import ADDRESS, MAIL, counted, is_random_key
from lookalike.table.column import Column, without_exceptions
from lookalike.table.digits import in_script, plain, script_of
from lookalike.table.dtypes import as_numbers, dtype_from_name, restore
from lookalike.table.patterns import COVERED, expression, learn, of_expression, sequential
from lookalike.table.patterns import Shape as Pattern
from lookalike.table.personal import says_rows

__all__ = [
    "allowed", "analyse", "asked", "choices", "decode", "encode", "learned", "literals", "note", "of", "read",
    "shape", "slots", "write",
]  # fmt: skip

_SHAPES = 100
MAILS = 0.95  # of the strings of a column of e-mail addresses


@dataclass(frozen=True)
class Shape:
    """What strings that differ in letters and digits alone look like.

    share: how many there are; head, tail: the letters of each position before and after the counter; width:
    letters of the counter, 0 = there is none.
    """

    share: int
    head: list[str]
    width: int
    tail: list[str]


@dataclass(frozen=True)
class Params:
    """How fresh ids are made; no real one is in it.

    rows: present, missing, and each exception; form: integer, hex, url, random, counted, pattern or mail;
    next: the first fresh number; shapes: of strings; templates: of web addresses; pattern: its shapes, with
    the check that they satisfy; mail: of e-mail addresses; salt, taken: which strings are real ones
    (`Taken`); zero: that of the digits' script, which all else has as ASCII digits.
    """

    rows: list[int]
    form: str
    next: int = 0
    shapes: list[Shape] = field(default_factory=list)
    templates: list[urls.Template] = field(default_factory=list)
    pattern: list[Pattern] = field(default_factory=list)
    check: str | None = None
    mail: mails.Params | None = None
    salt: str = ""
    taken: Array | None = None
    zero: str = "0"


def of(facts: dict[str, Any]) -> Params:
    shapes = [Shape(**shape) for shape in facts.get("shapes", [])]
    templates = [urls.Template(**template) for template in facts.get("templates", [])]
    pattern = [patterns.shape_of(shape) for shape in facts.get("pattern", [])]
    mail = None if facts.get("mail") is None else mails.of(facts["mail"])
    return Params(**{**facts, "shapes": shapes, "templates": templates, "pattern": pattern, "mail": mail})


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    rows = presence.rows_of(series, column)
    present = without_exceptions(series, column).dropna()
    checked = column.check is not None  # cards and articles do not count on
    if (pd.api.types.is_numeric_dtype(present.dtype) or column.python == "int") and not checked:
        values, _ = as_numbers(present)
        counts = column.kind == "id" and says_rows(column.name) and _counts(values)
        return Params(rows, "integer", next=int(values[0]) if counts else int(values.max()) + 1)
    strings = [str(value) for value in present]
    zero = script_of(strings)
    own = [str(plain(text, zero)) for text in strings]
    own = counted(own) if column.kind == "id" else own
    return replace(_of_strings(own, present, column, rare, rows), zero=zero)


def _counts(values: Array) -> bool:
    """Whether these numbers count all rows, from 0 or 1 on."""
    first = int(values[0])
    return first in (0, 1) and bool((values == np.arange(first, first + len(values))).all())


def _of_strings(strings: list[str], present: pd.Series, column: Column, rare: int, rows: list[int]) -> Params:
    checked = column.check is not None
    if column.personal == "email" and is_mail(strings):
        taken = Taken.of(strings)
        return Params(rows, "mail", mail=mails.learn(present, {}, rare), salt=taken.salt, taken=taken.bits)
    if all(re.fullmatch(ADDRESS, s) for s in strings):
        last = max((int(number) for s in strings for number in re.findall(r"\d{1,12}", s)), default=0)
        return Params(rows, "url", next=last + 1, templates=urls.learn(strings, rare))
    if not checked and is_random_key(strings):
        return Params(rows, "random", shapes=[_shape(strings, 0, rare)])
    shapes = _pattern(strings, column, rare)
    if shapes is not None:
        taken = Taken.of(strings)
        return Params(rows, "pattern", pattern=shapes, check=column.check, salt=taken.salt, taken=taken.bits)
    matches = [re.search(r"\d+(?=\D*$)", s) for s in strings]
    largest = max((int(m[0]) for m in matches if m), default=0)
    groups = _headed(strings, rare) or alike(strings, rare)
    counted = [_shape(group, len(strings), rare) for group in groups]
    return Params(rows, "counted", next=largest + 1, shapes=counted)


def _pattern(strings: list[str], column: Column, rare: int) -> list[Pattern] | None:
    """The shapes of strings that do not count on; those of the column's own pattern where it was edited."""
    counting = sequential(strings)
    found = learn(strings, rare, counting)
    if column.pattern is None or column.pattern == expression(found or []):
        return None if counting else found
    return of_expression(column.pattern, str(column.name))


def alike(strings: list[str], rare: int) -> list[list[str]]:
    """Groups of strings that differ in digits and letters alone, of `rare` or more, largest first."""
    groups: dict[str, list[str]] = {}
    for s in strings:
        groups.setdefault(re.sub("[A-Z]", "A", re.sub("[a-z]", "a", re.sub(r"\d", "9", s))), []).append(s)
    common = sorted(groups.values(), key=len, reverse=True)[:_SHAPES]
    return [group for group in common if len(group) >= rare] or common[:1]


def _headed(strings: list[str], rare: int) -> list[list[str]]:
    """Groups of strings that count on and have the same text before and after their counter, of one length:
    `ABC-1200` and `OPS-1201`, of which no `OBS-1202` is made. None where many texts are rare.
    """
    groups: dict[tuple[str, int, str], list[str]] = {}
    for text in strings:
        match = re.search(r"\d+(?=\D*$)", text)
        if match is None:
            return []
        groups.setdefault((text[: match.start()], len(match[0]), text[match.end() :]), []).append(text)
    common = sorted((group for group in groups.values() if len(group) >= rare), key=len, reverse=True)
    enough = sum(map(len, common)) >= COVERED * len(strings)
    return common if enough and 1 < len(common) <= _SHAPES else []


def _shape(group: list[str], rows: int, rare: int) -> Shape:
    """Letters for every position before and after the counter; without `rows` there is no counter."""
    match = re.search(r"\d+(?=\D*$)", group[0]) if rows else None
    start, stop = match.span() if match else (len(group[0]), len(group[0]))
    found = positions(group, rare)
    return Shape(len(group), found[:start], stop - start, found[stop:])


def positions(group: list[str], rare: int) -> list[str]:
    """The letters seen in at least `rare` strings, for every position of strings of one length.

    Where no letter is that frequent, the whole class of the letter (digits, upper or lower case) is used.
    """
    found = []
    for position in zip(*group, strict=True):
        seen, counts = np.unique(np.array(position), return_counts=True)
        common = "".join(seen[counts >= rare])
        found.append(common or class_of(str(seen[0])))
    return found


def class_of(letter: str) -> str:
    """All digits, small or capital letters, as the letter is one; of others the letter alone."""
    for letters in ("0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
        if letter in letters:
            return letters
    return letter


def decode(
    params: Params,
    column: Column,
    tokens: Array,
    cells: Array,
    rng: np.random.Generator,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    rows = len(tokens)
    if params.form == "integer":
        values = _integers(params.next + offset, rows, column)
    elif params.form == "hex":
        values = pd.Series(_hex(params.shapes[0].head, rows, offset, rng), dtype=object)
    elif params.form == "random":
        values = pd.Series(letters(params.shapes[0].head, rows, rng), dtype=object)
    elif params.form == "url":
        made = urls.make(params.templates, params.next + offset, rows, rng)
        values = pd.Series(made, dtype=object)
    elif params.form == "pattern":
        taken = Taken(params.salt, np.asarray(params.taken))
        values = pd.Series(
            patterns.make(params.pattern, params.check, taken, offset, rows, rng), dtype=object
        )
    elif params.form == "mail":
        values = pd.Series(mail_addresses(params, [()] * rows, rng, offset), dtype=object)
    else:
        values = pd.Series(_counted(params, rows, offset, rng), dtype=object)
    if params.zero != "0":
        values = values.map(lambda text: in_script(text, params.zero))
    absent, others = presence.drawn(params, column, tokens)
    if absent.any():
        values = values.astype(object).mask(absent, pd.Series(others, dtype=object))
    if params.check is not None and pd.api.types.is_integer_dtype(dtype_from_name(column.dtype)):
        values = values.map(int, na_action="ignore").astype(object)
    return restore(values, column)


def is_mail(strings: list[str]) -> bool:
    """Whether nearly all strings are e-mail addresses."""
    return sum(re.fullmatch(MAIL, s) is not None for s in strings) >= MAILS * len(strings)


def mail_addresses(
    params: Params,
    cells: Sequence[Sequence[Any]],
    rng: np.random.Generator,
    offset: int,
    again: bool = False,
) -> list[str]:
    """Addresses of rows with the cells of their source columns; again: as of `mails.make`."""
    if params.mail is None:
        return []
    return mails.make(params.mail, cells, Taken(params.salt, np.asarray(params.taken)), offset, rng, again)


def _integers(first: int, rows: int, column: Column) -> pd.Series:
    limit = re.search(r"(u?)int(\d+)", column.dtype.lower())
    top = 2 ** (int(limit[2]) - (not limit[1])) if limit else None
    if top is not None and first + rows > top:
        raise DataError(
            f"column '{column.name}' holds ids of the dtype {column.dtype}, which is too small for {rows} "
            "new ones: give it a wider dtype."
        )
    if first + rows < 2**63:
        return pd.Series(np.arange(first, first + rows, dtype=np.int64))
    return pd.Series(list(range(first, first + rows)), dtype=object)


def letters(places: list[str], rows: int, rng: np.random.Generator) -> Array:
    """(rows,) object strings: a random letter of every position."""
    if not places:
        return np.full(rows, "", dtype=object)
    drawn = np.stack([np.array(list(p))[rng.integers(len(p), size=rows)] for p in places], axis=1)
    return np.ascontiguousarray(drawn).view(f"U{len(places)}")[:, 0].astype(object)


def _counted(params: Params, rows: int, offset: int, rng: np.random.Generator) -> Array:
    shapes = params.shapes
    shares = np.array([shape.share for shape in shapes], dtype=np.float64)
    which = rng.choice(len(shapes), size=rows, p=shares / shares.sum())
    values = np.full(rows, "", dtype=object)
    first = params.next + offset
    for i, shape in enumerate(shapes):
        own = np.flatnonzero(which == i)
        numbers = np.array([str(first + int(row)).zfill(shape.width) for row in own] + [None], dtype=object)[
            :-1
        ]
        values[own] = letters(shape.head, len(own), rng) + numbers + letters(shape.tail, len(own), rng)
    return values


def _hex(places: list[str], rows: int, offset: int, rng: np.random.Generator) -> list[str]:
    """Random strings whose last eight digits are a permutation of the row numbers: none comes twice."""
    free = [i for i, some in enumerate(places) if len(some) > 1][-8:]
    upper = any(letter in "ABCDEF" for some in places for letter in some)
    codes = (
        np.arange(offset, offset + rows, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(97)
    ) % np.uint64(2**32)
    base = letters(places, rows, rng)
    values = []
    for text, code in zip(base, codes.tolist(), strict=True):
        digits = list(text)
        for i, digit in zip(free, f"{code:08X}" if upper else f"{code:08x}", strict=True):
            digits[i] = digit
        values.append("".join(digits))
    return values


def allowed(params: Any, column: Column, condition: Condition) -> dict[int, Array]:
    others = column.exceptions or []
    asked = condition.values or ()
    if not all(value in others for value in asked) or condition.low is not None or condition.high is not None:
        what = {"id": "an id"}.get(column.kind, f"a {column.kind}")
        raise ConditionError(
            f"column '{column.name}' is {what}: its values are made afresh and cannot be asked for."
        )
    every = condition.values is None
    wanted = [every, condition.missing, *(every or cell in asked for cell in others)]
    wanted = [one and count > 0 for one, count in zip(wanted, params.rows, strict=True)]
    if not any(wanted):
        raise ConditionError(f"no value of column '{column.name}' is missing.")
    return {0: np.array(wanted, dtype=np.float64)[:, None]} if slots(params, column) else {}


# --- JSON text: whether there is a value; the value itself is made when the text is read ------------------


def shape(
    params: Any, column: Column, condition: Condition | None = None, extent: Extent | None = None
) -> JsonSchema:
    share = None if condition is None else allowed(params, column, condition)
    return choice_shape(literals(params, column), share)


def read(
    params: Params,
    column: Column,
    cells: Array,
    rng: np.random.Generator | None = None,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    tokens = choice_tokens(literals(params, column), cells, len(slots(params, column)))
    return decode(params, column, tokens, tokens, rng or np.random.default_rng(0), offset=offset)


def asked(series: pd.Series, column: Column, label: bool = False) -> Asked | str:
    return f"the column '{column.name}' holds keys, which nobody can invent: it is left out."


# --- what was learned ----------------------------------------------------------------------------------


def learned(params: Any, column: Column, values: pd.Series) -> Array:
    return np.full(len(values), LEARNED)


def choices(params: Any, column: Column, value: object) -> str:
    return "its values are made afresh"


def note(params: Any, column: Column, names: bool = True) -> str | None:
    return None
