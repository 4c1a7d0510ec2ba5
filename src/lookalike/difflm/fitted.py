"""What a fit makes or a folder holds: a codec, a model of its records, and a prior of their latents."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lookalike.codec import RecordCodec, Slot
from lookalike.codec.slot import Array
from lookalike.difflm.latent.prior import Prior
from lookalike.difflm.latent.sampler import FEW_STEPS, LOW_RATE, STEPS
from lookalike.difflm.records import RecordModel
from lookalike.difflm.refining import Group, features, kept, marginals
from lookalike.difflm.sampling.completing import records_of
from lookalike.difflm.sampling.given import Given
from lookalike.difflm.sampling.ruled import asked_of
from lookalike.difflm.selector import Selector
from lookalike.difflm.settings import Settings
from lookalike.difflm.storage import Saved
from lookalike.difflm.training.threads import Threads
from lookalike.difflm.wording import Wording
from lookalike.errors import OptionError
from lookalike.rules.conditions import translated
from lookalike.rules.keep import Plan
from lookalike.seed import child, child_seed
from lookalike.table.schema import Schema

LOOKED_AT = 50_000  # rows that are searched for a time and for anchors, at most
WHERE_CANDIDATES = 1.5  # for each of the rows that share a condition: 2 would cost over 3 times a free sample


@dataclass
class Fitted:
    """A model of one table.

    seed: that of the fit, or of a saved model. table: the fingerprint of what was learned. history: how it
    was learned. plan: how rules between columns are kept; with one, `records` are those of its columns.
    selector: which of the drawn records are kept (`refining.py`), None for all; wording: what it reads of
    texts, and which of them are copies; None for a table without.
    device, threads: where and with how many threads it computes.
    """

    codec: RecordCodec
    settings: Settings
    seed: int
    device: torch.device
    threads: Threads
    records: RecordModel
    own_prior: Prior | None
    table: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)
    plan: Plan | None = None
    selector: Selector | None = None
    wording: Wording | None = None

    @property
    def slots(self) -> list[Slot]:
        """Those of the records that are modelled."""
        return self.inner.slots

    @property
    def inner(self) -> RecordCodec:
        """That of the records that are modelled."""
        return self.codec if self.plan is None else self.plan.codec

    @property
    def texts(self) -> bool:
        """Whether records have texts."""
        return any(slot.span for slot in self.slots)

    @property
    def schema(self) -> Schema:
        return self.codec.schema

    @property
    def prior(self) -> Prior:
        """Raises OptionError for a table of ids and constants alone, which has no latent."""
        if self.own_prior is None:
            raise OptionError("the table has only ids and constants: there is no latent.")
        return self.own_prior

    def generator(self, rng: np.random.Generator) -> torch.Generator:
        """A generator of torch on the device, begun with a number of `rng`."""
        return torch.Generator(self.device).manual_seed(int(rng.integers(2**62)))

    def fresh(self, rows: int, generator: torch.Generator) -> Tensor:
        """(rows, latent size) latents from the prior."""
        if self.own_prior is None:
            return torch.zeros(rows, 0)
        return self.own_prior.sample(rows, generator, threads=self.threads.most)

    @property
    def chooses(self) -> bool:
        """Whether more rows are drawn than are kept."""
        return self.selector is not None or self.wording is not None

    def kept(self, records: Array, rows: int, rng: np.random.Generator, free: bool = True) -> Array:
        """(rows,) which drawn records the selector keeps; of texts as many of each told value as of all, and
        no more that are learned ones than fresh rows would be; else what each column holds as often as the
        learned rows do.

        rng: also of the numbers within their cells, where texts have to be decoded. free: whether the rows
        were drawn without conditions.
        """
        weights, groups = np.zeros(len(records)), list[Group]()
        if self.wording is None and self.selector is not None:
            weights = self.selector.log_weights(features(self.slots, records))
            groups += marginals(self.slots, records) if free else []
        elif self.wording is not None:
            table = self.records.decode(records, rng)
            if self.selector is not None:
                read, groups = self.wording.features(self.inner, table)
                weights = self.selector.log_weights(read)
            groups += self.wording.copies(self.inner, table)
        return kept(weights, rows, rng, groups)

    def candidates(self, rows: int) -> int:
        """Latents that are tried for `rows` which share a condition and are drawn at once."""
        return max(math.ceil(WHERE_CANDIDATES * rows), self.records.least)

    def modelled(self, table: pd.DataFrame) -> pd.DataFrame:
        """What is modelled of a table."""
        return table if self.plan is None else self.plan.forward(table)

    def conditions(self, where: Mapping[Any, Any]) -> tuple[Mapping[Any, Any], Mapping[Any, Any]]:
        """Conditions on the table, said of what is modelled; and those on what follows from it by rules."""
        return (where, {}) if self.plan is None else translated(self.plan, self.codec, where)

    def posterior_means(self, rows: Given) -> Tensor:
        """(rows, latent size)."""
        inner = rows if self.plan is None else asked_of(self.plan, rows, whole=True).inner
        return self.records.posteriors(records_of(self.records, inner))[0]

    def bound(self, rows: Given) -> float:
        """Nats per row, of whole rows that were not learned."""
        _ = self.prior
        inner = rows if self.plan is None else asked_of(self.plan, rows, whole=True).inner
        return self.records.bound(records_of(self.records, inner), self.seed)

    def weights(self) -> dict[str, Tensor]:
        """name -> what was learned, to be saved."""
        if self.own_prior is None:
            return {}
        prior = {f"prior.{name}": weight for name, weight in self.own_prior.state_dict().items()}
        found = self.records.weights() | prior
        for part, own in (("selector", self.selector), ("wording", self.wording)):
            if own is not None:
                found |= {f"{part}.{name}": value for name, value in own.arrays().items()}
        return found

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take back what `weights` gave. Raises KeyError or RuntimeError where they do not fit."""
        if self.own_prior is not None:
            self.records.load(weights)
            self.own_prior.load_state_dict(_part(weights, "prior"))
            self.own_prior.eval()
            selector, wording = _part(weights, "selector"), _part(weights, "wording")
            self.selector = Selector.of_arrays(selector) if selector else None
            self.wording = Wording.of_arrays(wording) if wording else None

    def saved(self, arguments: dict[str, Any]) -> Saved:
        """What is kept on disk. arguments: as `Saved` has them."""
        return Saved(
            seed=self.seed,
            arguments=arguments,
            settings=self.settings,
            history=self.history,
            table=self.table,
            codec=self.codec,
            plan=self.plan,
            pretrained=self.records.facts(),
            weights=self.weights(),
        )


def restored(saved: Saved, device: torch.device, threads: Threads) -> Fitted:
    """The model that was saved. Raises KeyError or RuntimeError where its weights do not fit."""
    facts = saved.pretrained or None
    fitted = build(saved.codec, saved.settings, saved.seed, device, threads, facts=facts, plan=saved.plan)
    fitted.load(saved.weights)
    fitted.history, fitted.table = saved.history, saved.table
    return fitted


def build(
    codec: RecordCodec,
    settings: Settings,
    seed: int,
    device: torch.device,
    threads: Threads,
    table: pd.DataFrame | None = None,
    facts: Mapping[str, Any] | None = None,
    plan: Plan | None = None,
) -> Fitted:
    """The networks as they are before they learn `table`, or before the weights of a saved model are loaded.

    facts: `RecordModel.facts` of a saved model.
    """
    with torch.random.fork_rng([]):
        torch.manual_seed(child_seed(seed, "initial weights"))
        own = codec if plan is None else plan.codec
        modelled = table if plan is None or table is None else plan.forward(table)
        settings = _looked_at(settings, own, modelled, seed)
        records = _record_model(own, settings, device, threads, modelled, facts)
        prior = None  # ids and constants alone: there is nothing to learn
        if own.slots:
            steps = FEW_STEPS if settings.train.rate <= LOW_RATE else STEPS
            prior = Prior(math.prod(records.shape), settings.denoiser, steps).to(device)
    return Fitted(codec, settings, seed, device, threads, records, prior, plan=plan)


def _looked_at(settings: Settings, codec: RecordCodec, table: pd.DataFrame | None, seed: int) -> Settings:
    """With what is found in the table, its time and its anchors; a saved model knows of its own."""
    from lookalike.difflm.small.anchors import find_anchors
    from lookalike.difflm.small.axis import find_axis, knots_of
    from lookalike.difflm.small.near import MOST, ROWS

    if table is None or settings.pretrained is not None or not codec.slots:
        return settings
    vae, asked = settings.vae, settings.train
    some = table
    if len(table) > LOOKED_AT:
        some = table.iloc[np.sort(child(seed, "rows that are looked at").permutation(len(table))[:LOOKED_AT])]
    if asked.axis and (axis := find_axis(codec, some)):
        near = min(MOST, len(table) // ROWS) if asked.near else 0
        vae = replace(vae, axis=axis, knots=vae.knots or knots_of(len(table)), near=near)
    if asked.anchors and not vae.based:
        vae = replace(vae, anchors=find_anchors(codec, some))
    return replace(settings, vae=vae)


def _record_model(
    codec: RecordCodec,
    settings: Settings,
    device: torch.device,
    threads: Threads,
    table: pd.DataFrame | None,
    facts: Mapping[str, Any] | None,
) -> RecordModel:
    """The lane is chosen here; the packages of a pretrained language model are imported only then."""
    if settings.pretrained is None or not codec.slots:
        from lookalike.difflm.small.records import TokenRecords
        from lookalike.difflm.small.vae import VAE

        vae = VAE(codec.slots, codec.columns, settings.vae).to(device) if codec.slots else None
        return TokenRecords(codec, vae, threads)
    from lookalike.codec.serialised import Serialised
    from lookalike.difflm.pretrained.records import TextRecords

    own = settings.pretrained
    if facts:  # a model of an earlier version wrote the columns as they stand in the table
        order = facts.get("order", [str(column.name) for column in codec.schema.columns])
        serialised = Serialised.of(codec, facts["texts"], order)
    else:
        serialised = Serialised.fit(codec, table)
    return TextRecords(
        serialised, own.backbone, own.encoder, own.config, own.finetune, device, threads, facts
    )


def _part(weights: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """The weights whose names begin with that of a part, without it."""
    return {k.removeprefix(f"{part}."): v for k, v in weights.items() if k.startswith(f"{part}.")}
