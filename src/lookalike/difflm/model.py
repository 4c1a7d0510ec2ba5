"""DiffLM: learn a table, make one that is distributed like it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lookalike.arguments import number, shown, switch, whole
from lookalike.arguments import path as path_of
from lookalike.arguments import table as read_table
from lookalike.codec import RecordCodec
from lookalike.defaults import STRENGTH
from lookalike.difflm.asked import Asked, Where, whole_rows
from lookalike.difflm.completing import completed, records_of, varied
from lookalike.difflm.drawing import Drawing
from lookalike.difflm.given import Given, read_given
from lookalike.difflm.latent.denoiser import DenoiserConfig
from lookalike.difflm.latent.prior import Prior
from lookalike.difflm.latent.train import train_denoiser
from lookalike.difflm.parsed import parsed, parsers
from lookalike.difflm.setup import Setup, pick_device, schema_of
from lookalike.difflm.small.records import CHUNK, TokenRecords
from lookalike.difflm.small.vae import TEXT_SIZES, VAE, VAEConfig
from lookalike.difflm.storage import fingerprint, load_model, save_model
from lookalike.difflm.told import Told
from lookalike.difflm.training.checkpoint import Checkpoint
from lookalike.difflm.training.config import TEXT_RATE, TEXT_TRAINING, TrainConfig
from lookalike.difflm.training.course import Clock, shortfall
from lookalike.difflm.training.threads import Threads
from lookalike.errors import OptionError
from lookalike.interrupt import finishing
from lookalike.progress import bar, duration, parse_time, say, stage
from lookalike.table.inferring import infer
from lookalike.table.schema import Schema

if TYPE_CHECKING:
    from lookalike.difflm.pretrained.records import TextRecords

WHERE_CANDIDATES = 1.5  # for each of the rows that share a condition: 2 would cost over 3 times a free sample
PRIOR_ROWS = 200_000  # posteriors that the denoiser learns from, at most
CALLS = 0xCA11  # names the seeds of calls that are given none
PROBED = 2000  # rows that are prepared to see what all of them would take
PREPARING = 0.3  # of the time limit, at most
FINISHING = "finishing with what has been learned; Ctrl-C again stops at once"


class DiffLM:
    """Synthetic tables by latent diffusion and a language model (DiffLM, arXiv 2411.03250).

    max_time: limit on `fit`, everything included: seconds, or "90s", "5m"; None: as long as it takes.
    seed: same seed, machine and thread count: same model. device: "auto", "cpu" or "cuda".
    rate: nats of a record that the latent carries, held by a controller; None: 4, or 8 for texts. injection:
    how the latent enters the language model: "soft_prompt", "kv_memory" or "input_embed". epochs: passes over
    the table; None chooses by its size. threads: of the CPU; None: chosen by measuring steps, as the machine
    changes. progress: bars on stderr.

    backbone: a pretrained causal language model that writes the records as JSON text, in place of the small
    one that is trained from scratch: a folder, or an id on the Hugging Face hub, which is then contacted. It
    stays as it is, unless lora is True or the rank of adapters. encoder: a model such as BERT that reads the
    records, by name; None: built in. beta: "rate" as above, or "schedule", the paper's. With a backbone,
    injection may also be "prefix_soft_prompt".

        df = lookalike.read_table("examples/adult.csv.gz")
        model = lookalike.DiffLM(max_time="90s").fit(df)
        synthetic = model.sample(10_000, where={"income": ">50K"}, seed=0)
    """

    def __init__(
        self,
        *,
        max_time: str | float | None = None,
        seed: int = 0,
        device: str = "auto",
        rate: float | None = None,
        injection: str = VAEConfig.injection,
        epochs: float | None = None,
        backbone: str | None = None,
        encoder: str | None = None,
        lora: bool | int = False,
        beta: str | None = None,
        threads: int | None = None,
        progress: bool = True,
    ):
        advice = f"0 nats or more, e.g. {TrainConfig.rate}"
        rate = None if rate is None else number("rate", rate, 0, advice=advice)
        advice = "a number above 0, or None to have it chosen"
        epochs = None if epochs is None else number("epochs", epochs, 0, advice=advice, above=True)
        self.max_time, self.seed = parse_time(max_time), whole("seed", seed)
        self.progress = switch("progress", progress)
        self.device = pick_device(device)
        self.threads = threads
        self._threads = Threads(threads if self.device.type == "cpu" else torch.get_num_threads())
        self.setup = Setup.of(backbone, encoder, lora, injection, beta, epochs)
        self.vae_config = VAEConfig(injection=injection)
        asked: dict[str, Any] = {} if rate is None else {"rate": rate}
        if epochs is not None:
            asked |= {"epochs": epochs, "epochs_limits": (epochs, epochs)}
        self.rate, self.train_config = rate, TrainConfig(**asked)
        self.denoiser_config = DenoiserConfig()
        self.history: list[dict[str, Any]] = []
        self.table = ""  # the fingerprint of what was learned
        self._codec: RecordCodec | None = None
        self._records: TokenRecords | TextRecords | None = None
        self.accepted: tuple[int, int] | None = None

    # ---- fit -----------------------------------------------------------------------------------------------

    def fit(
        self,
        table: pd.DataFrame,
        schema: Schema | None = None,
        checkpoint: str | Path | None = None,
        codec: RecordCodec | None = None,
    ) -> DiffLM:
        """Learn a table.

        schema: from `lookalike.infer`, edited if need be; None infers it. checkpoint: a folder that training
        state is written to; the same call after a kill goes on from there. codec: one that was fitted on
        this very table with this schema and seed; None fits it. Ctrl-C once ends the training: the model is
        what has been learned by then; twice raises KeyboardInterrupt. Afterwards `schema` is what was
        learned, `history` how, and `shortfall` whether it was cut short. Raises DataError and SchemaError for
        tables that cannot be learned.
        """
        clock = Clock(self.max_time)
        table, schema = read_table("the table", table), schema_of(schema)
        folder = None if checkpoint is None else path_of("checkpoint", checkpoint)
        self.history, self.table = [], fingerprint(table)
        with stage(f"prepared {len(table):,} rows", progress=self.progress):
            schema = infer(table) if schema is None else schema
            some = self._affordable(table, schema)
            records = self._prepare(some, schema, codec if len(some) == len(table) else None)
        state = Checkpoint(folder, self._identity(records))
        if state.state:
            clock = Clock(self.max_time, state.state["spent"])
        if self.codec.slots:
            devices = [self.device] if self.device.type == "cuda" else []
            finish = partial(clock.stop, self.train_config.denoiser_time)
            with torch.random.fork_rng(devices), self._threads.used(), finishing(finish, FINISHING):
                self._train(records, clock, state)
        self.history.append({"seconds": round(clock.spent(), 2)})
        if self.shortfall is not None:
            say(self.shortfall, progress=self.progress)
        return self

    def _affordable(self, table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
        """The table, or a sample of its rows where `max_time` is too short to prepare them all: that is said.

        Half of the rows, a quarter, and so on, so that a call that goes on from a checkpoint takes the same.
        """
        if self.max_time is None or len(table) <= 2 * PROBED:
            return table
        some = table.sample(PROBED, random_state=self.seed)
        begun = perf_counter()
        RecordCodec.fit(some, schema, seed=self.seed).encode(some)
        each, rows = (perf_counter() - begun) / PROBED, len(table)
        while rows > 2 * PROBED and rows * each > PREPARING * self.max_time:
            rows //= 2
        if rows == len(table):
            return table
        say(
            f"preparing {len(table):,} rows takes about {duration(each * len(table))}, too much of the time "
            f"limit of {duration(self.max_time)}: learning from {rows:,} of them",
            progress=self.progress,
        )
        return table.sample(rows, random_state=self.seed).sort_index()

    def _prepare(self, table: pd.DataFrame, schema: Schema, codec: RecordCodec | None = None) -> np.ndarray:
        """The records of a table, and the networks that are to learn them."""
        codec = RecordCodec.fit(table, schema, seed=self.seed) if codec is None else codec
        for note in [*codec.schema.notes(), *codec.notes()]:
            say(note, progress=self.progress)
        if any(slot.run for slot in codec.slots):
            self.vae_config = _changed(self.vae_config, TEXT_SIZES)
            chosen = TEXT_TRAINING | ({"rate": TEXT_RATE} if self.rate is None else {})
            self.train_config = _changed(self.train_config, chosen)
        self._build(codec, table)
        return self.records.encode(table) if codec.slots else np.zeros((len(table), 0))

    def _build(
        self, codec: RecordCodec, table: pd.DataFrame | None = None, facts: dict[str, Any] | None = None
    ) -> None:
        """What is to be trained on `table`, or loaded with the `facts` of a saved model."""
        self._codec = codec
        self._calls, self._made = 0, 0  # calls without a seed, and rows that ids were made for
        with torch.random.fork_rng([]):
            torch.manual_seed(self.seed)
            if self.setup is not None and codec.slots:
                self._records = self.setup.records(codec, table, self.device, self._threads, facts)
                size = self._records.vae.latent_size
            else:
                vae = (
                    VAE(codec.slots, codec.columns, self.vae_config).to(self.device) if codec.slots else None
                )
                self._records = TokenRecords(codec, vae, self._threads)
                size = vae.latent_size if vae else 0
            if codec.slots:  # else ids and constants alone: nothing to learn
                self.prior = Prior(size, self.denoiser_config).to(self.device)

    def _train(self, records: np.ndarray, clock: Clock, state: Checkpoint) -> None:
        config = self.train_config
        self.history = list(self.records.train(records, config, clock, state, self.seed, self.progress))
        chosen = np.random.default_rng((self.seed, 3)).permutation(len(records))[:PRIOR_ROWS]
        mean, log_variance = self.records.posteriors(records[chosen])
        report = train_denoiser(
            self.prior, mean, log_variance, config, clock, self._threads, self.seed, self.progress
        )
        self.history.append(report | {"active_dimensions": int(self.prior.denoiser.active.sum())})
        self.records.vae.eval()
        self.prior.eval()

    def _identity(self, records: np.ndarray) -> str:
        settings = (
            self.vae_config,
            self.train_config,
            self.denoiser_config,
            self.seed,
            self.records.identity,
        )
        digest = hashlib.sha256(repr(settings).encode())
        text = records.dtype == object
        digest.update(repr(records.tolist()).encode() if text else np.ascontiguousarray(records).tobytes())
        return digest.hexdigest()

    @property
    def vae(self) -> Any:
        """The variational autoencoder: `vae.VAE`, or `pretrained.PretrainedVAE` around a backbone."""
        return self.records.vae

    # ---- what was learned ----------------------------------------------------------------------------------

    @property
    def codec(self) -> RecordCodec:
        if self._codec is None:
            raise OptionError(
                "the model has learned nothing yet: call fit(table) or DiffLM.load(folder) first."
            )
        return self._codec

    @property
    def records(self) -> TokenRecords | TextRecords:
        """The model of the records."""
        assert self.codec is not None and self._records is not None
        return self._records

    @property
    def schema(self) -> Schema:
        return self.codec.schema

    @property
    def shortfall(self) -> str | None:
        """One sentence on a training that `max_time` or Ctrl-C cut short; None where it was not."""
        return shortfall(self.history)

    @property
    def stopped(self) -> bool:
        """Whether Ctrl-C ended the training."""
        return any(one.get("ended") == "stopped" for one in self.history)

    # ---- sample --------------------------------------------------------------------------------------------

    def sample(
        self,
        n: int | None = None,
        *,
        where: Where | str | Sequence[str] | None = None,
        given: pd.DataFrame | None = None,
        like: pd.DataFrame | None = None,
        strength: float = STRENGTH,
        balance: str | None = None,
        temperature: float = 1.0,
        top_p: float = 1.0,
        valid_only: bool = False,
        seed: int | None = None,
    ) -> pd.DataFrame:
        """A synthetic table of n rows, with the columns and dtypes of the learned one.

        where: {column: condition} that every row satisfies: a value, a set of values, a range (low, high),
        None (missing) or NOT_MISSING; or the texts of the command line, such as "age=30..40". given: a table
        of some of the columns, one synthetic row for each of its rows (n must be None); its missing cells are
        drawn too. like: rows to make variations of, taken in turn (n None: one of each); strength: in [0, 1],
        how far from them: at 0 the rows themselves, with fresh ids; above 0 each cell is drawn anew with this
        chance (and at least one of a row) given the others and what the latent says of the row, texts always;
        at 1 fresh rows. Columns of `where` are drawn at any strength. balance: a column of few values, which
        then have equal shares. temperature, top_p: how texts are drawn, as `Drawing` says. valid_only: rows
        whose code does not parse are drawn again, up to 20 times in all, and then left out; `accepted` says
        how many rows were accepted of how many that were drawn.

        seed: None gives new rows with every call: the k-th call after `fit` or `load` gives the k-th draw of
        the model's own seed, so that a script gives the same tables when it is run again, and ids go on from
        call to call. A seed gives the same table each time, the same ids too. `impute`, `decode` and
        `interpolate` do likewise.

        Raises ConditionError for conditions that the real table never meets and for given values that it
        never had (they name the column, the row and the value), OptionError for other values.
        """
        chunks = list(
            self.sample_chunks(
                n,
                where=where,
                given=given,
                like=like,
                strength=strength,
                balance=balance,
                temperature=temperature,
                top_p=top_p,
                valid_only=valid_only,
                seed=seed,
            )
        )
        return chunks[0] if len(chunks) == 1 else pd.concat(chunks, ignore_index=True)

    def sample_chunks(
        self,
        n: int | None = None,
        *,
        where: Where | str | Sequence[str] | None = None,
        given: pd.DataFrame | None = None,
        like: pd.DataFrame | None = None,
        strength: float = STRENGTH,
        balance: str | None = None,
        temperature: float = 1.0,
        top_p: float = 1.0,
        valid_only: bool = False,
        seed: int | None = None,
    ) -> Iterator[pd.DataFrame]:
        """The rows of `sample` in chunks of at most 2048 (4096 with keys or pseudonyms, a key's rows being in
        one chunk), so that memory does not grow with n.
        """
        codec = self.codec
        asked = Asked.of(codec, n, where, given, like, strength, balance, Drawing(temperature, top_p))
        checked = parsers(self.schema) if switch("valid_only", valid_only) else {}
        allowed = [self.records.allowed(part) for part in asked.parts]
        held = asked.held(codec)
        self._say_odd(held)
        if balance is not None and (lost := codec.dropped().get(balance)):
            say(
                f"column '{balance}' is balanced without {lost['values']:,} of its {lost['of_values']:,} "
                "values, which were dropped as rare; to have them, learn the table with --keep-rare",
                progress=self.progress,
            )
        self.accepted = (0, 0) if valid_only else None
        seed, offset = self._claimed(seed, asked.n)
        kept = {balance} if asked.given is None else {balance, *asked.given.columns}
        return self._chunks(asked, held, allowed, checked, seed, offset, kept)

    def _chunks(
        self,
        asked: Asked,
        held: Given | None,
        allowed: list[Any],
        checked: dict[Any, Any],
        seed: int,
        offset: int,
        kept: set[Any],
    ) -> Iterator[pd.DataFrame]:
        """The chunks of what is asked for, all of it checked.

        offset: of the ids; kept: columns whose keys and pseudonyms stay as they are.
        """
        n, parts, codec = asked.n, asked.parts, self.codec
        least = CHUNK if codec.filled else 1  # rows among which those of a key are
        waiting: list[pd.DataFrame] = []
        done = 0

        def draw(k: int, turn: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
            """The rows of these numbers, under the conditions of part k."""
            first = offset + int(turn[0])
            told.chunk(int(turn[0]), len(turn))
            if held is not None and asked.like is None:
                return self._complete(held.rows_at(turn), parts[k], rng, first, told, drawing=asked.drawing)
            if held is not None:
                rows = held.rows_at(turn % held.rows)
                return self._varied(rows, asked.strength, parts[k], rng, first, asked.drawing, told)
            generator = self._generator(rng)
            tried = self._candidates(len(turn)) if allowed[k] else len(turn)
            latent = self._fresh(tried, generator)
            drawn = self.records.draw(
                latent, len(turn), generator, allowed=allowed[k], drawing=asked.drawing, told=told
            )
            return self.records.decode(drawn, rng, where=parts[k], offset=first)

        told = Told(bar(n, "sampling", progress=self.progress), n, self.progress)
        with self._threads.used():
            self._threads.restart(warm=1)
        for index, start in enumerate(range(0, n, self.records.chunk)):
            rows = min(self.records.chunk, n - start)
            rng = np.random.default_rng((seed, index))
            edges = [start + rows * k // len(parts) for k in range(len(parts) + 1)]
            tables = []
            for k, (first, last) in enumerate(pairwise(edges)):
                if first < last:
                    turn = np.arange(first, last)
                    with self._threads.used():
                        table, good, drawn = parsed(partial(draw, k), turn, rng, checked, self.schema)
                    tables.append(table)
                    if self.accepted is not None:
                        self.accepted = (self.accepted[0] + good, self.accepted[1] + drawn)
            table = tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)
            if len(parts) > 1:
                table = table.iloc[rng.permutation(len(table))].reset_index(drop=True)
            waiting += [table] if len(table) else []
            if waiting and (sum(map(len, waiting)) >= least or start + rows >= n):
                table = waiting[0] if len(waiting) == 1 else pd.concat(waiting, ignore_index=True)
                waiting = []
                yield codec.fill(table, np.random.default_rng((seed, index, 1)), offset + done, kept)
                done += len(table)
        self._finish(told)
        if self.accepted is not None:
            good, drawn = self.accepted
            if not good:
                raise OptionError(
                    f"none of the {drawn:,} drawn rows parses: train longer, or leave valid_only out."
                )
            if good < n:
                say(f"{n - good:,} rows were left out: 20 draws did not parse", progress=self.progress)

    def impute(self, table: pd.DataFrame, seed: int | None = None) -> pd.DataFrame:
        """The table with its missing cells drawn from their distribution given the row's other cells.

        Cells that are not missing come back as they are, those with values that were not learned too, and
        that is said; so does a column that the model's schema drops. A column that was always missing stays
        so; a missing key is a fresh one. The table may lack columns of the model. seed: as in `sample`.
        Raises ConditionError for a column that the model does not know.
        """
        full = read_table("the table to impute", table)
        held = read_given(full, self.codec, (), "the table to impute", rare=True, unknown=True)
        self._say_odd(held)
        seed, offset = self._claimed(seed, len(full))
        chunks = []
        told = Told(bar(len(full), "filling missing cells", progress=self.progress), len(full), self.progress)
        with self._threads.used():
            self._threads.restart(warm=1)
        for index, start in enumerate(range(0, len(full), self.records.chunk)):
            rng = np.random.default_rng((seed, index))
            rows = np.arange(start, min(start + self.records.chunk, len(full)))
            told.chunk(start, len(rows))
            with self._threads.used():
                chunks.append(self._complete(held.rows_at(rows), {}, rng, offset + start, told, fill=True))
        self._finish(told)
        if not chunks:
            return full.copy()
        made = pd.concat(chunks, ignore_index=True)
        made = self.codec.fill(made, np.random.default_rng((seed, len(chunks))), held=set(full.columns))
        made = made.set_axis(full.index)
        for name in full.columns.difference(made.columns):
            made[name] = full[name]  # it was dropped
        return made[list(full.columns)]

    # ---- latents -------------------------------------------------------------------------------------------

    def encode(self, table: pd.DataFrame) -> np.ndarray:
        """Posterior means of rows: (rows, latent tokens, latent width), float32.

        Raises DataError for a table that lacks a column, ConditionError for cells that cannot be read.
        """
        held = read_given(self._complete_rows(table, "the table"), self.codec, (), "the table", rare=True)
        mean, _ = self._posterior(held)
        return mean.view(held.rows, *self.records.shape).cpu().numpy()

    def decode(self, latents: np.ndarray, seed: int | None = None) -> pd.DataFrame:
        """Rows written from latents of the shape that `encode` gives, (rows, latent tokens, latent width);
        seed: as in `sample`. Raises OptionError for other latents.
        """
        self._need_latents()
        advice = "use those of encode()"
        try:
            latent = torch.as_tensor(np.asarray(latents, dtype=np.float32), device=self.device)
        except (TypeError, ValueError, OverflowError):
            raise OptionError(f"latents is {shown(latents)}, no array of numbers: {advice}.") from None
        if latent.shape[1:] != self.records.shape or not len(latent) or not bool(latent.isfinite().all()):
            raise OptionError(
                f"latents of the shape {tuple(latent.shape)} are not finite ones of this model, (rows, "
                f"{', '.join(map(str, self.records.shape))}): {advice}."
            )
        return self._written(latent.flatten(1), *self._claimed(seed, len(latent)))

    def interpolate(
        self, a: pd.DataFrame, b: pd.DataFrame, steps: int = 5, seed: int | None = None
    ) -> pd.DataFrame:
        """Rows on the line between the latents of two rows (tables of one row each), ends included.

        All are written with the same random numbers, so that what changes is due to the latent. seed: as in
        `sample`.
        """
        steps = whole("steps", steps, 2)
        ends = []
        for what, end in (("a", a), ("b", b)):
            table = self._complete_rows(end, what)
            if len(table) != 1:
                raise OptionError(
                    f"{what} has {len(table)} rows: interpolate goes between two tables of one row each."
                )
            ends.append(self._posterior(read_given(table, self.codec, (), what, rare=True))[0])
        first, last = ends
        seed, offset = self._claimed(seed, steps)
        line = [first + (last - first) * step / (steps - 1) for step in range(steps)]
        return pd.concat([self._written(x, seed, offset + i) for i, x in enumerate(line)], ignore_index=True)

    # ---- inside --------------------------------------------------------------------------------------------

    def _finish(self, told: Told) -> None:
        """All rows are written."""
        told.shown.close()
        if told.cut:
            say(
                f"{told.cut:,} texts were ended early, as all of them together grew over twice as long as "
                "real ones: the model has learned little, train it longer",
                progress=self.progress,
            )

    def _claimed(self, seed: int | None, rows: int) -> tuple[int, int]:
        """The seed of a call for so many rows, and how many rows its ids come after.

        Calls without a seed have seeds of their own, one after the other, and ids that go on after those of
        all calls before; a seed begins anew.
        """
        before = 0
        if seed is None:
            self._calls += 1
            own = np.random.default_rng((self.seed, CALLS, self._calls))
            seed, before = int(own.integers(2**62)), self._made
        seed = whole("seed", seed)
        self._made = max(self._made, before + rows)
        return seed, before

    def _say_odd(self, held: Given | None) -> None:
        if held is not None and (note := held.note()):
            say(note, progress=self.progress)

    def _candidates(self, rows: int) -> int:
        """Latents tried for `rows` that share a condition and are decoded at once."""
        return max(math.ceil(WHERE_CANDIDATES * rows), self.records.least)

    def _generator(self, rng: np.random.Generator) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(int(rng.integers(2**62)))

    def _need_latents(self) -> None:
        if not self.codec.slots:
            raise OptionError("the table has only ids and constants: there is no latent.")

    def _complete_rows(self, table: Any, what: str) -> pd.DataFrame:
        """A table of whole rows, without columns that the model does not know."""
        self._need_latents()
        return whole_rows(read_table(what, table), self.codec, what)

    def _posterior(self, rows: Given) -> tuple[Tensor, Tensor]:
        return self.records.posteriors(records_of(self.records, rows))

    def _fresh(self, rows: int, generator: torch.Generator) -> Tensor:
        """(rows, latent size) from the prior."""
        return self.prior.sample(rows, generator) if self.codec.slots else torch.zeros(rows, 0)

    def _written(self, latent: Tensor, seed: int, offset: int) -> pd.DataFrame:
        """Rows of (rows, latent size) latents; offset as in `RecordCodec.decode`."""
        tables = []
        for index, part in enumerate(latent.split(self.records.chunk)):
            rng = np.random.default_rng((seed, index))
            drawn = self.records.draw(part, len(part), self._generator(rng))
            tables.append(self.records.decode(drawn, rng, offset=offset + index * self.records.chunk))
        table = tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)
        return self.codec.fill(table, np.random.default_rng((seed, len(tables), 1)), offset)

    def _complete(
        self,
        rows: Given,
        where: Where,
        rng: np.random.Generator,
        offset: int,
        told: Told,
        fill: bool = False,
        drawing: Drawing | None = None,
    ) -> pd.DataFrame:
        """As `completing.completed`, with latents from the prior; keys and pseudonyms are filled in later."""
        generator = self._generator(rng)
        pool = self._fresh(max(rows.rows, self.records.least), generator)
        drawn = completed(
            self.records, rows, pool, where, rng, generator, self._candidates, fill, drawing, told
        )
        return rows.kept_in(self.records.decode(drawn, rng, where=where, offset=offset))

    def _varied(
        self,
        rows: Given,
        strength: float,
        where: Where,
        rng: np.random.Generator,
        offset: int,
        drawing: Drawing,
        told: Told,
    ) -> pd.DataFrame:
        """One variation of each of the rows, as `sample` says of `like`."""
        generator = self._generator(rng)

        def near(mean: Tensor) -> Tensor:
            return self.prior.vary(mean, strength, generator)

        drawn, kept = varied(
            self.records, self.schema, rows, near, strength, where, rng, generator, drawing, told
        )
        return rows.kept_in(self.records.decode(drawn, rng, where=where, offset=offset), kept)

    # ---- keep ----------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write the model to a folder of JSON and safetensors."""
        save_model(self, path_of("path", path))

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
        return load_model(
            cls(device=device, threads=threads, progress=progress), path_of("path", path), backbone
        )


def _changed(config: Any, changes: dict[str, Any]) -> Any:
    """A config with those of the changes that concern what is still at its default."""
    default = type(config)()
    free = {key: value for key, value in changes.items() if getattr(config, key) == getattr(default, key)}
    return replace(config, **free)
