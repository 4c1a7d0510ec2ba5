"""Given rows and conditions, where rules between columns are kept: said of what is modelled, met exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import brief
from lookalike.codec import RecordCodec
from lookalike.codec.where import Condition
from lookalike.difflm.sampling.given import Given
from lookalike.difflm.sampling.many import few, keys_of_rows
from lookalike.difflm.sampling.told import Told
from lookalike.errors import ConditionError
from lookalike.rules.codes import is_of_code
from lookalike.rules.conditions import always_told, emptiness, goals, joined, keys_of, missed
from lookalike.rules.holds import APART, EMPTY, agree, computed, equal, over
from lookalike.rules.keep import Plan
from lookalike.rules.moves import Held, settled
from lookalike.rules.steps import AS_DRAWN, LIFTS, MISSING, Step
from lookalike.rules.values import Values, as_floats, rounded
from lookalike.table.missing import hide
from lookalike.table.rule import EmptyWhen, Function
from lookalike.table.rule_formulas import Term

TURNS = 2  # times that each given column that follows from others is met, as they move each other
ROUNDS = 8  # draws of rows for a condition on what follows from others, before the nearest are moved


@dataclass
class Ruled:
    """Given rows, as what is modelled knows them.

    inner: the cells that are known of what is modelled. wheres: different conditions that given cells lay
    on it; member: (rows,) which of them. goals: columns that follow from others -> (rows,) bool, where the
    column is given and a part of it is not. aims: columns that a formula is solved for -> (rows,) bool, where
    the part that would be moved is given, but neither the column nor all others.
    """

    inner: Given
    wheres: list[dict[Any, Condition]]
    member: np.ndarray
    goals: dict[Any, np.ndarray]
    aims: dict[Any, np.ndarray]


def asked_of(plan: Plan, rows: Given, fill: bool = False, whole: bool = False) -> Ruled:
    """fill: missing cells of the given columns are to be drawn from the values that are not missing. whole:
    the rows are read, not filled in: a cell that is missing is known to be.
    """
    table = pd.DataFrame(index=pd.RangeIndex(rows.rows))
    for name in plan.schema.kept:
        if name in rows.values:
            table[name] = hide(rows.values[name], pd.Series(~rows.known[name]))
        else:
            table[name] = pd.Series([None] * rows.rows, dtype=object)
    nothing = np.zeros(rows.rows, dtype=bool)
    known = {name: ~nothing if whole else rows.known.get(name, nothing) for name in plan.schema.kept}
    conditions: list[dict[Any, Condition]] = [{} for _ in range(rows.rows)]
    targets: dict[Any, np.ndarray] = {}
    aims: dict[Any, np.ndarray] = {}
    made = plan.forward(table)
    there = {name: np.array(made[name].notna(), dtype=bool) for name in made.columns}
    for own in plan.steps:
        if own.way == "solve":
            of = [known[name] for name in own.rule.columns[1:]]
            aims[own.rule.columns[0]] = (
                known[own.columns[0]] & ~known[own.rule.columns[0]] & ~np.all(of, axis=0)
            )
        if own.way in LIFTS:
            continue
        all_known = np.logical_and.reduce([known[name] for name in (*own.columns, *own.parents)])
        for name in [*own.names.values(), *own.modelled]:
            if name in there and not (own.aimed and name in own.columns):
                there[name] &= all_known
        some = np.logical_or.reduce([known[name] for name in own.columns]) & ~all_known
        if own.way in AS_DRAWN and some.any():
            targets[own.columns[0]] = some & known[own.columns[0]]
        elif some.any() and not _restricted(plan, own, rows, known, some, conditions):
            targets[own.columns[0]] = some
        if fill and own.flag and own.way != "when":
            _filled(own, rows, conditions)
    inner = Given(rows.what, rows.rows)
    for name, cells in made.items():
        if name not in plan.codec.schema.names:
            continue
        mask = there[name]
        untouched = name in rows.known
        inner.known[name] = mask
        inner.odd[name] = rows.odd[name] & mask if untouched else nothing
        inner.unread[name] = rows.unread[name] & mask if untouched else nothing
        if mask.any():
            values = cells[mask]
            column = plan.codec.schema[name]
            if not untouched and column.is_number:
                values = values.astype(column.dtype)
            elif name in rows.values:
                values = rows.values[name][mask]
            inner.values[name] = values.take(np.maximum(mask.cumsum() - 1, 0)).reset_index(drop=True)
    few(plan, inner, conditions)
    keys = keys_of_rows(conditions)
    number = {key: at for at, key in enumerate(dict.fromkeys(keys))}
    member = np.array([number[key] for key in keys], dtype=np.int64)
    wheres = [conditions[int(np.argmax(member == at))] for at in range(len(number))]
    return Ruled(inner, wheres, member, targets, aims)


def _restricted(
    plan: Plan,
    own: Step,
    rows: Given,
    known: Mapping[Any, np.ndarray],
    some: np.ndarray,
    conditions: list[dict[Any, Condition]],
) -> bool:
    """Lays the given cells of a step on what is modelled, as conditions of the rows `some`; False where they
    cannot be said so.
    """
    if isinstance(own.rule, Term):  # the date that is given is met by moving the other one, too
        _with_term(plan, own.rule, rows, known, some, conditions)
        return False
    cache: dict[Any, dict[Any, Condition] | None] = {}
    for row in np.flatnonzero(some):
        cells = {name: rows.values[name].iloc[row] for name in own.columns if known[name][row]}
        key = tuple((str(name), str(value)) for name, value in cells.items())
        if key not in cache:
            cache[key] = _laid(plan, own, cells)
        more = cache[key]
        if more is None:
            return False
        conditions[row] = joined(plan, conditions[row], more)
    return True


def _with_term(
    plan: Plan,
    rule: Term,
    rows: Given,
    known: Mapping[Any, np.ndarray],
    some: np.ndarray,
    conditions: list[dict[Any, Condition]],
) -> None:
    """Lays on a category such as "12 months" what two given dates say of it, in the rows `some`."""
    if rule.by is None or plan.step_of(rule.by) is not None or not plan.schema[rule.by].is_categorical:
        return
    free, cells = some & known[rule.of] & ~known[rule.by], plan.codec.known()[rule.by]
    numbers = Values(pd.DataFrame({rule.by: cells}, dtype=object), plan.schema).numbers(rule.by)
    if not free.any() or numbers is None:
        return
    table = pd.DataFrame({name: rows.values[name][free].reset_index(drop=True) for name in rule.columns[:2]})
    values, fits = Values(table, plan.schema), []
    for number in numbers:
        one = values.having(rule.by, np.full(len(table), number))
        fits.append(agree(rule, one, computed(rule, one)))
    for row, fit in zip(np.flatnonzero(free), np.array(fits).T, strict=True):
        if fit.any():
            told = Condition(values=tuple(cells[at] for at in np.flatnonzero(fit)))
            conditions[row] = joined(plan, conditions[row], {rule.by: told})


def _laid(plan: Plan, own: Step, cells: dict[Any, Any]) -> dict[Any, Condition] | None:
    """The condition that given cells of a step's columns are; empty for none."""
    if own.way == "group":
        places = {own.columns.index(name): str(value) for name, value in cells.items()}
        fit = [t for t, _ in own.table if all(t.split(APART)[at] == text for at, text in places.items())]
        return {own.names["group"]: Condition(values=tuple(fit))} if fit else {}
    if own.way == "together" and own.parents:
        return emptiness(plan, next(iter(cells)), False) or {}
    if own.way == "together":
        fit = [one for one in own.states if all(one[own.columns.index(name)] == "+" for name in cells)]
        return {own.flag: Condition(values=tuple(fit))} if own.flag and fit else {}
    if own.way == "when":
        rule = own.rule
        assert isinstance(rule, EmptyWhen)
        of = rule.of
        if plan.step_of(of) is not None or of not in plan.codec.known():
            return {}
        sign = rule.value is not None and str(next(iter(cells.values()))) == rule.value
        said = {str(value) for value in rule.values}
        fit = [value for value in plan.codec.known()[of] if (str(value) in said) == sign]
        return {of: Condition(values=tuple(fit))} if fit else {}
    told = own.way == "lookup" or (own.way == "text" and is_of_code(own.rule))
    if told and own.flag is None and always_told(plan, own):
        text = str(next(iter(cells.values())))
        found = keys_of(plan, own, lambda value: (EMPTY if value is None else str(value)) == text)
        return None if found is None else {k: v for k, v in found.items() if v.values}
    return None


def _filled(own: Step, rows: Given, conditions: list[dict[Any, Condition]]) -> None:
    """Missing cells that are filled: the flag says of no given column that it is missing."""
    if own.way == "together" and own.parents:  # it is empty where its parent is
        return
    names = [name for name in own.columns if name in rows.known]
    if own.way == "together":
        fit = [one for one in own.states if all(one[own.columns.index(name)] == "+" for name in names)]
    else:
        fit = [one for one in own.states if one != MISSING] if names else list(own.states)
    if fit and len(fit) < len(own.states):
        for row in conditions:
            row[own.flag] = Condition(values=tuple(fit))


def put_back(
    plan: Plan, rows: Given, asked: Ruled, inner: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """The table of what was drawn around given cells, which come back as they are."""

    def held(made: pd.DataFrame, but: Any = None) -> pd.DataFrame:
        values = {name: own for name, own in rows.values.items() if name in made.columns and name != but}
        return Given(rows.what, rows.rows, values, rows.known).kept_in(made)

    known = {**rows.known, **asked.inner.known}
    for name, mask in list(asked.goals.items()) * TURNS:
        goal, own = as_floats(rows.values[name], plan.schema[name]), plan.step_of(name)
        free = partial(held, but=name)
        if own is not None and isinstance(own.rule, Function) and own.rule.than is not None:
            inner = _compared(plan, own.rule, rows, mask, inner, known, free, rng)
        elif own is not None and own.way == "unlike":
            inner = _apart(plan, own, rows, mask, inner, known, rng)
        elif own is not None and is_of_code(own.rule):
            inner = _with_codes(plan, own, rows, mask, inner, known, free, rng)
        elif goal is not None:
            inner = settled(plan, inner, name, goal, mask, rng, known | {name: ~mask}, free)
    for name, mask in asked.aims.items():
        goal, slack = as_floats(inner[name], plan.schema[name]), plan.slack(name)
        if goal is not None and mask.any():
            now = as_floats(plan.back(inner, rng, held)[name], plan.schema[name])
            far = mask & (np.abs(now - goal) > slack)
            inner = settled(plan, inner, name, goal, far, rng, known, held)
    return rows.kept_in(plan.back(inner, rng, held, fresh=True))


def _compared(
    plan: Plan,
    rule: Function,
    rows: Given,
    mask: np.ndarray,
    inner: pd.DataFrame,
    known: Mapping[Any, np.ndarray],
    held: Held,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """What is modelled, moved so that two columns compare as the flag says that is given in the rows `mask`:
    one of the two, if it is not given, comes as near to the other as they are in a drawn row of that flag.
    """
    schema = plan.schema
    made = plan.back(inner, rng, held)
    wanted = Values(pd.DataFrame({rule.column: rows.values[rule.column]}), schema).texts(rule.column)
    texts = Values(made, schema).texts(rule.column)
    sides = [as_floats(made[name], schema[name]) for name in (rule.of, rule.than)]
    if sides[0] is None or sides[1] is None:
        return inner
    apart = over(rule, sides[0], sides[1])
    off, goal = mask & (texts != wanted), np.full(len(made), np.nan)
    for text in {text for text in wanted[off] if text is not None}:
        pool, here = apart[(texts == text) & ~np.isnan(apart)], off & (wanted == text)
        if len(pool):
            goal[here] = rng.choice(pool, int(here.sum()))
    off &= ~np.isnan(goal)
    aims = (rule.factor * sides[1] + rule.distance + goal, (sides[0] - rule.distance - goal) / rule.factor)
    for name, aim in zip((rule.of, rule.than), aims, strict=True):
        here = off & ~known[name] if name in known else off
        if here.any():
            own = schema[name]
            inner = settled(plan, inner, name, rounded(aim, own), here, rng, known, held)
        off &= ~here
    return inner


def _apart(
    plan: Plan,
    own: Step,
    rows: Given,
    mask: np.ndarray,
    inner: pd.DataFrame,
    known: Mapping[Any, np.ndarray],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """What is modelled, in which a column that is never equal to one given in the rows `mask` holds what
    another row does.
    """
    name = own.columns[0]
    for parent in own.parents:
        if parent not in inner or plan.step_of(parent) is not None:
            continue
        made = Values(pd.DataFrame({name: rows.values[name], parent: inner[parent]}), plan.schema)
        off = mask & equal(name, parent, made) & ~(known[parent] if parent in known else np.zeros_like(mask))
        source, wanted, texts = np.arange(len(inner)), made.texts(name), made.texts(parent)
        for text in {*wanted[off]}:
            pool, here = np.flatnonzero(texts != text), np.flatnonzero(off & (wanted == text))
            if len(pool):
                source[here] = rng.choice(pool, len(here))
        inner = inner.assign(**{parent: inner[parent].take(source).reset_index(drop=True)})
    return inner


def _with_codes(
    plan: Plan,
    own: Step,
    rows: Given,
    mask: np.ndarray,
    inner: pd.DataFrame,
    known: Mapping[Any, np.ndarray],
    held: Held,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """What is modelled, in which the code of a row whose part is given otherwise is that of a row where it
    fits.
    """
    name, code = own.columns[0], own.parents[0]
    if code not in inner:
        return inner
    wanted = Values(pd.DataFrame({name: rows.values[name]}), plan.schema).texts(name)
    texts = Values(plan.back(inner, rng, held), plan.schema).texts(name)
    off = mask & (texts != wanted) & ~(known[code] if code in known else np.zeros_like(mask))
    source = np.arange(len(inner))
    for text in {text for text in wanted[off] if text is not None}:
        pool, here = np.flatnonzero(texts == text), np.flatnonzero(off & (wanted == text))
        if len(pool):
            source[here] = rng.choice(pool, len(here))
    return inner.assign(**{code: inner[code].take(source).reset_index(drop=True)})


def meeting(
    plan: Plan,
    codec: RecordCodec,
    rest: Mapping[Any, Condition],
    said: Mapping[Any, Condition],
    draw: Callable[[int], pd.DataFrame],
    rows: int,
    rng: np.random.Generator,
    told: Told,
) -> pd.DataFrame:
    """`rows` rows that satisfy conditions on what follows from other columns.

    draw: round -> what is modelled, of `rows` rows or more, under the conditions `said` of it. Those that
    satisfy all are taken as they come; where they are too few, the nearest ones are moved there, and where
    not all can be, others come again, which `told` counts. Raises ConditionError where no row can be.
    """

    def missing_by(table: pd.DataFrame, modelled: pd.DataFrame) -> np.ndarray:
        return missed(codec, rest, table) + missed(plan.codec, said, modelled)

    pool: list[pd.DataFrame] = []
    far = np.zeros(0)
    for turn in range(ROUNDS):
        pool.append(draw(turn))
        far = np.append(far, missed(codec, rest, plan.back(pool[-1], rng, fresh=True)))
        if (far == 0).sum() >= rows:
            break
    inner = pd.concat(pool, ignore_index=True)
    best = np.argsort(far, kind="stable")[:rows]
    inner = inner.iloc[np.sort(best)].reset_index(drop=True)
    ids = [column.name for column in plan.codec.schema.columns if column.kind == "id"]
    inner[ids] = pool[0][ids]  # every draw counts from the same number on
    table = plan.back(inner, rng, fresh=True)
    for _ in range(3):
        far = missing_by(table, inner)
        if not far.any():
            return table
        for name, condition in rest.items():
            goal = goals(codec, name, condition, table[name], rng)
            if goal is not None:
                inner = settled(plan, inner, name, goal, far > 0, rng)
                table = plan.back(inner, rng, fresh=True)
    far = missing_by(table, inner)
    good = np.flatnonzero(far == 0)
    if not len(good):
        named = [name for name in plan.schema.names if name in rest or name in said]
        if len(named) > 1:
            columns = ", ".join(f"'{brief(name)}'" for name in named)
            raise ConditionError(
                f"no row that was drawn satisfies the conditions on the columns {columns} all at once, as "
                "one follows from others: leave one of them out, or make it wider."
            )
        name = next(iter(rest))
        own = plan.step_of(name)
        rule = own.rule.words if own is not None else ""
        raise ConditionError(
            f"no row that was drawn satisfies the condition on column '{name}', which follows from others by "
            f'the rule "{rule}": put the condition on one of those.'
        )
    told.repeated += len(far) - len(good)
    places = np.where(far == 0, np.arange(len(far)), good[rng.integers(0, len(good), len(far))])
    table = table.iloc[places].reset_index(drop=True)
    table[ids] = pool[0][ids]
    return table
