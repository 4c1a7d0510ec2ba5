"""How the numbers of columns are marked, before decimals and between thousands: told from first cells."""

from __future__ import annotations

import re
from typing import Any

from lookalike.files.numerals import Numbers

_POINT = re.compile(r"[+-]?\d+(\.(?P<places>\d+))?")
_COMMA = re.compile(r"[+-]?(\d+|(?P<group>[1-9]\d{0,2}(\.\d{3})+))(,(?P<places>\d+))?")
_ENGLISH = re.compile(r"[+-]?(\d+|(?P<group>[1-9]\d{0,2}(,\d{3})+))(\.(?P<places>\d+))?")
_DOUBTFUL = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")  # thousands, or three decimals
_WHOLE = re.compile(r"[+-]?\d+")


def marks(columns: dict[str, list[str]], sep: str, decimal: str | None) -> tuple[Numbers, list[str]]:
    """How the numbers of columns are written, by their cells; columns that may mean two things."""
    styles = {name: _style(cells) for name, cells in columns.items() if cells}
    marks = {mark for mark in styles.values() if mark in (".", ",")}
    told = sep != "," or decimal is not None  # in a file of commas, one inside a number is rare, and no guess
    usual = decimal or ("," if told and "," in marks else ".")
    clear = decimal is not None or marks == {usual}
    numbers: Numbers = {}
    doubtful = []
    for name, style in styles.items():
        if style is None or (style == "," and (not told or decimal == ".")):
            continue
        if style[:1] == "?":
            if style == "?," and not clear:
                doubtful += [name] if told else []
                continue
            style = usual if clear else "."
        how = _marks(columns[name], style, told)
        if told and "," in marks and style == ".":
            how["decimal"] = "."
        if how:
            numbers[name] = how
    return numbers, doubtful


def _style(cells: list[str]) -> str | None:
    """The mark before decimals in the cells of a column: "." or ","; "?." or "?," where it may be one between
    thousands; "" for whole numbers; None for what are no numbers.
    """
    if all(map(_WHOLE.fullmatch, cells)):
        return ""
    for mark, pattern in ((".", _ENGLISH), (",", _COMMA)):
        if all(map(pattern.fullmatch, cells)):
            other = "," if mark == "." else "."
            marked = [cell for cell in cells if not _WHOLE.fullmatch(cell)]
            if not all(map(_DOUBTFUL.fullmatch, marked)):
                return mark
            return "?" + (mark if mark in marked[0] else other)
    return None


def _marks(cells: list[str], mark: str, told: bool) -> dict[str, Any]:
    """The marks in the numbers of a column."""
    pattern = _COMMA if mark == "," else _ENGLISH if told else _POINT
    found = [pattern.fullmatch(cell) for cell in cells]
    if not all(found):
        return {}
    how: dict[str, Any] = {}
    if mark == "," and any("," in cell or "." in cell for cell in cells):
        how["decimal"] = ","
    if any(one is not None and one.groupdict().get("group") for one in found):
        how["group"] = "." if mark == "," else ","
    return how
