"""The rules of a table: what (nearly) all rows keep and chance would not.

Candidates are sought in a few rows, then judged on many of them, beside the same rows with a column shuffled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from lookalike.rules.chance import LEAST_FORMULA, LEAST_ROWS, LEAST_SUPPORT
from lookalike.rules.codes import codes_with_parts
from lookalike.rules.comparisons import comparisons
from lookalike.rules.date_parts import parts
from lookalike.rules.discrete import (
    categories,
    combination_rules,
    copies,
    emptiness,
    joined_texts,
    one_of_rules,
    told_by_two,
)
from lookalike.rules.formulas import formulas
from lookalike.rules.functions import are_told, as_ranges, cuts, functions, of_dates, wide_functions
from lookalike.rules.holds import FORMULAS, keys_in, support
from lookalike.rules.orders import has_edge, orders
from lookalike.rules.sums import DISTINCT
from lookalike.rules.traits import traits
from lookalike.rules.unlike import unlike
from lookalike.rules.values import Values
from lookalike.seed import child
from lookalike.table import sources
from lookalike.table.inferring import infer
from lookalike.table.rule import (
    Combination,
    EmptyTogether,
    EmptyWhen,
    Function,
    Joined,
    Order,
    Rule,
    Trait,
    Unlike,
    Within,
)
from lookalike.table.rule_formulas import Extreme, Linear, Product, Transform
from lookalike.table.rule_words import read_rules
from lookalike.table.schema import Schema

SOME, MANY = 2_000, 100_000  # rows that candidates are tried on, judged on
BROKEN_BY = (0.0, 0.001, 0.005, 1 - LEAST_SUPPORT, 1 - LEAST_FORMULA)  # shares of the rows that break a rule


def find_rules(table: pd.DataFrame, schema: Schema | None = None, seed: int = 0) -> list[Rule]:
    """The rules between the columns of a table, each with the share of the rows that keep it.

    schema: of the table. None: it is inferred.
    seed: of the rows that are looked at, 100,000 at most.
    """
    table = sources.table("the table", table)
    schema = infer(table) if schema is None else schema
    rng = child(seed, "rules")
    if len(table) > MANY:
        table = table.iloc[np.sort(rng.permutation(len(table))[:MANY])]
    kept = [name for name in schema.kept if name in table.columns]
    values = Values(table[kept].reset_index(drop=True), schema)
    if len(table) < LEAST_ROWS:
        return []
    small = values
    if len(table) > SOME:
        rows = np.sort(rng.permutation(len(table))[:SOME])
        small = Values(table[kept].iloc[rows].reset_index(drop=True), schema)
    names = _numbers(small)
    codes = [*codes_with_parts(small, kept)]
    ahead = [*copies(small, kept), *joined_texts(small, kept), *parts(small, names)]
    of_codes = [one for one in codes if isinstance(one, Joined)]
    ahead += [one for one in of_codes if not small.column(one.column).is_number]
    sums = [*formulas(small, [name for name in kept if name in names or _is_rate(small, name)], values)]
    known = [
        one
        for one in [
            *cuts(small, kept, [name for name in names if small.column(name).is_number]),
            *(as_ranges(one, small) for one in _fewest_first(functions(small, kept, rng), codes, small)),
            *(wide_functions(values, small, kept, rng) if values is not small else ()),
            *of_dates(small, kept, rng),
            *comparisons(small, kept, names),
        ]
        if not any({*one.columns} <= {*own.columns} for own in sums) and are_told(one, values)
    ]  # a formula says numbers that were never seen, too
    ahead += [*sums, *(one for one in of_codes if one not in ahead), *known]
    empty = [*emptiness(small, kept)]
    found = _derived(ahead, empty, values, small)
    said = {getattr(one, "column", None) for one in found}
    free = [name for name in kept if name not in said]
    for rules in (
        told_by_two(small, values, free, rng),
        one_of_rules(small, kept),
        empty,
        combination_rules(small, kept, rng),
        traits(small, categories(small, kept), names),
        orders(small, names, rng, values),
        unlike(small, kept),
    ):
        found += _new(rules, found, values)
    within = [replace(one, support=support(one, values)) for one in codes if isinstance(one, Within)]
    return found + [one for one in within if one.support >= LEAST_SUPPORT]


def _fewest_first(rules: list[Function], codes: list[Any], values: Values) -> list[Function]:
    """Functions of values, with those of parts of codes, those of few keys first."""
    both = [*rules, *(one for one in codes if isinstance(one, Function))]
    return sorted(both, key=lambda rule: len(keys_in(rule, values)[1]))


def _derived(rules: list[Any], empty: list[Rule], values: Values, small: Values) -> list[Rule]:
    """One rule a column, of those that say its values: one that no row breaks before one with exceptions,
    however simple that is.
    """
    numbers = (Linear, Extreme, Product, Transform)
    taken: dict[int, Any] = {}
    shares: dict[int, float] = {}
    for broken in BROKEN_BY:
        for at, rule in enumerate(rules):
            before = [*taken.values()]
            if any(rule.column == one.column for one in taken.values()) or _circle(rule, before):
                continue
            if (broken == 0 and support(rule, small) < 1) or _says_less(rule, empty, before):
                continue
            share = shares[at] = shares[at] if at in shares else support(rule, values)
            if share >= max(1 - broken, LEAST_FORMULA if isinstance(rule, numbers) else LEAST_SUPPORT):
                taken[at] = replace(rule, support=share)
    return [taken[at] for at in sorted(taken)]


def _says_less(rule: Rule, empty: list[Rule], before: list[Rule]) -> bool:
    """Whether a function would hide where its column is empty, which another column tells."""
    if not isinstance(rule, Function):
        return False
    if _circle(rule, [one for one in empty if hasattr(one, "column")]):
        return True
    tells = {rule.of, *(one.column for one in before if isinstance(one, Function) and one.of == rule.of)}
    return any(
        isinstance(one, EmptyWhen) and one.column == rule.column and one.of not in tells for one in empty
    )


def _new(rules: Iterable[Rule], before: list[Rule], values: Values) -> list[Rule]:
    """The rules that hold in many rows, too, and that say something which those before do not."""
    derived = {own.column for own in before if hasattr(own, "column")}
    found: list[Rule] = []
    for rule in rules:
        own = getattr(rule, "column", None)
        if (own in derived and not _beside(rule, before)) or _circle(rule, [*before, *found]):
            continue
        share = support(rule, values)
        rule = replace(rule, support=share)
        if share < LEAST_SUPPORT or _told(rule, before):
            continue
        if isinstance(rule, Order) and not has_edge(rule, values):
            continue
        if own is not None and not isinstance(rule, Trait):
            derived.add(own)
        found.append(rule)
    return found


def _beside(rule: Rule, before: list[Rule]) -> bool:
    """Whether a rule says where a number is empty that a formula computes, or how it is written: both are
    true of it.
    """
    written = isinstance(rule, Trait) and rule.trait == "format"
    return (isinstance(rule, EmptyWhen) or written) and all(
        isinstance(one, FORMULAS)
        for one in before
        if getattr(one, "column", None) == getattr(rule, "column", None)
    )


def _told(rule: Rule, before: list[Rule]) -> bool:
    """Whether an order or combinations are between columns that another rule joins already. An order that
    more rows keep than the other rule is told by none, and none by where cells are empty.
    """
    pair = set(rule.columns)
    return isinstance(rule, Order | Combination | Unlike) and any(
        pair <= set(own.columns)
        for own in before
        if not isinstance(own, EmptyTogether | EmptyWhen)
        and not _span(own, pair)
        and not (isinstance(rule, Order) and own.support < rule.support)
    )


def _span(rule: Rule, pair: set[Any]) -> bool:
    """Whether a rule derives a third column from the pair: then the pair itself is free."""
    return hasattr(rule, "column") and rule.column not in pair


def _circle(rule: Rule, before: list[Rule]) -> bool:
    """Whether a column would be derived from itself."""
    own = getattr(rule, "column", None)
    if own is None:
        return False
    parents = {one.column: one.columns[1:] for one in before if hasattr(one, "column")}
    ahead, seen = list(rule.columns[1:]), set()
    while ahead:
        name = ahead.pop()
        if name == own:
            return True
        if name not in seen:
            seen.add(name)
            ahead += parents.get(name, ())
    return False


def _numbers(values: Values) -> list[Any]:
    """The columns of numbers and dates that vary."""
    found = []
    for column in values.schema.columns:
        if not column.is_number_or_date or column.name not in values.table.columns:
            continue
        own = values.numbers(column.name)
        if own is not None and np.nanmin(own, initial=np.inf) < np.nanmax(own, initial=-np.inf):
            found.append(column.name)
    return found


def _is_rate(values: Values, name: Any) -> bool:
    """Whether a category is of few numbers that others may be computed from, such as 7% and 19%."""
    if not values.column(name).is_categorical:
        return False
    found = values.codes(name)[1]
    return 2 <= len(found) < DISTINCT and values.numbers(name) is not None


def rules_of(table: pd.DataFrame, schema: Schema, seed: int = 0) -> list[Rule]:
    """The rules of the schema as objects, each with its support in the table; found where it has None.

    Raises SchemaError for a rule that does not fit the columns.
    """
    if schema.rules is None:
        return find_rules(table, schema, seed)
    rules = read_rules(schema.rules, schema)
    if len(table) > MANY:
        table = table.iloc[np.sort(child(seed, "rules").permutation(len(table))[:MANY])]
    kept = [name for name in schema.kept if name in table.columns]
    values = Values(table[kept].reset_index(drop=True), schema)
    return [replace(rule, support=support(rule, values)) for rule in rules if {*rule.columns} <= {*kept}]
