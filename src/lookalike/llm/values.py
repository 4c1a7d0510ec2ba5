"""The JSON values in what a model wrote: plain, fenced, between words, several in a row, or loose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from lookalike.errors import MissingDependency

THOUGHT = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
DOTS = re.compile(r"[\[{,:]\s*(\.\.\.|\u2026)\s*[\]},]")  # {"records": [...]}
OPENS, PAIRS = "{[", {"}": "{", "]": "["}


def answers_in(text: str) -> list[str]:
    """Where the answer may stand: behind the end of the thinking, then anywhere."""
    *_, last = THOUGHT.split(text)
    return [text] if len(last) == len(text) or not last.strip() else [last, text]


def values_in(text: str) -> tuple[list[Any], bool]:
    """The values of a text, it as a whole or each at its top level in order, and whether one of them is JSON
    only loosely: loose quotes, commas and the like.
    """
    try:
        return [json.loads(text)], False
    except ValueError:
        pass
    found, loose = [], False
    for piece in pieces(text):
        try:
            found.append(json.loads(piece))
            continue
        except (ValueError, RecursionError):
            pass
        value = _repaired(piece)
        if isinstance(value, dict | list):
            found.append(value)
            loose = True
    return found, loose


def pieces(text: str) -> Iterator[str]:
    """The parts of a text from a bracket to the one that closes it, the outermost in order.

    A bracket that nothing closes is passed over, so that what is whole inside of a reply that was cut short
    is found, and half of a value never is. Brackets inside of "strings" do not count.
    """
    spans: list[tuple[int, int]] = []
    opened: list[tuple[int, str]] = []
    at, quoted = 0, False
    while at < len(text):
        letter = text[at]
        if quoted:
            at += letter == "\\"
            quoted = letter != '"'
        elif letter == '"':
            quoted = bool(opened)  # a quote between the values is one of the prose
        elif letter in OPENS:
            opened.append((at, letter))
        elif letter in PAIRS:
            while opened and opened[-1][1] != PAIRS[letter] and any(o[1] == PAIRS[letter] for o in opened):
                opened.pop()
            if opened and opened[-1][1] == PAIRS[letter]:
                start = opened.pop()[0]
                while spans and spans[-1][0] > start:
                    spans.pop()
                spans.append((start, at + 1))
        at += 1
    for start, end in spans:
        yield text[start:end]


def is_cut(text: str) -> bool:
    """Whether a bracket is left open at the end of a text."""
    depth, quoted, at = 0, False, 0
    while at < len(text):
        letter = text[at]
        if quoted:
            at += letter == "\\"
            quoted = letter != '"'
        elif letter == '"':
            quoted = depth > 0
        elif letter in OPENS:
            depth += 1
        elif letter in PAIRS:
            depth = max(depth - 1, 0)
        at += 1
    return depth > 0


def _repaired(piece: str) -> Any:
    """What a piece says that is not quite JSON; None for words in brackets and for a shape with dots."""
    if not any(mark in piece for mark in "\"':") or DOTS.search(piece):
        return None
    try:
        from json_repair import loads
    except ImportError:
        raise MissingDependency("json-repair", extra="llm") from None
    try:
        return loads(piece, skip_json_loads=True)
    except (ValueError, RecursionError):
        return None
