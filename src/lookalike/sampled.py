"""Rows of a synthesizer, kept in the run whatever stops it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from lookalike.errors import DataError, LLMError
from lookalike.run import Cost, Run
from lookalike.synthesizer import Asker, Synthesizer, asks, learns
from lookalike.table.sources import table

if TYPE_CHECKING:
    import pandas as pd


def sampled(
    synthesizer: Synthesizer,
    n: int,
    conditions: Mapping[str, Any] | None,
    seed: int,
    run: Run | None,
    begun: float,
    out: str | Path | None,
) -> pd.DataFrame:
    """The rows; those of a language model are kept in the run, whatever stopped it.

    Raises LLMError or DataError where there is none.
    """
    if learns(synthesizer):
        return synthesizer.sample(n, where=conditions, seed=seed)

    def keep(complete: bool) -> None:
        if run is not None and asks(synthesizer):
            cost = Cost.of(synthesizer, len(synthesizer.accepted), perf_counter() - begun)
            run.keep(synthesizer, cost, complete)

    try:
        made = table("what the synthesizer made", synthesizer.sample(n))
    except BaseException:
        keep(complete=False)
        raise
    keep(complete=True)
    if len(made):
        return made
    if asks(synthesizer):
        raise _nothing(synthesizer, out)
    raise DataError(f"the synthesizer made none of the {n:,} rows: read what it printed.")


def _nothing(asker: Asker, out: str | Path | None) -> LLMError:
    """Why a language model has brought no row at all, with what the endpoint said."""
    facts = asker.summary()
    why = [*list(facts["said"].values())[:1], *([facts["stopped"]] if facts["stopped"] else [])]
    said = "; ".join(dict.fromkeys(one.rstrip(".") for one in why)) or "the model wrote none"
    unwritten = "" if out is None else f", so {out} is not written"
    return LLMError(f"no record was accepted{unwritten}: {said}.")
