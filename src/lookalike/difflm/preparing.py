"""A table before it is learned: its codec, its rules, its records, and the networks as they begin."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lookalike.codec import RecordCodec
from lookalike.codec.slot import Array
from lookalike.difflm.fitted import Fitted, build
from lookalike.difflm.settings import Arguments, Settings, derive
from lookalike.difflm.storage import fingerprint
from lookalike.progress import duration, say, stage
from lookalike.rules import Plan, rules_of, with_vocabularies
from lookalike.rules.told import sentences
from lookalike.seed import child
from lookalike.table.inferring import infer
from lookalike.table.schema import Schema

if TYPE_CHECKING:
    from lookalike.difflm.pretrained.train import FinetuneConfig
    from lookalike.difflm.pretrained.vae import PretrainedConfig

PROBED = 2000  # rows that are prepared to see what all of them would take
PREPARING = 0.3  # of the time limit, at most


def prepared(
    rows: pd.DataFrame,
    schema: Schema | None,
    codec: RecordCodec | None,
    arguments: Arguments,
    base: Settings,
    configs: tuple[PretrainedConfig | None, FinetuneConfig | None],
) -> tuple[Fitted, Array]:
    """A model that has learned nothing yet, and the records that it is to learn; what is found is said.

    schema, codec: None where they have still to be made. base, configs: what the arguments are laid over, as
    `derive` says. Raises DataError and SchemaError for a table that cannot be learned.
    """
    seed, max_time, progress = arguments.seed, arguments.max_time, arguments.progress
    with stage(f"prepared {len(rows):,} rows", doing="preparing the rows", progress=progress):
        if schema is None:
            schema = infer(rows) if codec is None else codec.schema
        known, rows = fingerprint(rows), affordable(rows, schema, codec, max_time, seed, progress)
        codec = RecordCodec.fit(rows, schema, seed=seed) if codec is None else codec
        rules = rules_of(rows, codec.schema, seed)
        learned = with_vocabularies(rows, codec.schema, rules)
        codec = codec if learned is codec.schema else RecordCodec.fit(rows, learned, seed=seed)
        for note in [*codec.schema.notes(), *codec.notes()]:
            say(note, progress=progress)
        plan, codec.schema.rules = Plan.fit(rows, codec, rules), list(rules)
        for said in sentences(rules, plan):
            say(said, progress=progress)
        slots = (codec if plan is None else plan.codec).slots
        texts = any(slot.span for slot in slots)
        settings = derive(arguments, base, texts, *configs, len(rows), len(slots))
        fitted = build(codec, settings, seed, arguments.device, arguments.threads, rows, plan=plan)
        fitted.table = known
        modelled = fitted.modelled(rows)
        learnt = fitted.own_prior is not None
        return fitted, fitted.records.encode(modelled) if learnt else np.zeros((len(rows), 0))


def affordable(
    table: pd.DataFrame,
    schema: Schema,
    codec: RecordCodec | None,
    max_time: float | None,
    seed: int,
    progress: bool,
) -> pd.DataFrame:
    """The table, or a sample of its rows where the time limit is too short to prepare them all: that is said.

    codec: None where one has still to be fitted. Half of the rows, a quarter, and so on, so that a call that
    goes on from a checkpoint takes the same.
    """
    if max_time is None or len(table) <= 2 * PROBED:
        return table
    some = table.sample(PROBED, random_state=child(seed, "probed rows"))
    begun = perf_counter()
    (codec or RecordCodec.fit(some, schema, seed=seed)).encode(some)
    each, rows = (perf_counter() - begun) / PROBED, len(table)
    while rows > 2 * PROBED and rows * each > PREPARING * max_time:
        rows //= 2
    if rows == len(table):
        return table
    say(
        f"preparing {len(table):,} rows takes about {duration(each * len(table))}, too much of the time "
        f"limit of {duration(max_time)}: learning from {rows:,} of them",
        progress=progress,
    )
    return table.sample(rows, random_state=child(seed, "affordable rows")).sort_index()
