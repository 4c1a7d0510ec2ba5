"""The order in which the columns of a recipe are made, which their names give."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from lookalike.errors import OptionError
from lookalike.prompting.recipes.columns import RecipeColumn, Written


def ordered(columns: Sequence[RecipeColumn]) -> tuple[RecipeColumn, ...]:
    """The columns, each after those that it needs; else what costs nothing before what a model writes, so
    that a row which is lost by it was not paid for; else as they stand. Those of one call are next to each
    other.

    Raises OptionError for a circle, and for a helper that nothing uses.
    """
    named = {one.name: one for one in columns}
    groups = {one.name: _call(one) for one in columns}  # columns of one call are made together
    needs: dict[str, set[str]] = {groups[one.name]: set() for one in columns}
    for one in columns:
        needs[groups[one.name]] |= {groups[name] for name in one.needs}
        if any(groups[name] == groups[one.name] for name in one.needs):
            raise OptionError(
                f"{one.place} needs what comes from the same reply: name it in a call of its own."
                if _call(one) != one.name
                else f"{one.place} needs itself: leave its own name out."
            )
    _use(columns, named)
    try:
        order = _first_come(needs, {groups[one.name] for one in columns if isinstance(one.source, Written)})
    except CycleError as error:
        circle = list(dict.fromkeys(error.args[1]))
        first = next(one for one in columns if groups[one.name] in circle)
        names = " -> ".join(f"'{name}'" for name in reversed([*circle, circle[0]]))
        raise OptionError(f"{first.place} needs itself in a circle, {names}: take one name out.") from None
    return tuple(one for group in order for one in columns if groups[one.name] == group)


def _call(column: RecipeColumn) -> str:
    source = column.source
    return f"call {source.call}" if isinstance(source, Written) and source.call else column.name


def _first_come(needs: Mapping[str, set[str]], paid: Collection[str]) -> list[str]:
    """A topological order in which what is not paid comes first, and then what stands first."""
    sorter = TopologicalSorter(needs)
    sorter.prepare()
    place = {name: at for at, name in enumerate(needs)}
    ready, order = list(sorter.get_ready()), []
    while ready:
        ready.sort(key=lambda one: (one in paid, place[one]))
        name = ready.pop(0)
        order.append(name)
        sorter.done(name)
        ready += sorter.get_ready()
    return order


def _use(columns: Sequence[RecipeColumn], named: Mapping[str, RecipeColumn]) -> None:
    used = {name for one in columns for name in one.needs}
    used |= {name for one in columns for check in one.checks for name in check.names}
    used |= {name for one in columns if one.judge for name in one.judge.criteria.names}
    for one in columns:
        if not one.keep and one.name not in used and not _guards(one):
            raise OptionError(
                f"{one.place} is not kept, and nothing uses it: name it in a prompt, or take it out."
            )


def _guards(column: RecipeColumn) -> bool:
    """Whether a column that is not kept decides which rows are."""
    return bool(column.checks) or (column.judge is not None and column.judge.least is not None)
