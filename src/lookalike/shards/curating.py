"""`curate_shards`: a synthetic table in shards -> its rows that are worth keeping, in as many shards.

Three passes. Every shard is looked at by itself: checks of single rows, and hashes of the others. Hashes are
brought together band by band, and of the rows that repeat others the lowest number is kept. Every shard is
written without the rows that are dropped. What the first pass found is kept beside the shards until all are
there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from lookalike import arguments
from lookalike.arguments import whole
from lookalike.curate.curating import NEEDS_REAL, check_names, rows_to_check
from lookalike.curate.duplicates import of_template
from lookalike.curate.shard import WHOLE, row_hashes
from lookalike.decisions import Decisions
from lookalike.defaults import NEAR, USUAL_CHECKS
from lookalike.errors import OptionError
from lookalike.files.place import Place
from lookalike.files.reading import sample_rows
from lookalike.files.sharded import table_files
from lookalike.rules import rules_of
from lookalike.shards.crew import Crew, Made, carried_out
from lookalike.shards.looking import Looking, array_of, decided, looked, repeated
from lookalike.shards.plan import Plan
from lookalike.shards.repeating import across, decisions_of
from lookalike.shards.sampling import out_of
from lookalike.shards.writing import Writing
from lookalike.table.inferring import infer
from lookalike.table.schema import Schema, given_schema
from lookalike.texts.shingles import by_words, normal

LOOKED = 10_000  # rows by which texts are described


@dataclass
class Curated:
    """What became of the rows; `print` shows it by check.

    counts: check -> action -> rows. `_decisions-*.json` beside the shards hold every decision.
    """

    where: str
    rows: int = 0
    kept: int = 0
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{self.kept:,} of {self.rows:,} rows are kept, {self.rows - self.kept:,} are dropped"]
        lines += ["", f"{'check':16}{'drop':>10}{'report':>10}"] if self.counts else []
        ranked = sorted(self.counts.items(), key=lambda one: -sum(one[1].values()))
        lines += [f"{name:16}{own.get('drop', 0):>10,}{own.get('report', 0):>10,}" for name, own in ranked]
        lines += ["", *(f"note: {note}" for note in self.notes)] if self.notes else []
        return "\n".join(lines)


def curate_shards(
    synthetic: str | Path,
    out: str | Path | None,
    real: pd.DataFrame | None = None,
    *,
    text: Any = None,
    label: Any = None,
    only: Collection[str] | None = None,
    without: Collection[str] = (),
    near: float = NEAR,
    schema: Schema | None = None,
    missing: Collection[Any] = (),
    how: Mapping[str, str | None] | None = None,
    workers: int | None = None,
    engine: str = "processes",
    seed: int = 0,
    progress: bool = True,
) -> Curated:
    """The rows of a synthetic table in shards that are worth keeping, in as many shards of a folder `out`.

        lookalike.curate_shards("made/", "curated/", real)

    It decides as `curate` does, by its checks of single rows, "exact" and "near". Rows that repeat others are
    found across shards, and the first of them is kept, in the order of the shards. "semantic", "labels" and
    "outlier" need the table as a whole and are left out. It takes the memory of a shard for each worker, of
    20 million hashes, of 16 bytes for each row that equals another one, and of the texts that may be
    near-duplicates.

    synthetic: a folder, a pattern such as "made/*.parquet", or their URL.
    out: a folder or its URL. After a kill the same call goes on there. `_decisions-*.json` in it say what was
        decided on the rows of each shard. None: nothing is written, and the counts say what would be done.
    missing, how: values that mean missing, and the options of `read_table`, for the files.
    workers, engine: as of `sample_shards`.

    All other arguments and the errors are those of `curate`.
    """
    near, seed = arguments.number("near", near, 0.05, 1.0), whole("seed", seed)
    names = check_names([one for one in USUAL_CHECKS if one not in WHOLE] if only is None else only)
    undone = check_names(without) if without else []
    if odd := [one for one in names if one in WHOLE]:
        raise OptionError(
            f"the check '{odd[0]}' needs the table as a whole: leave it out, or curate a sample."
        )
    crew = Crew(engine, workers)
    files = table_files(synthetic)
    how = dict(how or {})
    sample, _ = sample_rows(synthetic, LOOKED, seed, missing, **how)
    rows = rows_to_check(sample, real, text, label, _schema(schema, real, sample, names))
    templates = {} if "near" not in names else {name: of_template(rows, name, near) for name in rows.texts}
    words = {
        name: by_words([normal(one) for one in rows.compared(name)[1]])
        for name in rows.texts
        if templates.get(name) is None
    }
    with nullcontext(str(out)) if out is not None else TemporaryDirectory(prefix="lookalike-") as folder:
        looking = Looking(
            [out_of(one) for one in files], out_of(folder), rows.real, rows.schema, rows.texts, label, names,
            undone, words, tuple(missing), how,
        )  # fmt: skip
        made = Curated(str(out))
        if real is None and (absent := [name for name in names if name in NEEDS_REAL]):
            made.notes.append(f"without real rows these checks were left out: {', '.join(absent)}")
        made.notes += [left for left in templates.values() if left is not None]
        if only is None and label is not None:
            made.notes.append("labels were not audited: that needs the table as a whole")
        _carry_out(looking, made, crew, near, out is not None, progress)
    return made


def _schema(
    given: Schema | None, real: pd.DataFrame | None, sample: pd.DataFrame, names: list[str]
) -> Schema:
    """The schema that every shard is read by, with the rules of the real rows, which are found once."""
    schema = given_schema(given) or infer(sample if real is None else real)
    if real is not None and "rules" in names:
        schema = replace(schema, rules=list(rules_of(real, schema)))
    return schema


def _carry_out(
    looking: Looking, made: Curated, crew: Crew, near: float, writes: bool, progress: bool
) -> None:
    place, shards = Place(looking.out), len(looking.files)
    facts = {
        "files": hashlib.sha256("\n".join(looking.files).encode()).hexdigest()[:16],
        "checks": looking.names,
        "without": looking.undone,
        "near": near,
        "label": None if looking.label is None else str(looking.label),
        "texts": list(map(str, looking.texts)),
        "real": None if looking.real is None else print_of(looking.real),
    }
    plan = Plan("curate", shards, facts)
    there = plan.begin(place)
    if len(there) < shards:
        names = place.names()
        todo = [one for one in range(shards) if looked(one) not in names]
        carried_out(looking, todo, crew, Made(str(place)), 0, progress, "looking at")
        across(looking, place, near)
        if not writes:
            _count(made, place, True)
            return
        left = [one for one in range(shards) if one not in there]
        carried_out(Writing(looking, plan), left, crew, Made(str(place)), 0, progress, "writing")
    _count(made, place, False)
    place.remove([name(one) for one in range(shards) for name in (looked, repeated)])


def _count(made: Curated, place: Place, dry: bool) -> None:
    """Sums up the decisions on all shards; those of a dry run are in no file."""
    names = place.names()
    shard = 0
    while (looked(shard) if dry else decided(shard)) in names:
        if not dry:
            decisions = Decisions.from_dict(json.loads(place.read(decided(shard)) or b""))
        else:
            single = json.loads(bytes(array_of(place, shard, "facts")))
            rows = int(array_of(place, shard, "rows")[0])
            decisions = Decisions.of([*single, *decisions_of(place, shard)], rows)
        made.rows += decisions.rows
        made.kept += decisions.rows - len(decisions.dropped())
        for check, actions in decisions.counts().items():
            own = made.counts.setdefault(check, {})
            for action, count in actions.items():
                own[action] = own.get(action, 0) + count
        shard += 1


def print_of(table: pd.DataFrame) -> str:
    """What tells a real table from another one."""
    digest = hashlib.sha256(repr([*map(str, table.columns)]).encode())
    digest.update(row_hashes(table).tobytes())
    return digest.hexdigest()[:16]
