"""DiffLM: learn a table, make one that is distributed like it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import path as path_of
from lookalike.arguments import switch, whole
from lookalike.codec import RecordCodec
from lookalike.defaults import STRENGTH
from lookalike.difflm import latents as latent_rows
from lookalike.difflm.estimator import called, described, tags
from lookalike.difflm.fitted import Fitted, restored
from lookalike.difflm.latent.prior import Prior
from lookalike.difflm.learning import train
from lookalike.difflm.preparing import prepared
from lookalike.difflm.records import RecordModel
from lookalike.difflm.sampling.asked import Asked, Where
from lookalike.difflm.sampling.given import read_given
from lookalike.difflm.sampling.parsed import parsers
from lookalike.difflm.sampling.rows import Calls, Request, Tally, imputed, refines, sampled
from lookalike.difflm.settings import Arguments, Settings, codec_of, schema_of
from lookalike.difflm.storage import load_model, save_model, undamaged
from lookalike.difflm.training.course import Clock, shortfall
from lookalike.errors import OptionError
from lookalike.progress import say
from lookalike.table.schema import Schema
from lookalike.table.sources import PANDAS, Origin, Table, taken

OF_A_MACHINE = ("max_time", "device", "threads", "progress")  # arguments that are not saved with a model


class DiffLM:
    """Synthetic tables by latent diffusion and a language model (DiffLM, arXiv 2411.03250).

        df = lookalike.read_table("examples/adult.csv.gz")
        model = lookalike.DiffLM(max_time="90s").fit(df)
        synthetic = model.sample(10_000, where={"income": ">50K"}, seed=0)

    max_time: how long `fit` may take in all, in seconds or as "90s", "5m". None: as long as it helps.
    seed: the same seed gives the same model on the same machine with as many threads.
    device: "auto", "cpu" or "cuda". threads: of the CPU. None: chosen by measuring. progress: bars on stderr.
    rate: how many nats of a record the latent carries. None: 4, or 8 for texts.
    injection: how the latent enters the language model: "soft_prompt", "kv_memory" or "input_embed".
    epochs: passes over the table. None: chosen by its size.
    refine: `sample` leaves out rows drawn too often. None: of texts, and of 5,000 rows or more if it helps.
    backbone: a pretrained causal language model that writes the records as JSON text: a folder, a GGUF file,
        or an id on the Hugging Face hub, which is then contacted. None: a small one, trained from scratch.
        The next three are for it, and injection may then be "prefix_soft_prompt".
    lora: the rank of its adapters. None: 8. 0 or False: it is not adapted, and less is learned.
    encoder: the name of a model such as BERT that reads the records. None: built in.
    beta: "rate" holds the rate; "schedule" lowers beta as the paper does. None: "rate".

    The arguments are checked at once, kept as they are given, and used by `fit`. They can be read and changed
    like those of a scikit-learn estimator: `get_params`, `set_params`, `sklearn.base.clone`.
    """

    def __init__(
        self,
        *,
        max_time: str | float | None = None,
        seed: int = 0,
        device: str = "auto",
        rate: float | None = None,
        injection: str = "soft_prompt",
        epochs: float | None = None,
        backbone: str | None = None,
        encoder: str | None = None,
        lora: bool | int | None = None,
        beta: str | None = None,
        refine: bool | None = None,
        threads: int | None = None,
        progress: bool = True,
    ):
        self.max_time, self.seed, self.device = max_time, seed, device
        self.rate, self.injection, self.epochs = rate, injection, epochs
        self.backbone, self.encoder, self.lora, self.beta = backbone, encoder, lora, beta
        self.refine, self.threads, self.progress = refine, threads, progress
        Arguments.of(self.get_params())
        base = Settings()  # for experiments: what a fit lays the arguments over, and never changes
        self.vae_config, self.train_config, self.denoiser_config = base.vae, base.train, base.denoiser
        self.pretrained_config: Any = None  # pretrained.vae.PretrainedConfig, None: its defaults
        self.finetune_config: Any = None  # pretrained.train.FinetuneConfig, None: its defaults
        self._fitted: Fitted | None = None
        self._calls = Calls(0)
        self._tally: Tally | None = None
        self._origin: Origin = PANDAS  # of the table that was fitted

    def __repr__(self) -> str:
        return called(DiffLM, self.get_params())

    def _repr_html_(self) -> str:
        """What it is and what it has learned, for notebooks."""
        return described(repr(self), self._fitted)

    # ---- arguments -----------------------------------------------------------------------------------------

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments of the constructor as they were given, by name; deep: not used here."""
        return {name: getattr(self, name) for name in inspect.signature(DiffLM).parameters}

    def set_params(self, **params: Any) -> DiffLM:
        """Change arguments of the constructor, for the next `fit`; what has been learned stays.

        Raises OptionError for an unknown argument, and for the values that the constructor refuses.
        """
        known = self.get_params()
        for name in params:
            if name not in known:
                raise OptionError(f"DiffLM has no argument {name!r}: choose one of {', '.join(known)}.")
        Arguments.of(known | params)
        for name, value in params.items():
            setattr(self, name, value)
        return self

    # ---- fit -----------------------------------------------------------------------------------------------

    def fit(
        self,
        table: Table,
        schema: Schema | None = None,
        checkpoint: str | Path | None = None,
        codec: RecordCodec | None = None,
    ) -> DiffLM:
        """Learn a table of any library that `table/sources.py` lists; `sample` gives a table of the same one.

        schema: from `lookalike.infer`, edited if need be; None: it is inferred. Its `rules` between columns
        hold in every row that is drawn; None: those that are found. checkpoint: a folder for the state of the
        training; after a kill the same call goes on from there. codec: one that was fitted on this very table
        with this seed, whose schema then counts; None: it is fitted. Ctrl-C once ends the training, and the
        model is what it has learned by then; twice raises KeyboardInterrupt. Afterwards `schema` is what was
        learned, `settings` with what, `history` how, and `shortfall` whether it was cut short. Raises
        DataError and SchemaError for tables that cannot be learned; the model is then as it was before.
        """
        arguments = Arguments.of(self.get_params())
        clock = Clock(arguments.max_time)
        rows, origin = taken("the table", table)
        schema = schema_of(schema)
        codec = codec_of(codec, schema, list(rows.columns))
        folder = None if checkpoint is None else path_of("checkpoint", checkpoint)
        base = Settings(self.vae_config, self.train_config, self.denoiser_config)
        configs = (self.pretrained_config, self.finetune_config)
        fitted, records = prepared(rows, schema, codec, arguments, base, configs)
        train(fitted, records, folder, arguments.max_time, clock, arguments.progress)
        self._fitted, self._calls, self._tally, self._origin = fitted, Calls(fitted.seed), None, origin
        if self.shortfall is not None:
            say(self.shortfall, progress=arguments.progress)
        return self

    # ---- what was learned ----------------------------------------------------------------------------------

    @property
    def fitted(self) -> Fitted:
        """All that was learned. Raises OptionError before `fit`, as the properties below do."""
        if self._fitted is None:
            raise OptionError(
                "the model has learned nothing yet: call fit(table) or DiffLM.load(folder) first."
            )
        return self._fitted

    @property
    def codec(self) -> RecordCodec:
        return self.fitted.codec

    @property
    def schema(self) -> Schema:
        return self.codec.schema

    @property
    def settings(self) -> Settings:
        """The sizes and schedules that it was learned with."""
        return self.fitted.settings

    @property
    def records(self) -> RecordModel:
        """The model of the records."""
        return self.fitted.records

    @property
    def vae(self) -> Any:
        """The network of the records, as of `RecordModel.vae`."""
        return self.records.vae

    @property
    def prior(self) -> Prior:
        """The prior of the latents."""
        return self.fitted.prior

    @property
    def history(self) -> list[dict[str, Any]]:
        """How it was learned: an entry for each validation, for each stage and for the whole."""
        return [] if self._fitted is None else self._fitted.history

    @property
    def table(self) -> str:
        """The fingerprint of the table that was learned, "" before that."""
        return "" if self._fitted is None else self._fitted.table

    @property
    def shortfall(self) -> str | None:
        """One sentence on a training that `max_time` or Ctrl-C cut short; None where it was not."""
        return shortfall(self.history)

    @property
    def stopped(self) -> bool:
        """Whether Ctrl-C ended the training."""
        return any(one.get("ended") == "stopped" for one in self.history)

    @property
    def accepted(self) -> tuple[int, int] | None:
        """Of the last `sample` with `valid_only`: rows that were accepted, and rows that were drawn."""
        return None if self._tally is None else (self._tally.accepted, self._tally.drawn)

    # ---- sample --------------------------------------------------------------------------------------------

    def sample(
        self,
        n: int | None = None,
        *,
        where: Where | str | Sequence[str] | None = None,
        given: Table = None,
        like: Table = None,
        strength: float = STRENGTH,
        balance: str | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        valid_only: bool = False,
        refine: bool | None = None,
        seed: int | None = None,
    ) -> Table:
        """n synthetic rows with the columns and dtypes of the learned table, in a table of the same library
        (of pandas after `load`).

        where: {column: condition} that every row satisfies. A condition is a value, a set of values, a range
            (low, high), None (missing) or NOT_MISSING. Texts such as "age=30..40" are read, too.
        given: a table of some columns. Its rows are completed, missing cells included. n must be None.
        like: rows to make variations of, in turn. With n None one of each.
        strength: how far variations are from these rows: 0 gives them with new ids, 1 gives new rows. In
            between each cell is drawn anew with this chance (at least one of a row, and texts always), given
            the others and the latent of the row. Columns of `where` are drawn at any strength.
        balance: a column of few values, which then get equal shares.
        temperature, top_p: how texts are drawn (`Drawing`). None: 1, or .9 and .95 with a backbone and JSON.
        valid_only: True draws rows whose code does not parse again, up to 20 times in all, and then leaves
            them out. `accepted` counts the rows that were accepted and drawn.
        refine: True draws a quarter more rows, of texts twice as many, and keeps those that are most like
            real ones, and no more copies than fresh rows would have. None: if the fit learned it.
        seed: the same seed gives the same table, with the same ids. None gives new rows with every call: the
            k-th call after `fit` or `load` gives the k-th draw of the model's seed. So a script that is
            started again gives the same tables, and ids go on from call to call. `impute`, `decode` and
            `interpolate` do likewise.

        Raises ConditionError for conditions that the real table never meets and for given values that it
        never had (they name the column, the row and the value), OptionError for other values.
        """
        drawing = self.records.drawing.changed(temperature, top_p)
        asked = Asked.of(self.codec, n, where, given, like, strength, balance, drawing)
        chunks = list(self._drawn(asked, valid_only, refine, seed))
        return self._origin.back(chunks[0] if len(chunks) == 1 else pd.concat(chunks, ignore_index=True))

    def sample_chunks(
        self,
        n: int | None = None,
        *,
        where: Where | str | Sequence[str] | None = None,
        given: Table = None,
        like: Table = None,
        strength: float = STRENGTH,
        balance: str | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        valid_only: bool = False,
        refine: bool | None = None,
        seed: int | None = None,
        after: int = 0,
    ) -> Iterator[Table]:
        """The rows of `sample` in chunks of at most 8192 (10,240 with keys or pseudonyms, a key's rows
        being in one chunk), so that memory does not grow with n. after: with a seed, how many rows of the
        same table are made elsewhere before these, which ids come after.
        """
        drawing = self.records.drawing.changed(temperature, top_p)
        asked = Asked.of(self.codec, n, where, given, like, strength, balance, drawing)
        return map(self._origin.back, self._drawn(asked, valid_only, refine, seed, after))

    def _drawn(
        self, asked: Asked, valid_only: bool, refine: bool | None, seed: int | None, after: int = 0
    ) -> Iterator[pd.DataFrame]:
        """The chunks of `sample_chunks`, as pandas tables; what is asked for is checked at once."""
        checked = parsers(self.schema) if switch("valid_only", valid_only) else {}
        request = Request.of(self.fitted, asked, checked)
        for note in request.notes(self.codec):
            say(note, progress=self.progress)
        seed, before = self._calls.claim(seed, asked.n)
        refined = refines(self.fitted, asked, refine)
        request = replace(request, seed=seed, offset=before + whole("after", after), refine=refined)
        tally = Tally()
        self._tally = tally if valid_only else None
        return sampled(self.fitted, request, tally, self.progress)

    def impute(self, table: Table, seed: int | None = None) -> Table:
        """The table, of any library, with its missing cells drawn given the other cells of their row.

        The same kind of table comes back. Cells that are not missing stay as they are; those with values that
        were not learned are counted on stderr. A column that the schema drops, or that was always missing,
        stays as it is, and a missing key becomes a new one. The table may lack columns of the model. seed: as
        in `sample`. Raises ConditionError for a column that the model does not know.
        """
        full, origin = taken("the table to impute", table)
        held = read_given(full, self.codec, (), "the table to impute", rare=True, unknown=True)
        if (note := held.note()) is not None:
            say(note, progress=self.progress)
        calls = self._calls.claim(seed, len(full))
        return origin.back(imputed(self.fitted, full, held, *calls, self.progress))

    # ---- latents -------------------------------------------------------------------------------------------

    def encode(self, table: Table) -> np.ndarray:
        """Posterior means of rows: (rows, latent tokens, latent width), float32.

        Raises DataError for a table that lacks a column, ConditionError for cells that cannot be read.
        """
        return latent_rows.encoded(self.fitted, latent_rows.read_rows(self.fitted, table, "the table"))

    def decode(self, latents: np.ndarray, seed: int | None = None) -> Table:
        """Rows written from latents of the shape that `encode` gives, (rows, latent tokens, latent width);
        seed: as in `sample`. Raises OptionError for other latents.
        """
        latent = latent_rows.read_latents(self.fitted, latents)
        return self._origin.back(
            latent_rows.written(self.fitted, latent, *self._calls.claim(seed, len(latent)))
        )

    def interpolate(self, a: Table, b: Table, steps: int = 5, seed: int | None = None) -> Table:
        """Rows on the line between the latents of two rows (tables of one row each), ends included.

        All are written with the same random numbers, so that what changes is due to the latent. seed: as in
        `sample`. Raises OptionError for tables of more rows or fewer, and errors as `encode` does.
        """
        steps = whole("steps", steps, 2)
        ends = latent_rows.read_ends(self.fitted, a, b)
        return self._origin.back(latent_rows.line(self.fitted, ends, steps, *self._calls.claim(seed, steps)))

    # ---- for scikit-learn ----------------------------------------------------------------------------------

    def score(self, table: Table, y: None = None) -> float:
        """Minus the nats per row that the model needs for rows it has not learned, so that more is better.

        The nats are the bound that training lowers on its validation rows; columns that follow from others by
        a rule, keys and ids need none. A value that was never learned counts as rare, or as the nearest one.
        Models of the same columns compare by it, as `GridSearchCV` does; `evaluate` compares what they draw.
        y: not used; scikit-learn passes it. Raises DataError and OptionError as `encode` does.
        """
        rows = latent_rows.read_rows(self.fitted, table, "the table to score", unknown=True)
        if not rows.rows:
            raise OptionError("the table to score has no rows: give at least one.")
        return -self.fitted.bound(rows)

    def __sklearn_is_fitted__(self) -> bool:
        return self._fitted is not None

    def __sklearn_tags__(self) -> Any:
        return tags()

    # ---- keep ----------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write the model to a folder of JSON and safetensors. Raises ModelError where that fails."""
        fitted, given = self.fitted, vars(Arguments.of(self.get_params()))
        kept = {name: value for name, value in given.items() if name not in OF_A_MACHINE}
        save_model(fitted.saved(kept), path_of("path", path))

    @classmethod
    def load(
        cls,
        path: str | Path,
        device: str = "auto",
        backbone: str | None = None,
        threads: int | None = None,
        progress: bool = True,
    ) -> DiffLM:
        """Read a model that `save` wrote. Raises ModelError where it is not complete or of another format.

        backbone: where its pretrained language model is now, if it has moved; it has to be the same. device,
        threads, progress: as of `DiffLM`.
        """
        model = cls(device=device, threads=threads, progress=progress)
        folder = path_of("path", path)
        saved = load_model(folder, backbone)
        with undamaged(folder):
            model.set_params(**saved.arguments)
            arguments = Arguments.of(model.get_params())
            fitted = restored(saved, arguments.device, arguments.threads)
        model._fitted, model._calls = fitted, Calls(saved.seed)
        return model
