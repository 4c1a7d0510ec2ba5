"""Products as a person writes them: `price * qty`, `100 * a / b - 100`, `net * (1 + rate / 100)`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lookalike.table.rule import Product


@dataclass
class Term:
    """Factors: a number, the names that it is multiplied by and divided by, and of each bracket
    (name, unit), as in `Product`, with whether it divides.
    """

    number: float = 1.0
    above: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)
    brackets: list[tuple[str, float, bool]] = field(default_factory=list)

    @property
    def named(self) -> bool:
        return bool(self.above or self.below or self.brackets)


def read_product(
    own: Any,
    tokens: list[str],
    names: list[str | None],
    known: dict[str, Any],
    divisor: float,
    rounding: str,
) -> Product | None:
    """Two or three names, multiplied or one of them divided by, perhaps with numbers; None for anything else.

    tokens: of the right side. names: of each token, the column that it is, or None. known: name -> column.
    divisor: of the whole.
    """
    try:
        said, constant = _parted(tokens, names, divisor)
    except (ValueError, ZeroDivisionError):
        return None
    if len(said) != 1 or own in {known[name] for name in names if name is not None}:
        return None
    term, unit, divide = said[0], 0.0, bool(said[0].below)
    below, square = [*dict.fromkeys(term.below)], len(term.below) == 2 and len({*term.below}) == 1
    names_of = [*term.above, *below]
    if not below and len(term.above) > 1 and term.above[-1] == term.above[-2] and not term.brackets:
        names_of, square = term.above[:-1], True
    if term.brackets:
        right, unit, divide = term.brackets[0]
        names_of.append(right)
    several = len(term.brackets) + len(below) > 1 or len(term.below) > 2
    if several or len(names_of) not in (2, 3) or not term.above or (square and term.brackets):
        return None
    left, *times, right = (known[name] for name in names_of)
    third = times[0] if times else None
    return Product(own, left, right, divide, rounding, term.number, unit, square, third, constant)


def terms_in(tokens: list[str]) -> Iterator[tuple[float, int, int]]:
    """(sign, begin, end) of what stands between the signs that are in no bracket."""
    depth, begin, sign = 0, 0, 1.0
    for at, token in enumerate(tokens):
        depth += (token == "(") - (token == ")")
        if token in ("+", "-") and depth == 0:
            if at:
                yield sign, begin, at
            begin, sign = at + 1, -1.0 if token == "-" else 1.0
    yield sign, begin, len(tokens)


def term_of(tokens: list[str], names: list[str | None], number: float) -> Term:
    """Raises ValueError for anything but factors with * or / between them, ZeroDivisionError by 0."""
    found, at, divide = Term(number), 0, False
    while True:
        if at >= len(tokens):
            raise ValueError
        end = at + 1
        name = names[at]
        if tokens[at] == "(":
            end = tokens.index(")", at) + 1
            right, unit, factor = _bracket(tokens[at + 1 : end - 1], names[at + 1 : end - 1])
            found.brackets.append((right, unit, divide))
        elif name is not None:
            (found.below if divide else found.above).append(name)
            factor = 1.0
        else:
            factor = float(tokens[at])
        found.number = found.number / factor if divide else found.number * factor
        if end == len(tokens):
            return found
        if tokens[end] not in "*/":
            raise ValueError
        divide, at = tokens[end] == "/", end + 1


def _parted(tokens: list[str], names: list[str | None], divisor: float = 1.0) -> tuple[list[Term], float]:
    """The terms with names, and the sum of the numbers; of the whole, divided. Raises as `term_of`, and
    ValueError for a term that is 0.
    """
    found = [term_of(tokens[a:b], names[a:b], sign / divisor) for sign, a, b in terms_in(tokens)]
    if not all(one.number for one in found):
        raise ValueError
    return [one for one in found if one.named], sum(one.number for one in found if not one.named)


def _bracket(tokens: list[str], names: list[str | None]) -> tuple[str, float, float]:
    """(name, unit, factor) of `a + b * name`, which is factor x (1 + name / unit)."""
    said, constant = _parted(tokens, names)
    if len(said) != 1 or len(said[0].above) != 1 or said[0].below or said[0].brackets or not constant:
        raise ValueError
    return said[0].above[0], constant / said[0].number, constant
