"""Records as field-aware tokens, and the VAE that is learned from scratch: a `RecordModel`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lookalike.codec import RecordCodec
from lookalike.codec.slot import Array
from lookalike.difflm.sampling.drawing import Drawing
from lookalike.difflm.sampling.times import Once
from lookalike.difflm.sampling.told import Told
from lookalike.difflm.small.ahead import Ahead
from lookalike.difflm.small.base import of_arrays
from lookalike.difflm.small.begun import decode_once
from lookalike.difflm.small.decoder import decode
from lookalike.difflm.small.hiding import Hidden, hidden_in
from lookalike.difflm.small.train import bound, posteriors, train_vae
from lookalike.difflm.small.vae import VAE
from lookalike.difflm.training.checkpoint import Checkpoint
from lookalike.difflm.training.config import TrainConfig
from lookalike.difflm.training.course import Clock
from lookalike.difflm.training.memory import check_memory, enough_memory, keep_freed
from lookalike.difflm.training.threads import Threads, side_by_side

CHUNK = 16_384  # rows made into a table at once, at most: much of the time of pandas is that of any number
BLOCK = 2048  # of these, rows that are written at once; of fewer, calls take longer than what they compute
CHUNK_SLOTS = 250_000  # rows x slots decoded at once, at most: the key/value cache takes a kilobyte for each
RECORD_BYTES = 16  # of a slot of a record while a table is encoded
FEWER = "give fewer rows or shorter texts"
LEAST_CANDIDATES = 1024  # altogether, however few rows are asked for
UNSEEN = 10.0  # nats that a cell costs whose like was never learned


class _Desk(NamedTuple):
    """What blocks of rows that are written one after the other use: memory, what is looked up, what hears of
    them, and the number of threads, None for one.
    """

    spare: dict[int, Tensor]
    ahead: Ahead
    told: Told
    threads: Threads | None


class TokenRecords:
    """Records of field-aware tokens and the small VAE; array: (rows, 2, slots) int16, tokens and cells."""

    least = LEAST_CANDIDATES
    identity = ""
    drawing = Drawing()

    def __init__(self, codec: RecordCodec, vae: VAE | None, threads: Threads):
        self.codec, self._vae, self.threads = codec, vae, threads
        self._spare: list[dict[int, Tensor]] = []  # of the desks of the last draw

    @property
    def vae(self) -> VAE:
        assert self._vae is not None  # a table of ids and constants alone has none, and nothing is drawn
        return self._vae

    @property
    def shape(self) -> tuple[int, int]:
        return self.vae.config.latent_tokens, self.vae.config.latent_width

    @property
    def chunk(self) -> int:
        slots = self.codec.slots
        typical = 0.0  # texts that are longer than twice the mean are few at a time
        for column in self.codec.columns:
            if not slots[column[0]].span:
                typical += len(column)
        typical += 2 * sum(self._vae.spans.typical) if self._vae is not None else 0
        most = BLOCK if self._vae is not None and self._vae.span_slots else CHUNK
        return min(most, max(64, int(CHUNK_SLOTS / max(1.0, typical))))

    @property
    def columns(self) -> list[Any]:
        return [self.codec.slots[slots[0]].column for slots in self.codec.columns]

    def encode(self, table: pd.DataFrame, partial: bool = False) -> Array:
        needed = RECORD_BYTES * len(table) * len(self.codec.slots)
        who = f"{len(table):,} records of up to {len(self.codec.slots):,} tokens need"
        check_memory(needed, torch.device("cpu"), who, FEWER)
        tokens, cells = self.codec.encode(table, partial=partial)
        return np.stack([tokens.astype(np.int16), cells], axis=1)

    def decode(
        self,
        records: Array,
        rng: np.random.Generator,
        where: Mapping[Any, Any] | None = None,
        offset: int = 0,
    ) -> pd.DataFrame:
        tokens, cells = self._shown(records, rng)
        return self.codec.decode(tokens, cells, rng, where=where, offset=offset)

    def _shown(self, records: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """Tokens and cells; a column has those of another row where it says nothing."""
        tokens, cells = records[:, 0], records[:, 1]
        for column in self._vae.hidden if self._vae is not None else ():
            own = np.array(self.codec.columns[column])
            gone = np.flatnonzero(tokens[:, own[0]] < 0)
            if 0 < len(gone) < len(tokens):
                tokens, cells = tokens.copy(), cells.copy()
                other = rng.choice(np.flatnonzero(tokens[:, own[0]] >= 0), len(gone))
                for part in (tokens, cells):
                    part[np.ix_(gone, own)] = part[np.ix_(other, own)]
        return tokens, cells

    def allowed(self, where: Mapping[Any, Any] | None) -> dict[int, Array]:
        return self.codec.allowed(where)

    def train(
        self,
        records: Array,
        config: TrainConfig,
        clock: Clock,
        checkpoint: Checkpoint,
        seed: int,
        progress: bool,
    ) -> list[dict[str, Any]]:
        tokens, cells = (torch.from_numpy(records[:, part]) for part in range(2))
        self.vae.hide(hidden_in(tokens, self.codec.slots, self.codec.columns, self._hiders()))
        with enough_memory("these records", FEWER, checkpoint.folder is not None):
            return train_vae(self.vae, tokens, cells, config, clock, checkpoint, self.threads, seed, progress)

    def _hiders(self) -> dict[int, list[int]]:
        """`RecordCodec.hiders`, by the numbers of the columns."""
        number = {name: at for at, name in enumerate(self.columns)}
        return {
            number[name]: [number[one] for one in telling if one in number]
            for name, telling in self.codec.hiders.items()
            if name in number
        }

    def posteriors(self, records: Array) -> tuple[Tensor, Tensor]:
        tokens, cells = (torch.from_numpy(np.ascontiguousarray(records[:, part])) for part in range(2))
        return posteriors(self.vae, tokens, cells)

    def bound(self, records: Array, seed: int) -> float:
        tokens, cells = (torch.from_numpy(np.ascontiguousarray(records[:, part])) for part in range(2))
        columns = [slot.column for slot in self.codec.slots]
        first = [columns.index(name) for name in dict.fromkeys(columns)]
        unseen = float((records[:, 0, first] < 0).sum(1).mean())  # which the network says nothing of
        with self.threads.used():
            return bound(self.vae, tokens, cells, seed) + UNSEEN * unseen

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
        """given: (rows, 2, slots) records of which the columns `held`, (columns,) bool, are kept."""
        if not self.codec.slots:
            return np.zeros((rows, 2, 0), dtype=np.int64)
        keep_freed()
        each, told = len(latent) / rows, told or Told()
        count = math.ceil(rows / BLOCK)
        starts = [rows * block // count for block in range(count + 1)]
        seeds = torch.randint(2**62, (count,), generator=generator, device=generator.device).tolist()
        limits = {slot: self.vae.allow(slot, share) for slot, share in (allowed or {}).items()}
        turn = 0 if once is None else once.times.claim(count)

        def written(block: int, desk: _Desk) -> Array:
            start, stop = starts[block], starts[block + 1]
            own = torch.Generator(generator.device).manual_seed(seeds[block])
            candidates, use = latent[round(start * each) : round(stop * each)], desk._asdict()
            if once is not None:
                with once.times.watched():
                    tokens, cells = decode_once(self.vae, candidates, own, once, turn + block, **use)
            else:
                tokens, cells = decode(
                    self.vae,
                    candidates,
                    own,
                    stop - start,
                    given=self._kept(None if given is None else given[start:stop], held, latent.device),
                    allowed=limits,
                    drawing=drawing,
                    grammars=self.codec.grammars(),
                    **use,
                )
            return torch.stack([tokens, cells], 1).cpu().numpy()

        spare: list[dict[int, Tensor]] = []

        def desk() -> _Desk:
            spare.append(self._spare.pop() if self._spare else {})
            return _Desk(spare[-1], Ahead(self.vae, len(latent)), Told(), None)

        parts: list[Array] = []
        if self.vae.span_slots or latent.device.type != "cpu" or count == 1:
            own = desk()._replace(told=told, threads=self.threads)
            for block in range(count):
                told.block(starts[block], starts[block + 1] - starts[block])
                parts.append(written(block, own))
            self._spare = spare
            return np.concatenate(parts)
        for part in side_by_side(written, range(count), desk, self.threads.most):
            told.block(starts[len(parts)], len(part))
            told.expect(1.0)
            told.add(1.0)
            parts.append(part)
        self._spare = spare
        return np.concatenate(parts)

    def rest(self) -> None:
        self._spare = []

    @property
    def begun_apart(self) -> bool:
        axis = None if self._vae is None else self._vae.axis
        return axis is not None and bool(axis.once) and not self.vae.span_slots

    def times(self, records: Array) -> Array | None:
        axis = None if self._vae is None else self._vae.axis
        if axis is None or not axis.once:
            return None
        tokens, cells = (torch.from_numpy(records[:, part]).long().to(axis.edges.device) for part in range(2))
        return axis.order(tokens, cells).cpu().numpy()

    def _kept(
        self, given: Array | None, held: Array | None, device: torch.device
    ) -> dict[int, tuple[Tensor, Tensor]]:
        """Tokens and cells of the slots of the columns that are held, (rows,) each."""
        kept: dict[int, tuple[Tensor, Tensor]] = {}
        if given is not None and held is not None:
            for slot in [s for c in np.flatnonzero(held) for s in self.codec.columns[c]]:
                pair = [torch.from_numpy(given[:, part, slot]).long().to(device) for part in range(2)]
                kept[slot] = (pair[0], pair[1])
        return kept

    def weights(self) -> dict[str, Tensor]:
        if self._vae is None:
            return {}
        weights = {f"vae.{k}": v for k, v in self.vae.state_dict().items()}
        weights["arranged"] = torch.tensor(self.vae.arranged)
        for column, own in self.vae.hidden.items():
            weights |= {f"hidden.{column}.{k}": v for k, v in own.arrays().items()}
        if self.vae.base is not None:
            weights |= {f"base.{k}": v for k, v in self.vae.base.arrays().items()}
        return weights

    def load(self, weights: Mapping[str, Tensor]) -> None:
        vae = self.vae
        vae.load_state_dict({k[4:]: v for k, v in weights.items() if k.startswith("vae.")})
        if vae.config.based and vae.fixed:
            base = {k[5:]: v for k, v in weights.items() if k.startswith("base.")}
            vae.base = of_arrays(vae.fields, vae.fixed, base).to(vae.device)
        if "arranged" in weights:  # models of before 0.4 have the order that the network begins with
            vae.arrange(weights["arranged"].tolist())
        hidden: dict[int, dict[str, Tensor]] = {}
        for name, value in weights.items():
            if name.startswith("hidden."):
                column, own = name.split(".")[1:]
                hidden.setdefault(int(column), {})[own] = value
        vae.hidden = {column: Hidden.of_arrays(own, vae.device) for column, own in hidden.items()}
        self.vae.eval()

    def facts(self) -> dict[str, Any]:
        return {}
