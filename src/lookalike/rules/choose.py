"""Which rules of a table are kept, and how: steps that each make some columns, of parents made before."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from lookalike.rules import steps
from lookalike.rules.holds import FORMULAS
from lookalike.rules.narrow import broad_parts
from lookalike.rules.spikes import far, spiky
from lookalike.rules.steps import Step
from lookalike.rules.values import Values
from lookalike.table.column import Column
from lookalike.table.kind_groups import MADE, TEXTUAL
from lookalike.table.rule import (
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
from lookalike.table.rule_formulas import Linear, Product

MOVABLE = ("gap", "clamp", "lift", "trait", "when", "together")  # ways of a column that may be moved on


def chosen(rules: list[Rule], values: Values) -> list[Step]:
    """The steps, in an order in which parents are made first."""
    own = _Chosen(values)
    own.formulas(rules)
    own.groups(rules)
    own.functions(rules)
    own.emptiness(rules)
    own.combinations(rules)
    own.unlike(rules)
    own.traits(rules)
    own.rooms()
    own.orders([rule for rule in rules if isinstance(rule, Order) and {*rule.columns} <= own.kept])
    own.narrow()
    own.stamps(rules)
    return sorted_steps(own.found) or []


class _Chosen:
    """The steps that are chosen so far: each column in one, but for a lift of it."""

    def __init__(self, values: Values):
        self.values, self.found = values, list[Step]()
        self.kept, self.names = set(values.table.columns), list(values.table.columns)
        self.made: set[Any] = set()

    def take(self, own: Step) -> bool:
        """Takes a step where it can be taken."""
        free = own.way in steps.LIFTS or not self.made & {*own.columns}
        there = all(name in self.kept for name in (*own.columns, *own.parents))
        fits = there and all(
            one.kind not in (*MADE, "drop", "json", "code") for one in map(self.values.column, own.columns)
        )
        if not (free and fits) or sorted_steps([*self.found, own]) is None:
            return False
        self.found.append(steps.named(own, self.names))
        if own.way != "solve":
            self.made.update(own.columns)
        return True

    def add(self, place: int, rules: list[Rule], parents: list[Any]) -> None:
        """Adds rules to a step that is taken, unless a column would follow from itself."""
        before = self.found[place]
        whole = replace(before, rules=[*before.rules, *rules])
        whole.parents = list(dict.fromkeys([*before.parents, *parents]))
        found = [*self.found[:place], whole, *self.found[place + 1 :]]
        self.found = self.found if sorted_steps(found) is None else found

    def step_of(self, name: Any) -> int | None:
        return next((at for at, one in enumerate(self.found) if name in one.columns), None)

    def follows(self, name: Any, of: Any, below: dict[Any, list[Any]]) -> bool:
        """Whether a column is made of another, or of what is made of it. below: column -> what bounds it."""
        ahead, seen = [name], set()
        while ahead:
            own = ahead.pop()
            if own == of:
                return True
            if own not in seen:
                seen.add(own)
                ahead += below.get(own, [])
                ahead += [parent for one in self.found if own in one.columns for parent in one.parents]
        return False

    # --- values and where they are empty ------------------------------------------------------------------

    def formulas(self, rules: list[Rule]) -> None:
        for rule in rules:
            if isinstance(rule, FORMULAS):
                numbers = all(self.values.numbers(name) is not None for name in {*rule.columns} & self.kept)
                if numbers and rule.column in self.kept and self.values.column(rule.column).is_number_or_date:
                    self.take(Step("formula", [rule], [rule.column], list(rule.columns[1:])))
            elif isinstance(rule, Copy | Joined):
                self.take(Step("text", [rule], [rule.column], list(rule.columns[1:])))

    def groups(self, rules: list[Rule]) -> None:
        for rule in rules:
            if isinstance(rule, OneOf) and not self._told(rule, rules):
                self.take(Step("group", [rule], list(rule.columns), []))

    def _told(self, rule: OneOf, rules: list[Rule]) -> bool:
        """Whether one column tells all of a group: then exactly one of them holds its value, too."""
        keys = [
            {
                one.of
                for one in rules
                if isinstance(one, Function) and one.than is None and one.column == name and _firm(one, rule)
            }
            for name in rule.columns
        ]
        return bool(set.intersection(*keys) - {*rule.columns})

    def functions(self, rules: list[Rule]) -> None:
        for rule in rules:
            if isinstance(rule, EmptyWhen):
                place = self.step_of(rule.column)
                if place is None:
                    self.take(Step("when", [rule], [rule.column], [rule.of]))
                elif self.found[place].way == "formula" and rule.support == 1 and rule.value is None:
                    self.add(place, [rule], [rule.of])
        for rule in rules:
            if isinstance(rule, Function) and self.take(
                Step("lookup", [rule], [rule.column], [*rule.columns[1:]])
            ):
                told = [one for one in rules if isinstance(one, OneOf) and rule.column == one.columns[-1]]
                self.found[-1].rules += [one for one in told if self._told(one, rules)]

    def emptiness(self, rules: list[Rule]) -> None:
        for rule in rules:
            if isinstance(rule, EmptyTogether):
                free = [name for name in rule.columns if name not in self.made]
                plain = [name for name in free if self.values.column(name).kind not in (*TEXTUAL, *MADE)]
                leaders = [name for name in rule.columns if name in self.made]
                taken = any(plain and self.take(Step("together", [rule], plain, [name])) for name in leaders)
                if not taken and len(plain) > 1:
                    self.take(Step("together", [rule], plain, []))

    def combinations(self, rules: list[Rule]) -> None:
        own = [rule for rule in rules if isinstance(rule, Combination)]
        left = [rule for rule in own if not self.take(Step("group", [rule], list(rule.columns), []))]
        partners: dict[Any, list[Rule]] = {}
        for rule in left:
            free = [name for name in rule.columns if name in self.kept and name not in self.made]
            if len(free) == 1 and len(rule.columns) == 2:
                partners.setdefault(free[0], []).append(rule)
        for name, mine in partners.items():
            self.take(_beside("choice", name, mine))

    def unlike(self, rules: list[Rule]) -> None:
        """The later column of a pair is drawn from what the others leave; else the first one is."""
        place = {name: at for at, name in enumerate(self.names)}
        later: dict[Any, list[Rule]] = {}
        for rule in rules:
            if isinstance(rule, Unlike) and {*rule.columns} <= self.kept:
                later.setdefault(max(rule.columns, key=lambda name: place[name]), []).append(rule)
        for name, mine in later.items():
            if not self.take(_beside("unlike", name, mine)):
                for rule in mine:
                    any(self.take(_beside("unlike", one, [rule])) for one in rule.columns)

    def traits(self, rules: list[Rule]) -> None:
        """A column is drawn, then written again; what a formula computes is written as its category says."""
        own: dict[Any, list[Rule]] = {}
        for rule in rules:
            if isinstance(rule, Trait):
                own.setdefault(rule.column, []).append(rule)
        for name, mine in own.items():
            place = self.step_of(name)
            if place is None:
                self.take(Step("trait", mine, [name], [rule.columns[1] for rule in mine]))
            elif self.found[place].way == "formula":
                forms = [rule for rule in mine if isinstance(rule, Trait) and rule.trait == "format"]
                self.add(place, [*forms], [rule.of for rule in forms])

    def rooms(self) -> None:
        """Where a sum leaves what is not below 0 (shares of 100), no part is larger than what is left."""
        for one in [*self.found]:
            rule = one.rule
            if one.way != "formula" or not isinstance(rule, Linear) or rule.support < 1 or rule.clipped:
                continue
            taken = [name for name, factor in rule.of if factor < 0]
            numbers = [self.values.numbers(name) for name in (rule.column, *taken)]
            if len(taken) < 2 or any(own is None or not np.nanmin(own) >= 0 for own in numbers):
                continue
            parents = [name for name, factor in rule.of if factor > 0]
            for name in taken:
                if parents and _computable(self.values.column(name)):
                    self.take(Step("clamp", [rule], [name], [*parents]))
                parents.append(name)

    # --- orders -------------------------------------------------------------------------------------------

    def orders(self, rules: list[Order]) -> None:
        """The higher column is modelled by its gap above the lower one; where it follows from others, the
        lower one is bounded by it.
        """
        numbers = [
            rule
            for rule in rules
            if all(self.values.numbers(name) is not None for name in rule.columns)
            and not self._is_said(rule, rules)
        ]
        bounded = self._bounded(numbers)
        by_high: dict[Any, list[Order]] = {}
        for rule in numbers:
            if rule.low not in bounded or rule.high not in {*bounded, *self.made}:
                by_high.setdefault(rule.high, []).append(rule)
        made = {*self.made}
        for low in bounded:
            own = [r for r in numbers if r.low == low and r.high in {*made, *bounded}]
            own += [r for r in numbers if r.high == low and r.low not in bounded]
            self._first(_bounds("clamp", low, own))
            by_high.pop(low, None)
        for high, orders in by_high.items():
            place = self.step_of(high)
            if place is None:
                self._first(self._above(high, orders))
            elif self.found[place].way == "formula":  # a row that breaks the formula keeps its order
                self.add(place, [*orders], [rule.low for rule in orders])
            elif self.found[place].way in ("when", "together", "trait", "clamp"):
                self._first(_bounds("lift", high, orders))

    def _is_said(self, rule: Order, rules: list[Order]) -> bool:
        """Whether the same is said of a column that one of an order is a copy of."""
        copy_of = {
            one.columns[0]: one.parents[0]
            for one in self.found
            if one.way == "formula" and one.rule.support == 1 and _is_copy(one.rule)
        }
        low, high = (copy_of.get(name, name) for name in (rule.low, rule.high))
        return (low, high) != (rule.low, rule.high) and (
            low == high or replace(rule, low=low, high=high) in rules
        )

    def _first(self, ways: list[Step]) -> None:
        any(self.take(one) for one in ways)

    def _bounded(self, orders: list[Order]) -> list[Any]:
        """The columns that lie below one that follows from others, and those below these."""
        found: dict[Any, list[Any]] = {}
        while True:
            more = next(
                (
                    rule
                    for rule in orders
                    if rule.high in {*self.made, *found}
                    and rule.low not in self.made
                    and rule.high not in found.get(rule.low, [])
                    and not self.follows(rule.high, rule.low, found)
                ),
                None,
            )
            if more is None:
                return list(found)
            found.setdefault(more.low, []).append(more.high)

    def _above(self, high: Any, orders: list[Order]) -> list[Step]:
        """A step for the orders of one column; where they make a circle with others, for one of them."""
        own, lows = self.values.column(high), [rule.low for rule in orders]
        if not _computable(own) or far(high, self.values) or spiky(high, lows, self.values):
            return _bounds("clamp", high, orders)
        return _bounds("gap", high, orders)

    # --- numbers that are narrow beside their parts -------------------------------------------------------

    def narrow(self) -> None:
        """Of a formula whose numbers are narrow beside its parts, these are modelled, and a part follows."""
        for one in [*self.found]:
            rule = one.rule
            if one.way != "formula" or not isinstance(rule, Linear | Product) or rule.zeros:
                continue
            if (isinstance(rule, Linear) and rule.clipped) or self._is_bounded(rule):
                continue
            if any(self._solved(rule, part) for part in broad_parts(rule, self.values)):
                at = self.found.index(one)
                self.found[at] = replace(one, aimed=True)

    def stamps(self, rules: list[Rule]) -> None:
        """Codes that are made afresh have the parts that their rows say, all in one step."""
        by_code: dict[Any, list[Rule]] = {}
        for rule in rules:
            if isinstance(rule, Within) and {*rule.columns} <= self.kept:
                by_code.setdefault(rule.column, []).append(rule)
        for name, mine in by_code.items():
            if self.values.column(name).is_made:
                self.found.append(Step("stamp", mine, [name], [rule.columns[1] for rule in mine]))

    def _is_bounded(self, rule: Linear | Product) -> bool:
        """Whether a part of a sum is modelled by its gap above another, which a difference says in other
        words, or by what the sum leaves of it.
        """
        parts = rule.columns[1:]
        gap = any(self.follows(one, of, {}) for one in parts for of in parts if one != of)
        return isinstance(rule, Linear) and gap

    def _solved(self, rule: Linear | Product, part: Any) -> bool:
        """Takes a step that moves a part of a formula, within what bounds the part; False where none may."""
        makers = [one for one in self.found if part in one.columns]
        signs = [own for one in makers for own in one.rules if isinstance(own, EmptyWhen)]
        if any(one.way not in MOVABLE for one in makers) or any(own.value is not None for own in signs):
            return False
        if not _computable(self.values.column(part)) or any(map(partial(_reads, part), self.found)):
            return False
        bounds = [
            own for one in makers for own in one.rules if not isinstance(own, EmptyTogether | EmptyWhen)
        ]
        parents = [*rule.columns[1:], *(name for one in makers for name in one.parents)]
        parents = [name for name in dict.fromkeys(parents) if name != part]
        return self.take(Step("solve", [rule, *bounds], [part], parents))


def _is_copy(rule: Rule) -> bool:
    """Whether a formula says that two columns are equal."""
    if not isinstance(rule, Linear) or rule.clipped or rule.zeros:
        return False
    return (rule.of, rule.constant, rule.divisor) == (((rule.columns[1], 1.0),), 0.0, 1.0)


def _beside(way: str, name: Any, rules: list[Any]) -> Step:
    """A step that makes a column go with the others of its rules."""
    return Step(way, rules, [name], [one for rule in rules for one in rule.columns if one != name])


def _reads(part: Any, own: Step) -> bool:
    """Whether a step looks for the values of a column that it knows."""
    ranges = isinstance(own.rule, Function) and (own.rule.part or own.rule.cuts)
    return part in own.parents and own.way in ("lookup", "choice", "when") and not ranges


def _bounds(way: str, name: Any, orders: list[Order]) -> list[Step]:
    """Ways to keep the orders of a column: all of them, else the first that can be kept."""
    several = [orders] if len(orders) < 2 else [orders, *([rule] for rule in orders)]
    return [
        Step(way, list[Rule](own), [name], [one for rule in own for one in rule.columns if one != name])
        for own in several
    ]


def _firm(function: Rule, rule: Rule) -> bool:
    return function.support >= rule.support


def _computable(column: Column) -> bool:
    """Whether numbers alone tell the cells of a column: none are exceptions, and all have one format."""
    return column.is_number_or_date and len(column.formats) < 2 and not column.exceptions


def sorted_steps(found: list[Step]) -> list[Step] | None:
    """The steps, parents first, a lift behind what it moves, and a solve behind that; None where they make a
    circle.
    """
    makers: dict[Any, list[int]] = {}
    for at, one in enumerate(found):
        for name in one.columns:
            makers.setdefault(name, []).append(at)
    done: list[int] = []
    state = [0] * len(found)

    def visit(at: int) -> bool:
        if state[at] == 1:
            return False
        if state[at] == 0:
            state[at] = 1
            before = [maker for name in found[at].parents for maker in makers.get(name, ())]
            if found[at].way in steps.LIFTS:
                own = [maker for maker in makers[found[at].columns[0]] if maker != at]
                before += [one for one in own if found[at].way == "solve" or found[one].way != "solve"]
            if not all(visit(maker) for maker in before):
                return False
            state[at] = 2
            done.append(at)
        return True

    return [found[at] for at in done] if all(visit(at) for at in range(len(found))) else None
