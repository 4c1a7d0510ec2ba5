"""Records written in rounds: planned, asked for, checked in order, and what is missing asked for again.

What is asked depends on the seed, the real rows and the earlier replies, never on when a reply came: replies
are taken in the order in which they were asked for. So a run that was killed asks the same again, and its
ledger answers what it had been answered before. What a record is by itself is looked at as it comes; whether
it repeats an earlier one has to wait for the replies before it.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from lookalike.errors import LedgerError, LLMError
from lookalike.llm.batch import WORKERS, status, worked_off
from lookalike.llm.client import LLM
from lookalike.llm.request import Failure, Reply, Request
from lookalike.llm.sync import wait
from lookalike.progress import bar
from lookalike.prompting.alarm import Alarm
from lookalike.prompting.arms import Place
from lookalike.prompting.checks import Checker, Wrong
from lookalike.prompting.growth.growing import Growth
from lookalike.prompting.prompts import sample_of
from lookalike.prompting.turns import in_turn
from lookalike.prompting.work import Work, answer
from lookalike.prompting.written import Row, Written
from lookalike.texts.checks import Hit

MOST_ROUNDS = 40
LEAST = 0.2  # acceptance below which a place counts as bad in a round
PATIENCE = 3  # bad rounds in a row after which a place is given up; rounds that bring nothing at all
MOST_OVER = 4.0  # times the missing rows that are asked for, at most
SHORTEN = (
    "malformed",
    "context",
    "timeout",
    "cut off",
)  # failures after which fewer records are asked for at once

Describe = Callable[[Place, int], Coroutine[Any, Any, "dict[str, str] | Failure"]]
Make = Callable[["Work", int, int], Request]


class Writer:
    """A run: `write` until there are as many rows as wanted, or no way to them.

    works: the places with their quotas, in order; make: the request for n records of a place, part by part;
    describe: brings the attributes of a place by a call (None: they are there already, or none are needed);
    affordable: how many places the budget that is left suffices for, so that it does not go on descriptions
    that bring no row; live: whether replies are checked as they come (checks that make calls of
    their own have to wait for the end of a round); growth: what decides before each round where rows are
    asked for (None: the quotas of the works stand); doubtful: which of the accepted rows are of another
    class, where nothing grows.
    """

    def __init__(
        self,
        llm: LLM,
        works: Sequence[Work],
        checker: Checker,
        make: Make,
        describe: Describe | None,
        written: Written,
        *,
        affordable: Callable[[], float],
        live: bool,
        progress: bool,
        growth: Growth | None = None,
        doubtful: Callable[[list[Row]], list[int]] | None = None,
    ) -> None:
        self._llm, self._works, self._checker = llm, list(works), checker
        self._make, self._describe = make, describe
        self._affordable = affordable
        self._live, self._progress, self._growth = live, progress, growth
        self._doubtful = doubtful if growth is None else growth.doubtful
        self.written, self.alarm = written, Alarm(progress)
        self._jobs: list[tuple[Work, int, int]] = []  # (place, records, part)
        self._results: list[Reply | Failure | None] = []
        self._checked = 0
        # job -> its records, whose turn has not come
        self._looked: dict[int, list[tuple[Row, Wrong | None]]] = {}
        self._describing: dict[int, asyncio.Future[Failure | None]] = {}
        self._shown: Any = None

    def write(self) -> None:
        """Fills `written`. Raises EndpointError and LedgerError when what had been answered is in it."""
        wanted = sum(work.wanted for work in self._works) if self._growth is None else self._growth.n
        self.written.classes = self._classes()
        barren = 0
        with bar(wanted, "writing", progress=self._progress) as self._shown:
            self._shown.miniters, self._shown.dynamic_miniters = 0, False  # redrawn by time, not by rows
            for turn in range(MOST_ROUNDS):
                self._plan(turn)
                if not self._jobs:
                    break
                before = len(self.written.accepted)
                try:
                    wait(self._ask())
                except BaseException as error:  # no use going on, but what came in is paid for
                    if isinstance(error, LLMError | LedgerError):
                        self.written.stop(error)
                    self._check(len(self._jobs))
                    raise
                finally:
                    self.written.paid = self._llm.budget.spent
                self._check(len(self._jobs))
                self._doubt()
                self._close()
                barren = 0 if len(self.written.accepted) > before else barren + 1
                if self.written.stopped or barren >= PATIENCE:
                    break
            self._fill()
            self._choose()

    @property
    def missing(self) -> int:
        if self._growth is not None:
            return self._growth.n - len(self.written.accepted)
        return sum(work.wanted - work.made for work in self._works)

    def _classes(self) -> list[str | None]:
        """Those of which rows are wanted."""
        if self._growth is None:
            return [work.place.label for work in self._works if work.wanted]
        return [name for name, count in (self._growth.wanted or {}).items() if count]

    def _plan(self, turn: int) -> None:
        """The jobs of a round: first parts of all places first, so that a budget that ends early has seen
        them all; those of a fixed plan by the turns of their classes.
        """
        good = sum(work.total_good for work in self._works)
        asked = sum(work.total_asked for work in self._works)
        over = min(asked / good, MOST_OVER) if good else 1.0
        if self._growth is None:
            counts = [
                0 if work.closed else math.ceil((work.wanted - work.made) * over) for work in self._works
            ]
        else:
            counts = self._grown(self._growth, turn, over)
        turns: list[tuple[int, Work, int]] = []
        for work, count in zip(self._works, counts, strict=True):
            requests = -(-count // work.size)
            before = work.parts if self._growth is None else 0
            for at in range(requests):
                turns.append((before + at, work, count // requests + (at < count % requests)))
        turns.sort(key=lambda one: one[0])
        asks = [(work, share) for _, work, share in turns]
        if self._growth is None:
            asks = in_turn(self._works, asks, sum(work.parts for work in self._works))
        self._jobs = []
        for work, share in asks:
            work.parts += 1
            self._jobs.append((work, share, work.parts))
        self._results = [None] * len(self._jobs)
        self._checked = 0
        self._looked.clear()
        self._describing.clear()

    def _grown(self, growth: Growth, turn: int, over: float) -> list[int]:
        """(works,) records to ask for, once the accepted rows that give way have done so."""
        places, accepted = [work.place for work in self._works], self.written.accepted
        numbers = {id(place): work for place, work in zip(places, self._works, strict=True)}
        for at in reversed(growth.giving_way(places, accepted, len(self.written.rejected))):
            row = accepted.pop(at)
            numbers[id(row.place)].made -= 1
            growth.made[row.place.label] -= 1
            self.written.surplus.append(row)
            self._shown.update(-1)
        return growth.plan(places, accepted, [not work.closed for work in self._works], turn, over)

    async def _ask(self) -> None:
        async def do(at: int) -> None:
            self._results[at] = await self._one(*self._jobs[at])
            self._arrived(at)

        workers = WORKERS * self._llm.throttle.most
        try:
            await worked_off(len(self._jobs), workers, do, affordable=self._affordable)
        finally:
            for task in self._describing.values():
                task.cancel()
            await asyncio.gather(*self._describing.values(), return_exceptions=True)

    async def _one(self, work: Work, n: int, part: int) -> Reply | Failure:
        if self._describe is not None and work.attributes is None:
            if id(work) not in self._describing:
                self._describing[id(work)] = asyncio.ensure_future(self._described(work))
            failure = await asyncio.shield(self._describing[id(work)])
            if failure is not None:
                return failure
        return await answer(self._llm, self._make(work, n, part))

    async def _described(self, work: Work) -> Failure | None:
        assert self._describe is not None
        found = await self._describe(work.place, work.tries)
        work.tries += 1
        if isinstance(found, Failure):
            return found
        work.attributes = found
        return None

    def _arrived(self, at: int) -> None:
        """Checks what can be checked, and shows how far it is. at: of the reply that has come."""
        if self._live:
            self._look([at])
            end = self._checked
            while end < len(self._results) and self._results[end] is not None:
                end += 1
            self._check(end)
        if self._shown.update(0):
            replies = f"{sum(one is not None for one in self._results):,} of {len(self._jobs):,} replies"
            if self._ahead:
                replies += f" ({self._ahead:,} good rows of them wait for an earlier one)"
            self._shown.set_postfix_str(f"{replies}, {status(self._llm)}")

    @property
    def _ahead(self) -> int:
        """Records that are good by themselves, of replies whose turn has not come."""
        return sum(wrong is None for some in self._looked.values() for _, wrong in some)

    def _look(self, jobs: Sequence[int]) -> None:
        """Checks the replies to these jobs by all that does not depend on the replies before them."""
        rows: list[tuple[int, Row]] = []
        for at in jobs:
            (work, _, part), result = self._jobs[at], self._results[at]
            if isinstance(result, Reply) and at not in self._looked:
                self._looked[at] = []
                where = work.place, work.attributes, sample_of(work.number, part), result.key
                rows += [(at, Row(record, *where)) for record in result.data["records"]]
        records = [row.record for _, row in rows]
        found = self._checker.alone(records, [row.place.label for _, row in rows])
        for (at, row), wrong in zip(rows, found, strict=True):
            self._looked[at].append((row, wrong))

    def _check(self, end: int) -> None:
        """Checks the results up to one, in order; those that have not come (after an error) are skipped."""
        came = [at for at in range(self._checked, end) if self._results[at] is not None]
        self._checked = max(self._checked, end)
        self._look(came)
        for at in came:
            (work, n, part), result = self._jobs[at], self._results[at]
            if isinstance(result, Failure):
                self._failed(work, n, result)
                continue
            assert result is not None
            self.written.count(result)
            found = self._lose(work, part, result)
            for row, wrong in self._looked.pop(at):
                one = self._checker.repeated(row.record) if wrong is None else wrong
                if one is not None:
                    row.reason, row.hit = one
                found[row.reason or ""] += 1
                self._keep(work, row)
            self._count(work, max(n, found.total()), found[""], found)

    def _lose(self, work: Work, part: int, reply: Reply) -> Counter[str]:
        """Keeps the records of a reply that did not fit its schema with what was rejected; their reasons."""
        for reason, value in reply.lost:
            record = value if isinstance(value, dict) else {self._checker.form.texts[0]: value}
            where = work.place, work.attributes, sample_of(work.number, part), reply.key
            self.written.rejected.append(Row(record, *where, reason))
        return Counter(lost.reason for lost in reply.lost)

    def _keep(self, work: Work, row: Row) -> None:
        if row.reason is not None:
            self.written.rejected.append(row)
        elif self._lacks(work):
            self._take(work, row)
            self._shown.update(1)
        else:
            self.written.surplus.append(row)

    def _take(self, work: Work, row: Row) -> None:
        work.made += 1
        self.written.accepted.append(row)
        if self._growth is not None:
            self._growth.made[row.place.label] += 1

    def _lacks(self, work: Work) -> bool:
        """Whether one more row of a place is wanted."""
        if self._growth is None:
            return work.made < work.wanted
        return self._growth.lacking(work.place.label) > 0

    def _failed(self, work: Work, n: int, failure: Failure) -> None:
        kind = "context" if failure.kind == "too long" else failure.kind  # records can be too long, too
        self.written.failed(failure, kind)
        if kind == "budget":
            self.written.stopped = self.written.stopped or failure.reason
            return
        if kind in SHORTEN:
            work.size = max(1, work.size // 2)
        work.shorter += kind == "context"
        work.refused |= kind == "refused"
        self._count(work, n, 0, Counter({kind: n}))

    def _count(self, work: Work, asked: int, good: int, reasons: Counter[str]) -> None:
        self.written.asked += asked
        work.asked += asked
        work.good += good
        self.alarm.heard(asked, good, reasons)

    def _close(self) -> None:
        """Ends a round: places that stay bad give what they lack to the next one of their class."""
        for work in self._works:
            if work.asked:
                work.bad = work.bad + 1 if work.good < LEAST * work.asked else 0
                if work.refused:  # the same place would be refused again
                    work.bad = PATIENCE
            work.total_asked += work.asked
            work.total_good += work.good
            work.asked = work.good = 0
        for at, work in enumerate(self._works):
            if work.closed or work.bad < PATIENCE or not self._lacks(work):
                continue
            work.closed = True
            if self._growth is not None:
                continue  # the next round's plan leaves it out
            heir = self._heir(at)
            if heir is not None:
                heir.wanted += work.wanted - work.made
                work.wanted = work.made

    def _fill(self) -> None:
        """Gives classes that still lack rows the good ones that other places of the class had left over."""
        left = []
        for row in self.written.surplus:
            short = [
                work for work in self._works if work.place.label == row.place.label and self._lacks(work)
            ]
            if short:
                self._take(short[0], row)
            else:
                left.append(row)
        self.written.surplus = left

    def _doubt(self) -> None:
        """Rejects accepted rows that others show to be of another class."""
        if self._doubtful is None:
            return
        numbers = {id(work.place): work for work in self._works}
        by = "real rows place" if self._growth is not None else "most rows, real ones among them, place"
        for at in reversed(self._doubtful(self.written.accepted)):
            row = self.written.accepted.pop(at)
            row.reason, row.hit = "class", Hit("labels", f"{by} it in another class")
            work = numbers[id(row.place)]
            work.made, work.total_good = work.made - 1, work.total_good - 1
            if self._growth is not None:
                self._growth.made[row.place.label] -= 1
            self.written.rejected.append(row)
            self._shown.update(-1)

    def _choose(self) -> None:
        """Keeps the best of the good rows, where growth can tell: as many of each class as are accepted."""
        if self._growth is None:
            return
        written = self.written
        kept = set(self._growth.chosen(written.accepted, written.surplus))
        rows = [*written.accepted, *written.surplus]
        written.accepted[:] = [row for at, row in enumerate(rows) if at in kept]
        written.surplus = [row for at, row in enumerate(rows) if at not in kept]

    def _heir(self, at: int) -> Work | None:
        """The next place of the class that is not yet used, else the one that has accepted most of what it
        was asked for.
        """
        name = self._works[at].place.label
        others = [
            work for work in self._works if work is not self._works[at] and work.place.label == name
            and not work.closed and work.bad < PATIENCE
        ]  # fmt: skip
        unused = [work for work in others if not work.parts and not work.wanted]
        if unused:
            return unused[0]
        return max(others, key=lambda work: work.total_good / max(work.total_asked, 1), default=None)
