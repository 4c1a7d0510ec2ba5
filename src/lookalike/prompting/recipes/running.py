"""A recipe run: rows made many at once, taken in their order, until as many are accepted as were asked for.

What is asked depends on the seed, the recipe and the replies before it in the same row, never on when a reply
came, and rows are compared with each other in the order of their numbers. So a run that was killed asks the
same again, and its ledger answers what it had been answered before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lookalike.errors import BudgetError, EndpointError, LedgerError, LLMError, OptionError
from lookalike.llm.batch import WORKERS, status, worked_off
from lookalike.llm.client import LLM
from lookalike.llm.request import Failure, Reply, Request
from lookalike.llm.sync import wait
from lookalike.progress import bar
from lookalike.prompting.alarm import Alarm
from lookalike.prompting.growth.growing import drawn
from lookalike.prompting.growth.novelty import LIMIT, Pool, novel
from lookalike.prompting.recipes.checks import text_of
from lookalike.prompting.recipes.columns import Plan, RecipeColumn
from lookalike.prompting.recipes.draws import Draws
from lookalike.prompting.recipes.grown import Growth, Made, Place, Steer, checked
from lookalike.prompting.recipes.making import SAME_DRAW, Ask, Lost, Maker, Row
from lookalike.seed import child
from lookalike.texts.duplicates import Accepted
from lookalike.texts.shingles import normal

MOST_ATTEMPTS = 3 * SAME_DRAW  # at a row, before it is given up
MOST_ROUNDS = 30
BARREN = 2  # rounds in a row that bring nothing
HOPELESS = 20  # rows, the first ones, of which none is accepted


@dataclass
class Wanted:
    """A row that is wanted. attempts: how many were made; fixed: its cells that are given."""

    number: int
    fixed: dict[str, Any] = field(default_factory=dict)
    attempts: int = 0


@dataclass
class Kept:
    """What a run has made. accepted: whole rows in order; surplus: whole rows that gave way to better ones;
    lost: rows that are none; order: all rows that were begun; unfinished: those beside them that a budget
    ended; failures: calls without a reply, by kind; said:
    their first sentences.
    """

    accepted: list[Row] = field(default_factory=list)
    surplus: list[Row] = field(default_factory=list)
    lost: list[Row] = field(default_factory=list)
    order: list[Row] = field(default_factory=list)
    unfinished: list[Row] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    said: dict[str, str] = field(default_factory=dict)
    replies: int = 0
    known: int = 0
    stopped: str | None = None

    @property
    def reasons(self) -> Counter[str]:
        """Of rows that are lost: "column: reason" -> how many."""
        found = (row.lost for row in self.lost)
        return Counter(f"{one.column}: {one.reason}" for one in found if one is not None)

    @property
    def again(self) -> Counter[str]:
        """Of values that were made again, the same."""
        rows = [*self.order, *self.unfinished]
        return Counter(f"{one.column}: {one.reason}" for row in rows for one in row.failed)


def asker(llms: Mapping[str | None, LLM], failed: Callable[[LLMError], None]) -> Ask:
    """Asks the models of a recipe; failed: hears of each request without a reply."""

    async def ask(model: str | None, request: Request) -> Reply | Failure:
        try:
            return await llms[model].answer(request)
        except (EndpointError, BudgetError):
            raise
        except LLMError as error:
            failed(error)
            return Failure(error.kind, str(error))

    return ask


class Runner:
    """A run of a plan: `run` until n rows are accepted, or no way is found to them.

    llms: name in the recipe (None: the run's own) -> model. tests: of what needs real rows. kept: is filled.
    affordable: how many rows the budgets that are left suffice for, so that they do not go on half rows.
    """

    def __init__(
        self,
        plan: Plan,
        llms: Mapping[str | None, LLM],
        draws: Draws,
        tests: Callable[[RecipeColumn, Any], str | None],
        kept: Kept,
        *,
        affordable: Callable[[], float],
        growth: Growth | None,
        seed: int,
        progress: bool,
    ) -> None:
        self._plan, self._llms, self._draws, self.kept = plan, llms, draws, kept
        self._growth, self._seed, self._progress = growth, seed, progress
        self._maker = Maker(plan, draws, asker(llms, self._failed), tests, seed)
        self._near = {one.name: Accepted() for one in plan.columns if _has(one, "near")}
        self._exact: dict[str, set[str]] = {one.name: set() for one in plan.columns if _has(one, "exact")}
        self._novel = {one.name: Pool() for one in plan.columns if _has(one, "novel")}
        self.alarm = Alarm(progress, fix)
        self._affordable = affordable
        self._wanted: list[Wanted] = []
        self._results: list[list[Row] | None] = []
        self._settled = self._numbers = 0
        self._grown: list[int] = []  # of each row's number its place, where the plan grows
        self._shown: Any = None

    def run(self, n: int) -> None:
        """Fills `kept`. Raises EndpointError, LedgerError and OptionError when what was made by then is in
        it.
        """
        barren = rounds = 0
        steer = None if self._growth is None else self._growth.begin(n)
        again: list[Wanted] = []
        with bar(n, "writing", progress=self._progress) as self._shown:
            self._shown.miniters, self._shown.dynamic_miniters = 0, False  # redrawn by time, not by rows
            while len(self.kept.accepted) < n and rounds < MOST_ROUNDS and barren < BARREN:
                self._wanted = self._planned(n, again) if steer is None else self._growing(n, rounds, steer)
                if not self._wanted:
                    break
                self._draws.prepare([wanted.number for wanted in self._wanted])
                self._results, self._settled = [None] * len(self._wanted), 0
                before = len(self.kept.accepted)
                try:
                    wait(self._round())
                except BaseException as error:  # no use going on, but what came in is paid for
                    if isinstance(error, LLMError | LedgerError | OptionError):
                        self.kept.stopped = str(error)
                    self._settle(len(self._wanted))
                    self._fill(n)
                    raise
                self._settle(len(self._wanted))
                self._doubt(steer)
                rounds += 1
                barren = 0 if len(self.kept.accepted) > before else barren + 1
                if self.kept.stopped:
                    break
                done = {row.number for row in self.kept.accepted}
                left = [one for one in self._wanted if one.number not in done]
                again = [one for one in left if one.attempts < MOST_ATTEMPTS]
            self.kept.unfinished = self._maker.unfinished
            self._fill(n)
            self._choose(steer)

    def _planned(self, n: int, again: list[Wanted]) -> list[Wanted]:
        """The rows of a round: those that are still to be had."""
        missing = n - len(self.kept.accepted)
        return [*again, *(self._one_more() for _ in range(missing - len(again)))]

    def _growing(self, n: int, turn: int, steer: Steer) -> list[Wanted]:
        """The rows of a round, the turn-th, where growth says how many of each place, once the accepted rows
        that give way have done so.
        """
        growth = self._growth
        assert growth is not None
        accepted = self.kept.accepted
        for at in reversed(steer.giving_way(self._made(accepted), len(self.kept.lost))):
            self.kept.surplus.append(accepted.pop(at))
            self._shown.update(-1)
        made = self._made(accepted)
        quotas = checked(steer.weigh(made, self._seed), growth)
        most = min(n - len(self.kept.accepted), -(-n // growth.rounds), round(sum(quotas)))
        found = []
        for at, quota in enumerate(_shared(quotas, most, child(self._seed, "growth", turn).random())):
            found += [self._one_more(growth.places[at]) for _ in range(quota)]
            self._grown += [at] * quota
        return found

    def _made(self, rows: Sequence[Row]) -> list[Made]:
        return [Made(visible(self._plan, row), self._grown[row.number]) for row in rows]

    def _doubt(self, steer: Steer | None) -> None:
        """Rejects accepted rows that growth finds to be of another class."""
        for at in reversed([] if steer is None else steer.doubtful(self._made(self.kept.accepted))):
            row = self.kept.accepted.pop(at)
            row.lost = Lost(self._plan.label or "", "class", "real rows place it in another class")
            self.kept.lost.append(row)
            self._shown.update(-1)

    def _fill(self, n: int) -> None:
        """Rows that gave way come back where no better ones came, the last one first."""
        while self.kept.surplus and len(self.kept.accepted) < n:
            self.kept.accepted.append(self.kept.surplus.pop())

    def _choose(self, steer: Steer | None) -> None:
        """Keeps the best of the good rows, where growth can tell."""
        if steer is None or not self.kept.surplus:
            return
        rows = [*self.kept.accepted, *self.kept.surplus]
        kept = set(steer.chosen(self._made(self.kept.accepted), self._made(self.kept.surplus)))
        self.kept.accepted[:] = [row for at, row in enumerate(rows) if at in kept]
        self.kept.surplus = [row for at, row in enumerate(rows) if at not in kept]

    def _one_more(self, place: Place | None = None) -> Wanted:
        self._numbers += 1
        return Wanted(self._numbers - 1, dict(place or {}))

    async def _round(self) -> None:
        async def do(at: int) -> None:
            try:
                self._results[at] = await self._chain(self._wanted[at])
            except BudgetError as error:
                self.kept.stopped = str(error)
                return
            self._arrived()

        most = sum({id(one): one.throttle.most for one in self._llms.values()}.values())
        await worked_off(
            len(self._wanted), WORKERS * most, do,
            affordable=self._affordable, over=lambda: bool(self.kept.stopped),
        )  # fmt: skip

    async def _chain(self, wanted: Wanted) -> list[Row]:
        """The attempts at a row in this round, the last one whole if any is."""
        rows: list[Row] = []
        while len(rows) < SAME_DRAW and wanted.attempts < MOST_ATTEMPTS:
            wanted.attempts += 1
            rows.append(await self._maker.make(wanted.number, wanted.attempts - 1, wanted.fixed))
            if rows[-1].lost is None:
                break
            if not rows[-1].replies:  # what was drawn is at fault, and would be the same
                wanted.attempts += -wanted.attempts % SAME_DRAW
        return rows

    def _arrived(self) -> None:
        end = self._settled
        while end < len(self._results) and self._results[end] is not None:
            end += 1
        self._settle(end)
        if self._shown.update(0):
            self._shown.set_postfix_str("; ".join(status(one) for one in set(self._llms.values())))

    def _settle(self, end: int) -> None:
        """Takes the rows up to one, in order; those that have not come (after an error) are skipped."""
        for rows in self._results[self._settled : end]:
            for row in rows or ():
                self._take(row)
        self._settled = max(self._settled, end)
        first = self.kept.order[:HOPELESS]
        if len(first) == HOPELESS and not self.kept.accepted and not self.kept.stopped:
            reason = self.kept.reasons.most_common(1)[0][0]
            self.kept.stopped = (
                f"of the first {HOPELESS} rows none was accepted, most are lost as '{reason}': {fix(reason)}"
            )

    def _take(self, row: Row) -> None:
        self.kept.replies += row.replies
        self.kept.known += row.known
        self.kept.order.append(row)
        row.lost = row.lost or self._repeated(row)
        if row.lost is None:
            self.kept.accepted.append(row)
            self._shown.update(1)
            self.alarm.heard(1, 1, Counter())
        else:
            self.kept.lost.append(row)
            self.alarm.heard(1, 0, Counter([f"{row.lost.column}: {row.lost.reason}"]))

    def _repeated(self, row: Row) -> Lost | None:
        """The first column that repeats that of an accepted row."""
        for name, seen in self._exact.items():
            if normal(text_of(row.values[name])) in seen:
                return Lost(name, "exact", "an accepted row says the same", row.values[name], _key(row, name))
        for name, accepted in self._near.items():
            if accepted.repeats(text_of(row.values[name])):
                said = "an accepted row says nearly the same"
                return Lost(name, "near", said, row.values[name], _key(row, name))
        for name, pool in self._novel.items():
            if not novel(text_of(row.values[name]), pool):
                said = f"ROUGE-L to an accepted row is above {LIMIT:g}"
                return Lost(name, "novel", said, row.values[name], _key(row, name))
        for name, seen in self._exact.items():
            seen.add(normal(text_of(row.values[name])))
        for name, accepted in self._near.items():  # now that the row is accepted
            accepted.add(text_of(row.values[name]))
        for name, pool in self._novel.items():
            pool.add(text_of(row.values[name]))
        return None

    def _failed(self, error: LLMError) -> None:
        self.kept.failures[error.kind] += 1
        self.kept.said.setdefault(error.kind, str(error))


def _key(row: Row, name: str) -> str:
    """The last reply that a column of a row is from."""
    return (row.keys.get(name) or [""])[-1]


def visible(plan: Plan, row: Row) -> dict[str, Any]:
    """The columns of a row that are kept, and the scores of those that were judged."""
    found: dict[str, Any] = {}
    for name in plan.names:
        found[name] = row.values.get(name)
        if plan[name].judge is not None:
            found[f"{name}.score"] = row.scores.get(name)
    return found


def _shared(quotas: Sequence[float], rows: int, start: float) -> list[int]:
    """How many of the rows each place gets, in proportion to its quota; start: see `drawn`."""
    return drawn(np.array(quotas), rows, start).tolist() if rows else [0] * len(quotas)


def _has(column: RecipeColumn, kind: str) -> bool:
    return any(check.kind == kind for check in column.checks)


FIXES = {  # the reason, or the kind of a failure -> what helps
    "judge": "lower least, say the criteria more plainly, or use a better model",
    "empty": "say in the prompt what is wanted, or use another model",
    "refusal": "say what the data are for (task), or use another model",
    "meta": "say in the prompt that only the text itself is wanted, or use a better model",
    "near": "raise the temperature, or sample more of what the prompt names",
    "exact": "raise the temperature, or sample more of what the prompt names",
    "novel": "raise the temperature, or sample more of what the prompt names",
    "class": "say in the prompt what tells the classes apart, or show real rows of the class",
    "words": "say in the prompt how long it is to be, or ease the check",
    "repetition": "lower the temperature, or use a better model",
    "runs": "show an example of the form in the prompt, or use a better model",
    "calls": "show an example of the form in the prompt, or use a better model",
    "states": "say in the prompt that these values are to stand in the text, or use a better model",
    "answered": "say in the prompt what an answer is, or use a better model",
    "evolved": "say in the prompt what is to be added, or use a better model",
    "cut off": "raise max_tokens of the column",
    "malformed": "make the schema simpler, or use a model that writes JSON better",
    "given": "give the column a sample beside given",
    "short": "lower the fewest turns of repeat, or say in the prompt when to stop",
    "timeout": "bear a longer silence (--timeout), or ask less at once (--concurrency)",
}


def fix(reason: str) -> str:
    """What helps against a reason ("column: reason"), as half a sentence."""
    return FIXES.get(reason.rpartition(": ")[2], "look at the rejected rows, or ease the check")
