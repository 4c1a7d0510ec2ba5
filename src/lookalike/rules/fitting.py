"""What the steps learn from the real rows, and which columns are modelled in their place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array
from lookalike.rules.codes import is_of_code
from lookalike.rules.holds import APART, LEAST, agree, combined, computed, lookup, told_by
from lookalike.rules.narrow import solved_by
from lookalike.rules.stamps import stamp_table
from lookalike.rules.steps import AS_DRAWN, LIFTS, MISSING, OWN, RULE, Step, floats, forms, states
from lookalike.rules.traits import going
from lookalike.rules.values import Values, is_text, step
from lookalike.table import kinds
from lookalike.table.column import Column
from lookalike.table.rule import Function


def fitted(own: Step, values: Values) -> Step:
    """The step with its tables, and the states that several rows are in."""
    fewest = max(values.column(name).min_rows or LEAST for name in own.columns)
    if isinstance(own.rule, Function):
        known = lookup(own.rule, values, told_by(own.rule, values, fewest))
        own.table = [(kinds.plain(key), kinds.plain(value)) for key, value in known.items()]
    if own.way == "group":
        texts, first, counts = np.unique(
            combined(tuple(own.columns), values), return_index=True, return_counts=True
        )
        cells = values.table[own.columns].iloc[first]
        gone = np.stack([values.missing(name)[first] for name in own.columns], 1)
        for text, row, lost, rows in zip(texts, cells.itertuples(index=False), gone, counts, strict=True):
            if rows >= fewest:
                own.table.append(
                    (str(text), [None if g else kinds.plain(c) for c, g in zip(row, lost, strict=True)])
                )
        return own
    if own.way == "text" and is_of_code(own.rule):
        own.table, own.ends = _of_code(own, values, fewest)
    if own.way == "stamp":
        own.table = stamp_table(own, values, fewest)
    if own.way in ("clamp", "lift", "stamp"):
        return own
    if own.way == "solve":
        return _solve(own, values, fewest)
    own.goes = [
        (f"{at}{APART}{key}", trait, share)
        for at, (rule, _) in enumerate(own.traits)
        for key, some in going(rule, values).items()
        for trait, share in some.items()
    ]
    if own.way == "trait":
        number = values.numbers(own.columns[0])
        own.ends = () if number is None else _ends(number, fewest)
        return own
    if own.way == "unlike":
        codes, found = values.codes(own.columns[0])
        rows_of = np.bincount(codes[codes >= 0], minlength=len(found))
        pairs = zip(found, rows_of.tolist(), strict=True)
        own.table = [(kinds.plain(value), rows) for value, rows in pairs if rows >= fewest]
        return own
    if own.way == "choice":
        own.table = choices(own, values, fewest)
        return own
    column = values.column(own.columns[0])
    if own.way == "formula" and (column.exceptions or len(column.formats) > 1):
        own.table = [(one, None) for one in dict.fromkeys(forms(column.name, values)) if one is not None]
    if own.way == "gap":
        own.ends = _ends(floats(values, column.name), fewest)
    state, unknown, _ = states(own, values)
    found, counts = np.unique(state.astype(str), return_counts=True)
    keep = {str(one): rows for one, rows in zip(found, counts, strict=True) if rows >= LEAST}
    if own.way == "together":
        return replace(own, states=sorted(keep, key=lambda one: -keep[one]))
    gone = values.missing(own.columns[0])
    alone = int((unknown & ~gone).sum())
    if alone < LEAST and int((gone & ~unknown).sum()) < LEAST:
        keep.pop(MISSING, None)  # it is missing where a part of it is, and nowhere else
    some = own.way != "when" and ((OWN in keep and own.way != "gap") or alone >= LEAST)
    some |= own.way in ("text", "lookup") and _is_invented(own, values)
    return replace(own, states=[RULE, *(one for one in (OWN, MISSING) if one in keep)], own=some)


def _of_code(own: Step, values: Values, fewest: int) -> tuple[list[tuple[Any, Any]], tuple[float, ...]]:
    """(text -> value, ends) of a column that is a part of a code: what the part has to be for the column to
    hold it. A text may be any, and so may a category whose codes are those that were seen.
    """
    column, code = values.column(own.columns[0]), values.column(own.parents[0])
    if column.is_number:
        return [], _ends(floats(values, column.name), fewest)
    if not column.is_categorical or (is_text(column) and code.is_categorical):
        return [], ()
    codes, found = values.codes(column.name)
    rows = np.bincount(codes[codes >= 0], minlength=len(found))
    often = [kinds.plain(value) for value, seen in zip(found, rows, strict=True) if seen >= fewest]
    return [(str(value), value) for value in often], ()


def _is_invented(own: Step, values: Values) -> bool:
    """Whether a column follows from texts that may be others than those that were seen: it is drawn, too, for
    those of which the rule says nothing.
    """
    rule = own.rule
    told = isinstance(rule, Function) and not (rule.cuts or rule.than is not None)
    return (told or is_of_code(rule)) and values.column(own.parents[0]).is_textual


def linked(own: list[Step]) -> list[Step]:
    """The fitted steps, of which those that solve a formula know the flag of it."""
    flags = {one.columns[0]: one for one in own if one.way == "formula" and one.flag}
    for one in own:
        if one.way == "solve" and one.rule.columns[0] in flags:
            formula = flags[one.rule.columns[0]]
            one.states, one.names = formula.states, {"flag": formula.names["flag"]}
    return own


def treated(own: list[Step]) -> set[Any]:
    """The columns that steps make, and that are not only moved."""
    return {name for one in own if one.way not in LIFTS for name in one.columns}


def _solve(own: Step, values: Values, fewest: int) -> Step:
    """The step with what it is to know of the rows that keep its formula."""
    name, rule = own.rule.columns[0], own.rule
    least_of = max(values.column(name).min_rows or LEAST, fewest)
    kept = agree(rule, values, computed(rule, values))  # type: ignore[arg-type]
    numbers = np.where(kept, floats(values, name), np.nan)
    ends = _ends(numbers, least_of)
    solved = solved_by(numbers, own.columns[0], values, ends, least_of)
    return replace(own, ends=_ends(floats(values, own.columns[0]), fewest), solved=solved)


def _ends(numbers: Array, fewest: int) -> tuple[float, ...]:
    """The smallest and the largest that do not tell a single row: so many rows are there or beyond."""
    known = np.sort(numbers[~np.isnan(numbers)])
    skip = min(fewest - 1, max(len(known) - 1, 0) // 4)
    return (float(known[skip]), float(known[-1 - skip])) if len(known) else ()


def choices(own: Step, values: Values, fewest: int) -> list[tuple[Any, Any]]:
    """(number and text of a parent, a value that goes with it), the most frequent first."""
    found: list[tuple[Any, Any]] = []
    name = own.columns[0]
    _, value_of = values.codes(name)
    plain = {str(value): value for value in value_of}
    for at, parent in enumerate(own.parents):
        pairs = pd.Series(combined((parent, name), values)).value_counts()
        for pair in pairs.index[pairs >= fewest]:
            text, _, value = pair.rpartition(APART)
            found.append((f"{at}{APART}{text}", kinds.plain(plain[value])))
    return found


def hiders(found: list[Step]) -> dict[Any, list[Any]]:
    """Column that is modelled -> those that tell where it says nothing: its flag, and what its parents are
    made of.
    """
    makers = {name: one for one in found if one.way not in LIFTS for name in one.columns}

    def told_by(name: Any, seen: tuple[Any, ...] = ()) -> list[Any]:
        one = makers.get(name)
        if one is None or name in seen or one.way in AS_DRAWN:
            return [name]
        own = [*([one.flag] if one.flag else []), *one.names.values(), *([name] if one.modelled else [])]
        return own + [part for parent in one.parents for part in told_by(parent, (*seen, name))]

    telling: dict[Any, list[Any]] = {}
    for one in found:
        hidden = [one.names[sort] for sort in ("gap", "below") if sort in one.names]
        if one.way in ("together", "when"):
            hidden = [*one.columns]
        hidden += one.modelled
        parts = [*([one.flag] if one.flag else []), *(own for name in one.parents for own in told_by(name))]
        telling |= {name: [part for part in dict.fromkeys(parts) if part != name] for name in hidden}
    return telling


def modelled(own: Step, values: Values, columns: dict[Any, Column]) -> list[Column]:
    """The columns that are modelled in place of the step's, not described yet."""
    found = []
    if own.way == "group":
        return [Column(own.names["group"], "category", "object", python="str")]
    if own.way in LIFTS:
        return []
    if own.way in AS_DRAWN:
        return [columns[own.columns[0]]]
    if own.table and own.way == "formula":
        found.append(Column(own.names["form"], "category", "object", python="str", min_rows=1))
    if own.flag:
        found.append(Column(own.flag, "category", "object", python="str", min_rows=1))
    if own.way == "gap":
        whole = step(columns[own.columns[0]]) is not None
        dtype, decimals = ("int64", 0) if whole else ("float64", None)
        found += [
            Column(own.names[one], "number", dtype, decimals=decimals)
            for one in (("gap", "below") if OWN in own.states else ("gap",))
        ]
    if own.way in ("together", "when"):
        found += [replace(columns[name], nullable=False) for name in own.columns]
    found += [replace(columns[name], nullable=False) for name in own.modelled]
    return found
