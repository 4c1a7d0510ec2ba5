"""What `pipeline.generate` asks of a synthesizer, and what it takes where a synthesizer has more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

if TYPE_CHECKING:
    import pandas as pd

    from lookalike.codec import RecordCodec
    from lookalike.decisions import Decisions
    from lookalike.llm import LLM
    from lookalike.table.schema import Schema


class Synthesizer(Protocol):
    """Anything that learns a real table and makes rows like its own; DiffLM and SynAlign are two.

    fit: learns the table; schema: the kinds of its columns. sample: n rows with columns of that table, all or
    some of them; fewer than n where it cannot make more.
    """

    def fit(self, table: pd.DataFrame, schema: Schema | None = None, /) -> object: ...

    def sample(self, n: int, /) -> pd.DataFrame: ...


class Learner(Synthesizer, Protocol):
    """A synthesizer that trains a model here, such as DiffLM: it takes conditions and goes on from a
    checkpoint.

    seed: of the training. codec: what turns rows into tokens, as it was fitted. shortfall: one sentence on a
    training that was cut short. stopped: whether Ctrl-C ended it.
    """

    seed: int

    def fit(
        self,
        table: pd.DataFrame,
        schema: Schema | None = None,
        checkpoint: str | Path | None = None,
        codec: RecordCodec | None = None,
    ) -> object: ...

    def sample(self, n: int, /, *, where: Any = None, seed: int | None = None) -> pd.DataFrame: ...

    @property
    def codec(self) -> RecordCodec: ...

    @property
    def shortfall(self) -> str | None: ...

    @property
    def stopped(self) -> bool: ...


class Asker(Synthesizer, Protocol):
    """A synthesizer that asks a language model behind an endpoint, such as SynAlign: every row has a source.

    llm: the endpoint, with its budget. texts, label: the columns of text and of the class. accepted,
    rejected, decisions, provenance, summary: as of `SynAlign`, of the last `sample`, whether it came to its
    end or not. Where it has them, shown and steering_rows: see `shown_to`, `steering`.
    """

    llm: LLM
    texts: list[Any]
    label: Any

    @property
    def accepted(self) -> pd.DataFrame: ...

    @property
    def rejected(self) -> pd.DataFrame: ...

    @property
    def decisions(self) -> Decisions: ...

    @property
    def provenance(self) -> pd.DataFrame: ...

    def summary(self) -> dict[str, Any]: ...


def learns(synthesizer: Synthesizer) -> TypeGuard[Learner]:
    """Whether it is a `Learner`; its class is looked at, since a model has no codec before it is fitted."""
    return hasattr(type(synthesizer), "codec")


def asks(synthesizer: Synthesizer) -> TypeGuard[Asker]:
    """Whether it is an `Asker`."""
    return hasattr(type(synthesizer), "provenance")


def shown_to(asker: Asker) -> Sequence[Collection[int]] | None:
    """For each row of the last `sample` the numbers of the real rows that its writer saw; None where that is
    not known.
    """
    return getattr(asker, "shown", None)


def steering(asker: Asker) -> Collection[int]:
    """The numbers of the real rows whose errors steered what was written, which would measure it too well."""
    return getattr(asker, "steering_rows", ())
