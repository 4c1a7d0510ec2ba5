"""Durations written as strings, whose layout depends on how long they are: `59:58` beside `1:02:33`.

A format has a section for each layout, as in a spreadsheet: `[m]:ss;[h]:mm:ss`, `[m]"m";[h]"h" m"m"`,
`[s].00;[m]:ss.00`, `[hh]:mm;[d]"d" hh:mm`. The first number of a section counts on (`[h]`), the others end
where the next unit begins; a doubled letter stands for two digits at least, letters of the text are quoted.
A duration is written in the section of the largest unit that it holds once, the shortest that leaves nothing.
Of two of the same units the shorter words stand behind a 1: `[d] "day";[d] "days"`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART = re.compile(r'\[(?P<lead>dd?|hh?|mm?|ss?)\]|(?P<unit>hh?|mm?|ss?)|"(?P<quoted>[^"]*)"|(?P<text>.)')
_DECIMALS = re.compile(r"([.,])(0+)$")


@dataclass(frozen=True)
class Section:
    """One layout. units: of its numbers, the largest first, each once; widths: digits of each, at least;
    texts: before, between and after them; point, decimals: of the last one.
    """

    units: str
    widths: tuple[int, ...]
    texts: tuple[str, ...]
    point: str
    decimals: int


def is_of_durations(form: str) -> bool:
    """Whether a format is one of durations."""
    return re.search(r"\[(dd?|hh?|mm?|ss?)\]", form) is not None


@lru_cache(maxsize=512)
def sections(form: str) -> tuple[Section, ...] | None:
    """The sections of a format; None for a text that is none of durations."""
    found = [_section(text) for text in form.split(";")]
    kept = [one for one in found if one is not None]
    return tuple(kept) if len(kept) == len(found) and len({one.decimals for one in kept}) == 1 else None


def _section(text: str) -> Section | None:
    units, texts = "", [""]
    widths: list[int] = []
    ending = _DECIMALS.search(text)
    for match in _PART.finditer(text[: ending.start()] if ending else text):
        unit = match["lead"] or match["unit"]
        if unit is None:
            texts[-1] += match["quoted"] if match["quoted"] is not None else match["text"]
            continue
        if bool(match["lead"]) == bool(units):
            return None  # the first number alone counts on
        units += unit[0]
        widths.append(len(unit))
        texts.append("")
    inside = units and units in "dhms" and (not ending or units[-1] == "s")
    digits = (ending[1], len(ending[2])) if ending else ("", 0)
    return Section(units, tuple(widths), tuple(texts), *digits) if inside else None


def unit_of(own: tuple[Section, ...]) -> int:
    """Seconds that durations are counted in: the finest unit of all sections."""
    return min(SECONDS[one.units[-1]] for one in own)


@lru_cache(maxsize=512)
def pattern_of(one: Section) -> re.Pattern[str]:
    """A regular expression for the cells of a section."""
    parts = [re.escape(one.texts[0])]
    for unit, width, after in zip(one.units, one.widths, one.texts[1:], strict=True):
        parts.append("([0-9]{2,})" if width > 1 else "([0-9]+)")
        if unit == one.units[-1] and one.decimals:
            parts.append(rf"{re.escape(one.point)}([0-9]{{{one.decimals}}})")
        parts.append(re.escape(after))
    return re.compile("".join(parts))


def read(cell: str, own: tuple[Section, ...]) -> int | None:
    """The duration of a cell, counted in its last decimal of the finest unit; None where it is not written as
    `write` would.
    """
    for one in own:
        match = pattern_of(one).fullmatch(cell)
        if match is None:
            continue
        numbers = [int(number) for number in match.groups()]
        places = numbers.pop() if one.decimals else 0
        count = sum(n * SECONDS[unit] for n, unit in zip(numbers, one.units, strict=True)) // unit_of(own)
        count = count * 10**one.decimals + places
        if write(count, own) == cell:
            return count
    return None


def write(count: int, own: tuple[Section, ...]) -> str:
    """The cell of a duration; as `read` counts it."""
    sign, finest, power = "-" if count < 0 else "", unit_of(own), 10 ** own[0].decimals
    whole, places = divmod(abs(count), power)
    left = whole * finest
    leads = [SECONDS[one.units[0]] for one in own]
    lead = max((size for size in leads if size <= left), default=min(leads))
    fit = [one for one, size in zip(own, leads, strict=True) if size == lead]
    exact = [one for one in fit if left % SECONDS[one.units[-1]] == 0]
    one = min(exact, key=lambda own: len(own.units)) if exact else max(fit, key=lambda own: len(own.units))
    numbers = []
    for unit in one.units:
        number, left = divmod(left, SECONDS[unit])
        numbers.append(number)
    one = _agreeing([own for own in fit if own.units == one.units], numbers)
    text = one.texts[0]
    for unit, number, width, after in zip(one.units, numbers, one.widths, one.texts[1:], strict=True):
        text += str(number).zfill(width)
        if unit == one.units[-1] and one.decimals:
            text += one.point + str(places).zfill(one.decimals)
        text += after
    return sign + text


def _agreeing(own: list[Section], numbers: list[int]) -> Section:
    """Of sections of the same units the one whose words agree with the numbers: 1 day, 2 days."""
    for place, number in enumerate(numbers, 1):
        lengths = [len(one.texts[place]) for one in own]
        wanted = min(lengths) if number == 1 else max(lengths)
        own = [one for one, length in zip(own, lengths, strict=True) if length == wanted]
    return own[0]
