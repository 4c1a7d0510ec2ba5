"""Records as JSON text around a pretrained language model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lookalike.codec.serialised import Serialised, first_columns
from lookalike.codec.slot import Array
from lookalike.difflm.pretrained.cache import ROOM as ROOM_OF_CACHE
from lookalike.difflm.pretrained.cache import cached_bytes
from lookalike.difflm.pretrained.examples import Examples, Texts
from lookalike.difflm.pretrained.hub import SMALLER, check_same, load_backbone, load_encoder
from lookalike.difflm.pretrained.tokens import Tokens, encoder_tokens, lengths, padded
from lookalike.difflm.pretrained.train import (
    FinetuneConfig,
    bound,
    read_posteriors,
    train_pretrained,
)
from lookalike.difflm.pretrained.vae import PretrainedConfig, PretrainedVAE
from lookalike.difflm.pretrained.writer import RETIRE, write
from lookalike.difflm.sampling.drawing import Drawing
from lookalike.difflm.sampling.times import Once
from lookalike.difflm.sampling.told import Told
from lookalike.difflm.training.checkpoint import Checkpoint
from lookalike.difflm.training.config import TrainConfig
from lookalike.difflm.training.course import Clock
from lookalike.difflm.training.memory import enough_memory
from lookalike.difflm.training.threads import Threads
from lookalike.errors import ConditionError, OptionError
from lookalike.progress import say

# Rows that are written at once, at most: the last of them to end take long, however many they are
CHUNK = 512
CHUNK_BYTES, CHUNK_SHARE = 4e9, 0.1  # of their caches and probabilities; of a GPU's memory, if that is more
WEIGHED = 1024  # candidates for given rows that are written beside each other until one of a row is chosen
ROOM, LEAST_ROOM = 1.25, 32  # a record may be this much longer than the longest one that was learned from
ENDED = ("json", "compound", "range", "list")  # kinds whose cells take a while to be ended
CUT_RECORDS = 8  # records that are cut, to see what their end takes
CUTS = (0.0, 0.2, 0.4, 0.6, 0.8)  # after which shares of their tokens
# Texts are drawn as they were learned: at .9 and .95 C2ST was .69 and .71 (SST-2, BANKING77), so .57 and .56.
# JSON has to agree with itself: calls fitted their tool in 80% with it, and in 56% without (BFCL).
AS_LEARNED, OF_JSON = Drawing(), Drawing(0.9, 0.95)
SHORT = 24  # bytes that a number, a date or an end of a text takes


class TextRecords:
    """A serialised record with a pretrained VAE; the records' array is (rows, columns) of JSON text.

    facts: what `facts` gave, of a model that was saved; None before training.
    """

    least = 64

    def __init__(
        self,
        serialised: Serialised,
        backbone: str,
        encoder: str | None,
        config: PretrainedConfig,
        finetune: FinetuneConfig,
        device: torch.device,
        threads: Threads,
        facts: Mapping[str, Any] | None = None,
    ):
        self.threads = threads
        self.serialised, self.config, self.finetune, self.device = serialised, config, finetune, device
        self.backbone = load_backbone(backbone, device, 0 if facts else finetune.at_once(device))
        self.encoder = None if encoder is None else load_encoder(encoder, device)
        self.longest: int = facts["longest"] if facts else 0
        self.usual: float = facts.get("usual", self.longest) if facts else 0.0  # the mean length
        self.ending: int = facts["ending"] if facts else 0
        if facts:
            check_same(backbone, facts["files"], self.backbone.files)
            if self.encoder is not None:
                check_same(self.encoder.name, facts["encoder_files"], self.encoder.files)
        self.vae = PretrainedVAE(self.backbone, self.encoder, config)
        most = min(finetune.most, self.vae.limit - self.vae.before)
        self.tokens = Tokens(serialised, self.backbone, self.vae.vocabulary, most)
        self.canonical = list(range(len(serialised.columns)))
        has_json = any(column.kind == "json" for column in serialised.columns)
        self.drawing = OF_JSON if has_json else AS_LEARNED

    @property
    def identity(self) -> str:
        files = [self.backbone.files, self.encoder.files if self.encoder else {}]
        return repr((files, self.config, self.finetune))

    @property
    def shape(self) -> tuple[int, int]:
        return self.config.latent_tokens, self.config.latent_width

    @property
    def columns(self) -> list[Any]:
        return self.serialised.names

    @property
    def chunk(self) -> int:
        gpu = self.device.type == "cuda"
        # not of what is free: a seed would write other rows beside another process
        whole = torch.cuda.get_device_properties(self.device).total_memory if gpu else 0
        room, number = max(CHUNK_BYTES, CHUNK_SHARE * whole), self.vae.embeddings[0].weight.itemsize
        # Of rows of a mean length m there are never more than a share of m / t that have t tokens (Markov)
        tokens = self.usual / RETIRE + ROOM_OF_CACHE
        row = cached_bytes(self.vae.base.config, number) * tokens + 32 * self.vae.vocabulary
        return max(8, min(CHUNK, int(room / row)))

    def encode(self, table: pd.DataFrame, partial: bool = False) -> Array:
        return self.serialised.cells(table, partial)

    def decode(
        self,
        records: Array,
        rng: np.random.Generator,
        where: Mapping[Any, Any] | None = None,
        offset: int = 0,
    ) -> pd.DataFrame:
        return self.serialised.decode(records, rng, where, offset)

    def allowed(self, where: Mapping[Any, Any] | None) -> Mapping[Any, Any]:
        """The conditions of the columns that are written, checked."""
        self.serialised.conditions(where)
        return {name: wanted for name, wanted in (where or {}).items() if name in self.columns}

    def train(
        self,
        records: Array,
        config: TrainConfig,
        clock: Clock,
        checkpoint: Checkpoint,
        seed: int,
        progress: bool,
    ) -> list[dict[str, Any]]:
        self._measure(records, progress)
        read = self._read(records)
        resumes = checkpoint.folder is not None
        with enough_memory(self.backbone.name, SMALLER, resumes), self.vae.attending(self.longest):
            return train_pretrained(
                self.vae,
                Examples(self.tokens, records, read),
                config,
                self.finetune,
                clock,
                checkpoint,
                self.threads,
                seed,
                progress,
            )

    def _measure(self, records: Array, progress: bool) -> None:
        """How long a record is, and how many tokens its end may take when it is cut short."""
        length = lengths([self.tokens.record(row, self.canonical) for row in records])
        self.longest, self.usual = int(length.max()), float(length.mean())
        self.ending = self.serialised.ending(SHORT) + 3  # the stop token, and some room
        if any(column.kind in ENDED for column in self.serialised.columns):
            self.ending = max(self.ending, self._ended(records, length) + SHORT)
        room = self.vae.limit - self.vae.before - self.ending
        if room < LEAST_ROOM:
            raise OptionError(
                f"a record needs more than the {self.vae.limit} positions of {self.backbone.name}: leave "
                "columns out, or choose a backbone for longer texts."
            )
        cut = int((length >= self.tokens.most).sum())
        if cut:
            say(
                f"{cut:,} records are longer than {self.tokens.most:,} tokens and cut there",
                progress=progress,
            )

    def _ended(self, records: Array, length: Array) -> int:
        """Tokens that the longest records took to be ended, cut at several places: what a schema requires."""
        grammar, most = self.tokens.grammar(self.canonical, None, []), 0
        only = np.zeros(1, dtype=np.int64)
        for row in np.argsort(-length, kind="stable")[:CUT_RECORDS]:
            walk, tokens = grammar.walk(1), self.tokens.record(records[row], self.canonical)
            cuts = {int(share * len(tokens)) for share in CUTS}
            for place, token in enumerate(tokens[: max(cuts) + 1]):
                if place in cuts:
                    most = max(most, len(walk.ending(0)))
                try:
                    walk.take(only, np.array([token]))
                except ValueError:  # a value that is too rare to be written
                    break
        return most

    def _read(self, records: Array) -> list[list[int]]:
        """Records as tokens of the encoder."""
        if self.encoder is None:
            return [self.tokens.record(row, self.canonical) for row in records]
        texts = [self.serialised.text(row, self.canonical) for row in records]
        limit = getattr(self.encoder.model.config, "max_position_embeddings", self.finetune.most)
        return encoder_tokens(self.encoder, texts, min(self.finetune.most, limit))

    @torch.no_grad()
    def posteriors(self, records: Array) -> tuple[Tensor, Tensor]:
        self.vae.eval()
        size = (len(records), self.vae.latent_size)
        mean, log_variance = (torch.zeros(size, device=self.device) for _ in range(2))
        micro = self.finetune.at_once(self.device)
        for at, *found in read_posteriors(self.vae, self._read(records), micro, self.vae.reading):
            rows = torch.from_numpy(at).to(self.device)
            mean[rows], log_variance[rows] = found
        return mean, log_variance

    def bound(self, records: Array, seed: int) -> float:
        written = [self.tokens.record(row, self.canonical) for row in records]
        with enough_memory(self.backbone.name, SMALLER):
            return bound(
                self.vae, Texts(written, self._read(records)), seed, self.finetune.at_once(self.device)
            )

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
        """given: (rows, columns) cells of which the columns `held`, (columns,) bool, are kept as they are.

        Raises ConditionError for a row that is longer than the language model can read.
        """
        where = dict(allowed or {})
        kept = [] if held is None else np.flatnonzero(held).tolist()
        if given is not None and len(kept) == len(self.columns):
            return given.copy()
        order = first_columns(where, kept, self.columns)
        grammar = self.tokens.grammar(order, where, kept)
        asked = sum(self.columns[place] in where for place in order[len(kept) :])
        room = self.vae.limit - self.vae.before - self.ending
        limit = min(int(self.longest * ROOM) + LEAST_ROOM, room)
        prefix, weight = None, None
        if kept and asked and given is not None and len(latent) > WEIGHED and rows > 1:
            half, each = rows // 2, len(latent) // rows
            parts = [(slice(0, half), slice(0, half * each)), (slice(half, rows), slice(half * each, None))]
            return np.concatenate(
                [
                    self.draw(
                        latent[own], at.stop - at.start, generator, given[at], held, where, drawing, told
                    )
                    for at, own in parts
                ]
            )
        with enough_memory(self.backbone.name, SMALLER):
            if kept and given is not None:
                begun = [self.tokens.begun(row, kept, order[len(kept)]) for row in given]
                if max(map(len, begun)) > room:
                    raise ConditionError(
                        f"a given row is longer than the {room:,} tokens that {self.backbone.name} can read: "
                        "shorten its texts."
                    )
                prefix = [tokens for tokens in begun for _ in range(len(latent) // rows)]
                weight = self._score(latent, prefix)
            texts = write(
                self.vae,
                grammar,
                self.tokens.pieces,
                [self.serialised.columns[place].is_textual for place in order],
                latent,
                rows,
                generator,
                prefix=prefix,
                log_weight=weight,
                early=len(kept) + asked if asked else 0,
                free=self.tokens.grammar(order, None, kept) if asked else grammar,
                limit=limit,
                drawing=drawing or self.drawing,
                threads=self.threads,
                told=told,
            )
        cells = np.full((rows, len(self.columns)), None, dtype=object)
        for row, tokens in enumerate(texts):
            cells[row] = self.serialised.read(self.tokens.text(tokens))
        return cells

    @torch.no_grad()
    def _score(self, latent: Tensor, prefix: list[list[int]]) -> Tensor:
        """(candidates,) log likelihood of what each begins with."""
        found = torch.zeros(len(latent), device=self.device)
        longest = max(map(len, prefix)) + self.vae.before
        for at in torch.arange(len(latent)).split(
            max(1, math.ceil(self.finetune.at_once(self.device) / longest))
        ):
            tokens, mask = padded([prefix[row] for row in at.tolist()], self.vae.pad)
            found[at] = -self.vae(latent[at], tokens.to(self.device), mask.to(self.device)).sum(1)
        return found

    def rest(self) -> None:
        pass

    @property
    def begun_apart(self) -> bool:
        return False

    def times(self, records: Array) -> Array | None:
        return None

    def weights(self) -> dict[str, Tensor]:
        return {f"vae.{name}": p for name, p in self.vae.trained().items()}

    @torch.no_grad()
    def load(self, weights: Mapping[str, Tensor]) -> None:
        for name, parameter in self.vae.trained().items():
            parameter.copy_(weights[f"vae.{name}"])
        self.vae.eval()

    def facts(self) -> dict[str, Any]:
        return {
            "backbone": self.backbone.name,
            "files": self.backbone.files,
            "encoder": None if self.encoder is None else self.encoder.name,
            "encoder_files": {} if self.encoder is None else self.encoder.files,
            "config": asdict(self.config),
            "finetune": {**asdict(self.finetune), "steps": list(self.finetune.steps)},
            "texts": self.serialised.facts,
            "order": [str(name) for name in self.columns],
            "longest": self.longest,
            "usual": self.usual,
            "ending": self.ending,
        }
