"""A table out of nothing but a recipe: there is no real one to learn, or to compare with."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from lookalike.arguments import path, shown, whole
from lookalike.errors import OptionError
from lookalike.progress import say, stage
from lookalike.run import Cost, Run
from lookalike.sampled import sampled
from lookalike.synthesizer import Synthesizer, asks

if TYPE_CHECKING:
    import pandas as pd

    from lookalike.evaluate.alone import Alone


def without_real(
    synthesizer: Synthesizer | None,
    n: int | None,
    *,
    run: Run | str | Path | None = None,
    out: str | Path | None = None,
    seed: int | None = None,
    progress: bool = True,
    on_fit: Callable[[Synthesizer], object] | None = None,
    **comparing: Any,
) -> tuple[pd.DataFrame, Alone]:
    """`pipeline.generate` without a real table, and the report on the synthetic one alone.

    Raises OptionError for a synthesizer that learns from a real table, and for `comparing`, which needs one.
    """
    from lookalike.evaluate.alone import alone
    from lookalike.files.writing import write_table

    plan = getattr(synthesizer, "plan", None)  # of a Recipe
    if synthesizer is None or not asks(synthesizer) or plan is None:
        raise OptionError(
            f"there is no real table, and {shown(synthesizer)} learns from one: give it, or a "
            "lookalike.Recipe."
        )
    for name, value in comparing.items():
        if value is not None:
            raise OptionError(f"{name} is {shown(value)}: it needs a real table, and none is given.")
    n = plan.rows if n is None else n
    if n is None:
        raise OptionError("the number of rows is not given: say n.")
    n = whole("the number of rows", n, 1)
    out = None if out is None else path("out", out)
    run = run if run is None or isinstance(run, Run) else Run(run)
    begun = perf_counter()
    with contextlib.nullcontext() if run is None else run.begun():
        synthesizer.fit(None)
        if on_fit is not None:
            on_fit(synthesizer)
        with stage(f"writing {n:,} rows", part="1 of 2", progress=progress):
            synthetic = sampled(synthesizer, n, None, seed or 0, run, begun, out)
        if out is not None:
            write_table(synthetic, out)
        with stage("looking at them", part="2 of 2", progress=progress):
            report = alone(synthetic)
        cost = Cost.of(synthesizer, len(synthetic), perf_counter() - begun)
        say(str(cost), progress=progress)
        if run is not None:
            run.end(synthesizer, cost, report)
    return synthetic, report
