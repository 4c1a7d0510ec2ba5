"""One row of a recipe: its columns in order, each tried again where it fails, until it is whole or lost."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lookalike.errors import BudgetError, EndpointError
from lookalike.llm.request import Failure, Reply, Request
from lookalike.prompting.recipes import asking
from lookalike.prompting.recipes.asking import Draft, source_of
from lookalike.prompting.recipes.checks import EACH
from lookalike.prompting.recipes.columns import Computed, Plan, RecipeColumn, Written
from lookalike.prompting.recipes.draws import Draws
from lookalike.prompting.recipes.templates import Template
from lookalike.seed import child, child_seed

SAME_DRAW = 3  # attempts at a row that keep what was drawn, so that what fails more is not drawn less

Ask = Callable[[str | None, Request], Awaitable[Reply | Failure]]  # (name of a model, None for the run's)
Tests = Callable[[RecipeColumn, Any], str | None]  # of what needs real rows: the reason, None where it passes


@dataclass
class Lost:
    """A value that was not taken. said: in words; value: as it was written; key: of the reply; spent: it was
    asked for as often as it may be.
    """

    column: str
    reason: str
    said: str
    value: Any = None
    key: str = ""
    spent: bool = False


@dataclass
class Row:
    """A row that is being made.

    number: of the row; attempt: at it. values: of its columns so far; scores: by judged column; keys: column
    -> the replies that it is from. failed: values that were made again; lost: why the row is none.
    """

    number: int
    attempt: int
    values: dict[str, Any]
    scores: dict[str, float] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    failed: list[Lost] = field(default_factory=list)
    lost: Lost | None = None
    replies: int = 0
    known: int = 0


class Maker:
    """Makes rows of a plan. ask: one request; tests: checks that need real rows; trial: nothing is asked, and
    stand-ins are not checked.
    """

    def __init__(
        self, plan: Plan, draws: Draws, ask: Ask, tests: Tests, seed: int, trial: bool = False
    ) -> None:
        self._plan, self._draws, self._ask, self._tests = plan, draws, ask, tests
        self._seed, self._trial = seed, trial
        self._steps = _steps(plan.columns)
        self.unfinished: list[Row] = []  # rows that a budget ended

    async def make(self, number: int, attempt: int, fixed: dict[str, Any]) -> Row:
        """A row, whole or lost. fixed: cells that are given.

        Raises OptionError for a template or function that fails, BudgetError, EndpointError, LedgerError.
        """
        given = {} if self._plan.task is None else {"task": self._plan.task}
        row = Row(number, attempt, given | fixed)
        for columns in self._steps:
            if columns[0].name not in fixed:
                try:
                    row.lost = await self._step(columns, row)
                except BudgetError:
                    self.unfinished.append(row)
                    raise
                if row.lost is not None:
                    break
        return row

    async def _step(self, columns: Sequence[RecipeColumn], row: Row) -> Lost | None:
        """Makes the columns of one step; what is wrong with the last try, None where one is good."""
        first = columns[0]
        lost: Lost | None = None
        for tries in range(first.tries):
            if lost is not None:
                row.failed.append(lost)
            lost = await self._once(columns, row, tries)
            again = isinstance(first.source, Written) and not (lost and first.source.refine)
            if lost is None or lost.spent or not again:
                break
        return lost

    async def _once(self, columns: Sequence[RecipeColumn], row: Row, tries: int) -> Lost | None:
        first = columns[0]
        if not isinstance(first.source, Written):
            lost = self._here(first, row, tries)
            return lost or await self._rate(first, row, tries)
        if first.source.repeat:
            found = await self._turns(first, row, tries)
        else:
            found = await self._reply(
                columns, row, asking.written(columns, row.values, self._sample(row, first, tries))
            )
        if isinstance(found, Lost):
            return found
        for column in columns:
            lost = self._wrong(column, found[column.name], row, found)
            if lost is not None:
                return lost
        row.values |= found
        for column in columns:
            lost = await self._rate(column, row, tries)
            if lost is not None:
                return lost
        return None

    def _here(self, column: RecipeColumn, row: Row, tries: int) -> Lost | None:
        """A cell that needs no model."""
        draw = row.attempt // SAME_DRAW
        if isinstance(column.source, Computed):
            value = self._computed(column, row)
        else:
            try:
                value = self._draws.value(column, row.values, row.number, draw, tries)
            except KeyError as error:
                said = f"given has nothing for the value {error.args[0]!r}, and there is no sample beside it"
                return Lost(column.name, "given", said)
        lost = self._wrong(column, value, row)
        if lost is None:
            row.values[column.name] = value
        return lost

    def _computed(self, column: RecipeColumn, row: Row) -> Any:
        assert isinstance(column.source, Computed)
        function = column.source.function
        if self._trial and any(_stands(row.values.get(name)) for name in column.needs):
            return asking.Standing(asking.STAND_IN)
        if isinstance(function, Template):
            return function(row.values)
        return function({name: value for name, value in row.values.items() if name in column.needs})

    async def _reply(
        self, columns: Sequence[RecipeColumn], row: Row, request: Request
    ) -> dict[str, Any] | Lost:
        """What one call says of the columns."""
        first = columns[0]
        reply = await self._asked(source_of(first).model, request, first, row)
        if isinstance(reply, Lost):
            return reply
        if self._trial and not reply.known:
            return {one.name: asking.stand_in(one) for one in columns}
        for one in columns:
            row.keys[one.name] = [reply.key]
        found = asking.values_of(reply, columns)
        whole = source_of(first).sentences is not None and found[first.name]
        if reply.finish == "length" and request.schema is None and not whole:
            said = f"the reply is cut off after {request.max_tokens:,} tokens: raise max_tokens"
            return Lost(first.name, "cut off", said, reply.text, reply.key)
        return found

    async def _asked(
        self, model: str | None, request: Request, column: RecipeColumn, row: Row
    ) -> Reply | Lost:
        try:
            reply = await self._ask(model, request)
        except EndpointError as error:
            raise EndpointError(f"{column.place}: {error}", error.kind) from None
        if isinstance(reply, Failure):
            return Lost(column.name, reply.kind, reply.reason)
        row.replies += 1
        row.known += reply.known
        return reply

    async def _turns(self, column: RecipeColumn, row: Row, tries: int) -> dict[str, Any] | Lost:
        """The turns of a dialogue, or of any list that grows; each sees those before it."""
        source = source_of(column)
        assert source.repeat is not None
        low, high = source.repeat
        length = int(
            child(self._seed, "turns", column.name, row.number, row.attempt // SAME_DRAW).integers(
                low, high + 1
            )
        )
        turns: list[Any] = []
        keys: list[str] = []
        for turn in range(length):
            role = source.roles[turn % len(source.roles)] if source.roles else ""
            seen = row.values | {"turns": list(turns), "turn": turn + 1, "role": role}
            found = await self._turn(column, row, seen, turns, (tries, turn))
            if isinstance(found, Lost):
                return found
            text, stop = found
            keys += row.keys.pop(column.name, [])
            if text:
                turns.append({"role": role, "content": text} if source.roles else text)
            if stop:
                break
        row.keys[column.name] = keys
        if len(turns) < low and not self._trial:
            return Lost(
                column.name, "short", f"it ends after {len(turns)} of at least {low} turns", turns, keys[-1]
            )
        return {column.name: turns}

    async def _turn(
        self, column: RecipeColumn, row: Row, seen: dict[str, Any], turns: list[Any], at: tuple[int, int]
    ) -> tuple[str, bool] | Lost:
        """The text of one turn, and whether the list ends with it. A turn that is cut off, empty, or fails a
        check that holds of each turn is asked for again by itself, so that the turns before it are not.

        seen: what its prompt may name. at: which try at the list it is, and which turn.
        """
        lost: Lost | None = None
        for again in range(column.tries):
            if lost is not None:
                row.failed.append(lost)
            sample = self._sample(row, column, *at, *([again] if again else []))
            request = asking.written([column], seen, sample)
            found = await self._reply([column], row, request)
            if isinstance(found, Lost):
                lost = found
                continue
            text = found[column.name]
            if not isinstance(text, str):
                return asking.Standing(asking.STAND_IN), False
            said = request.messages
            prompt = said if isinstance(said, str) else str(said[-1]["content"])
            text, stop = _until(asking.spoken(text, prompt, str(seen["role"])), source_of(column).stop)
            text = asking.shortened(column, text)
            key = (row.keys.get(column.name) or [""])[-1]
            if not text and not stop:
                lost = Lost(column.name, "empty", f"turn {at[1] + 1} is empty", turns, key)
                continue
            failed = [one.name for one in column.checks if one.name in EACH and one.test is not None
                      and not one.test(text, seen)]  # fmt: skip
            if not failed:
                return text, stop
            lost = Lost(column.name, failed[0], f"turn {at[1] + 1} fails the check {failed[0]}", text, key)
        assert lost is not None  # there is at least one try
        lost.spent = True
        return lost

    async def _rate(self, column: RecipeColumn, row: Row, tries: int) -> Lost | None:
        """Has a column judged and, where its score is too low, written again; the best draft is kept."""
        judge = column.judge
        if judge is None:
            return None
        best = await self._judged(column, row.values[column.name], row, tries, 0)
        drafts = source_of(column).refine if isinstance(column.source, Written) else 0
        last = best
        for draft in range(1, drafts + 1):
            if (
                isinstance(last, Lost)
                or isinstance(best, Lost)
                or judge.least is None
                or best.score >= judge.least
            ):
                break
            request = asking.written([column], row.values, self._sample(row, column, tries, draft), last)
            found = await self._reply([column], row, request)
            if isinstance(found, Lost) or found[column.name] == last.value:
                break
            wrong = self._wrong(column, found[column.name], row)
            if wrong is not None:
                row.failed.append(wrong)
                continue
            last = await self._judged(column, found[column.name], row, tries, draft)
            if isinstance(last, Draft) and last.score > best.score:
                best = last
        if isinstance(best, Lost):
            return best
        row.values[column.name], row.scores[column.name] = best.value, best.score
        if judge.least is not None and best.score < judge.least:
            return Lost(
                column.name, "judge", f"{best.score:g} of 5, below {judge.least:g}: {best.reason}", best.value
            )
        return None

    async def _judged(
        self, column: RecipeColumn, value: Any, row: Row, tries: int, draft: int
    ) -> Draft | Lost:
        assert column.judge is not None
        lost: Lost | None = None
        for again in range(column.tries):
            if lost is not None:
                row.failed.append(lost)
            sample = self._sample(row, column, tries, draft, 1 + again)
            request = asking.judged(column.judge, value, row.values, sample)
            reply = await self._asked(column.judge.model, request, column, row)
            if isinstance(reply, Reply):
                if self._trial and not reply.known:
                    return Draft(value, 5.0, "")
                row.keys.setdefault(f"{column.name}.score", []).append(reply.key)
                return Draft(value, float(reply.data["score"]), " ".join(str(reply.data["reason"]).split()))
            lost = reply
        assert lost is not None  # there is at least one try
        return lost

    def _wrong(
        self, column: RecipeColumn, value: Any, row: Row, beside: dict[str, Any] | None = None
    ) -> Lost | None:
        """The first check that a value fails; beside: the columns of the same reply."""
        if self._trial and _stands(value):
            return None
        key = (row.keys.get(column.name) or [""])[-1]
        written = isinstance(column.source, Written)
        if written and (value is None or (isinstance(value, str) and not value.strip())):
            return Lost(column.name, "empty", "it is empty", value, key)
        seen = row.values | (beside or {}) | {column.name: value}
        for check in column.checks:
            if check.test is not None and not check.test(value, seen):
                return Lost(column.name, check.name, f"it fails the check {check.name}", value, key)
        reason = self._tests(column, value)
        return (
            None if reason is None else Lost(column.name, reason, f"it fails the check {reason}", value, key)
        )

    def _sample(self, row: Row, column: RecipeColumn, *numbers: int) -> int:
        """The sample index of a request: no two rows of a run share a reply, unless the column is asked once,
        nor do two seeds.
        """
        if isinstance(column.source, Written) and column.source.once:
            return child_seed(self._seed, "ask", column.name, *numbers)
        return child_seed(self._seed, "ask", column.name, row.number, row.attempt, *numbers)


def _steps(columns: Sequence[RecipeColumn]) -> list[list[RecipeColumn]]:
    """The columns in order, those of one call together."""
    steps: list[list[RecipeColumn]] = []
    for one in columns:
        call = one.source.call if isinstance(one.source, Written) else None
        last = steps[-1][0].source if steps else None
        if call is not None and isinstance(last, Written) and last.call == call:
            steps[-1].append(one)
        else:
            steps.append([one])
    return steps


def _until(text: str, stop: str | None) -> tuple[str, bool]:
    """A turn up to the text that ends the list, in any case, and whether it has it."""
    found = None if stop is None else re.search(re.escape(stop), text, re.IGNORECASE)
    return (text, False) if found is None else (text[: found.start()].strip(), True)


def _stands(value: Any) -> bool:
    return "Standing" in type(value).__name__ or (isinstance(value, list) and any(map(_stands_in, value)))


def _stands_in(one: Any) -> bool:
    return isinstance(one, asking.Standing) or (
        isinstance(one, dict) and isinstance(one.get("content"), asking.Standing)
    )
