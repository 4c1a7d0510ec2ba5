"""The passes of `curate_shards` over a shard: it is looked at by itself, and at the end it is written."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.curate.checks import Rows
from lookalike.curate.curating import rows_to_check
from lookalike.curate.duplicates import equal_by
from lookalike.curate.shard import band_hashes, row_hashes, singles
from lookalike.errors import DataError, UserError
from lookalike.files.place import Place
from lookalike.files.reading import read_shard
from lookalike.table.schema import Schema

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Looking:
    """The first pass over a shard. texts, label, schema: as of `Rows`. words: column -> by words or
    letters, of the texts that "near" compares.
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
                table = equal_by(self.schema.columns, rows.synthetic.iloc[left])
                arrays["exact"] = row_hashes(table)
            for number, name in enumerate(self.words if "near" in self.names else ()):
                at, texts = rows.compared(name)
                some = [place for place, row in enumerate(at) if row not in gone]
                arrays[f"at{number}"] = np.array([at[one] for one in some], dtype=np.int64)
                arrays[f"near{number}"] = band_hashes([texts[one] for one in some], self.words[name])
            put_arrays(place, looked(shard), arrays, found)
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


def looked(shard: int) -> str:
    """The file of what the first pass found in a shard."""
    return f"_looked-{shard:05d}.npz"


def repeated(shard: int) -> str:
    """The file of what was decided on its rows that repeat others of any shard."""
    return f"_repeated-{shard:05d}.npz"


def decided(shard: int) -> str:
    """The file of the decisions on the rows of a shard."""
    return f"_decisions-{shard:05d}.json"


def put_arrays(place: Place, name: str, arrays: Mapping[str, Array], facts: Any) -> None:
    """Keeps arrays, and JSON values as the array "facts"."""
    held = io.BytesIO()
    text = np.frombuffer(json.dumps(facts, default=_plain).encode(), np.uint8)
    np.savez(held, allow_pickle=False, **arrays, facts=text)
    place.write(name, held.getvalue())


def array_of(place: Place, shard: int, array: str, name: str | None = None) -> Array:
    """An array that a pass kept of a shard, the first one where no name of a file is given."""
    name = looked(shard) if name is None else name
    gone = DataError(f"{place.of(name)} is gone: start again, the shards that are done stay.")
    source: Any = place.of(name)
    if place.url:
        content = place.read(name)
        if content is None:
            raise gone
        source = io.BytesIO(content)
    try:
        with np.load(source) as held:  # of a local file this array alone is read
            return np.asarray(held[array])
    except FileNotFoundError:
        raise gone from None
    except (KeyError, ValueError, OSError, zipfile.BadZipFile):
        raise DataError(f"{place.of(name)} is damaged: remove it, and run again.") from None


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)
