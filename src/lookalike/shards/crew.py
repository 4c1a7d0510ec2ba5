"""Who does a job in shards, processes of this machine or Ray (`scale.py`), and what it took."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from lookalike.arguments import shown, whole
from lookalike.errors import OptionError
from lookalike.jobs import Done, Job, in_processes, in_this_process
from lookalike.progress import bar, duration

ENGINES = ("processes", "ray")


@dataclass(frozen=True)
class Crew:
    """Who does the shards.

    engine: "processes", "ray", or "ray://HOST:PORT" of a cluster. workers: at once; None: a process a core
    here, or all that the cluster has room for. cpus, gpus: of a worker, for Ray.
    """

    engine: str = "processes"
    workers: int | None = None
    cpus: float = 1
    gpus: float = 0

    def __post_init__(self) -> None:
        if not isinstance(self.engine, str) or self.engine.partition("://")[0] not in ENGINES:
            raise OptionError(
                f"the engine {shown(self.engine)} is not known: choose processes, ray or ray://HOST:PORT."
            )
        if self.workers is not None:
            whole("workers", self.workers, 1)

    def does(self, job: Job, todo: Sequence[int]) -> Iterator[Done]:
        """The shards as they are done, in any order. Raises the UserError of a shard that cannot be done."""
        if not todo:
            return iter(())
        if self.engine != "processes":
            from lookalike import scale

            return scale.does(job, todo, self.engine, self.workers, self.cpus, self.gpus)
        workers = min(len(todo), self.workers or os.cpu_count() or 1)
        return in_this_process(job, todo) if workers == 1 else in_processes(job, todo, workers)


@dataclass
class Made:
    """What became of a job in shards; `print` says it in a line.

    done: the shards that were done now; there: how many were there before.
    """

    where: str
    done: list[Done] = field(default_factory=list)
    there: int = 0
    seconds: float = 0.0

    @property
    def rows(self) -> int:
        """Of the shards that were done now."""
        return sum(one.rows for one in self.done)

    def __str__(self) -> str:
        were = f", {self.there:,} were there" if self.there else ""
        if not self.done:
            return f"nothing was left to do{were} -> {self.where}"
        times = sorted(one.seconds for one in self.done)
        each = f"a shard took {duration(times[len(times) // 2])} (longest {duration(times[-1])})"
        speed = f"{self.rows / max(self.seconds, 1e-9):,.0f} rows/s"
        return (
            f"{self.rows:,} rows in {len(self.done):,} shards{were}, {duration(self.seconds)}, {speed}; "
            f"{each} -> {self.where}"
        )


def carried_out(
    job: Job,
    todo: Sequence[int],
    crew: Crew,
    made: Made,
    rows: int,
    progress: bool,
    what: str = "",
    each: str = "shards",
) -> Made:
    """Does the shards under one bar, and counts what it took.

    rows: of all of them, for the bar; 0: it counts shards. what: is done with them. each: their
    name in it.
    """
    begun = perf_counter()
    with bar(
        rows or len(todo),
        f"{what} {len(todo):,} {each}".strip(),
        unit="rows" if rows else each,
        progress=progress and len(todo) > 1,
    ) as shown_bar:
        for done in crew.does(job, todo):
            made.done.append(done)
            shown_bar.update(done.rows if rows else 1)
            if rows:
                shown_bar.set_postfix_str(f"{len(made.done):,} of {len(todo):,} shards")
    made.seconds = perf_counter() - begun
    made.done.sort(key=lambda one: one.shard)
    return made
