"""Rows to latents and back: `DiffLM.encode`, `DiffLM.decode` and `DiffLM.interpolate`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lookalike.arguments import shown
from lookalike.difflm.fitted import Fitted
from lookalike.difflm.sampling.asked import whole_rows
from lookalike.difflm.sampling.given import Given, read_given
from lookalike.errors import OptionError
from lookalike.seed import child
from lookalike.table import sources


def read_rows(fitted: Fitted, table: Any, what: str, unknown: bool = False) -> Given:
    """A table of whole rows, without the columns that the model does not know. what: its name in a sentence.
    unknown: values that were never learned are no error.

    Raises OptionError where the model has no latent, DataError for a table that lacks a column, and
    ConditionError for cells that cannot be read.
    """
    _ = fitted.prior
    rows = whole_rows(sources.table(what, table), fitted.codec, what)
    return read_given(rows, fitted.codec, (), what, rare=True, unknown=unknown)


def read_ends(fitted: Fitted, a: Any, b: Any) -> tuple[Given, Given]:
    """The two rows that `DiffLM.interpolate` goes between. Raises OptionError for tables of more rows or
    fewer, and errors as `read_rows` does.
    """
    first, last = (read_rows(fitted, end, what) for what, end in (("a", a), ("b", b)))
    for end in (first, last):
        if end.rows != 1:
            raise OptionError(
                f"{end.what} has {end.rows} rows: interpolate goes between two tables of one row each."
            )
    return first, last


def read_latents(fitted: Fitted, latents: Any) -> Tensor:
    """(rows, latent size), of what `DiffLM.decode` is given. Raises OptionError for anything else."""
    _ = fitted.prior
    advice = "use those of encode()"
    try:
        latent = torch.as_tensor(np.asarray(latents, dtype=np.float32), device=fitted.device)
    except (TypeError, ValueError, OverflowError):
        raise OptionError(f"latents is {shown(latents)}, not an array of numbers: {advice}.") from None
    shape = fitted.records.shape
    if latent.shape[1:] != shape or not len(latent) or not bool(latent.isfinite().all()):
        raise OptionError(
            f"latents of the shape {tuple(latent.shape)} are not finite ones of this model, (rows, "
            f"{', '.join(map(str, shape))}): {advice}."
        )
    return latent.flatten(1)


def encoded(fitted: Fitted, rows: Given) -> np.ndarray:
    """Posterior means of rows: (rows, latent tokens, latent width), float32."""
    return fitted.posterior_means(rows).view(rows.rows, *fitted.records.shape).cpu().numpy()


def written(fitted: Fitted, latent: Tensor, seed: int, offset: int) -> pd.DataFrame:
    """Rows of (rows, latent size) latents; offset: rows that ids come after."""
    records, tables = fitted.records, []
    for index, part in enumerate(latent.split(records.chunk)):
        rng = child(seed, "decode", "chunk", index)
        drawn = records.draw(part, len(part), fitted.generator(rng))
        made = records.decode(drawn, rng, offset=offset + index * records.chunk)
        tables.append(made if fitted.plan is None else fitted.plan.back(made, rng))
    records.rest()
    table = tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)
    rng = child(seed, "decode", "fill")
    table = fitted.codec.fill(table, rng, offset)
    return table if fitted.plan is None else fitted.plan.stamped(table, rng)


def line(fitted: Fitted, ends: tuple[Given, Given], steps: int, seed: int, offset: int) -> pd.DataFrame:
    """`steps` rows on the line between the latents of two rows, ends included, each with the same random
    numbers.
    """
    start, end = (fitted.posterior_means(row) for row in ends)
    latents = [start + (end - start) * step / (steps - 1) for step in range(steps)]
    rows = [written(fitted, latent, seed, offset + step) for step, latent in enumerate(latents)]
    return pd.concat(rows, ignore_index=True)
