"""The passes of `curate_shards` over a shard: it is looked at by itself, and at the end it is written."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.curate.checks import Decision, Rows
from lookalike.curate.curating import rows_to_check
from lookalike.curate.shard import band_hashes, compared, row_hashes, singles
from lookalike.decisions import Decisions
from lookalike.errors import DataError, UserError
from lookalike.files.place import Place
from lookalike.files.reading import read_shard
from lookalike.files.writing import ChunkWriter
from lookalike.shards.plan import Plan
from lookalike.table.schema import Schema

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Looking:
    """The first pass over a shard. texts, label, schema: as of `Rows`. words: column -> by words or
    letters.
    """

    files: list[str]
    out: str
    real: pd.DataFrame | None
    schema: Schema
    texts: list[Any]
    label: Any
    names: list[str]
    undone: list[str]
    words: Mapping[Any, bool]
    missing: tuple[Any, ...]
    how: Mapping[str, str | None]

    def open(self) -> Callable[[int], tuple[int, Any]]:
        place = Place(self.out)

        def look(shard: int) -> tuple[int, Any]:
            rows = self.rows(shard)
            found = singles(rows, self.names, self.undone)
            gone = {one["row"] for one in found if one["action"] == "drop"}
            left = np.array([at for at in range(len(rows.synthetic)) if at not in gone], dtype=np.int64)
            arrays = {"rows": np.array([len(rows.synthetic)]), "left": left}
            if "exact" in self.names:
                names = compared(self.schema.columns, rows.synthetic)
                arrays["exact"] = row_hashes(rows.synthetic[names].iloc[left])
            for number, name in enumerate(self.texts if "near" in self.names else ()):
                at, texts = rows.text(name)
                some = [place for place, row in enumerate(at) if row not in gone]
                arrays[f"at{number}"] = np.array([at[one] for one in some], dtype=np.int64)
                arrays[f"near{number}"] = band_hashes([texts[one] for one in some], self.words[name])
            arrays["single"] = np.frombuffer(json.dumps(found, default=_plain).encode(), np.uint8)
            held = io.BytesIO()
            np.savez(held, allow_pickle=False, **arrays)
            place.write(looked(shard), held.getvalue())
            return len(rows.synthetic), None

        return look

    def rows(self, shard: int) -> Rows:
        """The rows of a shard. Raises DataError, with its name, where its columns do not fit."""
        file = self.files[shard]
        table = read_shard(file, self.missing, **self.how)
        if not len(table):
            return Rows(table, self.real, self.schema, self.texts, self.label)
        try:
            return replace(rows_to_check(table, self.real, None, self.label, self.schema), texts=self.texts)
        except UserError as error:
            raise DataError(f"{file}: {error}") from None


@dataclass(frozen=True)
class Writing:
    """The last pass over a shard: its rows without those that are dropped. across: what was decided between
    shards, in the rows of each."""

    looking: Looking
    plan: Plan
    across: list[list[Decision]]

    def open(self) -> Callable[[int], tuple[int, Any]]:
        place, own = Place(self.looking.out), self.looking

        def write(shard: int) -> tuple[int, Any]:
            table = read_shard(own.files[shard], own.missing, **own.how)
            single = json.loads(bytes(array_of(place, shard, "single")))
            decisions = Decisions.of([*single, *self.across[shard]], len(table), own.label)
            kept, name = decisions.apply(table), self.plan.name(shard)
            with place.writing(decided(shard)) as partial:
                decisions.save(partial)
            with place.writing(name) as partial, ChunkWriter(partial, table.attrs.get("layout")) as writer:
                writer.write(kept)
            place.tidy(name)
            return len(table), len(kept)

        return write


def looked(shard: int) -> str:
    """The file of what the first pass found in a shard."""
    return f"_looked-{shard:05d}.npz"


def decided(shard: int) -> str:
    """The file of the decisions on the rows of a shard."""
    return f"_decisions-{shard:05d}.json"


def array_of(place: Place, shard: int, name: str) -> Array:
    """What the first pass kept of a shard."""
    content = place.read(looked(shard))
    if content is None:
        raise DataError(f"{place.of(looked(shard))} is gone: start again, the shards that are done stay.")
    with np.load(io.BytesIO(content)) as held:
        return np.asarray(held[name])


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)
