"""The seam between `DiffLM` and the two models of records: what it asks of either of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lookalike.codec.slot import Array
from lookalike.difflm.sampling.drawing import Drawing
from lookalike.difflm.sampling.times import Once
from lookalike.difflm.sampling.told import Told
from lookalike.difflm.training.checkpoint import Checkpoint
from lookalike.difflm.training.config import TrainConfig
from lookalike.difflm.training.course import Clock


class RecordModel(Protocol):
    """A variational autoencoder over the records of one table: p(record | latent) and q(latent | record).

    `small.records.TokenRecords` is the one that is trained from scratch, `pretrained.records.TextRecords` the
    one around a language model of the Hugging Face hub. An *array of records* has one row for each row of the
    table; what its other dimensions mean is known to the model of records alone.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """(latent tokens, latent width); their product is the latent size."""

    @property
    def chunk(self) -> int:
        """Rows that are drawn at once, at most: as many as the memory and the caches bear."""

    @property
    def least(self) -> int:
        """Latents that are tried for a condition at least, however few rows are asked for."""

    @property
    def columns(self) -> list[Any]:
        """The names of the columns that are modelled, in order; ids and constants are not among them."""

    @property
    def identity(self) -> str:
        """What a checkpoint depends on besides the settings and the records, such as the backbone's files."""

    @property
    def drawing(self) -> Drawing:
        """How texts are drawn where nothing else is asked for."""

    @property
    def vae(self) -> Any:
        """The network: `small.vae.VAE`, or `pretrained.vae.PretrainedVAE` around a backbone."""

    def encode(self, table: pd.DataFrame, partial: bool = False) -> Array:
        """The array of records of a table; partial: the table may lack columns, whose cells are then unknown.

        Raises DataError for a table that lacks a column, OptionError where the memory is too small.
        """

    def decode(
        self,
        records: Array,
        rng: np.random.Generator,
        where: Mapping[Any, Any] | None = None,
        offset: int = 0,
    ) -> pd.DataFrame:
        """The table of an array of records, as `RecordCodec.decode`: keys and pseudonyms are still marks.

        where: conditions that the records satisfy, which numbers and dates are then drawn within. offset:
        rows that were decoded before, so that ids stay unique.
        """

    def allowed(self, where: Mapping[Any, Any] | None) -> Mapping[Any, Any]:
        """What conditions leave of the records, as `draw` takes it; empty where nothing is restricted.

        Raises ConditionError for a condition that no row of the learned table meets.
        """

    def train(
        self,
        records: Array,
        config: TrainConfig,
        clock: Clock,
        checkpoint: Checkpoint,
        seed: int,
        progress: bool,
    ) -> list[dict[str, Any]]:
        """Learn from an array of records, going on from the checkpoint where it holds a state.

        Returns the history: an entry for each validation (nats per row), then one as of `Course.facts`.
        Raises OptionError where the memory is too small.
        """

    def posteriors(self, records: Array) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the latents of an array of records, each (rows, latent size), float32."""

    def bound(self, records: Array, seed: int) -> float:
        """Nats per row of an array of records that was not learned: reconstruction and rate, as `train` has
        them; seed: of the noise of the latents. Raises OptionError where the memory is too small.
        """

    def draw(
        self,
        latent: Tensor,
        rows: int,
        generator: torch.Generator,
        given: Array | None = None,
        held: Array | None = None,
        allowed: Any = None,
        drawing: Drawing | None = None,
        told: Told | None = None,
        once: Once | None = None,
    ) -> Array:
        """An array of `rows` records, drawn by the language model from (candidates, latent size) latents.

        given: `rows` records of which the columns `held`, (columns,) bool, are kept. allowed: as `allowed`
        gives it. With either of them there may be more candidates than rows: those that suit them are chosen
        by sampling-importance-resampling. With `given` each row has its own, candidates / rows of them, one
        row's after the other's. drawing: how texts are drawn. told: hears how far it is. once: where
        rows are `begun_apart`, and nothing is given or allowed, they have times of their own.
        """

    def rest(self) -> None:
        """All rows of a call are drawn: the memory that one draw leaves to the next is given back."""

    @property
    def begun_apart(self) -> bool:
        """Whether a time comes once in the table, and rows can be begun with it."""

    def times(self, records: Array) -> Array | None:
        """(rows,) the times of an array of records as numbers, where a time comes once in the table."""

    def weights(self) -> dict[str, Tensor]:
        """name -> what has been learned, to be saved; every name begins with "vae." or "base."."""

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take back what `weights` gave; names that begin otherwise are left aside.

        Raises KeyError or RuntimeError where they do not fit.
        """

    def facts(self) -> dict[str, Any]:
        """What else has to be saved, as JSON values; empty for the model that is trained from scratch."""
