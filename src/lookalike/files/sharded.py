"""A table in several files of one kind, its shards: a folder of them, or a pattern such as made/*.parquet.

`lookalike sample --shards` and its like keep a plan beside them, which says how many there have to be; hidden
files and those that begin with "_" (such as _SUCCESS) do not count.
"""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from lookalike.arguments import listed
from lookalike.errors import DataError
from lookalike.files.packed import packing
from lookalike.files.place import Place, is_url
from lookalike.files.suffixes import DELIMITED, JSON_LINES

PLAN = "plan.json"
TABLES = (*DELIMITED, *JSON_LINES, ".parquet", ".feather")
PART = "part-{:05d}-of-{:05d}{}"
_PART = re.compile(r"part-(\d{5,})-of-(\d{5,})(\.\w+)")
_PATTERN = re.compile(r"[*?\[]")


def part(shard: int, shards: int, suffix: str = ".parquet") -> str:
    """The name of a shard; they count from 0."""
    return PART.format(shard, shards, suffix)


def parts(names: Iterable[str], shards: int, suffix: str = ".parquet") -> set[int]:
    """The shards of so many that are among the names of files."""
    found = (_PART.fullmatch(name) for name in names)
    return {int(one[1]) for one in found if one and int(one[2]) == shards and one[3] == suffix}


def shard_files(path: str | Path) -> list[str]:
    """The files of a table in shards, in order of their names; [] for what is a single file, or no table.

    Raises DataError for a pattern that no file matches, shards of several kinds, and shards that are missing
    by their plan.
    """
    from lookalike.files.databases import is_source

    text = str(path)
    if is_source(text):
        return []
    if _PATTERN.search(text) and not (is_url(text) or os.path.exists(text)):
        return _matched(text, sorted(one for one in glob.glob(text) if os.path.isfile(one)))
    if is_url(text):
        if _PATTERN.search(text):
            folder, _, pattern = text.rpartition("/")
            return _matched(text, Place(folder).matching(pattern))
        if _kind(text):
            return []
        place = Place(text)
    elif os.path.isdir(text):
        place = Place(text)
    else:
        return []
    names = place.names()
    some = _one_kind(text, sorted(name for name in names if name[0] not in "._" and _kind(name)))
    if PLAN in names:
        _check_plan(place, names)
    if is_url(text) and not some:
        raise DataError(f"{text} holds no {', '.join(TABLES)} files: check the address.")
    return [place.of(name) for name in some]


def table_files(path: str | Path) -> list[str]:
    """The shards of a table, or the one file that it is."""
    return shard_files(path) or [str(path)]


def _matched(pattern: str, found: list[str]) -> list[str]:
    some = _one_kind(pattern, [one for one in found if _kind(one)])
    if not some:
        raise DataError(f"no {', '.join(TABLES)} file matches {pattern}: check the pattern.")
    return some


def _kind(name: str) -> str:
    """The suffix of a file that can be a shard; "" for other files."""
    bare = name.lower().removesuffix(packing(name))
    return next((kind for kind in TABLES if bare.endswith(kind)), "")


def _one_kind(where: str, files: list[str]) -> list[str]:
    kinds = sorted({_kind(one) for one in files})
    if len(kinds) > 1:
        raise DataError(
            f"{where} has {' and '.join(kinds)} files: put the shards of one table into a folder."
        )
    return files


def _check_plan(place: Place, names: set[str]) -> None:
    """Raises DataError where shards are missing by the plan beside them."""
    try:
        plan = json.loads(place.read(PLAN) or b"")
        shards, suffix = int(plan["shards"]), str(plan.get("suffix", ".parquet"))
        models = plan.get("verb") == "fit"
    except (ValueError, KeyError, TypeError):
        return  # the plan of something else
    if models:
        raise DataError(f"{place} holds models and no table: draw rows of them with  lookalike sample.")
    absent = sorted(set(range(shards)) - parts(names, shards, suffix))
    if absent:
        raise DataError(
            f"{place} lacks {len(absent):,} of its {shards:,} shards (the first is "
            f"{part(absent[0], shards, suffix)}): the command that writes them goes on where it stopped."
        )


def joined(files: Sequence[str], tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The table of all shards. Raises DataError where their columns differ."""
    for file, table in zip(files[1:], tables[1:], strict=True):
        check_alike((files[0], tables[0]), (file, table))
    if len(tables) == 1:
        return tables[0]
    whole = pd.concat(tables, ignore_index=True)
    whole.attrs = dict(tables[0].attrs)
    return whole


def check_alike(first: tuple[str, pd.DataFrame], other: tuple[str, pd.DataFrame]) -> None:
    """Raises DataError where a shard has other columns than the first, or texts where that has numbers."""
    (name, table), (file, own) = first, other
    lines = _kind(file) in JSON_LINES  # a key that all lines lack is a column that is missing
    odd = [one for one in own.columns if one not in table.columns]
    gone = [one for one in table.columns if one not in own.columns]
    for columns, has, lacks in ((odd, file, name), (gone, name, file)):
        if columns and not lines:
            raise DataError(
                f"{has} has the column {listed(columns)}, which {lacks} lacks: shards of one table have the "
                "same columns."
            )
    for column in (one for one in own.columns if one in table.columns):
        kinds = [_sort(one[column]) for one in (table, own)]
        if None not in kinds and kinds[0] != kinds[1]:
            raise DataError(
                f"column '{column}' holds {kinds[0]} in {name} and {kinds[1]} in {file}: write it alike in "
                "all shards."
            )


def _sort(series: pd.Series) -> str | None:
    """What a column holds; None where nothing does."""
    if not series.notna().any():
        return None
    kind = series.dtype.kind
    return "numbers" if kind in "iufb" else "dates" if kind == "M" else "texts" if kind in "OUST" else None
