"""A language model and a model that is trained here, one after the other: the first writes, the second
learns that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from lookalike.arguments import whole
from lookalike.decisions import Decisions
from lookalike.progress import stage
from lookalike.synthesizer import Asker


class Chained:
    """A language model writes some rows; a model that is trained here learns them and makes as many as are
    wanted, without any call.

        both = Chained(lookalike.Recipe("r.toml", llm), lookalike.DiffLM(max_time="5m"), rows=500)
        synthetic, report = lookalike.generate(real, 100_000, both)

    writer: a Recipe or SynAlign. learner: a DiffLM. rows: that the language model writes. folder: where the
    model is saved to, for more rows later; None for nowhere.
    """

    def __init__(self, writer: Asker, learner: Any, rows: int, folder: str | Path | None = None) -> None:
        self.writer, self.learner, self.folder = writer, learner, folder
        self.rows = whole("rows", rows, 1)
        self.llm, self.texts, self.label = writer.llm, writer.texts, writer.label
        self.plan = getattr(writer, "plan", None)
        self.seed = learner.seed

    def fit(self, real: pd.DataFrame | None, schema: Any = None) -> Chained:
        """What the writer takes of the real table."""
        self.writer.fit(real, schema)
        return self

    def sample(self, n: int) -> pd.DataFrame:
        """n rows of the model that has learned what was written; none where nothing was."""
        written = self.writer.sample(self.rows)
        if not len(written):
            return written
        said = f"learning the {len(written):,} rows that were written"
        with stage(said, progress=getattr(self.learner, "progress", True)):
            self.learner.fit(written)
        if self.folder is not None:
            self.learner.save(self.folder)
        return self.learner.sample(n)

    def estimate(self, n: int) -> Any:
        """Of the calls: those of the rows that are written, whatever n is."""
        return self.writer.estimate(self.rows)  # type: ignore[attr-defined]

    def requests(self, n: int) -> Any:
        """As of the writer, for the rows that it writes."""
        return self.writer.requests(self.rows)  # type: ignore[attr-defined]

    @property
    def accepted(self) -> pd.DataFrame:
        """The rows that were written."""
        return self.writer.accepted

    @property
    def rejected(self) -> pd.DataFrame:
        return self.writer.rejected

    @property
    def provenance(self) -> pd.DataFrame:
        return self.writer.provenance

    @property
    def decisions(self) -> Decisions:
        return self.writer.decisions

    def summary(self) -> dict[str, Any]:
        return self.writer.summary() | {"shortfall": self.learner.shortfall}
