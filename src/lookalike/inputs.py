"""What `generate` was given: checked before any training or call, and with what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.arguments import is_column, listed, path, shown, whole
from lookalike.curation import Curation, options_of
from lookalike.errors import ConditionError, DataError, OptionError
from lookalike.synthesizer import Synthesizer, asks, learns

if TYPE_CHECKING:
    import pandas as pd

    from lookalike.codec import RecordCodec
    from lookalike.table.schema import Schema
    from lookalike.table.sources import Origin, Table


@dataclass(frozen=True)
class Inputs:
    """The arguments of `generate`, each as it is used.

    real, holdout: pandas tables without the columns that the schema drops. alike, alike_holdout: those of
    their rows that satisfy the conditions, which the report compares with. origin: the library that the
    caller's table came from. target: None where neither the caller nor the synthesizer names one. curation:
    options of `curate`; None where the rows are not curated. codec: what a model is trained with where there
    are conditions, as it knows them; both None without any.
    """

    synthesizer: Synthesizer
    schema: Schema
    n: int
    seed: int
    real: pd.DataFrame
    holdout: pd.DataFrame | None
    origin: Origin
    target: str | None
    curation: dict[str, Any] | None
    codec: RecordCodec | None
    conditions: Mapping[str, Any] | None
    alike: pd.DataFrame
    alike_holdout: pd.DataFrame | None


def inputs_of(
    real: Table,
    n: int | None,
    synthesizer: Synthesizer | None,
    schema: Schema | None,
    *,
    where: Mapping[str, Any] | Sequence[str] | None,
    target: str | None,
    curate: Curation,
    holdout: Table,
    out: str | Path | None,
    seed: int | None,
    progress: bool,
) -> Inputs:
    """The arguments of `generate`, checked; the errors are its own."""
    from lookalike.files.writing import check_target
    from lookalike.table.inferring import infer
    from lookalike.table.schema import given_schema
    from lookalike.table.sources import parted, table, taken

    real, holdout = parted("the real table", real, holdout)
    real, origin = taken("the real table", real)
    holdout = None if holdout is None else table("the holdout", holdout)
    n = len(real) if n is None else whole("the number of rows", n, 1)
    schema = given_schema(schema) or infer(real)
    seed = None if seed is None else whole("seed", seed)
    if out is not None:
        check_target(path("out", out), real)
    synthesizer = _synthesizer(synthesizer, seed, progress)
    own = getattr(synthesizer, "seed", None)
    seed = seed if seed is not None else own if isinstance(own, int) and own >= 0 else 0
    real = real.drop(columns=schema.dropped)
    holdout = None if holdout is None else holdout.drop(columns=schema.dropped, errors="ignore")
    if target is None and asks(synthesizer) and is_column(synthesizer.label, real.columns):
        target = synthesizer.label
    check(real, n, target, holdout)
    if target is not None and schema[target].is_made:
        raise OptionError(f"the target {shown(target)} is a column of ids, which no model predicts.")
    texts = synthesizer.texts if asks(synthesizer) else None
    curation = options_of(curate, schema, target, texts)
    codec, conditions = _conditions(where, real, schema, synthesizer)
    alike, alike_holdout = _satisfying_both(codec, conditions, real, holdout)
    return Inputs(synthesizer, schema, n, seed, real, holdout, origin, target, curation, codec, conditions,
                  alike, alike_holdout)  # fmt: skip


def check(real: pd.DataFrame, n: int, target: str | None, holdout: pd.DataFrame | None) -> None:
    """Raises OptionError or DataError for what the report would find wrong after hours of work."""
    if n < 1:
        raise OptionError(f"{n} rows were asked for: ask for at least 1.")
    if target is not None and not is_column(target, real.columns):
        names = listed(real.columns)
        raise OptionError(f"the target {shown(target)} is not a column: choose one of {names}.")
    if holdout is not None and not len(holdout):
        raise DataError("the holdout has no rows: give a table that has some, or leave it out.")
    if holdout is not None and set(holdout.columns) != set(real.columns):
        odd = sorted(map(str, set(holdout.columns) ^ set(real.columns)))
        raise DataError(
            f"the holdout and the real table differ in these columns: {listed(odd)}: give a holdout with the "
            "columns of the real table."
        )


def _synthesizer(given: Synthesizer | None, seed: int | None, progress: bool) -> Synthesizer:
    """The one that was given; without one, a DiffLM of this seed."""
    if given is None:
        from lookalike.difflm import DiffLM

        return DiffLM(seed=seed or 0, progress=progress)
    if isinstance(given, type) or not all(callable(getattr(given, name, None)) for name in ("fit", "sample")):
        raise OptionError(
            f"the synthesizer is {shown(given)}: give one such as lookalike.DiffLM(), with fit and sample."
        )
    return given


def _conditions(
    where: Mapping[str, Any] | Sequence[str] | None,
    real: pd.DataFrame,
    schema: Schema,
    synthesizer: Synthesizer,
) -> tuple[RecordCodec | None, Mapping[str, Any] | None]:
    """The codec that a model is to be trained with, and the conditions as it knows them."""
    from lookalike.codec import RecordCodec
    from lookalike.codec.where import as_where

    if where is None:
        return None, None
    if not learns(synthesizer):
        raise OptionError(
            f"where is {shown(where)}: conditions are for a model that is trained here, such as DiffLM."
        )
    codec = RecordCodec.fit(real, schema, seed=synthesizer.seed)
    return codec, as_where(where, schema, codec.known())


def _satisfying_both(
    codec: RecordCodec | None,
    conditions: Mapping[str, Any] | None,
    real: pd.DataFrame,
    holdout: pd.DataFrame | None,
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The real rows that the synthetic ones should look like, and those of the holdout, None without any."""
    if codec is None or not conditions:
        return real, holdout
    alike = _satisfying(codec, real, conditions)
    if alike.empty:
        raise ConditionError("no real row satisfies all the conditions at once: leave one of them out.")
    if holdout is not None:
        holdout = _satisfying(codec, holdout, conditions)
    return alike, None if holdout is None or holdout.empty else holdout


def _satisfying(codec: RecordCodec, table: pd.DataFrame, where: Mapping[str, Any]) -> pd.DataFrame:
    """The rows that satisfy the conditions, and of a cell that a range cuts all rows.

    Raises ConditionError for a value or a range that never occurs.
    """
    tokens, cells = codec.encode(table)
    keep = tokens[:, 0] == tokens[:, 0]
    for slot, share in codec.allowed(where).items():
        keep &= (tokens[:, slot] < 0) | (share[tokens[:, slot], cells[:, slot]] > 0)
    return table[keep]
