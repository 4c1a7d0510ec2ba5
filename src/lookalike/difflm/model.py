"""DiffLM: learn a table, make one that is distributed like it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ..codec import NOT_MISSING, RecordCodec
from ..errors import OptionError
from ..interrupt import finishing
from ..progress import bar, parse_time, say, stage
from ..schema import Schema, hide, infer
from .checkpoint import Checkpoint
from .course import Clock, shortfall
from .denoiser import DenoiserConfig
from .drawing import Drawing
from .given import classes, patterns_of, read_given
from .parsed import parsed, parsers
from .prior import Prior
from .records import CHUNK, TokenRecords
from .setup import Setup, check_sample, check_seed, pick_device
from .storage import fingerprint, load_model, save_model
from .threads import Threads
from .told import Told
from .train import TEXT_RATE, TEXT_TRAINING, TrainConfig, train_denoiser
from .vae import TEXT_SIZES, VAE, VAEConfig

if TYPE_CHECKING:
    from .textrecords import TextRecords

GIVEN_CANDIDATES = 8  # latents tried for a row of which some cells are given
WHERE_CANDIDATES = 1.5  # for each of the rows that share a condition: 2 would cost over 3 times a free sample
PRIOR_ROWS = 200_000  # posteriors that the denoiser learns from, at most
FINISHING = "finishing with what has been learned; Ctrl-C again stops at once"
Where = Mapping[str, Any]


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

    model = DiffLM(max_time="90s").fit(df)
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
        if rate is not None and not rate >= 0:
            raise OptionError(
                f"rate {rate!r} is not a number of nats: choose 0 or more, e.g. {TrainConfig.rate}."
            )
        if epochs is not None and not epochs > 0:
            raise OptionError(f"epochs is {epochs!r}: choose a number above 0, or None to have it chosen.")
        check_seed(seed)
        self.max_time, self.seed, self.progress = parse_time(max_time), seed, progress
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
        self, table: pd.DataFrame, schema: Schema | None = None, checkpoint: str | Path | None = None
    ) -> DiffLM:
        """Learn a table.

        schema: from `lookalike.infer`, edited if need be; None infers it. checkpoint: a folder that training
        state is written to; the same call after a kill goes on from there. Ctrl-C once ends the training: the
        model is what has been learned by then; twice raises KeyboardInterrupt. Afterwards `schema` is what
        was learned, `history` how, and `shortfall` whether it was cut short. Raises DataError and SchemaError
        for tables that cannot be learned.
        """
        clock = Clock(self.max_time)
        with stage(f"prepared {len(table):,} rows", progress=self.progress):
            records = self._prepare(table, schema)
        self.history, self.table = [], fingerprint(table)
        state = Checkpoint(None if checkpoint is None else Path(checkpoint), self._identity(records))
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

    def _prepare(self, table: pd.DataFrame, schema: Schema | None) -> np.ndarray:
        """The records of a table, and the networks that are to learn them."""
        codec = RecordCodec.fit(table, schema or infer(table), seed=self.seed)
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

    def sample(self, n: int | None = None, **options: Any) -> pd.DataFrame:
        """A synthetic table of n rows; the options are those of `sample_chunks`."""
        chunks = list(self.sample_chunks(n, **options))
        return chunks[0] if len(chunks) == 1 else pd.concat(chunks, ignore_index=True)

    def sample_chunks(
        self,
        n: int | None = None,
        *,
        where: Where | None = None,
        given: pd.DataFrame | None = None,
        like: pd.DataFrame | None = None,
        strength: float = 0.1,
        balance: str | None = None,
        temperature: float = 1.0,
        top_p: float = 1.0,
        valid_only: bool = False,
        seed: int = 0,
    ) -> Iterator[pd.DataFrame]:
        """The rows of `sample` in chunks of at most 2048 (4096 with keys or pseudonyms, a key's rows being in
        one chunk), so that memory does not grow with n.

        where: {column: condition} that every row satisfies: a value, a set of values, a range (low, high),
        None (missing) or NOT_MISSING. given: a table of some of the columns, one synthetic row for each of
        its rows (n must be None); its missing cells are drawn too. like: rows to make variations of, taken
        in turn (n None: one of each); strength: in [0, 1], how far from them. balance: a column of few
        values, which then have equal shares. temperature, top_p: how texts are drawn, as `Drawing` says.
        valid_only: rows whose code does not parse are drawn again, up to 20 times in all, and then
        left out; `accepted` says how many rows were accepted of how many that were drawn. Raises
        ConditionError for conditions that the real table never meets, OptionError for other values.
        """
        codec = self.codec
        n = check_sample(n, given, like, strength, balance)
        check_seed(seed)
        drawing = Drawing(temperature, top_p)
        parts: list[Where] = [where or {}]
        if balance is not None:
            if lost := codec.dropped().get(balance):
                say(
                    f"column '{balance}' is balanced without {lost['values']:,} of its {lost['of_values']:,} "
                    "values, which were dropped as rare; to have them, learn the table with --keep-rare",
                    progress=self.progress,
                )
            parts = [{**(where or {}), balance: value} for value in classes(codec, balance, where)]
        checked = parsers(self.schema) if valid_only else {}
        allowed = [self.records.allowed(part) for part in parts]
        self.accepted = (0, 0) if valid_only else None
        held = {balance} if given is None else {balance, *given.columns}
        least = CHUNK if codec.filled else 1  # rows among which those of a key are
        waiting: list[pd.DataFrame] = []
        done = 0

        def draw(k: int, turn: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
            """The rows of these numbers, under the conditions of part k."""
            told.chunk(int(turn[0]), len(turn))
            if given is not None:
                return self._complete(given.iloc[turn], parts[k], rng, int(turn[0]), told, drawing=drawing)
            generator = self._generator(rng)
            wanted = None if like is None else like.iloc[turn % len(like)]
            tried = self._candidates(len(turn)) if allowed[k] and like is None else len(turn)
            latent = self._latents(tried, wanted, strength, generator)
            drawn = self.records.draw(
                latent, len(turn), generator, allowed=allowed[k], drawing=drawing, told=told
            )
            return self.records.decode(drawn, rng, where=parts[k], offset=int(turn[0]))

        told = Told(bar(n, "sampling", progress=self.progress))
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
            if balance is not None:
                table = table.iloc[rng.permutation(len(table))].reset_index(drop=True)
            waiting += [table] if len(table) else []
            if waiting and (sum(map(len, waiting)) >= least or start + rows >= n):
                table = waiting[0] if len(waiting) == 1 else pd.concat(waiting, ignore_index=True)
                waiting = []
                yield codec.fill(table, np.random.default_rng((seed, index, 1)), done, held)
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

    def impute(self, table: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
        """The table with its missing cells drawn from their distribution given the row's other cells.

        Cells that are not missing come back as they are, and so does a column that the model's schema drops.
        A column that was always missing stays so; a missing key is a fresh one. The table may lack columns of
        the model. Raises ConditionError for a column that the model does not know.
        """
        check_seed(seed)
        chunks = []
        told = Told(bar(len(table), "filling missing cells", progress=self.progress))
        for index, start in enumerate(range(0, len(table), self.records.chunk)):
            rng = np.random.default_rng((seed, index))
            part = table.iloc[start : start + self.records.chunk]
            told.chunk(start, len(part))
            with self._threads.used():
                chunks.append(self._complete(part, {}, rng, start, told, fill=True))
        self._finish(told)
        if not chunks:
            return table.copy()
        full = pd.concat(chunks, ignore_index=True)
        full = self.codec.fill(full, np.random.default_rng((seed, len(chunks))), held=set(table.columns))
        full = full.set_axis(table.index)
        for name in table.columns.difference(full.columns):
            full[name] = table[name]  # it was dropped
        return full[list(table.columns)]

    # ---- latents -------------------------------------------------------------------------------------------

    def encode(self, table: pd.DataFrame) -> np.ndarray:
        """Posterior means of rows: (rows, latent tokens, latent width), float32."""
        mean, _ = self._posterior(table)
        return mean.view(len(table), *self.records.shape).cpu().numpy()

    def decode(self, latents: np.ndarray, seed: int = 0) -> pd.DataFrame:
        """Rows written from latents of the shape that `encode` gives."""
        latent = torch.as_tensor(latents, dtype=torch.float32, device=self.device)
        if not self.codec.slots or latent.shape[1:] != self.records.shape:
            raise OptionError(
                f"latents of the shape {tuple(latent.shape)} are not of this model: use those of encode()."
            )
        check_seed(seed)
        return self._written(latent.flatten(1), seed, 0)

    def interpolate(self, a: pd.DataFrame, b: pd.DataFrame, steps: int = 5, seed: int = 0) -> pd.DataFrame:
        """Rows on the line between the latents of two rows (tables of one row each), ends included.

        All are written with the same random numbers, so that what changes is due to the latent.
        """
        if len(a) != 1 or len(b) != 1 or steps < 2:
            raise OptionError("interpolate needs two tables of one row each and at least 2 steps.")
        check_seed(seed)
        (first, _), (last, _) = self._posterior(a), self._posterior(b)
        line = [first + (last - first) * step / (steps - 1) for step in range(steps)]
        return pd.concat([self._written(x, seed, i) for i, x in enumerate(line)], ignore_index=True)

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

    def _candidates(self, rows: int) -> int:
        """Latents tried for `rows` that share a condition and are decoded at once."""
        return max(math.ceil(WHERE_CANDIDATES * rows), self.records.least)

    def _generator(self, rng: np.random.Generator) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(int(rng.integers(2**62)))

    def _posterior(self, table: pd.DataFrame) -> tuple[Tensor, Tensor]:
        if not self.codec.slots:
            raise OptionError("the table has only ids and constants: there is no latent.")
        return self.records.posteriors(self.records.encode(table))

    def _latents(
        self, rows: int, like: pd.DataFrame | None, strength: float, generator: torch.Generator
    ) -> Tensor:
        """(rows, latent size) from the prior, or around those of the rows `like`."""
        if not self.codec.slots:
            return torch.zeros(rows, 0)
        if like is None:
            return self.prior.sample(rows, generator)
        mean, _ = self._posterior(like)
        return self.prior.vary(mean, strength, generator)

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
        table: pd.DataFrame,
        where: Where,
        rng: np.random.Generator,
        offset: int,
        told: Told,
        fill: bool = False,
        drawing: Drawing | None = None,
    ) -> pd.DataFrame:
        """One row for each row of `table`: what it holds is kept, the rest is drawn given it; keys and
        pseudonyms are still to be filled in.

        fill: missing cells are drawn from the values that are not missing. Rows that lack the same cells are
        drawn together.
        """
        records, rows = self.records, len(table)
        table = table.drop(columns=[c.name for c in self.schema.columns if c.kind == "drop"], errors="ignore")
        kept, known = read_given(table, self.schema, where)
        visible = {name: hide(values, pd.Series(~known[name])) for name, values in kept.items()}
        given = records.encode(pd.DataFrame(visible, index=pd.RangeIndex(rows)), partial=True)
        names = records.columns
        held = np.zeros((rows, len(names)), dtype=bool)
        for column, name in enumerate(names):
            held[:, column] = known.get(name, False)
        generator = self._generator(rng)
        pool = self._latents(max(rows, records.least), None, 0.0, generator)
        patterns, member = patterns_of(held)
        drawn = given.copy()
        for p, pattern in enumerate(patterns):
            at = np.flatnonzero(member == p)
            gaps = [n for n, there in zip(names, pattern, strict=True) if fill and not there and n in known]
            allowed = records.allowed({**where, **dict.fromkeys(gaps, NOT_MISSING)})
            own = {"given": given[at], "held": pattern} if pattern.any() else {}
            tried = len(at) * GIVEN_CANDIDATES if own else self._candidates(len(at)) if allowed else len(at)
            chosen = torch.from_numpy(rng.integers(0, len(pool), tried)).to(pool.device)
            drawn[at] = records.draw(
                pool[chosen], len(at), generator, **own, allowed=allowed, drawing=drawing, told=told
            )
        made = records.decode(drawn, rng, where=where, offset=offset)
        for name, values in kept.items():
            values = values.astype(made[name].dtype) if made[name].dtype == object else values
            made[name] = values.where(known[name], made[name])
        return made

    # ---- keep ----------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write the model to a folder of JSON and safetensors."""
        save_model(self, Path(path))

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
        return load_model(cls(device=device, threads=threads, progress=progress), Path(path), backbone)


def _changed(config: Any, changes: dict[str, Any]) -> Any:
    """A config with those of the changes that concern what is still at its default."""
    default = type(config)()
    free = {key: value for key, value in changes.items() if getattr(config, key) == getattr(default, key)}
    return replace(config, **free)
