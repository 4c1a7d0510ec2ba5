"""Compounds: cells of one layout that hold several *members*, such as `13.07,77.42`, `120/80` or `Ada Baker`.

A member is a number or a word. Between the members, and around them, all cells have the same letters. The
format of such a column is what its cells have in common: `({number}, {number})`, `{word} {word}`. Each member
is learned as a column of its own: numbers keep what holds between them, and words that come again come again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.errors import SchemaError
from lookalike.table.column import Column

Array = npt.NDArray[Any]

NUMBER, WORD = "{number}", "{word}"
_SIGN = r"(?:(?<!\d)[+\-\u2212])?"  # in 3-1 it stands between the numbers
MEMBERS = 8  # of a cell, at most
LOST = 0.05  # the share of the cells that may have another layout, where they hold words
ODD = 0.01  # the same where they hold numbers
RARE_WORDS = 0.1  # the share of the cells that may hold a word of few rows
DENSE = 1.2  # times as many numbers as there are cells, from the first to the last, of those that count on
SEVERAL = 20  # distinct cells from which on a layout is no chance
FORMS = {NUMBER: _SIGN + r"\d+(?:\.\d+)?", WORD: r"[^\W_]+(?:['\u2019-][^\W_]+)*"}
_DECIMAL_COMMA = _SIGN + r"\d+(?:,\d+)?"
_BETWEEN = re.compile(  # what stands between two measures
    r"[xX\u00d7*/:;,|]|to|by| [-\u2013] |[^\W\d_]{1,3}"
    r"|['\"\u2019\u201d\u2032\u2033°]{1,2}(?: ?[xX\u00d7,/] ?)?"
)
_ANGLE = re.compile(
    rf"{_SIGN}\d{{1,3}}[°º] ?[0-5]?\d(?:\.\d+)?['\u2032\u2019] ?"
    r"(?:[0-5]?\d(?:\.\d+)?(?:[\"\u2033\u201d]|'') ?)?[NSEWO]?"
)
_RECORD = 4  # digits of numbers with hyphens between them, at most, that are no code
_SIZE = 3  # digits of all cells alike, from which on a number may be a code


def members_of(text: str) -> list[str]:
    """The sorts of the members of a format, in order."""
    return re.findall(r"\{number\}|\{word\}", text)


def check_format(column: Column) -> None:
    """Raises SchemaError unless the format of a compound has at least two members that can be told apart."""
    text = column.format
    if isinstance(text, str) and len(members_of(text)) > 1 and not re.search(r"\}\{", text):
        return
    raise SchemaError(
        f"column '{column.name}' is a compound of the format {text!r}: write one of at least two "
        "members with something between them, such as '{number},{number}' or '{word} {word}'."
    )


def split(cells: Sequence[Any] | Array, text: str) -> list[Array]:
    """(cells,) of each member its text; None where the cell is missing or has another layout."""
    fits, sorts = _reader(text), members_of(text)
    found = [None if not isinstance(cell, str) else fits.fullmatch(cell) for cell in cells]
    out = []
    for at in range(len(sorts)):
        own = [None if one is None else one[at + 1] for one in found]
        out.append(np.array([*own, None], dtype=object)[:-1])
    return out


def join(members: Sequence[Array], text: str) -> Array:
    """(cells,) str: the cells of their members; None where the first of them is missing."""
    pieces = re.split(r"\{number\}|\{word\}", text)
    out: Array = np.full(len(members[0]), pieces[0], dtype=object)
    for own, after in zip(members, pieces[1:], strict=True):
        out = out + own.astype(str).astype(object) + after
    out[pd.isna(members[0])] = None
    return out


def _reader(text: str) -> re.Pattern[str]:
    """What reads the cells of a format, with a group for each member."""
    comma = NUMBER in text and not re.search(r",", text)  # 13,07;77,42
    number = FORMS[NUMBER] if not comma else _SIGN + r"\d+(?:[.,]\d+)?"
    parts = re.split(r"(\{number\}|\{word\})", text)
    forms = {NUMBER: f"({number})", WORD: f"({FORMS[WORD]})"}
    return re.compile("".join(forms.get(part) or re.escape(part) for part in parts))


def of_numbers(counts: pd.Series, codes: bool = False) -> str | None:
    """The format of cells that hold several numbers that are measured or counted; None of others.

    counts: the rows of each distinct string; codes: whether the numbers may be those of codes, too.
    """
    cells, rows = [str(cell) for cell in counts.index], counts.to_numpy()
    if len(cells) < SEVERAL:
        return None
    for number in (_DECIMAL_COMMA, FORMS[NUMBER]):
        some = cells[:: max(1, len(cells) // SEVERAL)]
        own = Counter(_format(cell, f"({number})", NUMBER) for cell in some).most_common(1)[0][0]
        if own is None or not 2 <= len(members_of(own)) <= MEMBERS:
            continue
        pieces = own.split(NUMBER)
        if any(piece in ("", ".") or (number == _DECIMAL_COMMA and "," in piece) for piece in pieces[1:-1]):
            continue
        found = split(cells, own)
        there = ~pd.isna(found[0])
        odd = rows[~there].sum() > ODD * rows.sum()
        if not odd and (codes or measured([member[there] for member in found], pieces, counts[there])):
            return own
    return None


def of_angles(counts: pd.Series) -> str | None:
    """The format of cells of degrees, minutes and perhaps seconds, with their side (48°51'N); None of others.

    counts: the rows of each distinct string.
    """
    cells, rows = [str(cell) for cell in counts.index], counts.to_numpy()
    fits = np.array([_ANGLE.fullmatch(cell) is not None for cell in cells])
    if len(cells) < SEVERAL or rows[~fits].sum() > ODD * rows.sum():
        return None
    first = cells[int(fits.argmax())]
    sided = len({cell[-1] for cell, fit in zip(cells, fits, strict=True) if fit}) > 1
    text = re.sub(FORMS[NUMBER], NUMBER, first)
    text = text[:-1] + WORD if sided else text
    odd = pd.isna(split(cells, text)[0])
    return text if rows[odd].sum() <= ODD * rows.sum() else None


def _format(cell: str, form: str, sort: str) -> str | None:
    pieces = re.split(form, cell)[::2]
    return None if any(re.search(r"[{}]", piece) for piece in pieces) else sort.join(pieces)


def measured(members: list[Array], pieces: list[str], counts: pd.Series) -> bool:
    """Whether numbers in one cell are measured: codes, phones and the numbers of papers are not."""
    decimal = any(sum(bool(re.search("[.,]", n)) for n in own) > len(own) / 2 for own in members)
    codes = [len(own[0]) >= _SIZE and len({len(n) for n in own}) == 1 for own in members]
    padded = [all(re.match(r"0\d", n) for n in own) for own in members]
    if any(zeros and code for zeros, code in zip(padded, codes, strict=True)):
        return False
    if decimal:
        return True
    short = all(len(n) <= _RECORD and (n == "0" or n[0] != "0") for own in members for n in own)
    between = {*pieces[1:-1]} - ({"-", "\u2013"} if short else set())  # won, lost and drawn: 14-0-7
    hyphens = bool({*pieces[1:-1]} - between)
    if (any(codes) if hyphens else all(codes)) or not all(
        _BETWEEN.fullmatch(one) or _BETWEEN.fullmatch(one.strip()) for one in between
    ):
        return False
    zeros = [own for own in members if any(n[0] == "0" and len(n) >= _SIZE for n in own)]
    unique = len(counts) == counts.sum() and ":" not in "".join(pieces)
    return not zeros and not (unique and any(_counts_on(own) for own in members))


def _counts_on(numbers: Array) -> bool:
    """Whether numbers count on, as those of papers do: no two are the same, and few are left out."""
    if not all(map(str.isdigit, numbers)):
        return False
    found = sorted(int(number) for number in numbers)
    return len(set(found)) == len(found) and found[-1] - found[0] < DENSE * len(found)


def words(counts: pd.Series, least: int) -> str | None:
    """The format of cells that are made of two or more words that come again, though the cells do not; None
    of others.

    counts: the rows of each distinct string; least: rows that a word needs to be reproduced.
    """
    cells, rows = [str(cell) for cell in counts.index], counts.to_numpy()
    if len(cells) < SEVERAL:
        return None
    layouts: dict[str | None, int] = {}
    for cell, n in zip(cells, rows.tolist(), strict=True):
        own = _format(cell, f"({FORMS[WORD]})", WORD) if len(cell) <= 100 else None
        layouts[own] = layouts.get(own, 0) + n
    text = max(layouts, key=lambda one: layouts[one])
    if text is None or not 2 <= len(members_of(text)) <= MEMBERS or layouts[text] < (1 - LOST) * rows.sum():
        return None
    if re.search(r"\}\{", text):
        return None
    found = split(cells, text)
    there = ~pd.isna(found[0])
    sorts, rare = [], ~there
    for member in found:
        plain = all(re.fullmatch(FORMS[NUMBER], one) for one in member[there])
        sorts.append(NUMBER if plain else WORD)
        if not plain:
            codes, names = pd.factorize(member)
            sizes = np.bincount(codes[there], weights=rows[there], minlength=len(names))
            rare = rare | np.append(sizes < max(least, 2), True)[codes]
    many = [len(set(own[there])) > 1 for own in found]
    varied = sum(sort == WORD and more for sort, more in zip(sorts, many, strict=True))
    # 1.10.3, Room 204, web addresses; a number that counts on says nothing
    if not varied or " " not in text or len(found) == 2:
        varied = sum(
            more and (sort == WORD or not _counts_on(own[there]))
            for sort, more, own in zip(sorts, many, found, strict=True)
        )
    if varied < 2 or rows[rare].sum() > RARE_WORDS * rows.sum():
        return None
    pieces = text.split(WORD)
    return "".join(piece + sort for piece, sort in zip(pieces, [*sorts, ""], strict=True))


def columns_of(column: Column) -> list[Column]:
    """A column for each member of a compound, not described yet."""
    found = []
    for at, sort in enumerate(members_of(str(column.format))):
        kind = "number" if sort == NUMBER else "category"
        own = Column(f"{column.name} [{at + 1}]", kind, "object", column.nullable and not at, "str")
        own.min_rows = column.min_rows
        found.append(own)
    return found
