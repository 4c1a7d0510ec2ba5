"""`sample_shards`: rows of a model in shards, each drawn by itself from the child seed (seed, shard)."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike import arguments
from lookalike.arguments import shown, whole
from lookalike.errors import ModelError, OptionError
from lookalike.files.place import Place, is_url, local
from lookalike.seed import child_seed
from lookalike.shards.crew import Crew, Made, carried_out
from lookalike.shards.models import Models, plan_of
from lookalike.shards.plan import Plan, rows_of, shards_for

if TYPE_CHECKING:
    from lookalike.difflm import DiffLM

MODEL_FILES = ("model.json", "weights.safetensors", "codec.safetensors")


@dataclass(frozen=True)
class Sampling:
    """The job: what a worker needs to draw any shard. options: of `DiffLM.sample_chunks`."""

    model: str
    plan: Plan
    out: str
    options: Mapping[str, Any]
    device: str = "auto"
    threads: int = 1
    backbone: str | None = None
    progress: bool = False

    def open(self) -> Callable[[int], tuple[int, Any]]:
        with contextlib.ExitStack() as copy:
            folder = Path(copy.enter_context(local(self.model)))
            model = _loaded(folder, self.device, self.backbone, self.threads, self.progress)
            kept = copy.pop_all() if isinstance(model, Models) else None  # which are read one by one
        place = Place(self.out)

        def draw(shard: int, kept: object = kept) -> tuple[int, Any]:
            return self._shard(model, place, shard), None

        return draw

    def _shard(self, model: DiffLM | Models, place: Place, shard: int) -> int:
        from lookalike.files.writing import ChunkWriter

        facts = self.plan.facts
        first, rows = rows_of(facts["rows"], self.plan.shards, shard)
        name, written = self.plan.name(shard), 0
        chunks = model.sample_chunks(
            rows, **self.options, seed=child_seed(facts["seed"], "shard", shard), after=first
        )
        with place.writing(name) as partial, ChunkWriter(partial, model.schema.layout) as writer:
            for chunk in chunks:
                writer.write(chunk)
                written += len(chunk)
        place.tidy(name)
        return written


def _loaded(
    folder: Path, device: str, backbone: str | None, threads: int | None, progress: bool
) -> DiffLM | Models:
    """The model of a folder, or the many of `fit_many`."""
    from lookalike.difflm import DiffLM

    if plan_of(folder) is not None:
        return Models(folder, device=device, threads=threads, progress=progress)
    return DiffLM.load(folder, device=device, backbone=backbone, threads=threads, progress=progress)


def sample_shards(
    model: str | Path | DiffLM | Models,
    n: int,
    out: str | Path,
    *,
    shards: int | None = None,
    shard: int | None = None,
    where: Mapping[str, Any] | Sequence[str] | None = None,
    balance: str | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    valid_only: bool = False,
    seed: int = 0,
    workers: int | None = None,
    engine: str = "processes",
    cpus: float = 1,
    gpus: float = 0,
    device: str = "auto",
    threads: int = 1,
    backbone: str | None = None,
    progress: bool = True,
) -> Made:
    """`n` rows of a model in a folder of Parquet files, `out`/part-00017-of-01000.parquet, and what it took.

        lookalike.sample_shards("real.model", 10**9, "s3://bucket/made/", shards=1000)

    A shard depends on the seed and its number alone: it has the same bytes whoever draws it, in whatever
    order. It appears when it is complete, and is not drawn again: after a kill the same call goes on.

    model: a folder that `save`, `lookalike fit` or `fit_many` wrote, or its URL; or a fitted DiffLM.
    out: a folder, or its URL (s3://, gs://, az://, hdfs://; you install the package that reads it). It
        refuses another model, seed, n, shards or condition than it was begun with (`plan.json`).
    shards: how many files. None: one a million rows. shard: the only one to draw, 0 to shards - 1, as a task
        of Slurm does.
    where, balance, temperature, top_p, valid_only: as of `DiffLM.sample`.
    workers: how many draw at once. None: one a core.
    engine: "processes" of this machine, "ray", or "ray://HOST:PORT" of a cluster. All its machines have to
        find `model` and `out` at the same address.
    cpus, gpus: how many of them a worker of Ray has.
    threads: of a worker. Other numbers than 1 may change the last bits of a number.
    device, backbone: as of `DiffLM.load`. progress: False for silence.

    Raises OptionError and ConditionError for what does not fit, DataError for a folder of another plan, and
    ModelError for a model that cannot be read.
    """
    n = whole("the number of rows", n, 1)
    seed = whole("seed", seed)
    shards = shards_for(n, None if shards is None else whole("shards", shards, 1))
    shard = None if shard is None else whole("shard", shard, 0, shards - 1, f"one of 0 to {shards - 1:,}")
    crew = Crew(engine, workers, cpus, gpus)
    options = {
        "where": where,
        "balance": balance,
        "temperature": temperature,
        "top_p": top_p,
        "valid_only": arguments.switch("valid_only", valid_only),
    }
    options = {name: value for name, value in options.items() if value not in (None, False)}
    progress = arguments.switch("progress", progress)
    with _folder(model) as folder, local(folder) as copy:
        facts = {"model": model_hash(Path(copy)), "seed": seed, "rows": n, "options": _told(options)}
        plan = Plan("sample", shards, facts)
        _check(str(copy), options, backbone)
        there = plan.begin(Place(out))
        wanted = range(shards) if shard is None else [shard]
        todo = [one for one in wanted if one not in there]
        alone = shard is not None
        job = Sampling(folder, plan, out_of(out), options, device, threads, backbone, progress and alone)
        rows = sum(rows_of(n, shards, one)[1] for one in todo)
        return carried_out(job, todo, crew, Made(str(out), there=len(wanted) - len(todo)), rows, progress)


def out_of(out: str | Path) -> str:
    """The folder as every worker finds it, wherever it is started."""
    return str(out) if is_url(out) else os.path.abspath(out)


@contextlib.contextmanager
def _folder(model: str | Path | DiffLM | Models) -> Iterator[str]:
    """The folder or URL of a model; a fitted one is saved to a folder for the length of the block."""
    if isinstance(model, Models):
        model = model.folder
    if isinstance(model, str | Path):
        yield str(model) if is_url(model) else os.path.abspath(arguments.path("model", model))
        return
    if not hasattr(model, "sample_chunks"):
        raise OptionError(f"the model is {shown(model)}: give the folder of a model, or a fitted DiffLM.")
    with tempfile.TemporaryDirectory(prefix="lookalike-") as folder:
        model.save(folder)
        yield folder


def model_hash(folder: Path) -> str:
    """What tells a model from another one: the bytes of its files. Raises ModelError where they are not
    there.
    """
    digest = hashlib.sha256()
    if plan_of(folder) is not None:  # of many models, those that are there
        for part in Models(folder, progress=False).parts:
            digest.update(f"{part.folder.name} {model_hash(part.folder)}".encode())
        return digest.hexdigest()[:16]
    for name in MODEL_FILES:
        try:
            with open(folder / name, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError:
            raise ModelError(f"{folder} holds no finished model ({name} is missing): fit it first.") from None
    return digest.hexdigest()[:16]


def _told(value: Any) -> Any:
    """Options as JSON values, the same in every process."""
    if isinstance(value, Mapping):
        return {str(name): _told(one) for name, one in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    if isinstance(value, list | tuple):
        return [_told(one) for one in value]
    return value if value is None or isinstance(value, str | bool | int | float) else repr(value)


def _check(folder: str, options: Mapping[str, Any], backbone: str | None) -> None:
    """Raises for conditions that no row can satisfy, before any worker is started; draws nothing."""
    if options or backbone is not None:
        _loaded(Path(folder), "cpu", backbone, 1, False).sample_chunks(1, **options, seed=0)
