"""Rows that repeat others, across shards: hashes are brought together, and the lowest row of each is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.curate.checks import Decision, Rows
from lookalike.curate.duplicates import equal_by
from lookalike.curate.duplicates import near as near_decisions
from lookalike.curate.shard import groups, linked, repeats, row_hashes
from lookalike.files.place import Place
from lookalike.files.reading import read_shard
from lookalike.shards.looking import Looking, array_of, put_arrays, repeated

Array = npt.NDArray[Any]

TOGETHER = 20_000_000  # hashes of rows that are compared at once
SUSPECTS = 200_000  # texts that may be near-duplicates, compared at once


def across(looking: Looking, place: Place, near: float) -> None:
    """Decides on the rows of each shard that repeat rows of any, and keeps that beside the shard."""
    sizes = [int(array_of(place, shard, "rows")[0]) for shard in range(len(looking.files))]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    again = first = np.zeros(0, np.int64)
    facts: Decision = {}
    if "exact" in looking.names:
        again, first, facts = _exact(looking, place, starts)
    alike: list[list[Decision]] = [[] for _ in sizes]
    if "near" in looking.names:
        gone = again if facts.get("action") == "drop" else again[:0]
        for decision in _near(looking, place, starts, gone, near):
            shard = int(np.searchsorted(starts, decision["row"], "right")) - 1
            own = {"row": decision["row"] - int(starts[shard]), "action": _action(looking, "near", decision)}
            alike[shard].append(decision | own)
    edges = np.searchsorted(again, starts)
    for shard in range(len(sizes)):
        own_rows = slice(edges[shard], edges[shard + 1])
        arrays = {"again": again[own_rows] - starts[shard], "first": first[own_rows]}
        put_arrays(place, repeated(shard), arrays, [facts, alike[shard]])


def _action(looking: Looking, check: str, decision: Decision) -> str:
    return "report" if check in looking.undone else str(decision["action"])


def decisions_of(place: Place, shard: int) -> list[Decision]:
    """What was decided on the rows of a shard that repeat others."""
    name = repeated(shard)
    facts, alike = json.loads(bytes(array_of(place, shard, "facts", name)))
    pairs = (array_of(place, shard, one, name).tolist() for one in ("again", "first"))
    equal = [
        facts | {"row": row, "value": kept, "reason": f"it equals row {kept + 1:,} of all"}
        for row, kept in zip(*pairs, strict=True)
    ]
    return [*equal, *alike]


def _exact(looking: Looking, place: Place, starts: Array) -> tuple[Array, Array, Decision]:
    """As `duplicates.exact`: equal rows beyond the share of them in the real table, the later ones, and the
    first row that each equals; what all these decisions have in common. Most rows of a large table may be
    such, so that they are arrays.
    """
    count = sum(len(array_of(place, shard, "left")) for shard in range(len(starts) - 1))
    pieces = max(1, -(-count // TOGETHER))
    again, first = [], []
    for piece in range(pieces):
        hashes, rows = [], []
        for shard in range(len(starts) - 1):
            hashed = array_of(place, shard, "exact")
            some = hashed[:, 0] % np.uint64(pieces) == piece
            hashes.append(hashed[some])
            rows.append(starts[shard] + array_of(place, shard, "left")[some])
        found, leader = repeats(np.concatenate(hashes), np.concatenate(rows))
        again.append(found)
        first.append(leader)
    usual = 0.0
    if looking.real is not None and len(looking.real):
        hashed = row_hashes(equal_by(looking.schema.columns, looking.real))
        usual = len(repeats(hashed, np.arange(len(hashed)))[0]) / len(hashed)
    rows_again, leaders = np.concatenate(again), np.concatenate(first)
    order = np.argsort(rows_again, kind="stable")[int(np.floor(usual * count)) :]
    facts: Decision = {"check": "exact", "column": None, "limit": usual, "action": "drop"}
    facts |= {"score": len(rows_again) / max(count, 1)}
    facts["action"] = _action(looking, "exact", facts)
    return rows_again[order], leaders[order], facts


def _near(looking: Looking, place: Place, starts: Array, gone: Array, near: float) -> Iterator[Decision]:
    """As `duplicates.near`, among the rows that share a band with another one: no others can be alike."""
    for number, column in enumerate(looking.words):
        at = [starts[shard] + array_of(place, shard, f"at{number}") for shard in range(len(starts) - 1)]
        rows = np.concatenate(at)
        kept = ~np.isin(rows, gone)
        links = [np.zeros((0, 2), np.int64)]
        for band in _bands(place, number, len(at)):
            links.append(np.stack(linked(band[kept], rows[kept]), axis=1))
        suspects, group = groups(np.unique(np.concatenate(links), axis=0))
        for some in _batches(suspects, group):
            yield from _alike(looking, column, some, starts, near)


def _bands(place: Place, number: int, shards: int) -> Iterator[Array]:
    """The hashes of all rows, band by band."""
    width = array_of(place, 0, f"near{number}").shape[1]
    for band in range(width):
        yield np.concatenate([array_of(place, shard, f"near{number}")[:, band] for shard in range(shards)])


def _batches(rows: Array, group: Array) -> Iterator[Array]:
    """The rows, ascending, in batches that hold whole groups."""
    if not len(rows):
        return
    order = np.argsort(group, kind="stable")
    ends = np.flatnonzero(np.diff(group[order], append=-1))
    start = 0
    for at, end in enumerate(ends.tolist()):
        last = at == len(ends) - 1
        if last or ends[at + 1] + 1 - start > SUSPECTS:
            yield np.sort(rows[order[start : end + 1]])
            start = end + 1


def _alike(looking: Looking, column: Any, rows: Array, starts: Array, near: float) -> Iterator[Decision]:
    """The decisions on some rows that may be alike, with the numbers that they have among all."""
    names = [column] if looking.label is None else [column, looking.label]
    parts = []
    for shard in range(len(starts) - 1):
        own = rows[(rows >= starts[shard]) & (rows < starts[shard + 1])] - starts[shard]
        if len(own):
            table = read_shard(looking.files[shard], looking.missing, **looking.how)
            parts.append(table[names].iloc[own])
    table = pd.concat(parts, ignore_index=True)
    some = Rows(table, None, looking.schema, [column], looking.label)
    for decision in near_decisions(some, np.arange(len(table)), near, looking.words[column]):
        leader = int(rows[decision["value"]])
        reason = decision["reason"].replace(f"row {decision['value'] + 1:,}", f"row {leader + 1:,} of all", 1)
        yield decision | {"row": int(rows[decision["row"]]), "value": leader, "reason": reason}
