"""`judge`: tables and real rows -> what a language model says of them, and what its word is worth."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from lookalike import arguments
from lookalike.arguments import listed, shown
from lookalike.defaults import JUDGED_PAIRS, JUDGED_ROWS
from lookalike.errors import BudgetError, DataError, LLMError, OptionError
from lookalike.evaluate.judging import counting
from lookalike.evaluate.judging.asking import TYPICAL, Said, ask, pair_requests, row_request
from lookalike.evaluate.judging.calibration import FEWEST
from lookalike.evaluate.judging.controls import LEAST_RIGHT, planted
from lookalike.evaluate.judging.judged import Judged
from lookalike.evaluate.judging.pairs import REAL, Pair, Rows, draw, sample_of
from lookalike.evaluate.judging.rubric import Rubric, rubric
from lookalike.evaluate.section import Entry, JudgedTable, Judgement
from lookalike.llm import LLM
from lookalike.table import sources

if TYPE_CHECKING:
    from lookalike.llm import Estimate, Request

SAID = {REAL: 0.0, "synthetic": 1.0, "tie": 0.5}  # what people may prefer
HALF = 98.0  # points, over the root of the pairs: half the interval of a share near one half


def judge(
    tables: Mapping[str, pd.DataFrame],
    real: pd.DataFrame,
    *,
    llm: LLM,
    label: Any = None,
    criteria: str | Path | Mapping[str, Any] | None = None,
    pairs: int = JUDGED_PAIRS,
    ratings: int = JUDGED_ROWS,
    human: pd.DataFrame | None = None,
    writers: Mapping[str, str] | None = None,
    between: bool = False,
    seed: int = 0,
    progress: bool = True,
) -> Judged:
    """Asks a language model how synthetic rows compare with real ones.

        judged = lookalike.judge({"a": table_a, "b": table_b}, real, llm=LLM("my-model", url), label="class")

    tables: the synthetic tables by name.
    real: the rows that they are compared with. They are sent to the model.
    llm: a `lookalike.llm.LLM`. With a ledger no reply is paid for twice.
    label: a column. Only rows with the same value of it are compared, and the judge is told that value.
    criteria: a file or a dict that says what the judge looks at (`rubric.py`). None: the built-in criteria.
    pairs: how many pairs of each table with real rows. The judge is asked about each in both orders.
    ratings: how many rows of each table, the real one too, are rated by the criteria.
    human: what people answered on some of the pairs, with the columns `pair` and `preferred`. `review` of
        `Judged.pairs` gives such a table.
    writers: table -> the model that wrote it. A note warns of a judge that is one of these models.
    between: True compares rows of two synthetic tables, too.
    seed: it decides which rows are judged. progress: False for silence.

    `Judging.of(...).estimate()` tells the calls and tokens without asking. Raises DataError and OptionError
    for what does not fit, and LLMError where no pair was judged.
    """
    options: dict[str, Any] = {"label": label, "criteria": criteria, "pairs": pairs, "ratings": ratings}
    options |= {"human": human, "writers": writers, "between": between, "seed": seed}
    return Judging.of(tables, real, llm, **options).ask(progress=progress)


@dataclass
class Judging:
    """What a judge is going to be asked. people: key of a pair -> what people prefer: 1 the synthetic row, 0
    the real one, 0.5 neither. notes: sentences on what could not be as it was asked for.
    """

    llm: LLM
    rubric: Rubric
    rows: Rows
    names: list[str]
    controls: list[Pair]
    pairs: list[Pair]
    rated: list[tuple[str, int, Request]]
    people: dict[str, float]
    seed: int
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        tables: Mapping[str, pd.DataFrame],
        real: pd.DataFrame,
        llm: LLM,
        *,
        label: Any = None,
        criteria: str | Path | Mapping[str, Any] | None = None,
        pairs: int = JUDGED_PAIRS,
        ratings: int = JUDGED_ROWS,
        human: pd.DataFrame | None = None,
        writers: Mapping[str, str] | None = None,
        between: bool = False,
        seed: int = 0,
    ) -> Judging:
        """Checks everything that can be wrong, and draws the pairs; options as of `judge`."""
        if not isinstance(llm, LLM):
            raise OptionError(f"llm is {shown(llm)}: give a lookalike.llm.LLM.")
        given = _tables(tables, real)
        pairs = arguments.whole("pairs", pairs, 1)
        ratings, seed = arguments.whole("ratings", ratings), arguments.whole("seed", seed)
        asked = rubric(criteria)
        rows = Rows(given, label)
        names = [name for name in given if name != REAL]
        drawn = draw(rows, names, pairs, arguments.switch("between", between), seed)
        rated = [
            (name, row, row_request(asked, rows.text_of(name, row), rows.condition(rows.given[name][row])))
            for name in (given if ratings and asked.criteria else ())
            for row in sample_of(rows, name, ratings, seed)
        ]
        one = cls(llm, asked, rows, names, planted(rows, len(drawn), seed), drawn, rated, {}, seed)
        one.notes += _few(drawn, names, pairs, rows) + _own_case(writers or {}, llm.model)
        one.people = {} if human is None else one._people(sources.table("the answers of people", human))
        return one

    @property
    def requests(self) -> list[Request]:
        """All that is asked, in its order."""
        paired = pair_requests(self.rubric, [*self.controls, *self.pairs])
        return [*paired, *(request for _, _, request in self.rated)]

    def estimate(self) -> Estimate:
        """What it will take at most, without what the ledger holds. Nothing is sent."""
        spent = self.llm.budget.spent
        each = (
            None
            if spent.calls
            else [TYPICAL] * 2 * len(self.controls + self.pairs)
            + [TYPICAL * max(1, len(self.rubric.criteria))] * len(self.rated)
        )
        return self.llm.estimate(self.requests, each)

    @property
    def margin(self) -> float:
        """Percentage points by which a table's share may be off, at most, of 95 in 100."""
        counts = Counter(pair.other for pair in self.pairs if pair.one == REAL)
        return HALF / math.sqrt(max(1, min(counts[name] for name in self.names)))

    def table(self) -> pd.DataFrame:
        """The pairs with real rows for people to answer: `review --pair real synthetic`. What the judge says
        is not in it.
        """
        own = [pair for pair in self.pairs if pair.one == REAL]
        facts = {"pair": [pair.key for pair in own]}
        if self.rows.label is not None:
            facts["given"] = [pair.given for pair in own]
        facts |= {REAL: [pair.texts[0] for pair in own], "synthetic": [pair.texts[1] for pair in own]}
        return pd.DataFrame(facts)

    def ask(self, progress: bool = True) -> Judged:
        """Asks, and counts. Raises LLMError where no pair was judged; what was paid for is in the ledger."""
        said = ask(self.llm, self.rubric, self.controls, self.pairs, self.rated, progress)
        outcomes = counting.outcomes([vote for vote in said.votes if not vote.pair.control])
        if not outcomes:
            if said.stopped is not None:
                raise BudgetError(said.stopped)
            why = ", ".join(f"{count:,} {kind}" for kind, count in said.lost.most_common())
            raise LLMError(
                f"the model '{self.llm.model}' gave no verdict on any pair ({why or 'no answer'}): "
                "try another model."
            )
        return Judged(self._judgement(said, outcomes), said.votes, self.table(), self.seed)

    def _judgement(self, said: Said, outcomes: dict[Pair, float]) -> Judgement:
        judged = [vote for vote in said.votes if not vote.pair.control]
        tables = [REAL, *self.names]
        found = counting.strengths(judged, tables, self.seed)
        elos = dict(zip(tables, zip(found.elo, found.low, found.high, strict=True), strict=True))
        endless = counting.endless(judged, self.names)
        scores = counting.scores(said.rated, tables)
        right, kinds = counting.controls(said.votes)
        usable = right.value is not None and right.value >= LEAST_RIGHT
        agreed, kappa, answered = counting.agreement(
            {pair.key: value for pair, value in outcomes.items() if pair.one == REAL}, self.people
        )
        by_name = {
            name: counting.table(
                {pair: value for pair, value in outcomes.items() if (pair.one, pair.other) == (REAL, name)},
                Entry() if name in endless else _elo(elos[name]),
                scores[name],
                self.people,
            )
            for name in self.names
        }
        spent, budget = self.llm.budget.spent, self.llm.budget
        return Judgement(
            model=self.llm.model,
            question=self.rubric.question,
            tables=by_name,
            real=scores[REAL],
            controls=right,
            kinds=kinds,
            usable=usable,
            consistency=counting.consistency(judged),
            first=counting.first_place(judged),
            first_odds=counting.of_term(found.first),
            length_odds=counting.of_term(found.length),
            agreement=agreed,
            kappa=kappa,
            answered=answered,
            calls=spent.calls,
            tokens=spent.tokens_in + spent.tokens_out,
            cost=budget.cost(spent) if budget.priced else None,
            notes=[
                *_worth(right, usable),
                *self.notes,
                *_lost(said),
                *(_endless(name, won, by_name[name].pairs) for name, won in endless.items()),
                *_level(by_name, any(REAL not in (pair.one, pair.other) for pair in self.pairs)),
                *self._unseen(by_name, answered),
            ],
        )

    def _people(self, human: pd.DataFrame) -> dict[str, float]:
        """What people prefer, by the key of the pair; of several answers the mean."""
        for name in ("pair", "preferred"):
            if name not in human.columns:
                raise DataError(
                    f"the answers of people have no column '{name}': give what  lookalike review "
                    "PAIRS -o OUT --pair real "
                    f"synthetic  wrote to OUT, not {listed(human.columns)}."
                )
        known = {pair.key for pair in self.pairs}
        told: dict[str, list[float]] = {}
        strange = 0
        for key, value in zip(human["pair"].tolist(), human["preferred"].tolist(), strict=True):
            if not isinstance(value, str):
                continue
            if value not in SAID:
                raise DataError(f"people prefer {shown(value)} in a pair: only {listed(SAID)} can be.")
            if key in known:
                told.setdefault(key, []).append(SAID[value])
            else:
                strange += 1
        if not told:
            raise DataError(
                "none of the answers of people is on a pair of this comparison: give the same "
                "tables, label, pairs and "
                "seed as when the pairs were written."
            )
        if strange:
            self.notes.append(f"{strange:,} answers of people are on other pairs and were left out.")
        return {key: sum(some) / len(some) for key, some in told.items()}

    def _unseen(self, tables: Mapping[str, Any], answered: int) -> list[str]:
        few = [name for name, one in tables.items() if one.people is None]
        if not answered or not few:
            return []
        return [
            f"people answered fewer than {FEWEST} pairs of {listed(few)}: of these only the judge speaks."
        ]


def _tables(tables: Any, real: Any) -> dict[str, pd.DataFrame]:
    """The tables by name, the real one first."""
    if isinstance(tables, pd.DataFrame) or not isinstance(tables, Mapping) or not tables:
        raise OptionError('tables is not a dict of tables: name each, such as {"a": df}.')
    for name in tables:
        if not isinstance(name, str) or not name.strip() or name == REAL:
            raise OptionError(f"a table is called {shown(name)}: give it another name.")
    named = chain([(REAL, real)], tables.items())
    return {name: sources.table(f"the table '{name}'", one).reset_index(drop=True) for name, one in named}


def _elo(found: tuple[float, float, float]) -> Entry:
    return Entry() if math.isnan(found[0]) else Entry(float(found[0]), None, float(found[1]), float(found[2]))


def _endless(name: str, won: float, pairs: int) -> str:
    what, most = ("wins", "at least") if won else ("loses", "at most")
    return (
        f"'{name}' {what} every vote, so that its Elo has no value: by {pairs:,} pairs it is {most} "
        f"{counting.bound(won, pairs):.0f}."
    )


def _level(tables: Mapping[str, JudgedTable], between: bool) -> list[str]:
    """Says of neighbours in Elo whose intervals overlap that their order is not known."""
    known = sorted((one.elo.value, name) for name, one in tables.items() if one.elo.value is not None)
    pairs = [(tables[a].elo, tables[b].elo, a, b) for (_, a), (_, b) in pairwise(known)]
    level = [f"'{a}' and '{b}'" for low, high, a, b in pairs if (low.high or 0.0) >= (high.low or 0.0)]
    if not level:
        return []
    advice = "raise --pairs" if between else "let them meet one another (--between), or raise --pairs"
    return [f"the intervals of {', '.join(level)} overlap, which may stand in either order: {advice}."]


def _worth(right: Entry, usable: bool) -> list[str]:
    if usable:
        return []
    if right.value is None:
        return [
            "no control was answered, so that nothing shows what the judge is worth: do not use its figures."
        ]
    return [
        f"the judge is unusable: it got {right.value:.0%} of the controls right, pairs of which "
        "everybody knows the better "
        f"row, and {LEAST_RIGHT:.0%} is the least. Choose a stronger model."
    ]


def _few(pairs: list[Pair], names: list[str], wanted: int, rows: Rows) -> list[str]:
    counts = Counter(pair.other for pair in pairs if pair.one == REAL)
    short = [f"{counts[name]:,} of '{name}'" for name in names if counts[name] < wanted]
    if not short:
        return []
    same = "" if rows.label is None else f" of the same '{rows.label}'"
    return [
        f"{wanted:,} pairs of each table were asked for, but there are not enough rows{same}: "
        f"{', '.join(short)}."
    ]


def _own_case(writers: Mapping[str, str], model: str) -> list[str]:
    own = [name for name, writer in writers.items() if writer == model]
    return (
        [
            f"'{model}' judges what it wrote itself ({', '.join(own)}), which judges favour: choose "
            "another judge."
        ]
        if own
        else []
    )


def _lost(said: Said) -> list[str]:
    found = [] if said.stopped is None else [f"the judge was stopped: {said.stopped}"]
    others = {kind: count for kind, count in said.lost.items() if kind != "budget"}
    if others:
        why = ", ".join(f"{count:,} {kind}" for kind, count in others.items())
        found.append(f"{sum(others.values()):,} questions got no usable answer ({why}) and do not count.")
    return found
