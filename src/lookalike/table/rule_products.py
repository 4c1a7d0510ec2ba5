"""Products and their sums as a person writes them.

`price * qty`, `100 * a / b - 100`, `net * (1 + rate / 100)`, `(hours + 1.5 * overtime) * wage`.
"""

from __future__ import annotations

from typing import Any

from lookalike.table.rule_formulas import Linear, Product

_Atom = tuple[str, float]  # a name, and the unit of a rate: as in `Product`
_Term = tuple[float, dict[_Atom, int]]  # a factor, and the power of each atom


def read_formula(
    own: Any,
    tokens: list[str],
    names: list[str | None],
    known: dict[str, Any],
    divisor: float,
    rounding: str,
) -> Product | Linear | None:
    """A sum of columns or of products, with a constant; None for anything else, and for a column that stands
    for itself.

    tokens: of the right side. names: of each token, the column that it is, or None. known: name -> column.
    divisor: of the whole.
    """
    reader = _Reader(tokens, names)
    try:
        found = reader.terms()
    except (ValueError, ZeroDivisionError):
        return None
    constant = sum(number for number, atoms in found if not atoms)
    said = [
        (number, tuple((known[name], atoms[name, unit], unit) for name, unit in sorted(atoms, key=_is_rate)))
        for number, atoms in found
        if atoms
    ]
    columns = {name for _, parts in said for name, _, _ in parts}
    if reader.at < len(tokens) or not said or own in columns or not all(number for number, _ in said):
        return None
    if all(parts == ((parts[0][0], 1, 0.0),) for _, parts in said):
        return Linear(
            own, tuple((parts[0][0], number) for number, parts in said), constant, divisor, rounding
        )
    terms = tuple((number / divisor, parts) for number, parts in said)
    return Product(own, terms, constant / divisor, rounding)


class _Reader:
    """Reads tokens from left to right. at: the next one. Its methods raise ValueError for what is no formula,
    ZeroDivisionError for what divides by 0.
    """

    def __init__(self, tokens: list[str], names: list[str | None]):
        self.tokens, self.names, self.at = tokens, names, 0

    def next(self, *tokens: str) -> str | None:
        """The next token, which is passed, where it is one of these."""
        if self.at < len(self.tokens) and self.names[self.at] is None and self.tokens[self.at] in tokens:
            self.at += 1
            return self.tokens[self.at - 1]
        return None

    def terms(self) -> list[_Term]:
        """`a * b + c - 2`."""
        sign = -1.0 if self.next("-") else 1.0
        found: list[_Term] = []
        while True:
            for number, atoms in self.product():
                same = next((at for at, (_, one) in enumerate(found) if one == atoms), None)
                if same is None:
                    found.append((sign * number, atoms))
                else:
                    found[same] = (found[same][0] + sign * number, atoms)
            token = self.next("+", "-")
            if token is None:
                return found
            sign = -1.0 if token == "-" else 1.0

    def product(self) -> list[_Term]:
        """`100 * a / b`, `(a + b) * c`."""
        found, divide = self.power(), False
        while token := self.next("*", "/"):
            divide, right = token == "/", self.power()
            if divide and len(right) > 1:
                raise ValueError
            found = [_times(one, other, divide) for one in found for other in right]
        if len(found) == 1 and [*found[0][1].values()] == [1]:  # a rate alone is a sum
            ((name, unit),) = found[0][1]
            if unit:
                return [(found[0][0], {}), (found[0][0] / unit, {(name, 0.0): 1})]
        return found

    def power(self) -> list[_Term]:
        """A column, a number or what stands in brackets, and `^2` behind it."""
        found = self.part()
        if self.at < len(self.tokens) and (token := self.tokens[self.at]).startswith("^"):
            self.at += 1
            many = int(token[1:])
            if len(found) > 1 or not 1 <= many <= 9:
                raise ValueError
            number, atoms = found[0]
            return [(number**many, {atom: many * power for atom, power in atoms.items()})]
        return found

    def part(self) -> list[_Term]:
        if self.next("("):
            found = self.terms()
            if not self.next(")"):
                raise ValueError
            return [_rate(found)] if _are_rate(found) else found
        if self.at >= len(self.tokens):
            raise ValueError
        token, name = self.tokens[self.at], self.names[self.at]
        self.at += 1
        return [(float(token), {})] if name is None else [(1.0, {(name, 0.0): 1})]


def _times(one: _Term, other: _Term, divide: bool) -> _Term:
    number, atoms = one[0] / other[0] if divide else one[0] * other[0], dict(one[1])
    for atom, power in other[1].items():
        atoms[atom] = atoms.get(atom, 0) + (-power if divide else power)
    return number, {atom: power for atom, power in atoms.items() if power}


def _is_rate(atom: _Atom) -> bool:
    return bool(atom[1])


def _are_rate(found: list[_Term]) -> bool:
    """Whether terms are a constant and one column: `1 + vat / 100`."""
    powers = sorted([(unit, power) for (_, unit), power in atoms.items()] for _, atoms in found)
    return powers == [[], [(0.0, 1)]]


def _rate(found: list[_Term]) -> _Term:
    """`a + b * name` as a x (1 + name / unit)."""
    (constant, _), (factor, atoms) = sorted(found, key=lambda one: len(one[1]))
    ((name, _),) = atoms
    if not constant:
        raise ValueError
    return constant, {(name, constant / factor): 1}
