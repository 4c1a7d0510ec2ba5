"""Cells as JSON text: what the kinds share of it.

A cell is written for a grammar, which knows all that was learned of its column, or for a language model that
is asked in words (`Asked`): that one may be anywhere, so it is told no value that few rows hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array
from lookalike.table.digits import in_script

LARGEST = 10**12  # whole numbers beyond it keep their point, bounds beyond it are left to reading
PRESENT = "true"  # stands for an id, a key or a pseudonym, where they may be missing
JsonSchema = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What a language model that is asked in words is told of a column, and what its answers are held to.

    type: of the JSON value; said: what the column holds, to follow its name in a prompt; value: a JSON
    value of an answer -> that of the table, ValueError for one that cannot stand there. values: those of a
    category, as written -> as in the table; listed: whether they are all that may stand there, and few
    enough for a JSON Schema. note: a sentence on the values that are not told.
    """

    type: str
    said: str
    value: Callable[[Any], Any]
    values: dict[str, Any] = field(default_factory=dict)
    listed: bool = False
    note: str | None = None


@dataclass(frozen=True)
class Extent:
    """What a grammar needs of texts besides `Params`. nullable: some are missing; shortest, longest:
    letters.
    """

    nullable: bool
    shortest: int
    longest: int


def of_others(tokens: Array, places: Array, rng: np.random.Generator) -> None:
    """Cells that have no value (-1 in all tokens, (rows, slots)), in place: those of other rows, where there
    are any. A grammar lets through texts such as 30 February.
    """
    odd = (tokens < 0).all(axis=1)
    if odd.any() and not odd.all():
        other = rng.choice(np.flatnonzero(~odd), int(odd.sum()))
        tokens[odd], places[odd] = tokens[other], places[other]


def asked_shape(asked: Asked, nullable: bool) -> JsonSchema:
    """The JSON Schema that an answer is asked to keep to: no limits, which servers do not hold answers to."""
    if asked.listed:
        return {"enum": [*asked.values, *([None] if nullable else [])]}
    return {"type": [asked.type, "null"] if nullable else asked.type}


def asked_values(asked: Asked, cells: Array) -> list[Any]:
    """The values of JSON texts, as they stand in the table; None of None and null. Raises ValueError."""
    found = [None if text is None else json.loads(text) for text in cells]
    return [None if one is None else asked.value(one) for one in found]


def strings(cells: Array) -> pd.Series:
    """The strings of cells of JSON text, None where they are missing."""
    return pd.Series(asked_values(_ANY, cells), dtype=object)


_ANY = Asked("string", "", str)  # reads any string


def literal(value: Any) -> str:
    """One cell as JSON text, in the only form that the grammar lets through (compact, not in ASCII)."""
    if isinstance(value, str):
        value = value.encode("utf-8", "ignore").decode()  # lone surrogates cannot be written
    elif isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, (str, bool, int, float, list, dict, type(None))):
        value = str(value)
    if isinstance(value, float):  # grammars write whole numbers without a point
        value = int(value) if value.is_integer() and abs(value) < LARGEST else value
        value = value if np.isfinite(value) else str(value)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("\x7f", "\\u007f")


def distinct(values: Any, write: Callable[[Any], str], missing: Array) -> Array:
    """(rows,) the text of every value, written once for all its rows; null where missing."""
    codes, found = pd.factorize(values)
    texts = np.array([*(write(value) for value in found), "null"], dtype=object)
    return np.where(missing, "null", texts[codes])


def choice_shape(texts: list[str], share: dict[int, Array] | None) -> JsonSchema:
    """One of the texts of a column's tokens; share: of its tokens, as `allowed` gives it, None for all."""
    if share is not None:
        texts = [text if share[0][token, 0] > 0 else "" for token, text in enumerate(texts)]
    return {"enum": [json.loads(text) for text in dict.fromkeys(texts) if text]}


def choice_tokens(texts: list[str], cells: Array, width: int = 1) -> Array:
    """(rows, width) tokens of cells, by the texts of the tokens; those of None are 0."""
    known = {_key(text): token for token, text in reversed(list(enumerate(texts))) if text}
    codes, found = pd.factorize(cells)
    lookup = np.array([*(known.get(_key(text), 0) for text in found), 0], dtype=np.int64)
    return lookup[codes][:, None][:, :width]


def _key(text: str) -> tuple[bool, Any]:
    """1 and 1.0 are the same value, 1 and true are not."""
    value = json.loads(text)
    return isinstance(value, bool), value


def bounded(expression: re.Pattern[str], most: int, zero: str = "0") -> str:
    """A regular expression for a grammar: it has no names and looks nowhere ahead, and where it repeats
    without end it does so up to `most` times. A text that is to end in a grammar without such a bound may go
    on for ever. zero: of the script whose digits stand for ASCII ones.
    """

    def part(match: re.Match[str]) -> str:
        text = match[0]
        if text.startswith(("(?P<", "(?:")):
            return "("
        if text.startswith("(?!"):
            return ""
        if text in "*+":
            return f"{{{int(text == '+')},{most}}}"
        if text.startswith("{"):
            return f"{{{match[1]},{max(most, int(match[1]))}}}" if match[1] else text
        return in_script("[0-9]" if text == r"\d" else text, zero)

    pieces = r"\\.|\[[^]]*\]|\(\?P<\w+>|\(\?:|\(\?!\w+\)|[*+]|\{(\d+),\}|\{[\d,]+\}|."
    return re.sub(pieces, part, expression.pattern, flags=re.DOTALL)


def nearest(tick: Any, ranges: list[tuple[Any, Any]]) -> Any:
    """The tick, moved into the nearest range."""
    inside = [min(max(tick, low), high) for low, high in ranges]
    return min(inside, key=lambda moved: abs(moved - tick)) if inside else tick
