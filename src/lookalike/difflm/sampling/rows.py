"""Rows drawn from what was learned: `DiffLM.sample` and `DiffLM.impute`, once their arguments are checked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from lookalike.arguments import switch, whole
from lookalike.codec import RecordCodec
from lookalike.codec.slot import Array
from lookalike.difflm.fitted import Fitted
from lookalike.difflm.refining import BUDGET, BUDGET_TEXTS
from lookalike.difflm.sampling.asked import Asked, Where
from lookalike.difflm.sampling.completing import completed, varied
from lookalike.difflm.sampling.drawing import Drawing
from lookalike.difflm.sampling.given import Given
from lookalike.difflm.sampling.parsed import Parser, parsed
from lookalike.difflm.sampling.ruled import asked_of, meeting, put_back
from lookalike.difflm.sampling.thinning import halvings, thinned
from lookalike.difflm.sampling.times import Once, Times
from lookalike.difflm.sampling.told import Told
from lookalike.errors import OptionError
from lookalike.progress import bar, say
from lookalike.rules.conditions import joined
from lookalike.seed import child, child_seed

MEETING = 128  # rows that are drawn at once for conditions on what follows from others, at least
TOGETHER = 2048  # rows among which those of a key or a pseudonym are


@dataclass
class Calls:
    """The calls of a model since `fit` or `load`.

    seed: of the model; unseeded: calls without a seed; made: rows that ids were made for.
    """

    seed: int
    unseeded: int = 0
    made: int = 0

    def claim(self, seed: int | None, rows: int) -> tuple[int, int]:
        """The seed of a call for so many rows, and how many rows its ids come after.

        Calls without a seed have seeds of their own, one after the other, and ids that go on after those of
        all calls before; a seed begins anew. Raises OptionError for a seed that is no whole number.
        """
        before = 0
        if seed is None:
            self.unseeded += 1
            seed, before = child_seed(self.seed, "call", self.unseeded), self.made
        seed = whole("seed", seed)
        self.made = max(self.made, before + rows)
        return seed, before


@dataclass
class Tally:
    """Rows of a call that were accepted, and that were drawn; times: those that they have."""

    accepted: int = 0
    drawn: int = 0
    times: Times = field(default_factory=Times)


@dataclass
class Request:
    """A call of `sample`, all of it checked.

    held: the cells that are given, or those of the rows to be varied. allowed: what the conditions of each
    part leave of the records; inner, rest: those conditions, said of the columns that are modelled, and those
    on what follows from others by a rule. refine: whether more rows are drawn than are kept. halvings: of the
    rows that are drawn (`thinning.py`). parsers: column -> parser that its texts have to pass. offset: rows
    that ids come after.
    """

    asked: Asked
    held: Given | None
    allowed: list[Mapping[Any, Any]]
    parsers: Mapping[Any, Parser]
    inner: list[Where]
    rest: list[Where]
    seed: int = 0
    offset: int = 0
    refine: bool = False
    halvings: int = 0

    @classmethod
    def of(cls, fitted: Fitted, asked: Asked, parsers: Mapping[Any, Parser]) -> Request:
        """Raises ConditionError for conditions and given values that the real table never meets."""
        said = [fitted.conditions(part) for part in asked.parts]
        inner, rest = [one for one, _ in said], [other for _, other in said]
        allowed = [fitted.records.allowed(part) for part in inner]
        request = cls(asked, asked.held(fitted.codec), allowed, parsers, inner, rest)
        free = request.held is None and not any(allowed) and not any(rest)
        if free and fitted.slots and not fitted.texts and fitted.settings.pretrained is None:
            request.halvings = halvings(asked.n, fitted.records.chunk)
        return request

    def notes(self, codec: RecordCodec) -> Iterator[str]:
        """What the caller may not expect of the rows."""
        if self.held is not None and (note := self.held.note()) is not None:
            yield note
        balance = self.asked.balance
        if balance is not None and (lost := codec.dropped().get(balance)):
            yield (
                f"column '{balance}' is balanced without {lost['values']:,} of its {lost['of_values']:,} "
                "values, which were dropped as rare; to have them, learn the table with --keep-rare"
            )


def refines(fitted: Fitted, asked: Asked, refine: Any) -> bool:
    """Whether more rows are drawn than are kept; None: where that was learned and rows are free.

    Raises OptionError where it is asked for and cannot be.
    """
    free = asked.given is None and asked.like is None
    if refine is None:
        return fitted.chooses and free
    if not switch("refine", refine):
        return False
    if not free:
        raise OptionError("refine chooses among rows, and given and like say which ones: leave it out.")
    if not fitted.settings.train.refine and not fitted.chooses:
        raise OptionError("the model has not learned to refine: fit it with refine=True.")
    return fitted.chooses


def sampled(fitted: Fitted, request: Request, tally: Tally, progress: bool) -> Iterator[pd.DataFrame]:
    """The rows of a request in chunks; the tally counts along.

    Raises OptionError where no row at all passes the parsers.
    """
    asked, codec = request.asked, fitted.codec
    told = Told(bar(asked.n, "sampling", progress=progress), asked.n, progress)
    with fitted.threads.used():
        fitted.threads.restart(warm=1)
    given = () if asked.given is None else asked.given.columns
    kept = {asked.balance, *given}  # columns whose keys and pseudonyms stay as they are
    named = {name for part in asked.parts for name in part or ()}
    starts = enumerate(range(0, asked.n, fitted.records.chunk))
    parts = (_chunk(fitted, request, told, tally, index, start) for index, start in starts)
    done = 0
    for index, table in enumerate(_joined(parts, TOGETHER if codec.filled else 1)):
        rng = child(request.seed, "sample", "fill", index)
        filled = codec.fill(table, rng, request.offset + done, kept, named)
        filled = filled if fitted.plan is None else fitted.plan.stamped(filled, rng, given)
        yield _in_style(filled, fitted.schema.layout)
        done += len(table)
    fitted.records.rest()
    finish(told, progress)
    if not tally.accepted:
        raise OptionError(
            f"none of the {tally.drawn:,} drawn rows parses: train longer, or leave valid_only out."
        )
    if tally.accepted < asked.n:
        say(f"{asked.n - tally.accepted:,} rows were left out: 20 draws did not parse", progress=progress)


def _in_style(table: pd.DataFrame, layout: dict[str, Any]) -> pd.DataFrame:
    """The table with the layout of the file that was learned from, so that `write_table` writes it alike."""
    if layout:
        table.attrs["layout"] = dict(layout)
    return table


def _joined(tables: Iterable[pd.DataFrame], least: int) -> Iterator[pd.DataFrame]:
    """Tables one after the other, joined until they have `least` rows; the last one may have fewer."""
    waiting: list[pd.DataFrame] = []
    for table in tables:
        waiting += [table] if len(table) else []
        if sum(map(len, waiting)) >= least:
            yield _concatenated(waiting)
            waiting = []
    if waiting:
        yield _concatenated(waiting)


def _concatenated(tables: list[pd.DataFrame]) -> pd.DataFrame:
    return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)


def _chunk(
    fitted: Fitted, request: Request, told: Told, tally: Tally, index: int, start: int
) -> pd.DataFrame:
    """The rows from number `start` on that are drawn at once, an equal share of them under the conditions of
    each part, in random order.
    """
    asked = request.asked
    rng = child(request.seed, "sample", "chunk", index)
    rows = min(fitted.records.chunk, asked.n - start)
    edges = [start + rows * part // len(asked.parts) for part in range(len(asked.parts) + 1)]
    tables = []
    for part, (first, last) in enumerate(pairwise(edges)):
        if first == last:
            continue
        draw = partial(_drawn, fitted, request, told, tally.times, part)
        with fitted.threads.used():
            table, good, drawn = parsed(draw, np.arange(first, last), rng, request.parsers, fitted.schema)
        tables.append(table)
        tally.accepted, tally.drawn = tally.accepted + good, tally.drawn + drawn
    table = _concatenated(tables)
    if len(asked.parts) > 1:
        table = table.iloc[rng.permutation(len(table))].reset_index(drop=True)
    return table


def _drawn(
    fitted: Fitted,
    request: Request,
    told: Told,
    times: Times,
    part: int,
    turn: np.ndarray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """The rows of the numbers `turn`, under the conditions of a part. times: those of earlier ones."""
    asked, held = request.asked, request.held
    where, allowed, first = request.inner[part], request.allowed[part], request.offset + int(turn[0])
    told.chunk(int(turn[0]), len(turn))
    rest = request.rest[part]
    if held is not None and asked.like is None:
        return _complete(fitted, held.rows_at(turn), where, rng, first, told, drawing=asked.drawing)
    if held is not None:
        rows = held.rows_at(turn % held.rows)
        return _vary(fitted, rows, asked.strength, where, rng, first, asked.drawing, told)
    generator = fitted.generator(rng)

    def written(rows: int, once: Once | None = None) -> Array:
        wanted = rows << request.halvings
        many, parts = wanted, []
        if request.refine:
            words = fitted.selector is not None and fitted.wording is not None
            many = math.ceil((BUDGET_TEXTS if words else BUDGET) * wanted)
        for start in range(0, many, fitted.records.chunk):
            own = min(fitted.records.chunk, many - start)
            latent = fitted.fresh(fitted.candidates(own) if allowed else own, generator)
            parts.append(
                fitted.records.draw(
                    latent, own, generator, allowed=allowed, drawing=asked.drawing, told=told, once=once
                )
            )
        drawn = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if request.refine:
            drawn = drawn[fitted.kept(drawn, wanted, rng, free=not allowed)]
        if request.halvings:
            drawn = drawn[thinned(fitted.slots, drawn, request.halvings, rng)]
        return drawn

    def draw(_: int = 0, rows: int = len(turn)) -> pd.DataFrame:
        if allowed:
            drawn = written(rows)
        elif fitted.records.begun_apart and not request.refine and not request.halvings:
            drawn = written(rows, Once(times, fitted.fresh))
        else:
            drawn = times.apart(written(rows), fitted.records.times, written)
        return fitted.records.decode(drawn, rng, where=where, offset=first)

    if fitted.plan is None:
        return draw()
    if rest:
        many = partial(draw, rows=max(len(turn), MEETING))
        return meeting(fitted.plan, fitted.codec, rest, where, many, len(turn), rng, told)
    return fitted.plan.back(draw(), rng, fresh=True)


def _complete(
    fitted: Fitted,
    rows: Given,
    where: Where,
    rng: np.random.Generator,
    offset: int,
    told: Told,
    fill: bool = False,
    drawing: Drawing | None = None,
) -> pd.DataFrame:
    """As `completing.completed`, with latents from the prior; keys and pseudonyms are filled in later."""
    records, generator, plan = fitted.records, fitted.generator(rng), fitted.plan
    pool = fitted.fresh(max(rows.rows, records.least), generator)
    if plan is None:
        drawn = completed(records, rows, pool, where, rng, generator, fitted.candidates, fill, drawing, told)
        return rows.kept_in(records.decode(drawn, rng, where=where, offset=offset))
    asked = asked_of(plan, rows, fill)
    parts: list[pd.DataFrame] = []
    order: list[np.ndarray] = []
    for number, more in enumerate(asked.wheres):  # rows of the same conditions are drawn together
        at = np.flatnonzero(asked.member == number)
        own, inner = joined(plan, where, more), asked.inner.rows_at(at)
        drawn = completed(records, inner, pool, own, rng, generator, fitted.candidates, fill, drawing, told)
        first = offset + sum(len(one) for one in order)
        parts.append(inner.kept_in(records.decode(drawn, rng, where=own, offset=first)))
        order.append(at)
    made = pd.concat(parts, ignore_index=True).iloc[np.argsort(np.concatenate(order))]
    return put_back(plan, rows, asked, made.reset_index(drop=True), rng)


def _vary(
    fitted: Fitted,
    rows: Given,
    strength: float,
    where: Where,
    rng: np.random.Generator,
    offset: int,
    drawing: Drawing,
    told: Told,
) -> pd.DataFrame:
    """One variation of each of the rows, as `DiffLM.sample` says of `like`."""
    records, generator, plan = fitted.records, fitted.generator(rng), fitted.plan
    own, schema = rows, fitted.schema
    if plan is not None:
        own, schema = asked_of(plan, rows, whole=True).inner, plan.codec.schema

    def near(mean: Tensor) -> Tensor:
        return fitted.prior.vary(mean, strength, generator, threads=fitted.threads.most)

    drawn, kept = varied(records, schema, own, near, strength, where, rng, generator, drawing, told)
    made = own.kept_in(records.decode(drawn, rng, where=where, offset=offset), kept)
    return made if plan is None else plan.back(made, rng)


def imputed(
    fitted: Fitted, table: pd.DataFrame, held: Given, seed: int, offset: int, progress: bool
) -> pd.DataFrame:
    """The table with its missing cells drawn given the row's other cells. held: what is read of it."""
    told = Told(bar(len(table), "filling missing cells", progress=progress), len(table), progress)
    with fitted.threads.used():
        fitted.threads.restart(warm=1)
    chunks = []
    for index, start in enumerate(range(0, len(table), fitted.records.chunk)):
        rng = child(seed, "impute", "chunk", index)
        rows = np.arange(start, min(start + fitted.records.chunk, len(table)))
        told.chunk(start, len(rows))
        with fitted.threads.used():
            chunks.append(_complete(fitted, held.rows_at(rows), {}, rng, offset + start, told, fill=True))
    fitted.records.rest()
    finish(told, progress)
    if not chunks:
        return table.copy()
    made = pd.concat(chunks, ignore_index=True)
    rng = child(seed, "impute", "fill")
    made = fitted.codec.fill(made, rng, offset, set(table.columns))
    made = made if fitted.plan is None else fitted.plan.stamped(made, rng, set(table.columns))
    made = made.set_axis(table.index)
    for name in table.columns.difference(made.columns):
        made[name] = table[name]  # it was dropped
    return _in_style(made[list(table.columns)], table.attrs.get("layout") or fitted.schema.layout)


def finish(told: Told, progress: bool) -> None:
    """All rows are written: the bar ends, and texts that were cut are told of."""
    told.shown.close()
    if told.repeated:
        say(
            f"{told.repeated:,} rows come more than once: too few of the rows that were drawn satisfy the "
            "conditions on what follows from other columns, so make those wider",
            progress=progress,
        )
    if told.cut:
        say(
            f"{told.cut:,} texts were ended early, as all of them together grew over twice as long as "
            "real ones: the model has learned little, train it longer",
            progress=progress,
        )
