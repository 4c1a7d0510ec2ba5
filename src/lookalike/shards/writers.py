"""Several processes that write the shards of a language model: one budget in a file, one rate dealt out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lookalike.errors import OptionError
from lookalike.files.place import Place
from lookalike.llm import LLM, Ledger
from lookalike.llm.shared import SharedBudget
from lookalike.shards.plan import Plan

if TYPE_CHECKING:
    import pandas as pd

    from lookalike.llm import Budget
    from lookalike.prompting import SynAlign
    from lookalike.prompting.source import Picks
    from lookalike.table.schema import Schema

SHARED = "_ledger.sqlite"
BUDGET = "_budget.sqlite"
WRITER = (
    *("text", "label", "method", "demonstrations", "gen_size", "embed", "attributes", "task", "templates"),
    *("temperature", "max_tokens", "seed", "grow", "steering"),
)


@dataclass(frozen=True)
class Writing:
    """The job: writes any shard by a language model. real: the rows; picks: which of them are shown.

    write: (synthesizer, place, plan, shard) -> what was done, None where the budget ended before. here: as of
    `Job`, since ledgers and the budget are files that no other machine may write to at the same time.
    """

    real: pd.DataFrame
    schema: Schema | None
    picks: Picks
    plan: Plan
    out: str
    writer: Mapping[str, Any]
    llm: Mapping[str, Any]
    budget: Budget
    write: Callable[[SynAlign, Place, Plan, int], Any]
    here: bool = True

    def open(self) -> Callable[[int], tuple[int, Any]]:
        from lookalike.prompting import SynAlign

        place = Place(self.out)
        budget = SharedBudget(place.of(BUDGET), self.budget)
        llm = LLM(**self.llm, ledger=Ledger(place.of(SHARED)), budget=budget, progress=False)
        own = SynAlign(llm, **self.writer, progress=False)
        own.fit_on(self.real, self.schema, self.picks)

        def shard(number: int) -> tuple[int, Any]:
            done = self.write(own, place, self.plan, number)
            return (0, own.summary()["stopped"]) if done is None else (done.rows, None)

        return shard


def check(synthesizer: SynAlign, workers: int, apart: bool) -> None:
    """Raises OptionError for an embedder that is a function, and for fewer calls in flight than workers.

    apart: whether a single worker is another process, too.
    """
    most = synthesizer.llm.throttle.most
    if (workers > 1 or apart) and callable(synthesizer.embed):
        raise OptionError("every worker loads the embedder by its name: give a name, not a function.")
    if most < workers:
        raise OptionError(
            f"{workers:,} workers cannot share {most:,} calls at once: raise concurrency, or choose fewer "
            "workers."
        )


def writing(
    synthesizer: SynAlign,
    real: pd.DataFrame,
    schema: Schema | None,
    plan: Plan,
    place: Place,
    workers: int,
    write: Callable[[SynAlign, Place, Plan, int], Any],
) -> Writing:
    """The job of a synthesizer that was fitted: each worker gets its share of the calls in flight."""
    own, llm = synthesizer, synthesizer.llm
    given = {name: getattr(own, {"text": "texts"}.get(name, name)) for name in WRITER}
    given["templates"] = own.templates.folder
    endpoint = llm.endpoint | {"model": llm.model, "concurrency": llm.throttle.most // workers}
    return Writing(real, schema, own.picks, plan, place.path, given, endpoint, llm.budget.limits(), write)
