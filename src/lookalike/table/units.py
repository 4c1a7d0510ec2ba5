"""Whether what stands around numbers makes them measures and amounts, not the names of things."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from lookalike.table import formats, formatted
from lookalike.table.formats import SPACES

_SEVERAL = 20  # distinct numbers are a measure
_CODE, _DIALLED = 5, 7  # digits from which whole numbers of one length are codes: with zeros in front, or not
_CURRENCY = re.compile(
    r"(?:[A-Z]{0,2}[$€£¥₹₽₩₺₫₴]|USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|ZAR|SGD|HKD"
    r"|KRW|TRY|RUB|Fr|[Kk]r|Rs|zł)\.?"
)
_SIGNS = "%\u2030°$€£¥₹₽₩₺₫₴"
_SAME = {"usd": "$", "us$": "$", "eur": "€", "gbp": "£", "jpy": "¥", "inr": "₹", "rs": "₹"}
# around some of the numbers: 17*, [1955], c. 1890
_MARK = re.compile(r"(?: ?[^\w\s]{1,3} ?)?|(?:c|ca|approx|est)\.? ?")


def holds_numbers(own: formatted.Written, counts: pd.Series, rarely: float) -> bool:
    """Whether the cells are measured or counted, not names such as codes.

    rarely: the share of the cells that they would lose as a category.
    """
    rows = int(counts.sum())
    if own.lost > formatted.LOST or (own.numbers < _SEVERAL and own.numbers <= rows / 2):
        return False
    forms = [formats.parsed(text) for text in own.formats]
    if len({(form.width, form.most) for form in forms if form.width > 1}) > 1:  # 01, 01.1, 01.11
        return False
    if any(form.most or form.group or form.exponent for form in forms):
        return True
    units = {form.signs[0] for form in forms}
    padded = any(form.width > 1 for form in forms)
    marked = forms[0].signs[0] == ("", "") and not padded
    marked = marked and all(_MARK.fullmatch(before) and _MARK.fullmatch(after) for before, after in units)
    if not marked and any(not _is_unit(*unit) for unit in units):
        return False
    if not marked and len(units) > 2 and not _are_units(units):
        return False
    if any(form.ordinal for form in forms) and (  # grades of a school: 9th, 10th; 1th
        own.numbers < _SEVERAL or any(cell.endswith(formats.ENDINGS) for cell in own.exceptions)
    ):
        return False
    lengths = {len(str(cell)) for cell in counts.index} - {len(cell) for cell in own.exceptions}
    alike = units == {("", "")} and len(lengths) == 1
    if alike and max(lengths) >= (_CODE if padded else _DIALLED):  # such as 00501 or 0887978969
        return False
    if any(form.zero != "0" for form in forms) and not padded:
        return True
    if len(counts) == rows and not own.exceptions:  # unique whole numbers
        ticks, _ = formats.read([str(cell) for cell in counts.index], own.formats, 0)
        dense = int(ticks.max()) - int(ticks.min()) < 2 * rows
        return not (dense or padded or alike)
    if units != {("", "")}:
        return not padded
    below = any(form.signs[1] != ("-", "") for form in forms)
    return (
        bool(own.exceptions)
        or below
        or any(str(c).startswith("-") for c in counts.index)
        or rarely > formatted.LOST
    )


def _are_units(units: set[tuple[str, str]]) -> bool:
    """Whether three or more suffixes are units, such as kB, MB and GB, or `days ago` and `hours ago`, not the
    letters of codes; or all that stands around the numbers are currencies.
    """
    if all(
        not sign.strip(SPACES) or _CURRENCY.fullmatch(sign.strip(SPACES)) for unit in units for sign in unit
    ):
        return True
    names = [suffix.strip() for _, suffix in units]
    plain = all(name.replace(" ", "").isalpha() for name in names) and not any(prefix for prefix, _ in units)
    return plain and sum(len(name) < 2 for name in names) < 2


def _is_unit(prefix: str, suffix: str) -> bool:
    """Whether what stands around whole numbers is a unit: of `Q1` and `user17` it is not."""
    before = prefix.strip("+- (\u00a0")
    return not any(map(str.isalpha, before)) or _CURRENCY.fullmatch(before) is not None


def are_several(texts: Sequence[str]) -> bool:
    """Whether formats of numbers have different units, so that two numbers are not compared by themselves:
    12.50 EUR beside 1,200 JPY, 90 min beside 2 h, 31% beside 0.31.
    """
    found = set()
    for text in texts:
        before, after = formats.parsed(text).signs[0]
        unit = "".join(one for one in before + after if one.isalpha() or one in _SIGNS).lower()
        found.add(_SAME.get(unit, unit.removesuffix("s")))
    return len(found - {""}) > 1 or {"", "%"} <= found
