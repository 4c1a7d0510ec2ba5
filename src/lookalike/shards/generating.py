"""`generate_shards`: the rows that a language model writes, in shards, each with its ledger.

    OUT/plan.json                     refuses another job in the folder
    OUT/part-00017-of-01000.parquet   the rows of a shard, once it is complete
    OUT/part-00017-of-01000.run/      its replies (ledger.sqlite), and what a run says of its rows: accepted,
                                      rejected, provenance, decisions, summary
    OUT/_ledger.sqlite                replies that all shards share, such as the names of attributes

    OUT/_budget.sqlite                what several processes have spent and hold of one budget

The demonstrations are picked once and dealt to the shards. One process writes them one after the other, by
one budget, one rate and one pool of connections, and memory is that of a shard. Several (`workers`) share the
budget in a file, and have a share of the calls in flight each.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pandas as pd

from lookalike import arguments
from lookalike.arguments import shown, whole
from lookalike.defaults import GROW
from lookalike.errors import OptionError, UserError
from lookalike.files.place import Place, is_url
from lookalike.files.sharded import PLAN
from lookalike.files.writing import write_table
from lookalike.jobs import Done
from lookalike.llm.ledger import Ledger, counted
from lookalike.llm.shared import SharedBudget
from lookalike.progress import say
from lookalike.run import LEDGER, Cost, Run
from lookalike.shards.crew import Crew, Made, carried_out
from lookalike.shards.curating import print_of
from lookalike.shards.plan import Plan
from lookalike.shards.writers import BUDGET, SHARED, check, writing
from lookalike.table.schema import Schema
from lookalike.table.sources import table

if TYPE_CHECKING:
    from lookalike.llm import LLM, Budget
    from lookalike.prompting import SynAlign


@dataclass
class Wrote(Made):
    """As `Made`; stopped: why shards are missing, as a sentence; None where all are there. left: how many."""

    stopped: str | None = None
    left: int = 0

    def __str__(self) -> str:
        told = super().__str__()
        return told if self.stopped is None else f"{told}\n{self.left:,} shards are missing: {self.stopped}"


def generate_shards(
    real: Any,
    n: int,
    synthesizer: SynAlign,
    out: str | Path,
    *,
    shards: int,
    shard: int | None = None,
    schema: Schema | None = None,
    on_fit: Callable[[SynAlign], object] | None = None,
    workers: int = 1,
    engine: str = "processes",
    progress: bool = True,
) -> Wrote:
    """`n` rows by a language model in a folder of Parquet files, and what was made of them now.

        llm = LLM("my-model", "http://127.0.0.1:8000/v1", budget=Budget(max_calls=100_000))
        made = lookalike.generate_shards(real, 10**6, SynAlign(llm, "text", "label"), "made/", shards=100)

    A shard asks what `synthesizer.sample(n)` would ask at its places. Its rows are compared only with those
    of the same shard, so `curate_shards` comes after it.

    real, schema: as of `SynAlign.fit`.
    synthesizer: a SynAlign. The budget of its `llm` counts the ledgers of all shards. Where it ends, the
        shards that are complete stay, and `stopped` says so.
    out: a folder of this machine. It refuses another job. Every reply is in the ledger of its shard: after a
        kill the same call goes on, and no reply is paid twice.
    shards: how many files. shard: the only one to write, 0 to shards - 1. Other processes of this machine may
        write others at the same time. They share the budget, but each has its own rate.
    on_fit: a function that is called with the synthesizer once the demonstrations are picked.
    workers: how many processes write at once. The calls in flight of the `llm` are dealt out to them.
    engine: "processes" or "ray". Writers wait for the endpoint and share files, so that Ray has them on this
        machine, too; an address is that of a cluster which this machine is part of ("ray://auto").
    progress: False for silence.

    Raises OptionError and DataError for what does not fit, EndpointError where nothing answers any more, and
    LedgerError for a ledger that cannot be used.
    """
    n, shards = whole("the number of rows", n, 1), whole("shards", shards, 1)
    workers = whole("workers", workers, 1)
    if shard is not None:
        shard = whole("shard", shard, 0, shards - 1, f"one of 0 to {shards - 1:,}")
    if not hasattr(synthesizer, "sample_shard"):
        raise OptionError(f"the synthesizer is {shown(synthesizer)}: give a SynAlign.")
    crew = Crew(engine, workers)
    if engine.partition("://")[2] not in ("", "auto"):
        raise OptionError(
            f"{engine}: ledgers and one budget are files of this machine: give the engine ray://auto, on a "
            "machine of the cluster."
        )
    if is_url(out):
        raise OptionError(f"{out}: ledgers need a folder of this machine: write there, and copy the shards.")
    check(synthesizer, min(workers, shards), crew.engine != "processes")
    real = table("the real table", real)
    place, progress = (
        Place(os.path.abspath(arguments.path("out", out))),
        arguments.switch("progress", progress),
    )
    plan = Plan("generate", shards, _facts(synthesizer, real, n, schema))
    there = plan.begin(place)
    wanted = range(shards) if shard is None else [shard]
    todo = [one for one in wanted if one not in there]
    made, begun = Wrote(str(out), there=len(wanted) - len(todo)), perf_counter()
    if not todo:
        return made
    workers = min(workers, len(todo))
    apart = workers > 1 or crew.engine != "processes"
    with _counting(synthesizer, place, plan, apart or shard is not None):
        try:
            synthesizer.fit(real, schema)
            synthesizer.deal(n, shards)
        except UserError:
            if not there and shard is None:  # a plan that nothing can come of is no plan of this folder
                place.remove([PLAN])
            raise
        if on_fit is not None:
            on_fit(synthesizer)
        if apart:
            synthesizer.prepare(n)
            job = writing(synthesizer, real, schema, plan, place, workers, _written)
            carried_out(job, todo, crew, made, 0, progress, "writing")
            _apart(made)
        else:
            _one_by_one(synthesizer, place, plan, todo, made, progress)
    made.seconds = perf_counter() - begun
    return made


def _one_by_one(
    synthesizer: SynAlign, place: Place, plan: Plan, todo: list[int], made: Wrote, progress: bool
) -> None:
    for at, shard in enumerate(todo):
        say(f"shard {shard:,} of {plan.shards:,} ({at + 1:,} of the {len(todo):,} left)", progress=progress)
        done = _written(synthesizer, place, plan, shard)
        if done is None:
            made.stopped, made.left = synthesizer.summary()["stopped"], len(todo) - at
            break
        made.done.append(done)


def _apart(made: Wrote) -> None:
    """Sets the shards apart that the budget left unfinished."""
    unfinished = [one for one in made.done if one.facts is not None]
    made.done = [one for one in made.done if one.facts is None]
    if unfinished:
        made.stopped, made.left = unfinished[0].facts, len(unfinished)


def _facts(synthesizer: SynAlign, real: pd.DataFrame, n: int, schema: Schema | None) -> dict[str, Any]:
    """What decides the rows, but for the replies."""
    own = synthesizer
    return {
        "rows": n,
        "real": print_of(real),
        "schema": None if schema is None else schema.to_dict(),
        "model": own.llm.account,
        "seed": own.seed,
        "texts": list(map(str, own.texts)),
        "label": None if own.label is None else str(own.label),
        "method": own.method,
        "demonstrations": own.demonstrations,
        "gen_size": own.gen_size,
        "attributes": own.attributes,
        "embed": own.embed if own.embed is None or isinstance(own.embed, str) else "function",
        "task": own.task,
        "templates": own.templates.version,
        "temperature": own.temperature,
        "reply_tokens": own.max_tokens,
    } | ({} if own.grow == GROW[0] else {"grow": own.grow})


@contextlib.contextmanager
def _counting(synthesizer: SynAlign, place: Place, plan: Plan, several: bool) -> Iterator[None]:
    """While it lasts, what shards share is kept in the folder, and the budget counts all its ledgers.

    several: whether other processes count on it, too.
    """
    llm, own = synthesizer.llm, synthesizer.llm.budget
    with contextlib.ExitStack() as undone:
        if several:
            shared = llm.budget = SharedBudget(place.of(BUDGET), own)
            undone.callback(_counted, llm, shared, own)
        for shard in range(plan.shards):
            path = _folder(place, plan, shard) / LEDGER
            llm.budget.count(path, counted(path, llm.account))
        ledger = Ledger(place.of(SHARED))
        undone.callback(ledger.close)
        with llm.keeping(ledger):
            yield


def _counted(llm: LLM, shared: SharedBudget, own: Budget) -> None:
    """The LLM has its own budget again, on which is counted what all processes have spent."""
    llm.budget = own
    try:
        shared.tell(own)
    finally:
        shared.close()


def _folder(place: Place, plan: Plan, shard: int) -> Path:
    return Path(place.of(plan.name(shard))).with_suffix(".run")


def _written(synthesizer: SynAlign, place: Place, plan: Plan, shard: int) -> Done | None:
    """Writes a shard; None where the budget ended before it was complete."""
    begun, run = perf_counter(), Run(_folder(place, plan, shard))
    with run.begun():
        ledger = Ledger(run.ledger)
        try:
            rows = _kept(synthesizer, run, ledger, plan, shard, begun)
        finally:
            ledger.close()
    facts = synthesizer.summary()
    if facts["failures"].get("budget") and len(rows) < facts["wanted"]:
        return None
    name = plan.name(shard)
    with place.writing(name) as partial:
        write_table(rows, partial)
    place.tidy(name)
    return Done(shard, len(rows), perf_counter() - begun)


def _kept(
    synthesizer: SynAlign, run: Run, ledger: Ledger, plan: Plan, shard: int, begun: float
) -> pd.DataFrame:
    """The rows, which the run of the shard keeps whatever stops it."""
    complete = False
    try:
        rows = synthesizer.sample_shard(plan.facts["rows"], shard, plan.shards, ledger)
        complete = True
    finally:
        run.keep(
            synthesizer, Cost.of(synthesizer, len(synthesizer.accepted), perf_counter() - begun), complete
        )
    return rows
