"""Rows of which some cells are held: what is given comes back, the rest is drawn given it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lookalike.codec import NOT_MISSING
from lookalike.difflm.records import RecordModel
from lookalike.difflm.sampling.drawing import Drawing
from lookalike.difflm.sampling.given import Given, patterns_of
from lookalike.difflm.sampling.told import Told
from lookalike.errors import ConditionError
from lookalike.table.missing import hide
from lookalike.table.schema import Schema

CANDIDATES = 8  # latents tried for a row of which some cells are held
NEAR_CANDIDATES = 2  # of a variation: latents near a row are alike, 8 were no better
MASKS = 32  # choices of the cells that a chunk of variations keeps: rows that share one are drawn together

Latents = Callable[[np.ndarray, int], Tensor]  # (numbers of rows, tries) -> tries latents for each, in order


def records_of(records: RecordModel, given: Given) -> np.ndarray:
    """The records of what is given; cells of which nothing is known are those of missing values."""
    visible = {name: hide(values, pd.Series(~given.known[name])) for name, values in given.values.items()}
    table = pd.DataFrame(visible, index=pd.RangeIndex(given.rows))
    return records.encode(table, partial=True)


def completed(
    records: RecordModel,
    rows: Given,
    pool: Tensor,
    where: Mapping[Any, Any],
    rng: np.random.Generator,
    generator: torch.Generator,
    tried: Callable[[int], int],
    fill: bool = False,
    drawing: Drawing | None = None,
    told: Told | None = None,
) -> np.ndarray:
    """The records of rows that are partly given.

    pool: (n, latent size) latents of the prior to choose from. tried: how many latents are tried for so many
    rows that share a condition and hold nothing. fill: missing cells are drawn from the values that are not
    missing.
    """
    held = _by_column(records, {name: known & ~rows.unread[name] for name, known in rows.known.items()}, rows)
    gaps = _by_column(records, {name: ~known for name, known in rows.known.items()} if fill else {}, rows)

    def latents(at: np.ndarray, tries: int) -> Tensor:
        return pool[torch.from_numpy(rng.integers(0, len(pool), len(at) * tries)).to(pool.device)]

    encoded = records_of(records, rows)
    return _drawn(records, encoded, held, gaps, latents, where, generator, tried, drawing, told)


def varied(
    records: RecordModel,
    schema: Schema,
    rows: Given,
    near: Callable[[Tensor], Tensor],
    strength: float,
    where: Mapping[Any, Any],
    rng: np.random.Generator,
    generator: torch.Generator,
    drawing: Drawing | None = None,
    told: Told | None = None,
) -> tuple[np.ndarray, dict[Any, np.ndarray]]:
    """The records of one variation of each of the rows, and column -> (rows,) bool: the cells that it keeps.

    near: (n, latent size) posterior means of rows -> latents at this strength from them. The data are noised
    as the latent is: cells are hidden at random and drawn again. Drawing some cells given the others leaves
    the distribution as it is (Gibbs), and the latents are those of SDEdit (`Prior.vary`). A text has nothing
    near it but by its latent, so at any strength above 0 it is written anew.
    """
    names, encoded = records.columns, records_of(records, rows)
    texts = [strength > 0 and schema[name].is_textual for name in names]
    asked = [name in where for name in names]
    kept = masks(rows.rows, np.array(texts, dtype=bool) | np.array(asked, dtype=bool), strength, rng)
    cells = {}
    for place, name in enumerate(names):
        there = rows.known[name] | can_be_missing(records, name)
        cells[name] = kept[:, place] & there & ~(rows.odd[name] & (strength > 0))
    held = _by_column(records, cells, rows)
    # a variation is another entity: its keys and pseudonyms are made afresh, as ids are
    cells = {name: own for name, own in cells.items() if not schema[name].is_of_entities}
    if held.all():
        return encoded, cells
    mean = records.posteriors(encoded)[0]

    def latents(at: np.ndarray, tries: int) -> Tensor:
        return near(mean[torch.from_numpy(at).to(mean.device)].repeat_interleave(tries, 0))

    gaps = np.zeros_like(held)
    tries = NEAR_CANDIDATES
    drawn = _drawn(records, encoded, held, gaps, latents, where, generator, None, drawing, told, tries)
    return drawn, cells


def can_be_missing(records: RecordModel, name: Any) -> bool:
    """Whether missing values of a column were learned."""
    try:
        records.allowed({name: None})
    except ConditionError:
        return False
    return True


def _by_column(records: RecordModel, cells: Mapping[Any, np.ndarray], rows: Given) -> np.ndarray:
    """(rows, columns of the records) bool."""
    found = np.zeros((rows.rows, len(records.columns)), dtype=bool)
    for column, name in enumerate(records.columns):
        found[:, column] = cells.get(name, False)
    return found


def _drawn(
    records: RecordModel,
    encoded: np.ndarray,
    held: np.ndarray,
    gaps: np.ndarray,
    latents: Latents,
    where: Mapping[Any, Any],
    generator: torch.Generator,
    tried: Callable[[int], int] | None,
    drawing: Drawing | None,
    told: Told | None,
    tries: int = CANDIDATES,
) -> np.ndarray:
    """Records of which the cells `held`, (rows, columns) bool, are those of `encoded`; cells that are `gaps`
    are drawn from the values that are not missing. Rows of the same cells are drawn together.
    """
    drawn, names = encoded.copy(), records.columns
    patterns, member = patterns_of(np.concatenate([held, gaps & ~held], axis=1))
    for p, (pattern, gap) in enumerate(np.split(both, 2) for both in patterns):
        at = np.flatnonzero(member == p)
        filled = [
            name
            for name, open_ in zip(names, gap, strict=True)
            if open_ and name not in where and can_be_missing(records, name)
        ]
        allowed = records.allowed({**where, **dict.fromkeys(filled, NOT_MISSING)})
        if pattern.all() and names and not allowed:
            continue
        own: dict[str, Any] = {"given": encoded[at], "held": pattern} if pattern.any() else {}
        if own:
            latent = latents(at, tries)
        elif allowed and tried is not None:  # rows that share a condition share their candidates
            latent = latents(np.resize(at, tried(len(at))), 1)
        else:
            latent = latents(at, 1)
        drawn[at] = records.draw(
            latent, len(at), generator, **own, allowed=allowed, drawing=drawing, told=told
        )
    return drawn


def masks(rows: int, drawn: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """(rows, columns) bool: the cells that variations keep, each with the chance 1 - strength.

    drawn: (columns,) bool, those that are drawn anew in any case. Above strength 0 a row has at least one
    cell that is not kept: none comes back as a whole for want of a draw.
    """
    few = max(1, min(rows, MASKS))
    kept = (rng.random((few, len(drawn))) >= strength) & ~drawn
    whole = np.flatnonzero(kept.all(1))
    if strength > 0 and len(drawn):
        kept[whole, rng.integers(len(drawn), size=len(whole))] = False
    return kept[rng.permutation(rows) % few]
