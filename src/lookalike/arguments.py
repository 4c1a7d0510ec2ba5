"""What a caller hands over, checked: each function returns the value as it is used, or raises one sentence.

The sentence names the argument, shows what was given and says what to give. Where the meaning is plain the
value is taken: `1e3` and `np.int64(5)` are whole numbers. Tables are in `table/sources.py`.
"""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Collection, Iterable, Mapping
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from lookalike.errors import OptionError

SHOWN = 60  # letters of a value in a sentence
_NEAR, _PART = 0.7, 3  # letters that two names share; letters from which one holds the other


def shown(value: Any) -> str:
    """A value in a sentence: short, on one line."""
    if getattr(value, "ndim", 0) or hasattr(value, "to_pandas"):  # tables and arrays are long
        return f"a {type(value).__name__}"
    try:
        text = " ".join(repr(value).split())
    except Exception:  # whatever the caller's own class does
        text = f"a {type(value).__name__}"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def brief(value: Any) -> str:
    """A value as it is written, cut short."""
    text = " ".join(str(value).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def close(wanted: str, known: Iterable[str]) -> list[str]:
    """The known names that may have been meant, the nearest first, at most three: those that differ in few
    letters, or hold what was written; not those that merely share some.
    """
    small = {name: name.lower() for name in known}
    letters = wanted.lower()
    ratios = {
        name: 1.0 if len(letters) >= _PART and letters in own else SequenceMatcher(None, letters, own).ratio()
        for name, own in small.items()
    }
    near = [name for name, ratio in ratios.items() if ratio >= _NEAR]
    return sorted(near, key=lambda name: -ratios[name])[:3]


def whole(name: str, value: Any, least: int = 0, most: int = 2**63 - 1, advice: str = "") -> int:
    """A whole number of [least, most]; `advice` as in `number`. Raises OptionError for another value."""
    found = as_number(value)
    if found is None or not found.is_integer() or not least <= found <= most:
        upper = "" if most >= 2**31 else f" and at most {most:,}"
        advice = advice or f"a whole number of at least {least:,}{upper}"
        raise OptionError(f"{name} is {shown(value)}: choose {advice}.")
    return int(value)  # not of `found`, which is exact only up to 2**53


def number(
    name: str, value: Any, low: float, high: float = math.inf, advice: str = "", above: bool = False
) -> float:
    """A finite number of [low, high], or with `above` of (low, high]. Raises OptionError for another value.

    advice: what to choose, where the range does not say enough.
    """
    found = as_number(value)
    if found is None or not math.isfinite(found) or not low <= found <= high or (above and found == low):
        least = f"above {low:g}" if above else f"of at least {low:g}"
        upper = "" if math.isinf(high) else f" and at most {high:g}"
        raise OptionError(f"{name} is {shown(value)}: choose {advice or f'a number {least}{upper}'}.")
    return found


def as_number(value: Any) -> float | None:
    """A number as a float, None for what is none; a truth value is none, though Python counts with it."""
    value = value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    try:
        return float(value)
    except (OverflowError, ValueError):
        return None


def switch(name: str, value: Any) -> bool:
    """True or False. Raises OptionError for another value: a text such as "no" would count as True."""
    if type(value).__name__ not in ("bool", "bool_"):  # numpy's, too
        raise OptionError(f"{name} is {shown(value)}: choose True or False.")
    return bool(value)


def choice(name: str, value: Any, known: Collection[str]) -> str:
    """One of the known texts. Raises OptionError for another value."""
    if not isinstance(value, str) or value not in known:
        raise OptionError(f"{name} {shown(value)} is not known: choose one of {', '.join(known)}.")
    return value


def text(name: str, value: Any, advice: str) -> str:
    """A string that is not empty. Raises OptionError for another value."""
    if not isinstance(value, str) or not value.strip():
        raise OptionError(f"{name} is {shown(value)}: {advice}.")
    return value


def path(name: str, value: Any) -> Path:
    """The path of a file or folder. Raises OptionError for what is none."""
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str) or not str(value):
        raise OptionError(f"{name} is {shown(value)}: give a path, as a string or a pathlib.Path.")
    if "\0" in os.fspath(value):
        raise OptionError(f"{name} is {shown(value)}: a path holds no zero byte.")
    return Path(value)


def is_column(value: Any, columns: Any) -> bool:
    """Whether a value is the name of one of the columns, whatever it is."""
    return isinstance(value, str | numbers.Integral) and value in columns


def listed(names: Iterable[object]) -> str:
    """Names of columns in a sentence: in quotes, the first 20 of them."""
    quoted = [f"'{name}'" for name in names]
    return ", ".join(quoted[:20]) + (f" and {len(quoted) - 20} more" if len(quoted) > 20 else "")


def sentinels(name: str, value: Any) -> tuple[Any, ...]:
    """Values that mean missing: a collection of them, a single one, or None for none.

    Raises OptionError for another value.
    """
    if value is None:
        return ()
    several = isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping)
    found = tuple(value) if several else (value,)
    if not all(isinstance(one, str | numbers.Real) for one in found):
        raise OptionError(f'{name} is {shown(value)}: give the values that mean missing, such as {{"?"}}.')
    return found


def table_names(value: Any) -> Mapping[str, str] | None:
    """What a report calls its tables: table -> file, None for nothing."""
    if not (value is None or isinstance(value, Mapping)):
        raise OptionError(f'names is {shown(value)}: give a dict such as {{"real": "train.csv"}}, or None.')
    return value
