"""Recipe: a synthesizer of several steps, with or without a real table."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lookalike.arguments import shown, switch, whole
from lookalike.decisions import Decisions
from lookalike.errors import DataError, LLMError, OptionError
from lookalike.llm.budget import NOTHING, Estimate, Spent, add
from lookalike.llm.client import LLM
from lookalike.llm.request import Failure, Reply, Request
from lookalike.llm.sync import wait
from lookalike.progress import say
from lookalike.prompting.growth.growing import LOCATED
from lookalike.prompting.recipes.checks import text_of
from lookalike.prompting.recipes.columns import RecipeColumn, Taken
from lookalike.prompting.recipes.draws import Draws, Load, plain
from lookalike.prompting.recipes.grown import Growth, Quotas, asked, growth_of
from lookalike.prompting.recipes.making import SAME_DRAW, Maker, Row
from lookalike.prompting.recipes.near_rows import near_rows
from lookalike.prompting.recipes.read import read
from lookalike.prompting.recipes.running import Kept, Runner, fix, visible
from lookalike.prompting.recipes.serving import llm_of
from lookalike.table.schema import Schema
from lookalike.table.sources import table as table_of_argument
from lookalike.texts.copies import Originals
from lookalike.texts.language import Language

TOLD = 0.1  # of the replies: so many values that were not taken are told where a budget ends
ESTIMATED = 500  # rows of which an estimate is made, for more rows in proportion


class Recipe:
    """A synthesizer that makes each row column by column: written by a language model, drawn, computed here,
    or taken from a real row.

        llm = LLM("my-model", "http://127.0.0.1:8000/v1", ledger="run/ledger.sqlite")
        synthetic = lookalike.Recipe("recipe.toml", llm).fit(None).sample(1000)

    recipe: a TOML file (`lookalike recipe NAME -o FILE` writes one to edit), or a dict of the same keys.
    llm: writes all columns that name no model of the recipe's own. models: name -> the LLM that replaces
        [models.NAME] of the recipe. load: reads a saved model for sample = "model:FOLDER", as DiffLM.load.
    where: conditions on the rows that such a model draws. grow: (places, rows so far, seed) -> rows that
        each place gets next; it replaces what `[grow]` names. seed: of what is drawn and of the replies.
    progress: False for silence.

    Raises OptionError, with file and line, for a recipe that cannot be used, before any call.
    """

    def __init__(
        self,
        recipe: str | Path | Mapping[str, Any],
        llm: LLM,
        *,
        models: Mapping[str, LLM] | None = None,
        load: Load | None = None,
        where: Sequence[str] = (),
        grow: Quotas | None = None,
        seed: int = 0,
        progress: bool = True,
    ) -> None:
        if not hasattr(llm, "answer"):
            raise OptionError(f"llm is {shown(llm)}: give a lookalike.llm.LLM.")
        self.plan = read(recipe)
        self.llm, self.load, self.where = llm, load, tuple(where)
        folder = Path() if isinstance(recipe, Mapping) else Path(recipe).parent
        self._grow = asked(self.plan, grow, folder)
        self._growth: Growth | None = None
        self.seed, self.progress = whole("seed", seed), switch("progress", progress)
        self.label = self.plan.label
        self.texts: list[Any] = list(self.plan.texts)
        given = dict(models or {})
        for name in given.keys() - self.plan.models.keys():
            raise OptionError(
                f"{self.plan.place}: there is no model {shown(name)}: name one in [models.NAME]."
            )
        self.llms: dict[str | None, LLM] = {None: llm}
        for name, served in self.plan.models.items():
            self.llms[name] = given.get(name) or llm_of(served, llm)
        self._kept, self._wanted, self._alarms = Kept(), 0, list[str]()
        self._draws: Draws | None = None
        self._real: pd.DataFrame | None = None

    def fit(self, real: pd.DataFrame | None = None, schema: Schema | None = None) -> Recipe:
        """Takes the real table, if there is one; nothing is asked. schema: not needed, as the recipe says
        what its columns are.

        Raises DataError and OptionError where the recipe takes what the table does not have.
        """
        self._real = None if real is None else table_of_argument("the real table", real)
        if self._real is not None and not len(self._real):
            raise DataError("the real table has no rows: give one that has some, or leave it out.")
        twice = [] if self._real is None else self._real.columns[self._real.columns.duplicated()].tolist()
        if twice:
            raise DataError(f"the real table has several columns called '{twice[0]}': rename them.")
        self._draws = Draws(self.plan, self._real, self.load, self.where, self.seed)
        self._tests: dict[str, dict[str, Callable[[str], bool]]] = {}
        for column in self.plan.columns:
            for kind in {one.kind for one in column.checks} & {"copy", "language"}:
                self._learn(column, kind)
        if self._grow is not None and self._grow.by in LOCATED:
            self._growth = near_rows(self._grow, self.plan, self._real, self.seed)
        elif self._grow is not None:
            self._growth = growth_of(self._grow, self.plan, self._real)
        self._trial(1)
        return self

    def requests(self, n: int) -> list[Request]:
        """What `sample(n)` asks if every reply is good, with stand-ins for what is not yet written; nothing
        is asked.
        """
        return [request for _, request in self._trial(n)]

    def estimate(self, n: int) -> Estimate:
        """What `sample(n)` will take at least: one call for each column that is written, its judge included,
        without those that the ledgers hold. Values that are made again come on top.
        """
        some = min(whole("the number of rows", n, 1), ESTIMATED)
        asked: dict[str | None, list[Request]] = {}
        for model, request in self._trial(some):
            asked.setdefault(model, []).append(request)
        parts = [
            self.llms[model].estimate(requests, asking_tokens(requests)) for model, requests in asked.items()
        ]
        return _together(parts, int(n) / some)

    def sample(self, n: int) -> pd.DataFrame:
        """n accepted rows of the columns that are kept; fewer where a budget ends, or where no way is found
        to them: a line on stderr says why.

        The same seed, real rows and replies give the same table; with a ledger, so does a run that was killed
        and started again. Raises EndpointError where an endpoint answers nothing more, and OptionError, with
        file and line, for a template or function that fails on a row: what was accepted by then is in
        `accepted`, `rejected` and `provenance`, and what was paid for in the ledger.
        """
        draws = self._fitted()
        n = self._wanted = whole("the number of rows", n, 1)
        self._kept = Kept()
        runner = Runner(
            self.plan, self.llms, draws, self._wrong, self._kept,
            affordable=self._affordable(), growth=self._growth, seed=self.seed, progress=self.progress,
        )  # fmt: skip
        self._alarms = runner.alarm.said
        runner.run(n)
        self._say_what_is_missing()
        return self.accepted

    @property
    def accepted(self) -> pd.DataFrame:
        """The rows of the last `sample`, whether it came to its end or not."""
        draws = self._fitted()
        rows = [visible(self.plan, row) for row in self._kept.accepted]
        names = [*visible(self.plan, Row(0, 0, {}))]
        columns = {}
        for name in names:
            values = pd.Series([row[name] for row in rows], dtype=object)
            columns[name] = _typed(values, draws.dtypes.get(name), self._dtype(name))
        return pd.DataFrame(columns)

    @property
    def rejected(self) -> pd.DataFrame:
        """Every value that was not taken, with column, reason, said, value (as the model wrote it), row (its
        number, from 0), attempt, key (of the reply in the ledger), and whether the row was lost by it or the
        value made again.
        """
        found = []
        for row in [*self._kept.order, *self._kept.unfinished]:
            lost = [(one, False) for one in row.failed] + ([(row.lost, True)] if row.lost else [])
            found += [
                {
                    "row": row.number, "attempt": row.attempt, "column": one.column, "reason": one.reason,
                    "said": one.said, "lost": final, "value": text_of(one.value), "key": one.key,
                }
                for one, final in lost
            ]  # fmt: skip
        names = ["row", "attempt", "column", "reason", "said", "lost", "value", "key"]
        return pd.DataFrame(found, columns=names)

    @property
    def shown(self) -> list[list[int]] | None:
        """For each accepted row the real rows that it was written from: none where the recipe takes no column
        of them but the label, else None, as that is not known row by row.
        """
        taken = [one for one in self.plan.of(Taken) if one.name != self.label]
        return None if taken else [[] for _ in self._kept.accepted]

    @property
    def steering_rows(self) -> Sequence[int]:
        """Row numbers in the real table of the rows whose errors steer: whoever measures leaves them out."""
        return () if self._growth is None else self._growth.steering

    @property
    def decisions(self) -> Decisions:
        """What was decided on the rows that were begun, in order: which are dropped, at which column and why;
        values that were made again are reported.
        """
        found = []
        for at, row in enumerate(self._kept.order):
            some = [(one, "report") for one in row.failed] + ([(row.lost, "drop")] if row.lost else [])
            found += [
                {"row": at, "check": one.reason, "column": one.column, "action": action, "reason": one.said}
                for one, action in some
            ]
        return Decisions.of(found, len(self._kept.order), self.label)

    @property
    def provenance(self) -> pd.DataFrame:
        """Where each accepted row came from: row (its number), attempt, recipe (version), helpers (JSON of
        the columns that are not kept, and of their scores) and keys (JSON: column -> its replies in the
        ledger).
        """
        hidden = [one.name for one in self.plan.columns if not one.keep]
        rows = self._kept.accepted
        helpers = [
            {name: row.values.get(name) for name in hidden}
            | {f"{name}.score": row.scores[name] for name in hidden if name in row.scores}
            for row in rows
        ]
        return pd.DataFrame(
            {
                "row": [row.number for row in rows],
                "attempt": [row.attempt for row in rows],
                "recipe": [self.plan.version] * len(rows),
                "helpers": [json.dumps(one, ensure_ascii=False, default=str) for one in helpers],
                "keys": [json.dumps(row.keys) for row in rows],
            }
        )

    def summary(self) -> dict[str, Any]:
        """The last `sample` in figures, with the keys of `SynAlign.summary`: rejected counts rows by "column:
        reason", again the values that were made again; money is None where no model has a price.
        """
        kept, spent = self._kept, self._spent()
        priced = [one for one in self._models() if one.budget.priced]
        return {
            "method": "recipe",
            "wanted": self._wanted,
            "asked": len(kept.order),
            "accepted": len(kept.accepted),
            "surplus": len(kept.surplus),
            "classes_without_rows": self._classes_without_rows(),
            "rejected": dict(kept.reasons.most_common()),
            "again": dict(kept.again.most_common()),
            "failures": dict(kept.failures.most_common()),
            "said": dict(kept.said),
            "replies": kept.replies,
            "known": kept.known,
            "calls": spent.calls,
            "tokens_in": spent.tokens_in,
            "tokens_out": spent.tokens_out,
            "money": sum(one.budget.cost(one.budget.spent) for one in priced) if priced else None,
            "demonstrations": 0,
            "coverage": None,
            "alarms": list(self._alarms),
            "stopped": kept.stopped,
        }

    def _models(self) -> list[LLM]:
        return list({one.account: one for one in self.llms.values()}.values())

    def _spent(self) -> Spent:
        total = NOTHING
        for one in self._models():
            total = add(total, one.budget.spent)
        return total

    def _affordable(self) -> Callable[[], float]:
        """Tells how many rows the budgets that are left pay for."""
        each: dict[LLM, Spent] = {}
        for model, request in self._trial(1):
            said = str(request.messages) + str(request.schema)
            one = Spent(1, len(said.encode()), request.max_tokens)
            each[self.llms[model]] = add(each.get(self.llms[model], NOTHING), one)
        return lambda: min((llm.budget.affords(spent) for llm, spent in each.items()), default=math.inf)

    def _classes_without_rows(self) -> list[str]:
        if self.label is None or not self._kept.order:
            return []
        begun = dict.fromkeys(
            str(row.values[self.label]) for row in self._kept.order if self.label in row.values
        )
        got = {str(row.values[self.label]) for row in self._kept.accepted}
        return [one for one in begun if one not in got]

    def _trial(self, n: int) -> list[tuple[str | None, Request]]:
        """The requests of n rows, each with the name of its model; replies that a ledger knows are those."""
        found: list[tuple[str | None, Request]] = []

        async def note(model: str | None, request: Request) -> Reply | Failure:
            try:
                known = self.llms[model].read_back(request)
            except LLMError as error:  # it is refused, as the ledger knows
                return Failure(error.kind, str(error))
            found.append((model, request))
            return known or Reply("", None, "text", False, "stop", 0, 0, False, "")

        maker = Maker(self.plan, self._fitted(), note, lambda column, value: None, self.seed, trial=True)

        async def all_of_them() -> None:
            for number in range(n):
                for attempt in range(SAME_DRAW):
                    if (await maker.make(number, attempt, {})).lost is None:
                        break

        wait(all_of_them())
        return found

    def _fitted(self) -> Draws:
        if self._draws is None:
            raise DataError(
                "nothing was fitted yet: call fit(real) first, or fit(None) without a real table."
            )
        return self._draws

    def _learn(self, column: RecipeColumn, kind: str) -> None:
        """Makes ready a check that needs the texts of real rows."""
        if self._real is None:
            say(f"{column.place}: the check '{kind}' needs real rows: without them every row passes.",
                progress=self.progress)  # fmt: skip
            return
        if column.name not in self._real.columns:
            raise DataError(
                f"{column.place}: the check '{kind}' compares with the real table, which has no such column: "
                "leave the check out, or rename the column."
            )
        texts = [text_of(plain(value)) for value in self._real[column.name].dropna()]
        found = self._tests.setdefault(column.name, {})
        if kind == "copy":
            originals = Originals(texts)
            found[kind] = lambda text: originals.copied(text) is not None
        else:
            found[kind] = Language(texts).is_foreign

    def _wrong(self, column: RecipeColumn, value: Any) -> str | None:
        """The first check of real rows that a value fails."""
        tests = self._tests.get(column.name, {})
        return next((kind for kind, fails in tests.items() if fails(text_of(value))), None)

    def _dtype(self, name: str) -> Any:
        real = self._real
        return None if real is None or name not in real.columns else real[name].dtype

    def _say_what_is_missing(self) -> None:
        kept = self._kept
        missing = self._wanted - len(kept.accepted)
        if not missing:
            return
        if kept.stopped is None:
            reason = next(iter(dict(kept.reasons.most_common())), None)
            kept.stopped = "no way was found to the rows that are missing"
            if reason is not None:
                kept.stopped = f"most others are lost as '{reason}': {fix(reason)}"
        else:
            cost = (kept.reasons + kept.again).most_common(1)
            if cost and cost[0][1] >= TOLD * kept.replies:
                reason, count = cost[0]
                kept.stopped += f" {count:,} values were not taken as '{reason}': {fix(reason)}."
        say(f"{missing:,} of {self._wanted:,} rows are missing: {kept.stopped.rstrip('.')}.",
            progress=self.progress)  # fmt: skip


def asking_tokens(requests: Sequence[Request]) -> list[int]:
    """Tokens that the replies will probably have; max_tokens are several times as many."""
    return [max(1, request.max_tokens // 5) for request in requests]


def _together(parts: Sequence[Estimate], times: float) -> Estimate:
    costs = [one.cost for one in parts if one.cost is not None]
    seconds = [one.seconds for one in parts]
    known = [one for one in seconds if one is not None]
    return Estimate(
        round(sum(one.calls for one in parts) * times),
        round(sum(one.tokens_in for one in parts) * times),
        round(sum(one.tokens_out for one in parts) * times),
        sum(costs) * times if costs else None,
        max(known) * times if len(known) == len(seconds) and known else None,
    )


def _typed(values: pd.Series, *dtypes: Any) -> pd.Series:
    """Values in the dtype of the table that they are from or like, where they fit it."""
    for dtype in dtypes:
        if dtype is not None:
            try:
                return values.astype(dtype)
            except (ValueError, TypeError, OverflowError):
                continue
    return values.infer_objects()
