"""`fit_many`: a model a group of a table, a table of several, or a variant of the model, in one folder.

    OUT/plan.json        which models there are to be, and of how many rows each is
    OUT/model-00017/     a model, as `DiffLM.save` writes it; what exists is done
    OUT/schema.json      of the whole table, where the models are of its groups
    OUT/failed.json      why models are missing, by their folder; written anew by each call

`models.py` draws rows from all of them.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from lookalike import arguments
from lookalike.arguments import is_column, listed, shown
from lookalike.errors import DataError, OptionError, UserError, first_line
from lookalike.files.place import Place, is_url
from lookalike.shards.crew import Crew, Made, carried_out
from lookalike.shards.curating import print_of
from lookalike.shards.models import MODEL, SCHEMA, VERB, is_there
from lookalike.shards.plan import Plan
from lookalike.table import sources
from lookalike.table.inferring import infer
from lookalike.table.kinds import plain, to_json
from lookalike.table.schema import Schema, given_schema

if TYPE_CHECKING:
    from lookalike.difflm import DiffLM

FAILED = "failed.json"
CHECKPOINT = "checkpoint"  # in the folder of a model, until it is complete
MOST = 10_000  # models of one folder
Rows = Mapping[str, pd.DataFrame]


@dataclass
class Fits(Made):
    """As `Made`, of models; failed: folder -> the sentence that says why it is missing."""

    failed: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.done and not self.failed:
            return super().__str__()
        count = len(self.done)
        were = f", {self.there:,} were there" if self.there else ""
        lines = [f"{count:,} models of {self.rows:,} rows{were}, {self.seconds:,.0f} s -> {self.where}"]
        lines += [f"{name} failed: {why}" for name, why in self.failed.items()]
        return "\n".join(lines)


@dataclass(frozen=True)
class Fitting:
    """The job: fits any of the models. parts: (table, value of `by`, variant) of each; models: variant -> the
    arguments of its DiffLM.
    """

    out: str
    tables: Rows
    parts: list[tuple[str, Any, str]]
    by: Any
    models: Mapping[str, Mapping[str, Any]]
    schema: Schema | None
    alone: bool = True  # what ends one ends no other

    def open(self) -> Callable[[int], tuple[int, Any]]:
        return self._model

    def _model(self, number: int) -> tuple[int, Any]:
        name, value, variant = self.parts[number]
        table = self.tables[name]
        if self.by is not None:
            table = table[_is(table[self.by], value)].reset_index(drop=True)
        try:
            self._fit(table, Path(self.out) / MODEL.format(number), self.models[variant])
        except UserError as error:
            return 0, str(error)
        except Exception as error:  # of torch, of the memory: it is this model's alone
            return 0, f"{type(error).__name__}: {first_line(error)}"
        return len(table), None

    def _fit(self, table: pd.DataFrame, folder: Path, options: Mapping[str, Any]) -> None:
        from lookalike.difflm import DiffLM

        kept = folder / CHECKPOINT
        model = DiffLM(**options).fit(table, schema=copy.deepcopy(self.schema), checkpoint=kept)
        if model.stopped:  # by Ctrl-C, which is for all of them: its checkpoint is gone on from
            raise KeyboardInterrupt
        model.save(folder)
        shutil.rmtree(kept, ignore_errors=True)


def fit_many(
    table: Any,
    out: str | Path,
    *,
    by: str | None = None,
    models: DiffLM | Mapping[str, DiffLM] | None = None,
    schema: Schema | None = None,
    workers: int | None = None,
    engine: str = "processes",
    cpus: float = 1,
    gpus: float = 0,
    progress: bool = True,
) -> Fits:
    """Many models in a folder `out`, each fitted by itself, and what became of them.

        lookalike.fit_many(df, "cities/", by="city", models=DiffLM(max_time="60s"))      # a model a city
        lookalike.fit_many(df, "seeds/", models={str(s): DiffLM(seed=s) for s in range(5)})
        synthetic = lookalike.Models("cities/").sample(1000, where={"city": "Rome"})

    table: of any library, or {name: table} of several.
    out: a folder. It refuses other tables, groups or models than those that it was begun with (`plan.json`).
    by: a column of the table. Each of its values gets a model, a missing value too.
    models: the DiffLM to fit, or {name: DiffLM} of variants, such as seeds. Each is fitted on each table.
    schema: as of `DiffLM.fit`, for all models. None: with `by` it is that of the whole table, else each
        table has its own.
    workers, engine, cpus, gpus: as of `sample_shards`. A worker holds the tables. It has one thread where the
        model does not say how many.
    progress: False for silence.

    A model appears when it is complete. After a kill the same call goes on, from the checkpoint of the model
    that was being fitted. A model that fails stops no other: `failed` says why, and the same call tries it
    again. Raises OptionError and DataError for what does not fit.
    """
    progress = arguments.switch("progress", progress)
    if is_url(out):
        raise OptionError(f"{out}: checkpoints need a folder of this machine: write there, and copy it.")
    crew = Crew(engine, workers, cpus, gpus)
    variants = _variants(models)
    tables = _tables(table)
    if by is not None and _several(table):
        raise OptionError("groups are of one table: leave by out, or give a single table.")
    groups: list[tuple[Any, int]] = [] if by is None else groups_of(tables[""], by)
    if by is not None:
        schema = infer(tables[""]) if schema is None else given_schema(schema)
    values = [None] if by is None else [value for value, _ in groups]
    parts = [(name, value, variant) for name in tables for value in values for variant in variants]
    if len(parts) > MOST:
        raise OptionError(
            f"{len(parts):,} models are more than the {MOST:,} of a folder: choose a column of fewer values."
        )
    place = Place(os.path.abspath(arguments.path("out", out)))
    plan = Plan(VERB, len(parts), _facts(tables, by, groups, variants, schema))
    plan.begin(place)
    if by is not None and schema is not None:
        schema.save(Path(place.of(SCHEMA)))
    todo = _missing(place, len(parts))
    made = Fits(str(out), there=len(parts) - len(todo))
    job = Fitting(place.path, tables, parts, by, variants, schema)
    carried_out(job, todo, crew, made, 0, progress, "fitting", "models")
    _told(made, place)
    return made


def _missing(place: Place, models: int) -> list[int]:
    """The models that are not there; a call that was killed as one was complete left its checkpoint."""
    todo = []
    for at in range(models):
        folder = Path(place.of(MODEL.format(at)))
        if is_there(folder):
            shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)
        else:
            todo.append(at)
    return todo


def _told(made: Fits, place: Place) -> None:
    """Sets those that failed apart, in the folder too."""
    made.failed = {MODEL.format(one.shard): one.facts for one in made.done if one.facts is not None}
    made.done = [one for one in made.done if one.facts is None]
    if made.failed:
        text = json.dumps(made.failed, indent=1, ensure_ascii=False)
        place.write(FAILED, f"{text}\n".encode())
    else:
        place.remove([FAILED])


def groups_of(table: pd.DataFrame, by: Any) -> list[tuple[Any, int]]:
    """(value, rows) of each group, in the order of their values, a missing one last. Raises OptionError for a
    column that there is not, and for values that cannot be grouped; DataError for a table without rows.
    """
    if not is_column(by, table.columns):
        raise OptionError(f"there is no column {shown(by)} of groups: choose one of {listed(table.columns)}.")
    try:
        found = table[by].value_counts(sort=False, dropna=False)
    except TypeError:
        raise OptionError(f"column '{by}' holds lists or objects, no groups: choose another.") from None
    if not len(found):
        raise DataError("the table has no rows: give one with rows.")
    counts = [(plain(value), int(rows)) for value, rows in found.items() if rows]
    there = [one for one in counts if not pd.isna(one[0])]
    there.sort(key=lambda one: (type(one[0]).__name__, one[0]))
    return there + [one for one in counts if pd.isna(one[0])]


def _is(column: pd.Series, value: Any) -> pd.Series:
    return column.isna() if pd.isna(value) else column == value


def _tables(table: Any) -> dict[str, pd.DataFrame]:
    """name -> table; "" for a single one. Raises OptionError for a name that is no text."""
    if not _several(table):
        return {"": sources.table("the table", table)}
    odd = next((name for name in table if not isinstance(name, str)), None)
    if odd is not None:
        raise OptionError(f"the table {shown(odd)} has a name that is not a string: name it by one.")
    return {name: sources.table(f"the table {shown(name)}", one) for name, one in table.items()}


def _several(table: Any) -> bool:
    """Whether it is {name: table}; a mapping of columns is a table."""
    return type(table) is dict and bool(table) and all(hasattr(one, "columns") for one in table.values())


def _variants(models: Any) -> dict[str, dict[str, Any]]:
    """name -> the arguments of a model. Raises OptionError for what is none."""
    from lookalike.difflm import DiffLM

    found = dict(models) if isinstance(models, Mapping) else {"": DiffLM() if models is None else models}
    if not found:
        raise OptionError("no model is given: name at least one.")
    for name, model in found.items():
        if not isinstance(model, DiffLM) or not isinstance(name, str):
            raise OptionError(f"the model {shown(name)} is {shown(model)}: give {{text: DiffLM}}.")
    quiet = {"progress": False}
    return {
        name: model.get_params() | quiet | ({"threads": 1} if model.threads is None else {})
        for name, model in found.items()
    }


def _facts(
    tables: Rows, by: Any, groups: list[tuple[Any, int]], variants: Mapping[str, Any], schema: Schema | None
) -> dict[str, Any]:
    """What decides the models, and what `models.py` draws by."""
    away = ("device", "threads", "progress")
    return {
        "tables": {name: {"print": print_of(one), "rows": len(one)} for name, one in tables.items()},
        "by": None if by is None else str(by),
        "groups": [[to_json(None if pd.isna(value) else value), rows] for value, rows in groups],
        "models": {
            name: {key: to_json(value) for key, value in one.items() if key not in away}
            for name, one in variants.items()
        },
        "schema": None if schema is None else schema.to_dict(),
    }
