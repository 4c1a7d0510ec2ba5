"""Whether a text states a value: a name or words, a number, a date.

Words stand in it in a row, in any case. A number stands in it as a figure, with or without marks of
thousands. A date stands in it in figures, in any usual order, or with the English name of its month; its time
of the day, unless that is midnight, stands there, too. A missing value need not be stated.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from lookalike.texts.words import MONTHS, words_of

_FIGURE = re.compile(r"(?<![\w.])\d{1,3}(?:[,'\u202f\u00a0 ]\d{3})+(?:\.\d+)?(?![\d])|\d+(?:\.\d+)?")
_DATE = re.compile(
    r"(?P<a>\d{1,4})(?P<mark>[/.-])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{4}|\d{1,2})"
    r"(?:[T ]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::\d{2}(?:\.\d+)?)?(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?)?"
)
_MONTHS = {name[:3].lower(): number for number, name in enumerate(MONTHS, 1)}
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS)
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_NAMED = (  # a date with its month named, and where month, day and year stand
    (re.compile(rf"\b({_MONTH})\.? {_DAY},? (\d{{4}})", re.IGNORECASE), (0, 1, 2)),
    (re.compile(rf"\b{_DAY}(?: of)? ({_MONTH})\.?,? (\d{{4}})", re.IGNORECASE), (1, 0, 2)),
)
_YEAR = 4  # digits of a year that is written whole


def states(text: str, value: Any) -> bool:
    """Whether a text states a value; of a list, each of its members."""
    if isinstance(value, list | tuple):
        return all(states(text, one) for one in value)
    if value is None or (isinstance(value, float) and value != value):
        return True
    if isinstance(value, bool):
        return _in_a_row(words_of(str(value)), words_of(text))
    if isinstance(value, int | float):
        return _states_number(text, float(value))
    said = value.isoformat(sep=" ") if isinstance(value, datetime) else str(value).strip()
    said = value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else said
    if found := _DATE.fullmatch(said):
        return _states_date(text, found)
    number = _FIGURE.fullmatch(said)
    if number is not None:
        return _states_number(text, _number(said))
    return not said or _in_a_row(words_of(said.replace("_", " ")), words_of(text.replace("_", " ")))


def _states_number(text: str, value: float) -> bool:
    text = _DATE.sub(" ", text)  # whose parts are no numbers of their own
    return any(_number(one) == abs(value) for one in _FIGURE.findall(text))


def _number(figure: str) -> float:
    return float(re.sub(r"[,'\u202f\u00a0 ]", "", figure))


def _states_date(text: str, value: re.Match[str]) -> bool:
    """Whether the day stands in the text, and the time if it has one."""
    parts = [value["a"], value["b"], value["c"]]
    if not any(_states_day(parts, at) for at in _days(text)):
        return False
    if value["hour"] is None:
        return True
    hour = int(value["hour"]) % 12 + 12 * (value["half"] in "Pp") if value["half"] else int(value["hour"])
    if hour == 0 and value["minute"] == "00":
        return True
    clock = re.compile(rf"(?<!\d)0?(?:{hour}|{hour % 12 or 12})[:.]{value['minute']}(?!\d)")
    return clock.search(text) is not None


def _days(text: str) -> list[list[str]]:
    """The dates of a text, each as its three parts; a month that is named is its number."""
    found = [[one["a"], one["b"], one["c"]] for one in _DATE.finditer(text)]
    for pattern, order in _NAMED:
        for one in pattern.findall(text):
            month, day, year = (one[at] for at in order)
            found.append([f"m{_MONTHS[month[:3].lower()]}", day, year])
    return found


def _states_day(parts: list[str], said: list[str]) -> bool:
    """Whether a date of the text, in figures or with its month named, is that of the parts.

    In figures their order is that of the value, the other way round, or with the year moved to the other end:
    3/2/2014 is not 2/3/2014.
    """
    first, second, third = wanted = [int(one) for one in parts]
    if said[0].startswith("m"):
        month, rest = int(said[0][1:]), sorted((int(said[1]), int(said[2])))
        others = (sorted(wanted[:at] + wanted[at + 1 :]) for at in range(3) if wanted[at] == month)
        return any(one == rest for one in others)
    orders = [[first, second, third], [third, second, first]]
    orders.append([second, third, first] if len(parts[0]) == _YEAR else [third, first, second])
    return [int(one) for one in said] in orders


def _in_a_row(words: list[str], text: list[str]) -> bool:
    return any(text[at : at + len(words)] == words for at in range(len(text) - len(words) + 1))
