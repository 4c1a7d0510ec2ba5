"""Which formats the cells of a column have, where they are dates or times."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.table.date_names import WORD, directives_of
from lookalike.table.dates import read_dates, read_several
from lookalike.table.formatted import Written, exceptions_of

Array = npt.NDArray[Any]

MOST = 24  # formats of a column: as many as there are zones
MISSES = 40  # shapes that are tried and have no format, at most: ids have a shape of their own each
_SAMPLE = 200  # cells by which candidates are told
_TIME = re.compile(
    r"(?<!\d)\d{1,2}:\d\d(?P<seconds>:\d\d(?P<fraction>[.,]\d{1,9})?)?(?!\d)(?P<noon> ?[AaPp][Mm]\b)?"
    r"(?P<zone> ?(?:GMT[+-]\d{4}(?: \([A-Za-z ]+\))?|Z|UTC|GMT|[+-]\d\d:?\d\d|[+-]\d\d|[A-Z]{3,4})(?![\w:]))?"
)
_SPAN = re.compile(  # 1h 30m, PT1H30M
    r"(?P<begin>PT)?(?:(?P<H>\d{1,2})(?P<hours> ?(?:[hH]|hrs?|hours?|Std\.?) ?))?"
    r"(?:(?P<M>\d{1,2})(?P<minutes> ?(?:[mM]|[Mm]ins?\.?|minutes?) ?))?"
    r"(?:(?P<S>\d{1,2})(?P<seconds> ?(?:[sS]|secs?|seconds?)))?"
)
_ONE_UNIT = re.compile(r"(PT)?%-?[HMS][^%]*")  # a number with a unit
ALIKE = 3  # cells that are no dates, though they look like the others, at most
_ORDERS = [  # of the parts of a date; the first that fits as many cells as any is taken
    "Ymd", "mdY", "dmY", "mdy", "dmy", "ymd", "Ydm", "Ym", "mY", "dbY", "dby", "bdY", "bdy", "Ybd", "bY",
    "by", "Yb", "Yq", "qY", "GV", "VG", "GVu", "Yj", "db", "bd",
]  # fmt: skip
_IN_YEAR = ("md", "dm")  # orders of days without a year, which count beside a time, or end in a point: 24.12.
_RUNS = {  # digits in one run
    14: ["%Y%m%d%H%M%S"],
    12: ["%Y%m%d%H%M"],
    8: ["%Y%m%d", "%d%m%Y", "%m%d%Y"],
    7: ["%Y%j"],
    6: ["%Y%m", "%y%m%d"],
    4: ["%H%M"],
}
_BRACKETS = ("[]", "()", "<>", '""', "''")  # around a date
_NOTHING = ("0", "00")  # in place of a month or a day that is not known: 1990-05-00
_MINUS = re.compile(r"[^\s-]-$")  # what stands before a part that is below zero
_UNITS = "年月日년월일"  # behind the numbers of a Chinese, Japanese or Korean date
_YEARS = (1900, 2100)  # of dates that are nothing but digits
_YEARS_OF_MONTHS = (1500, 2200)  # years of months, and of years: decimal numbers and codes look like them
_DAYS = 60  # distinct dates of which one is later in its month than the 12th, or in December
_ENDING = r"(?:st|nd|rd|th)\b"  # behind a day
_AT = "\0"  # where the time of a date stands
_ALL_DAYS, _FIRST, _LAST = 15, 3, 29  # different days beside months, at least; the first and last of them
_LATE = 40  # the last of these minutes, at least
_MINUTES = 5  # minutes of whole numbers that are times, at least
_IN_2000 = 1231  # the last day of 2000, as a number of the form %y%m%d
_MONTHS = 3  # of dates before 2010 in that form, at least
_SHORT = 20  # distinct dates of six digits at least: 4% of such numbers are some


def date_format(cells: Array) -> str | None:
    """The one format of these distinct cells, or None."""
    forms, which = find(cells, np.ones(len(cells), dtype=np.int64), 1)
    return forms[0] if len(forms) == 1 and (which == 0).all() else None


def written(counts: pd.Series, least: int) -> Written | None:
    """How the cells are written, None where few of them are dates; as `formatted.written`."""
    cells, rows = np.array([str(cell) for cell in counts.index], dtype=object), counts.to_numpy()
    some = cells[:: max(1, len(cells) // 20)]
    if sum(bool(candidates(cell)) for cell in some) < len(some) / 2:
        return None
    forms, which = find(cells, rows, min(least, max(1, int(rows.sum()) // 50)))
    if not forms or all(map(_ONE_UNIT.fullmatch, forms)):
        return None
    exceptions, lost = exceptions_of(cells.tolist(), rows, which < 0, least)
    layouts = {re.sub(r"\d+", "9", cell) for cell in cells[which >= 0]}
    if sum(re.sub(r"\d+", "9", cell) in layouts for cell in exceptions) > ALIKE:  # odds: 1:8 beside 1:12
        return None
    return Written(forms, exceptions, lost, int((which >= 0).sum()))


def find(cells: Sequence[Any] | Array, rows: Array, least: int) -> tuple[list[str], Array]:
    """(formats, most frequent first; which of them each of the distinct cells has, -1 for none).

    rows: how many rows hold each cell; least: rows that a format needs.
    """
    which = np.full(len(cells), -1, dtype=np.int16)
    texts = np.empty(len(cells), dtype=object)
    texts[:] = list(cells)
    left = np.arange(len(cells))
    found: list[str] = []
    tried: set[str] = set()
    shapes = _shapes(texts[left])
    while shapes and len(tried) < len(found) + MISSES and len(found) < MOST:
        shape, sample = shapes.pop(0)
        if shape in tried:
            continue
        tried.add(shape)
        form = _best(texts, left, sample)
        if form is None:
            continue
        dates = read_dates(texts[left], form)
        good = ~np.isnat(dates)
        if rows[left[good]].sum() < least or not _is_likely(form, dates[good]):
            continue
        found.append(form)
        left = left[~good]
        shapes = _shapes(texts[left])
    found = _one_language(texts, found)
    if len(found) == 1:
        which[:] = 0
        which[left] = -1
        return found, which
    order = list(range(len(found)))
    which = read_several(texts, found)[1]  # by the first format that a cell has
    tally = [int(rows[which == i].sum()) for i in order]
    order.sort(key=lambda i: -tally[i])
    back = np.array([*np.argsort(order), -1], dtype=np.int16) if order else np.array([-1], dtype=np.int16)
    return [found[i] for i in order], back[which]


def _one_language(texts: Array, found: list[str]) -> list[str]:
    """Formats without those whose cells another reads that is the same in another language: "13. Jan" beside
    "13. Dez".
    """
    bare = [re.sub(r"\{\w+\}", "", form) for form in found]
    kept = list(found)
    for form, own in zip(found, bare, strict=True) if len({*bare}) < len(bare) else ():
        read = ~np.isnat(read_dates(texts, form))
        alike = [other for other, more in zip(found, bare, strict=True) if more == own and other != form]
        if any(other in kept and not np.isnat(read_dates(texts[read], other)).any() for other in alike):
            kept.remove(form)
    return kept


def _shapes(texts: Array) -> list[tuple[str, list[str]]]:
    """The shapes of cells, the commonest first, and some cells of each; cells of two zones differ."""
    shapes: dict[str, list[str]] = {}
    for text in texts[:: max(1, len(texts) // 1000)]:
        time = _TIME.search(text)
        shape = re.sub(r"\d+", "9", text if time else re.sub(r"(?<!\d)0+(?!\d)", "O", text))
        if not _SPAN.fullmatch(text):  # of which each unit has a format
            shape = re.sub(r"[^\W\d_A-Z]+", "a", shape) + ((time and time["zone"]) or "")
        shapes.setdefault(shape, []).append(text)
    return sorted(shapes.items(), key=lambda one: -len(one[1]))


def _is_likely(form: str, dates: Array) -> bool:
    """Whether cells of nothing but digits are dates, not other numbers."""
    if not re.fullmatch(r"(%[A-Za-z])+", form):
        return _is_likely_apart(form, dates)
    if form == "%H%M":
        minutes = np.unique(dates.astype("M8[m]").astype(np.int64))
        return _is_clock(minutes // 60 * 100 + minutes % 60)
    years = dates.astype("M8[Y]").astype(np.int64) + 1970
    if form == "%Y%j" and not _are_days_of_years(dates):
        return False
    few = {"%Y%m": 12, "%y%m%d": _SHORT}.get(form, 1)
    return len(np.unique(dates)) >= few and bool(((years >= _YEARS[0]) & (years <= _YEARS[1])).all())


def _is_likely_apart(form: str, dates: Array) -> bool:
    """Whether cells of a few numbers, with signs between them, are dates, not decimal numbers (3.1415), codes
    (7589-7) or chapters (5.6.15).
    """
    if re.fullmatch(r"-?0[.,]%Y", form):
        return False
    letters = set(re.findall(r"%-?(.)", form))
    years = dates.astype("M8[Y]").astype(np.int64) + 1970
    if letters == {"Y", "j"}:
        return _are_days_of_years(dates) and _YEARS[0] <= years.min() and years.max() <= _YEARS[1]
    if letters <= set("mY"):
        return bool(((years >= _YEARS_OF_MONTHS[0]) & (years <= _YEARS_OF_MONTHS[1]) | (years == 9999)).all())
    if letters != set("dmy") or len(np.unique(dates)) < _DAYS:
        return True
    months = dates.astype("M8[M]")
    days = (dates.astype("M8[D]") - months.astype("M8[D]")).astype(np.int64) + 1
    return bool(days.max() > 12 or (months.astype(np.int64) % 12).max() == 11)


def _best(texts: Array, left: Array, sample: list[str]) -> str | None:
    """The format of most of the cells that are left, from those that the cells of a shape may have."""
    shortest, longest = min(sample, key=len), max(sample, key=len)
    forms = list(dict.fromkeys([*candidates(sample[0]), *candidates(shortest), *candidates(longest)]))
    some = left[:: max(1, len(left) // _SAMPLE)]
    fits = [int((~np.isnat(read_dates(texts[some], form))).sum()) for form in forms]
    if not fits or not max(fits):
        return None
    if max(fits) < len(some):  # one that few cells of the sample tell from another
        forms = [form for form, n in zip(forms, fits, strict=True) if n >= 0.9 * max(fits)]
    else:
        forms = [form for form, n in zip(forms, fits, strict=True) if n == len(some)]
    if len(forms) > 1 and len(some) < len(left):
        fits = [int((~np.isnat(read_dates(texts[left], form))).sum()) for form in forms]
    else:
        fits = [int((~np.isnat(read_dates(texts[some], form))).sum()) for form in forms]
    best = forms[int(np.argmax(fits))]
    days = best.replace("%y", "%d")  # of Jul 07
    if days in forms and "%d" not in best and fits[forms.index(days)] == max(fits):
        numbers = {int(found[0]) for text in texts[left] if (found := re.search(r"\d\d", text))}
        return days if _are_days(numbers) else best
    return best


def _are_days(numbers: set[int]) -> bool:
    """Whether numbers beside months are days, not years: many, from the first days of a month to the last."""
    return len(numbers) >= _ALL_DAYS and 1 <= min(numbers) <= _FIRST and _LAST <= max(numbers) <= 31


def candidates(text: str) -> list[str]:
    """The formats that a cell may have."""
    if len(text) > 80 or not re.search(r"\d", text) or "%" in text:
        return []
    if text[0] + text[-1] in _BRACKETS and not text[1:-1].isdigit():  # [10/Oct/2021:13:55:36 +0000]
        return [f"{text[0]}{form}{text[-1]}" for form in candidates(text[1:-1])]
    if re.fullmatch(r"\d+", text):
        return list(_RUNS.get(len(text), []))
    if run := re.fullmatch(r"\d{8}T(\d{6}|\d{4})(Z?)", text):
        return ["%Y%m%dT%H%M" + ("%S" if len(run[1]) == 6 else "") + run[2]]
    span = _SPAN.fullmatch(text)
    if span is not None and any(span[letter] for letter in "HMS"):
        return _of_span(span)
    match = _TIME.search(text)
    if match is None:
        return [form for date in _dates(text) for form in dict.fromkeys([date, _bare(date, "mdV")])]
    time = "%I:%M" if match["noon"] else "%H:%M"
    time += ":%S" if match["seconds"] else ""
    if match["fraction"]:
        time += f"{match['fraction'][0]}%{len(match['fraction']) - 1}f"
    if match["noon"]:
        time += match["noon"][:-2] + ("%p" if match["noon"][-2:].isupper() else "%P")
    time += match["zone"] or ""
    before, after = text[: match.start()], text[match.end() :]
    dates = _dates(f"{before}{_AT}{after}") if before or after else [_AT]
    wholes = [date.replace(_AT, time) for date in dates]
    found = [*wholes, *(_bare(form, "mdHI") for form in wholes)]
    return list(dict.fromkeys([*found, *(_bare(f, "md") for f in wholes), *(_bare(f, "HI") for f in wholes)]))


def _of_span(match: re.Match[str]) -> list[str]:
    """The formats of hours, minutes and seconds with their units; of numbers with a zero in front, or not."""
    pieces = [[match["begin"] or ""]]
    for letter, unit in (("H", "hours"), ("M", "minutes"), ("S", "seconds")):
        digits = match[letter]
        if digits is not None:
            bare = [] if digits[0] == "0" < digits else [f"%-{letter}{match[unit]}"]
            pieces.append([*bare, *([f"%{letter}{match[unit]}"] if len(digits) == 2 else [])])
    return ["".join(chosen) for chosen in itertools.product(*pieces)]


def _bare(form: str, letters: str) -> str:
    """A format whose numbers have no leading zeros."""
    return re.sub(f"%([{letters}])", r"%-\1", form)


def _dates(text: str) -> list[str]:
    """The formats that a date may have, with the text around it."""
    pieces = re.findall(rf"\d{{1,2}}{_ENDING}|\d+|{WORD.pattern}|(?:[^\w]|_)+", text)
    options: list[list[str]] = []
    for place, piece in enumerate(pieces):
        before, after = (
            pieces[place - 1] if place else "",
            pieces[place + 1] if place + 1 < len(pieces) else "",
        )
        options.append(_options(piece, before, after, "W" in pieces))
    if not all(options) or len(pieces) > 12 or sum(len(one) > 1 for one in options) > 4:
        return []
    found: dict[str, list[str]] = {}
    for chosen in itertools.product(*options):
        order = "".join(re.findall(r"%\^?(?:\{\w\w\})?([A-Za-z])", "".join(chosen))).replace("B", "b")
        named = "a" in order.lower()  # of a day without a year no weekday is told
        order = re.sub("[aA]", "", order).replace("o", "d")
        if order in ("db", "bd", *_IN_YEAR):
            sure = order not in _IN_YEAR or _AT in text or re.fullmatch(r"\d\d?\.\d\d?\.", text)
            known = not named and bool(sure)
        else:
            known = order in _ORDERS or (order == "Y" and any(map(str.isdigit, chosen)))
        if known:
            found.setdefault(order, []).append("".join(chosen))
    orders = sorted(
        [*_ORDERS, *_IN_YEAR, "Y"], key=lambda order: "." in text and order[0] == "m"
    )  # 01.02.2015 has the day first
    forms = [form for order in orders for form in found.get(order, [])]
    return [*forms, *(one for form in forms for one in _spaced(form))]


def _spaced(form: str) -> list[str]:
    """A format of a month and a day, whose day may have a space in front: `Jul  7` beside `Jul 17`."""
    other = re.sub(r"(%\^?b )(?: %-d| ?%d)", r"\1%e", form)
    return [other] if other != form else []


def _options(piece: str, before: str, after: str, weeks: bool) -> list[str]:
    """What a piece of a date may be, directives or itself; by what stands before and after it."""
    if re.fullmatch(rf"\d+{_ENDING}", piece):
        return ["%o"]
    if piece.isdigit():
        if before in ("Q", "W"):
            return ["%q" if before == "Q" else "%V"]
        if _MINUS.search(before):
            return [piece]  # 3/-9/1848: the day is not known
        if weeks and len(piece) == 1:
            return ["%u"]  # 2019-W23-4
        digits = {
            8: ["%Y%m%d"],
            3: ["%j"],
            4: ["%G" if weeks else "%Y"],
            2: ["%m", "%d", "%y"],
            1: ["%m", "%d"],
        }
        return digits.get(len(piece), []) + ([piece] if piece in _NOTHING else [])
    if not WORD.fullmatch(piece):
        return [piece]
    known = directives_of(piece)
    if known:
        return known  # two of May
    if piece in ("de", "del", "of", "at", "um"):  # 5 de mayo, May 5 at 4:00
        return [piece]
    if piece in _UNITS and before.isdigit():
        return [piece]
    return [piece] if piece in ("T", "Q", "W") and (after == "" or after[0].isdigit() or _AT in after) else []


# --- whole numbers -------------------------------------------------------------------------------------


def of_numbers(distinct: Array) -> str | None:
    """The format of distinct whole numbers that are dates, months or times of the day, else None.

    Numbers may be so by chance: 4% of those of eight digits, or six, are dates, 12% of those of six are
    months, and 60% of those up to 2359 are times. A count from 101 to 130, or the rooms of twelve floors, are
    days of 2000 as well, and one from 70101 on is a month of 2007.
    """
    low, high = int(distinct.min()), int(distinct.max())
    forms = []
    if low >= _YEARS[0] * 10_000 + 101 and high <= _YEARS[1] * 10_000 + 1231 and len(distinct) >= 5:
        forms = ["%Y%m%d"]
    elif len(distinct) >= 5 and len(str(low)) in (12, 14):
        few = 10 ** (len(str(low)) - 4)
        if _YEARS[0] * few <= low and high < (_YEARS[1] + 1) * few:
            forms = ["%Y%m%d%H%M%S" if len(str(low)) == 14 else "%Y%m%d%H%M"]
    elif low >= _YEARS[0] * 1000 + 1 and high <= _YEARS[1] * 1000 + 366:
        dates = read_dates(distinct.tolist(), "%Y%j")
        return "%Y%j" if not np.isnat(dates).any() and _are_days_of_years(dates) else None
    elif low >= 0 and high <= 2359 and _is_clock(distinct):
        forms = ["%H%M"]
    else:
        if low >= _YEARS[0] * 100 + 1 and high <= _YEARS[1] * 100 + 12 and len(distinct) >= 12:
            forms = ["%Y%m"]
        month, day = distinct // 100 % 100, distinct % 100
        days = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
        told = low >= 100_101 or (high > _IN_2000 and len(np.unique(distinct // 100)) >= _MONTHS)
        if low >= 101 and high <= 991231 and len(distinct) >= _SHORT and days.all() and told:
            forms.append("%y%m%d")
    return next((form for form in forms if not np.isnat(read_dates(distinct.tolist(), form)).any()), None)


def _are_days_of_years(dates: Array) -> bool:
    """Whether years, each with a day, are dates: a number that counts within each of several years seldom
    ends where the year does.
    """
    days = dates.astype("M8[D]")
    years = days.astype("M8[Y]")
    return bool(
        len(np.unique(days)) >= 60
        and len(np.unique(years)) >= 2
        and (days - years.astype("M8[D]")).astype(np.int64).max() >= 349
    )


def _is_clock(distinct: Array) -> bool:
    """Whether numbers are hours and minutes: many of them, no minute beyond 59, of many hours. Multiples of
    50, which are no times, have two minutes, and the rooms of a floor are few.
    """
    minutes, hours = distinct % 100, distinct // 100
    return bool(
        len(distinct) >= 60
        and (minutes < 60).all()
        and len(np.unique(minutes)) >= _MINUTES
        and minutes.max() >= _LATE
        and len(np.unique(hours)) >= 6
    )
