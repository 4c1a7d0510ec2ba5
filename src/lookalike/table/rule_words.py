"""Rules as a person writes them.

    end >= start                            a is never below b (also <=, <, >)
    hired >= birth + 18                     at least so far apart; end >= start + 30 minutes
    total = room + tax                      a sum or a difference, with factors: vat = 0.19 * net
    total = room + tax, empty as 0          an empty cell counts as 0
    hours = out - in in hours               the time between two dates
    paid = max(claim - deductible, 0)       what is below 0 is 0; bonus = min(0.1 * sales, 500)
    sold = min(demand, stock)               the smallest of several columns, or the largest
    line_total = price * qty                a product; a / b, 100 * a / b - 100, a * b * c / 36500
    pay = (hours + 1.5 * overtime) * wage   sums of products; bmi = weight / (height / 100)^2
    gross = net * (1 + rate / 100)          a percentage, added; net = gross * (1 - discount)
    lwage = log(wage + 1)                   also log10, log2, square, cube, root, reciprocal
    zip_copy = zip                          the same value
    year = year of date                     a part of a date; fiscal = year of date + 6 months
    end = start + term months               a date whole months later (also years, and - 1 days behind them)
    due = invoice + 1 months, last of month its last day; "days over": 31 January + 1 month is 3 March
    block = part 1 of icd                   a part of a code; or its first run of letters or digits
    first 3 letters of sku -> category      a part of a code tells the value
    dept -> part 1 of emp_no                a value tells the part of codes that are made afresh
    month of date -> season                 a part of a date tells the value
    bmi cut at 18.5, 25 -> class            the range of a number tells the value
    arrival > due -> late                   a comparison tells a value (also >=, <, <=)
    actual > 1.1 * budget -> over           the same by a factor; arrival > due + 15 minutes -> late
    sign of home - away -> result           which of two is larger tells a value
    type -> sign of amount                  a category tells the sign of a number, or its format
    city -> country                         one value tells the other
    home != away                            two columns never hold the same value in a row
    exactly one of a, b, c                  one of them is 1 (or true, yes)
    known combinations of make, model       only combinations that the table has
    a, b empty together                     missing in the same rows
    exactly one of debit, credit filled     one of two is missing
    result is '?' exactly when measured is 'f'

Names of more than letters, digits, _ and - stand in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lookalike.arguments import shown
from lookalike.errors import SchemaError
from lookalike.table.rule import (
    OF_CODES,
    SORTS,
    TRAITS,
    Combination,
    Copy,
    EmptyTogether,
    EmptyWhen,
    Function,
    Joined,
    OneOf,
    Order,
    Rule,
    Trait,
    Unlike,
    Within,
)
from lookalike.table.rule_formulas import (
    MONTH_ENDS,
    PARTS,
    ROUNDINGS,
    TRANSFORMS,
    UNITS,
    ZEROS,
    Extreme,
    Linear,
    Part,
    Product,
    Term,
    Transform,
)
from lookalike.table.rule_products import read_formula

if TYPE_CHECKING:
    from lookalike.table.schema import Schema

_TOKEN = re.compile(
    r"""\s*("[^"]*"|'[^']*'|->|<=|>=|[<>=+*/,()]|-(?=[\s\d.])|(?<![\w.])\d+(?:\.\d*)?(?:[eE]-?\d+)?(?![\w-])|[^\s<>=+*/,()]+)"""
)
_NUMBER = re.compile(r"\d+(\.\d*)?([eE]-?\d+)?")
_SIZE = r"(?:\d+\.?\d*|\.\d+)(?:[eE]-?\d+)?"
_EXAMPLES = "'end >= start', 'total = room + tax', 'city -> country' or 'exactly one of a, b, c'"


def read_rules(rules: Any, schema: Schema) -> list[Rule]:
    """Rules that are objects or words. Raises SchemaError for what is no rule, or of unknown columns."""
    if isinstance(rules, str) or not isinstance(rules, Iterable):
        raise SchemaError(f"rules is {shown(rules)}: give a list of rules, such as {_EXAMPLES}.")
    found = [read_rule(one, schema) if isinstance(one, str) else one for one in rules]
    for rule in found:
        if type(rule) not in SORTS.values():
            raise SchemaError(f"{shown(rule)} is not a rule: write {_EXAMPLES}.")
        for name in rule.columns:
            if name not in schema.names:
                raise SchemaError(
                    f"the rule \"{rule.words}\" names the column '{name}', which the table has not: its "
                    f"columns are {', '.join(map(str, schema.names))}."
                )
    return found


def read_rule(words: str, schema: Schema) -> Rule:
    """A rule in words. Raises SchemaError for words that cannot be read."""
    known = {str(name): name for name in schema.names}
    found = _read(words.strip(), known, schema)
    if found is None:
        raise SchemaError(
            f"the rule {shown(words)} cannot be read: write one such as {_EXAMPLES}, with the names "
            f"{', '.join(known)}, in quotes where they are more than letters and digits."
        )
    return found


def _read(words: str, known: dict[str, Any], schema: Schema) -> Rule | None:
    tokens = _TOKEN.findall(words)
    if found := re.fullmatch("exactly one of (.+) filled", words):
        names = _listed(found[1], known)
        return EmptyTogether(names, apart=True) if names and len(names) == 2 else None
    if words.startswith("exactly one of "):
        names = _listed(words.removeprefix("exactly one of "), known)
        return OneOf(names, tuple(_on(schema, name) for name in names)) if names and len(names) > 1 else None
    if found := re.fullmatch("(.+?) != (.+)", words):
        names = tuple(known.get(_name(one, known) or "") for one in found.groups())
        return Unlike((names[0], names[1])) if None not in names and names[0] != names[1] else None
    if words.startswith("known combinations of "):
        names = _listed(words.removeprefix("known combinations of "), known)
        return Combination(names) if names and len(names) > 1 else None
    if words.endswith(" empty together"):
        names = _listed(words.removesuffix(" empty together"), known)
        return EmptyTogether(names) if names and len(names) > 1 else None
    if found := re.fullmatch(r"(.+?) is (empty|'.*?') exactly when (.+?) is (.+)", words):
        name, what, of, values = found.groups()
        a, b = _name(name, known), _name(of, known)
        if a is None or b is None:
            return None
        cells = tuple(one.strip().strip("'\"") for one in values.split(" or "))
        return EmptyWhen(known[a], known[b], cells, None if what == "empty" else what[1:-1])
    if rule := _of_code(words, known, schema):
        return rule
    own = [_name(token, known) for token in tokens]
    if len(tokens) == 3 and own[0] is not None and own[2] is not None and tokens[1] == "->":
        return Function(known[own[2]], known[own[0]])
    if "->" in tokens:
        left, right = (one.strip() for one in words.split("->", 1))
        return _told(left, right, known)
    if {*tokens} & {"<", "<=", ">", ">="}:
        return _order(tokens, own, known)
    if len(tokens) > 2 and own[0] is not None and tokens[1] == "=":
        return _formula(known[own[0]], words.split("=", 1)[1].strip(), known, schema)
    return None


def _of_code(words: str, known: dict[str, Any], schema: Schema) -> Rule | None:
    """`block = part 1 of icd`, `first run of icd -> chapter`, `dept -> part 1 of emp_no`."""
    for form in (
        rf"(?P<own>.+) = (?P<way>{OF_CODES}) (?P<of>.+)",
        rf"(?P<way>{OF_CODES}) (?P<of>.+) = (?P<own>.+)",
        rf"(?P<way>{OF_CODES}) (?P<of>.+) -> (?P<own>.+)",
        rf"(?P<own>.+) -> (?P<way>{OF_CODES}) (?P<of>.+)",
    ):
        found = re.fullmatch(form, words)
        own, of = (_name(found[one], known) if found else None for one in ("own", "of"))
        if found and own is not None and of is not None and own != of:
            same, way = "->" not in words, found["way"]
            if schema[known[of]].is_made:
                return Within(known[of], known[own], way, same)
            return Joined(known[own], ((way, known[of]),)) if same else Function(known[own], known[of], way)
    return None


def _order(tokens: list[str], names: list[str | None], known: dict[str, Any]) -> Order | None:
    """`end >= start`, `hired >= birth + 18`, `start + 30 minutes <= end`. names: as of `read_formula`."""
    at = next(i for i, token in enumerate(tokens) if token in ("<", "<=", ">", ">="))
    sides = [_moved(tokens[:at], names[:at], known), _moved(tokens[at + 1 :], names[at + 1 :], known)]
    if tokens[at].startswith(">"):
        sides.reverse()
    low, high = sides
    if low is None or high is None or (high[1] and low[1]):
        return None
    apart, unit = low[1:] if low[1] else (-high[1], high[2])
    return Order(low[0], high[0], "=" not in tokens[at], apart or 0.0, unit)


def _moved(
    tokens: list[str], names: list[str | None], known: dict[str, Any]
) -> tuple[Any, float, str] | None:
    """(column, what is added, its unit) of `start`, `birth + 18` and `start + 30 minutes`."""
    if not names or names[0] is None or len(tokens) not in (1, 3, 4):
        return None
    if len(tokens) == 1:
        return known[names[0]], 0.0, ""
    unit = tokens[3] if len(tokens) == 4 else ""
    if tokens[1] not in ("+", "-") or not _NUMBER.fullmatch(tokens[2]) or unit not in ("", *UNITS):
        return None
    return known[names[0]], float(tokens[1] + tokens[2]), unit


def _told(left: str, right: str, known: dict[str, Any]) -> Rule | None:
    """`month of date -> season`, and `type -> sign of amount`."""
    part, told, of = _part(left, known), _name(right, known), _name(left, known)
    if part is not None and told is not None and not part[2]:
        return Function(known[told], part[0], part[1], part[3])
    cut = re.fullmatch(r"(.+?) cut at (-?[\d.e+]+(?:, -?[\d.e+]+)*)", left)
    if cut and told is not None and (of := _name(cut[1], known)) is not None:
        try:
            return Function(known[told], known[of], cuts=tuple(map(float, cut[2].split(","))))
        except ValueError:
            return None
    if told is not None and (moved := _compared_moved(left, known)):
        return replace(moved, column=known[told])
    if told is not None and (compared := _compared(left, known)):
        return Function(known[told], compared[0], than=compared[1], compared=compared[2])
    for trait in TRAITS:
        name = _name(right.removeprefix(f"{trait} of "), known)
        if right.startswith(f"{trait} of ") and name is not None and of is not None:
            return Trait(known[name], known[of], trait)
    return None


def _compared(words: str, known: dict[str, Any]) -> tuple[Any, Any, str] | None:
    """(column, the one that it is compared with, one of `COMPARED`) of `a > b`, `a <= b`, `sign of a - b`."""
    sign = words.startswith("sign of ")
    tokens = _TOKEN.findall(words.removeprefix("sign of "))
    if len(tokens) != 3 or tokens[1] not in (("-",) if sign else ("<", "<=", ">", ">=")):
        return None
    names = [_name(token, known) for token in (tokens[0], tokens[2])]
    if None in names:
        return None
    first, second = (known[str(name)] for name in names)
    if tokens[1].startswith("<"):
        first, second = second, first
    return first, second, "sign" if sign else tokens[1].replace("<", ">")


def _compared_moved(words: str, known: dict[str, Any]) -> Function | None:
    """`actual > 1.1 * budget`, `arrival > due + 15 minutes`, `stock < 0.2 * capacity`; None of any other."""
    units = "|".join(UNITS)
    found = re.fullmatch(
        rf"(.+?) ([<>]=?) (?:({_SIZE}) \* )?(.+?)(?: ([+-]) ({_SIZE})(?: ({units}))?)?", words
    )
    of, than = (_name(found[at], known) if found else None for at in (1, 4))
    if not found or of is None or than is None or not (found[3] or found[6]):
        return None
    compared = {"<": ">=", "<=": ">"}.get(found[2], found[2])  # the flag is told by both sides
    apart = float(f"{found[5]}{found[6]}") if found[6] else 0.0
    own, factor = known[of], float(found[3] or 1)
    return Function(
        own, own, than=known[than], compared=compared, factor=factor, apart=apart, unit=found[7] or ""
    )


def _part(words: str, known: dict[str, Any]) -> tuple[Any, str, int, int] | None:
    """(date, part, first, shift) of `month of date`, `year of date + 6 months`, `weekday of date, from 1`."""
    for part in PARTS:
        found = re.fullmatch(rf"{part} of (.+?)(?: ([+-]) (\d+) months)?(?:, from (1))?", words)
        if found and (name := _name(found[1], known)) is not None:
            shift = int(f"{found[2]}{found[3]}") if found[2] else 0
            return known[name], part, int(found[4] or 0), shift
    return None


def _listed(words: str, known: dict[str, Any]) -> tuple[Any, ...] | None:
    names = [_name(one.strip(), known) for one in words.split(",")]
    return None if None in names else tuple(known[str(name)] for name in names)


def _name(token: str, known: dict[str, Any]) -> str | None:
    """The name that a token is, with or without quotes; None for what is none."""
    token = token.strip()
    if token in known:
        return token
    bare = token[1:-1] if len(token) > 1 and token[0] == token[-1] and token[0] in "'\"" else None
    return bare if bare in known else None


def _on(schema: Schema, name: Any) -> Any:
    return 1 if schema[name].is_number else True if schema[name].kind == "boolean" else "1"


def _formula(own: Any, right: str, known: dict[str, Any], schema: Schema) -> Rule | None:
    if right.endswith(ZEROS):
        rule = _formula(own, right.removesuffix(ZEROS), known, schema)
        return replace(rule, zeros=True) if isinstance(rule, Linear | Product) else None
    rounding, divisor = "nearest", 1.0
    if found := re.fullmatch(rf"(.*), rounded ({'|'.join(ROUNDINGS)})", right):
        right, rounding = found.groups()
    part = _part(right, known)
    if part is not None:
        return Part(own, *part)
    if term := _term(own, right, known):
        return term
    if transform := _transform(own, right, known, rounding):
        return transform
    if found := re.fullmatch(r"(max|min)\((.+)\)", right):
        return _end(own, found[1] == "max", found[2], known, schema, rounding)
    if found := re.fullmatch(rf"(.*) in ({'|'.join(UNITS)})", right):
        right, divisor = found[1], UNITS[found[2]]
    if found := re.fullmatch(rf"\(((?:[^()]|\([^()]*\))*)\)\s*/\s*(-?{_SIZE})", right):
        right, divisor = found[1], float(found[2])
        if not divisor:
            return None
    tokens = _TOKEN.findall(right)
    if tokens and tokens[0].startswith("-") and _name(tokens[0], known) is None and len(tokens[0]) > 1:
        tokens = ["-", tokens[0][1:], *tokens[1:]]  # a sign before a name
    powers = (re.fullmatch(r"(.+)(\^\d)", token) for token in tokens if _name(token, known) is None)
    for power in [one for one in powers if one and _name(one[1], known) is not None]:
        at = tokens.index(power[0])
        tokens[at : at + 1] = power.groups()
    names = [_name(token, known) for token in tokens]
    if len(tokens) == 1 and names[0] is not None:
        numbers = all(schema[name].is_number_or_date for name in (own, known[names[0]]))
        of = known[names[0]]
        return Linear(own, ((of, 1.0),), 0.0, divisor, rounding) if numbers else Copy(own, of)
    if len(tokens) == 3 and names[0] is not None and tokens[1] == "/" and _NUMBER.fullmatch(tokens[2]):
        size = float(tokens[2]) * divisor
        return Linear(own, ((known[names[0]], 1.0),), 0.0, size, rounding) if size else None
    return read_formula(own, tokens, names, known, divisor, rounding)


def _end(
    own: Any, largest: bool, inside: str, known: dict[str, Any], schema: Schema, rounding: str
) -> Rule | None:
    """`max(a - b, 0)`, `min(100, a)`, and `min(a, b)`, of what stands in the brackets."""
    names = _listed(inside, known)
    if names is not None:
        return Extreme(own, names, largest, rounding) if len(names) > 1 and own not in names else None
    found = re.fullmatch(rf"(.+), (-?{_SIZE})", inside) or re.fullmatch(rf"(-?{_SIZE}), (.+)", inside)
    if not found:
        return None
    right, size = sorted(found.groups(), key=lambda one: bool(re.fullmatch(rf"-?{_SIZE}", one)))
    rule = _formula(own, right, known, schema)
    if not isinstance(rule, Linear) or own in rule.columns[1:]:
        return None
    if (rule.least if largest else rule.most) is not None:
        return None
    ends = (float(size), rule.most) if largest else (rule.least, float(size))
    return replace(rule, rounding=rounding, least=ends[0], most=ends[1])


def _term(own: Any, right: str, known: dict[str, Any]) -> Term | None:
    """`start + term months`, `bought + 2 years - 1 days, last of month`."""
    ends = {said: one for one, said in MONTH_ENDS.items()}
    found = re.fullmatch(
        rf"(.+?) ([+-]) (.+?) (months|years|{'|'.join(UNITS)})(?: ([+-]) (\d+) days)?({'|'.join(ends)})",
        right,
    )
    of = _name(found[1], known) if found else None
    if not found or of is None:
        return None
    days = int(f"{found[5]}{found[6]}") if found[6] else 0
    facts: dict[str, Any] = {"unit": found[4], "days": days, "ends": ends[found[7]]}
    if (by := _name(found[3], known)) is not None:
        return Term(own, known[of], known[by], **facts) if found[2] == "+" else None
    return Term(own, known[of], apart=int(found[2] + found[3]), **facts) if found[3].isdigit() else None


def _transform(own: Any, right: str, known: dict[str, Any], rounding: str) -> Transform | None:
    """`log(wage)`, `0.01 * square(age)`, `log10(x + 1)`."""
    found = re.fullmatch(rf"(?:(-?{_SIZE}) \* )?({'|'.join(TRANSFORMS)})\((.+)\)", right)
    if not found or (found[1] and not float(found[1])):
        return None
    inner, shift = found[3], 0.0
    if _name(inner, known) is None and (moved := re.fullmatch(rf"(.+) ([+-]) ({_SIZE})", inner)):
        inner, shift = moved[1], float(f"{moved[2]}{moved[3]}")
    name = _name(inner, known)
    if name is None or known[name] == own:
        return None
    return Transform(own, known[name], found[2], shift, float(found[1] or 1), rounding)
