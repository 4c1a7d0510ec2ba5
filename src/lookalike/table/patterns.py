"""Patterns of strings by their structure: fixed parts, letters of each place, lengths, ranges.

No list of formats is needed: strings of one layout (letters and digits at the same places) are cut into runs,
and each run is a choice of values that come again, a number in a range, or letters place by place. A part
holds nothing that fewer than `rare` strings have. In words a pattern is a regular expression.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from lookalike.errors import SchemaError
from lookalike.table.check_digits import CHECKS, checked

SHAPES = 40  # layouts of a pattern at most
FEW = 8  # layouts of codes of several lengths, such as 01, 01.1, 01.11, at most
COVERED = 0.95  # of the strings, that have one of them
SMALL = 6  # digits up to which numbers of several lengths are drawn from their range
HEADED = 4  # letters at least behind the first ones of a long run, which are cut off where they come again
FAR = 8.0  # times as many as there are, that the places of these letters allow, at least
SEVERAL = 4  # words, or letters, of a run that varies
LONG = 8  # letters of such a run, at least
COUNTED = 18  # digits that a number which counts on may grow to, at least
_HEXADECIMAL = "0123456789abcdefABCDEF"
HEXADECIMAL = ("0123456789abcdef", "0123456789ABCDEF")
OFTEN = 5  # times that a letter would come, from which on one that never does is none of the code's
CLASSES = ("0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass(frozen=True)
class Part:
    """One run of a pattern.

    values, counts: whole values that come again, and their rows; rest: rows of all others. Of those: low,
    high: the range of numbers without leading zeros; else lengths: [letters, rows], and letters, weights: of
    each place, with their rows.
    """

    values: list[str]
    counts: list[int]
    rest: int = 0
    low: int | None = None
    high: int | None = None
    lengths: list[list[int]] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    weights: list[list[int]] = field(default_factory=list)


@dataclass(frozen=True)
class Shape:
    """Strings of one layout. share: how many there are."""

    share: int
    parts: list[Part]


Layout = tuple[Callable[[str], str], re.Pattern[str]]


def classes(text: str) -> str:
    """A text with 9 for each digit, a for each small letter and A for each capital."""
    return re.sub("[A-Z]", "A", re.sub("[a-z]", "a", re.sub("[0-9]", "9", text)))


_RUNS = re.compile(r"[A-Z]+|[a-z]+|[0-9]+|[^A-Za-z0-9]+")
_WORDS = re.compile(r"[A-Za-z0-9]+|[^A-Za-z0-9]+")


def _collapsed(text: str) -> str:
    return re.sub(r"(.)\1+", r"\1", classes(text))


_NUMBERS: Layout = (_collapsed, _RUNS)  # runs of any length: numbers, words that come again
LAYOUTS: list[Layout] = [  # (what strings of one layout have in common, their runs), the strictest first
    (classes, _RUNS),
    (lambda text: re.sub("[A-Za-z0-9]", "w", text), _WORDS),
    _NUMBERS,
    (lambda text: re.sub("[A-Za-z0-9]+", "w", text), _WORDS),
]


def learn(strings: Sequence[str], rare: int, counting: bool = False) -> list[Shape] | None:
    """The shapes of strings, most frequent first; None where they have no few layouts.

    counting: they count on in their last run of digits, which then has any digits.
    """
    hexadecimal = _are_hexadecimal(strings)
    if not hexadecimal and (shapes := clear(strings, rare, counting)) is not None:
        return shapes
    for layout in LAYOUTS[1:] if hexadecimal else LAYOUTS:
        if (shapes := _of_layout(strings, layout, rare, counting, False)) is not None:
            return [_within_hexadecimal(shape) for shape in shapes] if hexadecimal else shapes
    return None


def _within_hexadecimal(shape: Shape) -> Shape:
    """A shape of hexadecimal strings, whose places of few strings have no letter beyond f."""
    parts = []
    for part in shape.parts:
        kept = [
            [at for at, letter in enumerate(own) if len(own) <= len(HEXADECIMAL[0]) or letter in _HEXADECIMAL]
            for own in part.letters
        ]
        letters = ["".join(own[at] for at in some) for own, some in zip(part.letters, kept, strict=True)]
        weights = [[own[at] for at in some] for own, some in zip(part.weights, kept, strict=True)]
        parts.append(replace(part, letters=letters, weights=weights))
    return Shape(shape.share, parts)


def clear(strings: Sequence[str], rare: int, counting: bool = False) -> list[Shape] | None:
    """The shapes of strings whose runs are all understood: of one length, small numbers, or values that come
    again, or which have few layouts. None of others; otherwise as `learn`.
    """
    shapes = _of_layout(strings, _NUMBERS, rare, counting, True)
    return _of_layout(strings, LAYOUTS[0], rare, counting, True, FEW) if shapes is None else shapes


def _of_layout(
    strings: Sequence[str], layout: Layout, rare: int, counting: bool, understood: bool, most: int = SHAPES
) -> list[Shape] | None:
    key, runs = layout
    groups: dict[str, list[str]] = {}
    for text in strings:
        groups.setdefault(key(text), []).append(text)
    common = [group for group in groups.values() if len(group) >= rare]
    common = sorted(common, key=len, reverse=True)[:most]
    if sum(map(len, common)) < COVERED * len(strings):
        return None
    cut = [[list(values) for values in zip(*map(runs.findall, group), strict=True)] for group in common]
    if understood and not all(_clear(run, rare) for one in cut for run in one):
        return None
    cut = cut if counting else [[own for run in one for own in _headed(run, rare)] for one in cut]
    return [_shape(len(group), one, rare, counting) for group, one in zip(common, cut, strict=True)]


def room(shapes: Sequence[Shape]) -> int:
    """How many strings the shapes can make."""
    found = 0
    for shape in shapes:
        own = []
        for part in shape.parts:
            rest = 0 if not part.rest else 1
            if part.low is not None and part.high is not None:
                rest = part.high - part.low + 1
            own.append(max(len(part.values) + rest * math.prod(map(len, part.letters)), 1))
        found += math.prod(own)
    return found


def are_lettered(shapes: Sequence[Shape]) -> bool:
    """Whether in most of the strings some run of letters has several values, as codes have, not units."""
    told = 0
    for shape in shapes:
        for part in shape.parts:
            words = [value for value in part.values if value.isalpha()]
            letters = [letter for place in part.letters for letter in place if letter.isalpha()]
            if len(words) >= SEVERAL or len(letters) >= SEVERAL:
                told += shape.share
                break
    return 2 * told > sum(shape.share for shape in shapes)


def sequential(strings: Sequence[str]) -> bool:
    """Whether strings count on in their last run of digits: those numbers are close together."""
    found = [re.search(r"\d+(?=\D*$)", text) for text in strings]
    numbers = [int(one[0]) for one in found if one is not None]
    if len(numbers) < len(strings):
        return False
    return max(numbers) - min(numbers) < 3 * len(set(numbers)) and len(set(numbers)) >= COVERED * len(numbers)


def _clear(values: list[str], rare: int) -> bool:
    """Whether a run of several lengths is still understood: small numbers, or values that come again."""
    if len({len(value) for value in values}) == 1:
        return True
    if all(map(_is_number, values)):
        return max(map(len, values)) <= SMALL
    return sum(n for n in Counter(values).values() if n >= rare) >= COVERED * len(values)


def _headed(values: list[str], rare: int) -> list[list[str]]:
    """A long run of one length in two, where its first letters come again together and are far from all that
    their places allow: the issuer of a card, the maker of an article.
    """
    width = len(values[0])
    if width < LONG or len(set(map(len, values))) > 1 or not values[0].isalnum():
        return [values]
    best, cut = FAR, 0
    for end in range(2, width - HEADED + 1):
        counts = Counter(value[:end] for value in values)
        if sum(n for n in counts.values() if n >= rare) < COVERED * len(values):
            break
        allowed = math.prod(len(set(letters)) for letters in zip(*counts, strict=True))
        if allowed > best * len(counts):
            best, cut = allowed / len(counts), end
    return [[value[:cut] for value in values], [value[cut:] for value in values]] if cut else [values]


def _is_number(text: str) -> bool:
    """Whether a text is a whole number without leading zeros."""
    return text.isascii() and text.isdigit() and (text == "0" or text[0] != "0")


def _shape(rows: int, runs: list[list[str]], rare: int, counting: bool) -> Shape:
    last = max((i for i, run in enumerate(runs) if run[0].isdigit()), default=-1) if counting else -1
    return Shape(rows, [_counter(run) if i == last else _part(run, rare) for i, run in enumerate(runs)])


def _counter(values: list[str]) -> Part:
    """Any digits, as many as there are or, without leading zeros, more."""
    widths = {len(value) for value in values}
    fixed = len(widths) == 1 and any(value[0] == "0" for value in values)
    longest = max(widths) if fixed else max(COUNTED, *widths)
    lengths = [[n, 1] for n in ([longest] if fixed else range(min(widths), longest + 1))]
    return Part([], [], len(values), None, None, lengths, [CLASSES[0]] * longest, [[1] * 10] * longest)


def _part(values: list[str], rare: int) -> Part:
    counts = Counter(values)
    kept = [(value, n) for value, n in counts.most_common() if n >= rare]
    rest = [value for value in values if counts[value] < rare]
    known, rows = [value for value, _ in kept], [n for _, n in kept]
    if not rest or (not re.search("[A-Za-z0-9]", values[0]) and known):
        return Part(known, rows)
    whole = all(map(_is_number, values))
    lengths = Counter(map(len, rest))
    if whole and len(Counter(map(len, values))) > 1:
        numbers = sorted(map(int, rest))
        skip = min(rare - 1, (len(numbers) - 1) // 2)
        return Part(known, rows, len(rest), numbers[skip], numbers[-1 - skip])
    common = [[n, m] for n, m in sorted(lengths.items()) if m >= rare] or [list(lengths.most_common(1)[0])]
    places, weights = [], []
    alphabet = _alphabet(rest)
    for at in range(max(n for n, _ in common)):
        seen = Counter(value[at] for value in rest if len(value) > at)
        often = sorted(letter for letter, n in seen.items() if n >= rare)
        told = sum(seen[letter] for letter in often) >= COVERED * seen.total()
        places.append("".join(often) if told else _class_of(sorted(seen), alphabet))
        weights.append([seen[letter] if told else 1 for letter in places[-1]])
    return Part(known, rows, len(rest), None, None, common, places, weights)


def _alphabet(values: list[str]) -> list[str]:
    """Of each class of letters those that values may have: all of it, or where there are many letters those
    that come at all: no O in the number of a car, no g in a hexadecimal number.
    """
    seen = Counter("".join(values))
    found = []
    for some in CLASSES:
        own = [letter for letter in some if letter in seen]
        many = sum(seen[letter] for letter in own) >= OFTEN * len(some)
        found.append("".join(own) if many else some)
    return found


def _class_of(letters: list[str], alphabet: list[str]) -> str:
    """All digits, small or capital letters of the alphabet that one of the letters is among; others stand for
    themselves.
    """
    found = [some for some in alphabet if any(letter in some for letter in letters)]
    return "".join(found) or letters[0]


def _are_hexadecimal(strings: Sequence[str]) -> bool:
    """Whether strings differ in hexadecimal digits alone, of nearly all sorts."""
    first, last = min(strings), max(strings)
    same = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), 0)
    seen = {letter for text in strings for letter in text[same:] if letter.isalnum()}
    return any(seen <= set(own) and len(seen) >= len(own) - 2 for own in HEXADECIMAL)


# --- in words ------------------------------------------------------------------------------------------


def expression(shapes: Sequence[Shape]) -> str:
    """The regular expression of what the shapes can make."""
    found = dict.fromkeys("".join(_words(part) for part in shape.parts) for shape in shapes)
    return "|".join(found)


def _words(part: Part) -> str:
    if not part.rest:
        if len(part.values) == 1:
            return re.sub(r"\\([-/: ])", r"\1", re.escape(part.values[0]))
        if len(part.values) <= 8:
            return f"({'|'.join(map(re.escape, sorted(part.values)))})"
    values = part.values
    if part.low is not None:
        digits = [len(value) for value in [*values, str(part.low), str(part.high)]]
        return rf"\d{{{min(digits)},{max(digits)}}}"
    lengths = sorted({*map(len, values), *(n for n, _ in part.lengths)})
    longest = max(lengths)
    places = [
        "".join(
            sorted({*(value[at] for value in values if len(value) > at), *"".join(part.letters[at : at + 1])})
        )
        for at in range(longest)
    ]
    if len(lengths) > 1:
        return set_of("".join(sorted(set("".join(places))))) + f"{{{lengths[0]},{longest}}}"
    said = ""
    for letters, run in groupby(map(set_of, places)):
        n = len(list(run))
        said += letters if n == 1 else f"{letters}{{{n}}}"
    return said


def set_of(letters: str) -> str:
    """A class of letters: one of `CLASSES` where there are more than half of it."""
    if len(letters) == 1:
        return re.escape(letters)
    left, said = letters, ""
    for some in CLASSES:
        own = [letter for letter in letters if letter in some]
        first = [letter for letter in own if letter in "abcdefABCDEF"]
        if len(own) * 2 > len(some) or (len(first) == len(own) > 3 and some != CLASSES[0]):
            ends = some[0] + "-" + (some[5] if len(first) == len(own) else some[-1])
            said += r"\d" if some == CLASSES[0] else ends
            left = "".join(letter for letter in left if letter not in some)
    said += "".join(re.escape(letter) for letter in left)
    return said if said == r"\d" else f"[{said}]"


def follows(text: str, pattern: str | None, check: str | None) -> bool:
    """Whether a string is well-formed: of the pattern, with the right check digits."""
    return (pattern is None or re.fullmatch(pattern, text) is not None) and (
        check is None or checked(text, check) == text
    )


# --- a pattern that was edited -------------------------------------------------------------------------


def check_pattern(name: object, pattern: object, check: object) -> None:
    """Raises SchemaError for a pattern that fresh strings cannot be made of, and for an unknown check."""
    if check is not None and check not in CHECKS:
        raise SchemaError(f"column '{name}' has the check {check!r}: the checks are {', '.join(CHECKS)}.")
    if pattern is None:
        return
    try:
        if not isinstance(pattern, str):
            raise re.error("no string")
        re.compile(pattern)
    except re.error as error:
        raise SchemaError(
            f"column '{name}' has the pattern {pattern!r}, which is not a regular expression ({error}): "
            r"write one such as 'AB-\d{4}'."
        ) from None


def of_expression(pattern: str, name: str) -> list[Shape]:
    """The shapes of a regular expression of letters, classes, alternatives and repeats. Raises SchemaError
    for anything else.
    """
    from re import _parser  # type: ignore[attr-defined]

    try:
        return [Shape(1, parts) for parts in _expanded(list(_parser.parse(pattern)))]
    except (KeyError, ValueError, re.error):
        raise SchemaError(
            f"column '{name}' has the pattern {pattern!r}, of which no strings can be made: use letters, "
            r"classes such as [A-Z] and \d, alternatives and {n} alone."
        ) from None


def _expanded(items: list[Any]) -> list[list[Part]]:
    """Every alternative of a parsed expression, as parts."""
    found: list[list[Part]] = [[]]
    for op, value in items:
        kind = str(op)
        if kind == "BRANCH":
            own = [parts for branch in value[1] for parts in _expanded(list(branch))]
        elif kind == "SUBPATTERN":
            own = _expanded(list(value[-1]))
        elif kind in ("MAX_REPEAT", "MIN_REPEAT"):
            low, high, inner = value
            ((inside, what),) = list(inner)
            own = [[_any_of(_letters(str(inside), what), int(low), min(int(high), int(low) + 16))]]
        else:
            own = [[_any_of(_letters(kind, value), 1, 1)]]
        found = [[*before, *parts] for before in found for parts in own]
        if len(found) > 1000:
            raise ValueError("too many alternatives")
    return found


def _any_of(letters: str, low: int, high: int) -> Part:
    if len(letters) == 1 and low == high:
        return Part([letters * low], [1])
    lengths = [[n, 1] for n in range(low, high + 1)]
    return Part([], [], 1, None, None, lengths, [letters] * high, [[1] * len(letters)] * high)


def _letters(kind: str, value: Any) -> str:
    """The letters that one place of a parsed expression can have."""
    if kind == "LITERAL":
        return chr(value)
    if kind == "RANGE":
        return "".join(map(chr, range(value[0], value[1] + 1)))
    if kind == "CATEGORY":
        return {"CATEGORY_DIGIT": CLASSES[0], "CATEGORY_WORD": "".join(CLASSES) + "_"}[str(value)]
    if kind == "IN":
        return "".join(dict.fromkeys("".join(_letters(str(op), one) for op, one in value)))
    raise KeyError(kind)
