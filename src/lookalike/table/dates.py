"""Dates written as strings: find the one format that all of them have, read them, write them.

A format is strftime's, with "%-m", "%-d", "%-H" for numbers without a leading zero on every platform, and
"%3f", "%6f" for fractions of a second.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[Any]

_DATES = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%Y%m%d",
    "%Y-%m",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %B %Y",
    "%b %d %Y",
    "%d%b%Y",
]
_SHAPE = re.compile(
    r"(?P<date>.*?)(?P<gap>[ T]?)(?P<time>\d{1,2}:\d\d(?P<seconds>:\d\d(\.(?P<fraction>\d{3}|\d{6}))?)?)?"
    r"(?P<noon> [AP]M)?(?P<zone>Z|[+-]00:?00)?"
)
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def date_format(strings: Array) -> str | None:
    """The format that every one of these distinct strings is written in, or None. Years are 1678 to 2261."""
    sample = strings[:50]
    for candidate in _candidates(str(sample[0])):
        if _written_so(sample, candidate) and _written_so(strings, candidate):
            return candidate
    return None


def _candidates(text: str) -> list[str]:
    match = _SHAPE.fullmatch(text)
    if match is None or len(text) > 40 or not any(c.isdigit() for c in text):
        return []
    time = ""
    if match["time"]:
        time = "%I:%M" if match["noon"] else "%H:%M"
        time += ":%S" if match["seconds"] else ""
        time += f".%{len(match['fraction'])}f" if match["fraction"] else ""
        time += " %p" if match["noon"] else ""
    dates = list(_DATES) if match["date"] else [""]
    if not time and (match["noon"] or match["zone"] or not match["date"]):
        return []
    padded = [date + match["gap"] + time + (match["zone"] or "") for date in dates]
    bare_time = time.replace("%H", "%-H").replace("%I", "%-I")
    bare = [re.sub("%([md])", r"%-\1", date) for date in dates]
    found = padded + [date + match["gap"] + bare_time + (match["zone"] or "") for date in bare]
    found += [date + match["gap"] + time + (match["zone"] or "") for date in bare]
    found += [date + match["gap"] + bare_time + (match["zone"] or "") for date in dates]
    return list(dict.fromkeys(found))


def _written_so(strings: Array, form: str) -> bool:
    dates = read_dates(strings, form)
    return not np.isnat(dates).any() and bool((write_dates(dates, form) == strings).all())


def read_dates(strings: Array, form: str) -> Array:
    """datetime64[us] of strings in a format; NaT where one is not written so. Times are on 1970-01-01."""
    plain = re.sub(r"%-", "%", re.sub(r"%\df", "%f", form))
    texts = pd.Series(strings, dtype=object)
    if "%Y" not in plain and "%y" not in plain:
        texts, plain = "1970-01-01 " + texts, "%Y-%m-%d " + plain
    if plain == "%Y%m%d":  # pandas also reads six digits as such a date
        texts = texts.where(texts.str.len() == 8)
    parsed = pd.to_datetime(texts, format=plain, errors="coerce")
    return parsed.dt.tz_localize(None).to_numpy().astype("datetime64[us]")


def write_dates(dates: Array, form: str) -> Array:
    """Object array of strings; None for NaT."""
    distinct, inverse = np.unique(dates.astype("datetime64[us]"), return_inverse=True)
    day = distinct.astype("datetime64[D]")
    month = distinct.astype("datetime64[M]")
    micros = (distinct - day).astype(np.int64)
    gone = np.isnat(distinct)
    micros[gone] = 0
    fields: dict[str, Any] = {
        "Y": distinct.astype("datetime64[Y]").astype(np.int64) + 1970,
        "m": month.astype(np.int64) % 12 + 1,
        "d": (day - month.astype("datetime64[D]")).astype(np.int64) + 1,
        "H": micros // 3_600_000_000,
        "M": micros // 60_000_000 % 60,
        "S": micros // 1_000_000 % 60,
        "f": micros % 1_000_000,
    }
    template, names = _template(form)
    fields["y"] = fields["Y"] % 100
    fields["I"] = (fields["H"] + 11) % 12 + 1
    fields["3"] = fields["f"] // 1000
    fields["p"] = np.where(fields["H"] < 12, "AM", "PM")
    fields["B"] = np.array(_MONTHS)[fields["m"] - 1]
    fields["b"] = np.array([name[:3] for name in _MONTHS])[fields["m"] - 1]
    columns = [fields[name].tolist() for name in names]
    texts = np.empty(len(distinct), dtype=object)
    texts[:] = [template % values for values in zip(*columns, strict=True)]
    texts[gone] = None
    return texts[inverse]


def _template(form: str) -> tuple[str, list[str]]:
    """A %-template and the fields that go into it."""
    names: list[str] = []

    def put(match: re.Match[str]) -> str:
        bare, digits, letter = match[1], match[2], match[3]
        names.append("3" if digits == "3" else letter)
        if letter in "Bbp":
            return "%s"
        width = {"Y": 4, "f": int(digits or 6)}.get(letter, 2)
        return "%d" if bare else f"%0{width}d"

    return re.sub(r"%(-?)(\d?)([A-Za-z])", put, form), names
