"""Formats of numbers that are written as strings: read and write cells that have them.

A format looks as in a spreadsheet: `$#,##0.00`, `#.##0,00 €`, `0.0%`, `000`, `0.0##`, `0.000E+00`.
  0       a digit that is always written; #  one that is written where it is needed
  . or ,  the decimal sign: the last one that is followed by 0 or # alone
  #,##0   digits in groups of three; the sign between them is one of , . ' _ or a space
  #,##,##0  three digits, and before them groups of two, as in India
  E0      an exponent, of at least so many digits; E+0 with its sign always
  A;B;C   numbers above zero, numbers below zero, zero; B is -A where it is left out, and C is A
  0th     the ending of an ordinal: 1st, 2nd, 3rd, 11th
All else is written as it stands. Zeros of another script, such as full-width ones, ask for its digits. A
cell has a format if reading and writing it gives the same cell.
"""

from __future__ import annotations

import decimal
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.errors import SchemaError
from lookalike.table import durations
from lookalike.table.digits import in_script, plain, zero_of

Array = npt.NDArray[Any]

PRECISE = 13  # decimals from here on are those of a float, not of a grid
LARGEST = 2**61  # ticks beyond it are Python ints
SPACES = " \u00a0\u202f"
GROUPS = ",.'\u2019_\u066c\uff0c" + SPACES
POINTS = ".,\u066b\uff0e"  # also of Arabic, and full-width
ORDINAL, ENDINGS = "th", ("st", "nd", "rd", "th")  # what a format has behind its digits, and a cell
_CORE = re.compile(
    rf"(?:#(?P<group>[{GROUPS}])(?P<pairs>##(?P=group))?##(?=0)|(?P<bare>#)(?!\S##0))?(?P<whole>0*)"
    rf"(?:(?P<point>[{POINTS}])(?=[0#])(?P<least>0*)(?P<most>#*))?(?P<exponent>[eE](?P<always>\+?)0+)?"
)


@dataclass(frozen=True)
class Format:
    """A format that was read. signs: what stands before and after numbers above zero, below zero, and zero.

    group: the sign between thousands; pairs: whether the digits before them are in groups of two; point: the
    decimal sign; width: digits before it at least; least, most: decimals; exponent: its letter, digits at
    least, and whether its sign is always written; zero: that of the digits' script; spans: the sections of a
    format of durations (`durations.py`), which has nothing else but decimals.
    """

    signs: tuple[tuple[str, str], tuple[str, str], tuple[str, str]]
    group: str
    point: str
    width: int
    least: int
    most: int
    exponent: tuple[str, int, bool] | None
    pairs: bool = False
    zero: str = "0"
    spans: tuple[durations.Section, ...] = ()

    @property
    def ordinal(self) -> bool:
        """Whether the ending of an ordinal stands behind the digits."""
        return self.signs[0][1] == ORDINAL and not self.most and self.exponent is None

    @property
    def precise(self) -> bool:
        """Whether the numbers are floats, not counts of a last decimal."""
        return self.exponent is not None or self.most >= PRECISE


@lru_cache(maxsize=512)
def parsed(text: str) -> Format:
    """Reads a format. Raises SchemaError for a text that is none."""
    spans = durations.sections(text) if durations.is_of_durations(text) else None
    if spans is not None:
        least = spans[0].decimals
        return Format((("", ""), ("-", ""), ("", "")), "", ".", 1, least, least, None, spans=spans)
    script = zero_of(text)
    sections = (plain(text, script) or "").split(";")
    cores = [core for core in map(_core_of, sections) if core is not None]
    if len(sections) > 3 or len(cores) < len(sections):
        raise SchemaError(
            f"the format {text!r} is not a format of numbers: write one such as '$#,##0.00', '0.0%', "
            "'000' or '0.00;(0.00)'."
        )
    signs = [
        (section[: core.start()], section[core.end() :])
        for section, core in zip(sections, cores, strict=True)
    ]
    core = cores[0]
    below = signs[1] if len(signs) > 1 else ("-" + signs[0][0], signs[0][1])
    zero = signs[2] if len(signs) > 2 else signs[0]
    exponent = None
    if core["exponent"]:
        exponent = (core["exponent"][0], core["exponent"].count("0"), bool(core["always"]))
    least, most = len(core["least"] or ""), len(core["most"] or "")
    return Format(
        signs=(signs[0], below, zero),
        group=core["group"] or "",
        point=core["point"] or ".",
        width=0 if core["bare"] else len(core["whole"]),
        least=least,
        most=least + most,
        exponent=exponent,
        pairs=bool(core["pairs"]),
        zero=script,
    )


def _core_of(section: str) -> re.Match[str] | None:
    """Where the digits of a section are."""
    at = re.search(rf"[#0]|[{POINTS}][#0]", section)
    core = None if at is None else _CORE.match(section, at.start())
    if core is None or re.search("[#0]", section[core.end() :]) or not (core["whole"] or core["point"]):
        return None
    return core


# --- reading -------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def pattern_of(text: str) -> re.Pattern[str]:
    """A regular expression for the cells that have a format, in ASCII digits: sign sections 0, 1, 2, then
    digits.
    """
    form = parsed(text)
    if form.exponent is not None:
        whole = "[0-9]"
    elif form.group:
        sign = re.escape(form.group)
        several = rf"[0-9]{{0,2}}(?:{sign}[0-9]{{3}})+"
        if form.pairs:
            several = rf"[0-9]?(?:{sign}[0-9]{{2}})*{sign}[0-9]{{3}}"
        whole = rf"[1-9]{several}|[1-9][0-9]{{0,2}}|0"
    elif form.width == 0:
        whole = "[1-9][0-9]*|"
    elif form.width == 1:
        whole = "[1-9][0-9]*|0"
    else:
        whole = rf"[0-9]{{{form.width}}}|[1-9][0-9]{{{form.width},}}"
    parts = "[0-9]" * form.least
    trimmed = form.most - form.least
    if trimmed:
        parts += rf"(?:[0-9]{{0,{trimmed - 1}}}[1-9])?"
    point = re.escape(form.point)
    places = f"{point}(?P<places>{parts})" if form.least else f"(?:{point}(?P<places>(?!$)(?:{parts})))?"
    if not form.most:
        places = "(?P<places>)"
    elif not form.least:
        places = rf"(?:{point}(?P<places>[0-9]{{0,{trimmed - 1}}}[1-9]))?"
    digits = f"(?P<whole>{whole}){places}"
    if form.exponent is not None:
        letter, width, always = form.exponent
        digits += (
            rf"{letter}(?P<exponent>{'[+-]' if always else '-?'}(?:[0-9]{{{width}}}|[1-9][0-9]{{{width},}}))"
        )
    kinds = dict.fromkeys(form.signs)
    before = "|".join(re.escape(prefix) for prefix, _ in kinds)
    suffixes = ENDINGS if form.ordinal else dict.fromkeys(suffix for _, suffix in kinds)
    after = "|".join(map(re.escape, suffixes))
    return re.compile(f"(?P<before>{before}){digits}(?P<after>{after})")


def read(cells: Sequence[str], formats: Sequence[str], decimals: int | None) -> tuple[Array, Array]:
    """(ticks, which) of cells: which format each has, -1 for none of them.

    Ticks are counts of the last of `decimals` (int64, or Python ints where they are too large); without
    decimals float64. Those of cells without a format are 0.
    """
    which = np.full(len(cells), -1, dtype=np.int16)
    ticks: list[Any] = [0] * len(cells)
    todo: Any = range(len(cells))
    for number, text in enumerate(formats):
        form = parsed(text)
        match = None if form.spans else pattern_of(text).fullmatch
        left = []
        for i in todo:
            cell = plain(cells[i], form.zero)
            if cell is None:
                tick = None
            elif match is None:
                tick = _scaled(durations.read(cell, form.spans), form.most, decimals)
            else:
                tick = _tick(match(cell), form, decimals)
            if tick is None:
                left.append(i)
            else:
                ticks[i], which[i] = tick, number
        todo = left
    if decimals is None:
        return np.array(ticks, dtype=np.float64), which
    small = all(-LARGEST <= tick <= LARGEST for tick in ticks)
    found = np.empty(len(ticks), dtype=np.int64 if small else object)
    found[:] = ticks
    return found, which


def _tick(match: re.Match[str] | None, form: Format, decimals: int | None) -> Any:
    if match is None:
        return None
    whole, places = match["whole"], match["places"] or ""
    if form.group:
        whole = whole.replace(form.group, "")
    if not whole and not places:
        return None
    signs = (match["before"], match["after"])
    count = int(whole + places or "0")
    if form.ordinal:
        if signs[1] != _ending(count):
            return None
        signs = (signs[0], ORDINAL)
    if count == 0:
        if signs != form.signs[2] or (form.exponent is not None and int(match["exponent"]) != 0):
            return None
        return 0 if decimals is not None else 0.0
    if signs == form.signs[0]:
        sign = 1
    elif signs == form.signs[1]:
        sign = -1
    else:
        return None
    if form.exponent is not None:
        if whole == "0":
            return None
        if decimals is None:
            value = sign * float(f"{whole}.{places or 0}e{match['exponent']}")
            return value if math.isfinite(value) else None
        shift = decimals - len(places) + int(match["exponent"])
    elif decimals is None:
        return sign * float(f"{whole or 0}.{places or 0}")
    else:
        shift = decimals - len(places)
    return sign * (count * 10**shift if shift >= 0 else _rounded(count, -shift))


def _ending(count: int) -> str:
    """What stands behind an ordinal."""
    if count // 10 % 10 == 1:
        return ORDINAL
    return {1: "st", 2: "nd", 3: "rd"}.get(count % 10, ORDINAL)


def _scaled(count: int | None, places: int, decimals: int | None) -> Any:
    """A count of the last of `places` decimals as one of the last of `decimals`; without them a float."""
    if count is None or decimals is None:
        return count if count is None else count / 10**places
    return count * 10 ** (decimals - places) if decimals >= places else _rounded(count, places - decimals)


def _rounded(count: int, digits: int) -> int:
    """A count without its last digits."""
    return (count + 10**digits // 2) // 10**digits


# --- writing -------------------------------------------------------------------------------------------


def write(ticks: Array, which: Array, formats: Sequence[str], decimals: int | None) -> Array:
    """(rows,) cells, as `read` reads them."""
    forms = [parsed(text) for text in formats]
    known: dict[tuple[Any, int], str] = {}
    found = np.empty(len(ticks), dtype=object)
    for i, key in enumerate(zip(ticks.tolist(), which.tolist(), strict=True)):
        if key not in known:
            known[key] = _cell(key[0], forms[max(key[1], 0)], decimals)
        found[i] = known[key]
    return found


def _cell(tick: Any, form: Format, decimals: int | None) -> str:
    size = abs(tick)
    if form.spans:
        count = _scaled(int(tick), decimals or 0, form.most)
        return durations.write(count if decimals is not None else round(tick * 10**form.most), form.spans)
    if form.exponent is not None:
        digits, zero = _scientific(size, form, decimals)
    else:
        digits, zero = _positional(size, form, decimals)
    prefix, suffix = form.signs[2 if zero else 1 if tick < 0 else 0]
    if form.ordinal:
        suffix = _ending(int(digits.replace(form.group, "") if form.group else digits))
    return f"{prefix}{in_script(digits, form.zero)}{suffix}"


def _positional(size: Any, form: Format, decimals: int | None) -> tuple[str, bool]:
    if decimals is None:
        text = np.format_float_positional(size, precision=form.most, unique=True, trim="-")
        whole, _, places = text.partition(".")
        places = places.ljust(form.most, "0")
    else:
        count = (
            size * 10 ** (form.most - decimals)
            if form.most >= decimals
            else _rounded(size, decimals - form.most)
        )
        text = str(count).rjust(form.most + 1, "0")
        whole, places = text[: len(text) - form.most], text[len(text) - form.most :]
    zero = not (whole + places).strip("0")
    places = places[: form.least] + places[form.least :].rstrip("0")
    if form.group:
        whole = _paired(whole) if form.pairs else f"{int(whole):,}"
        whole = whole.replace(",", form.group)
    elif form.width == 0 and whole == "0" and places:
        whole = ""
    return whole.zfill(form.width) + (form.point + places if places else ""), zero


def _paired(whole: str) -> str:
    """Digits as 1,23,45,678."""
    ahead, last = whole.lstrip("0")[:-3], whole[-3:]
    if not ahead:
        return str(int(last))
    return ",".join([*re.findall(r"\d{1,2}(?=(?:\d\d)*$)", ahead), last])


def _scientific(size: Any, form: Format, decimals: int | None) -> tuple[str, bool]:
    assert form.exponent is not None
    value = decimal.Decimal(size).scaleb(-decimals) if decimals is not None else size
    mantissa, _, exponent = f"{value:.{form.most}e}".partition("e")
    whole, _, places = mantissa.partition(".")
    zero = not (whole + places).strip("0")
    power = 0 if zero else int(exponent)
    places = places[: form.least] + places[form.least :].rstrip("0")
    letter, width, always = form.exponent
    sign = "-" if power < 0 else "+" if always else ""
    return f"{whole}{form.point + places if places else ''}{letter}{sign}{str(abs(power)).zfill(width)}", zero


def decimals_of(formats: Sequence[str]) -> int | None:
    """The decimals of numbers in these formats, None where they are floats. `2E6` has none, so 0."""
    forms = [parsed(text) for text in formats]
    return None if any(form.precise for form in forms) else max(form.most for form in forms)


def is_below_zero(text: str) -> bool:
    """Whether zero is written with a minus in this format."""
    signs = parsed(text).signs
    return signs[2] == signs[1] != signs[0]
