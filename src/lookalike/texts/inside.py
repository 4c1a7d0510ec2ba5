"""JSON by its values: how two of them are seen to be equal, and the texts that they hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lookalike.texts.syntax import parse_json
from lookalike.texts.words import words_of

LEAST_WORDS = 4  # of a string that is a text; shorter ones are names and values


def canonical(cell: Any) -> Any:
    """JSON in one way of writing, for text and values alike: without spaces, keys in order. What is no object
    or list, or does not parse, comes back as it is.
    """
    value = _value(cell)
    if value is None:
        return cell
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    except (TypeError, ValueError, RecursionError):  # keys of several kinds, a circle
        return cell


def texts_inside(cell: Any) -> str | None:
    """The values of JSON one after the other, keys in order, where one of them is a text; None where all are
    names, numbers and the like: such JSON is alike in its form, which says nothing. A cell that does not
    parse is a text as it stands.
    """
    value = _value(cell)
    if value is None:
        return str(cell)
    try:
        leaves = [str(leaf) for leaf in _leaves(value)]
    except (TypeError, RecursionError):
        return str(cell)
    return "\n".join(leaves) if any(len(words_of(leaf)) >= LEAST_WORDS for leaf in leaves) else None


def _value(cell: Any) -> Any:
    return parse_json(cell) if isinstance(cell, str) else cell if isinstance(cell, (dict, list)) else None


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _leaves(value[key])
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    else:
        yield value
