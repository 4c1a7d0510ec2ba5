"""The base of a record's distribution: what trees say of every slot, and the network corrects.

A slot of a table is told by the slots before it in the canonical order: of those that are tried
(`chains.py`) the one that held-out rows are likeliest in, as trees say little of a class that comes before
the numbers that tell it, and of numbers that come before it. The *base* says how likely each of its tokens
and cells is given these (`slotbase.py` says how it is learned); the network starts from there, so that at its
first step it is a smoothed chain of trees, and goes on as far as held-out rows ask for it. Where a column is
written before others that the base would look at, it says what holds for the whole table.

There is one tree for each *fold*, in a table of under 1,000 rows a regression for the classes of a slot
(`lines.py`), and in one of 300 to 1,000 a forest (`forest.py`). A row that is learned sees what has not seen
it; a row that is drawn sees that of a fold at random: what the network has learned to trust is then what it
meets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torch import Tensor, nn

from lookalike.codec.slot import Array
from lookalike.difflm.categorical import IMPOSSIBLE
from lookalike.difflm.small.chains import Chains, Orders
from lookalike.difflm.small.fields import OWN, Fields, Said
from lookalike.difflm.small.forest import Forest
from lookalike.difflm.small.kernels import GROUP
from lookalike.difflm.small.lines import Line
from lookalike.difflm.small.slotbase import BAGGED, SlotBase, fit_slot, folds_of
from lookalike.difflm.small.view import scores_of, view_of
from lookalike.seed import child

ROWS = 8192  # that are placed at once
HINTS = 4  # numbers that tell the network what the base says of a slot
FOREST, ODDS, LINE = "forest_", "odds_", "line_"  # begin the names of the arrays of forests and regressions
FITTED = 200_000  # rows that a base is learned from, at most


@dataclass
class Placed:
    """Where rows fall.

    leaf: (rows, slots) of each fixed slot; predicted: the number that is told of each; odds: (rows, slots,
    classes) the part of their probabilities that forests and regressions say, of the most classes that any
    has.
    """

    leaf: Tensor
    predicted: Tensor
    odds: Tensor

    def of(self, rows: Tensor) -> Placed:
        return Placed(self.leaf[rows], self.predicted[rows], self.odds[rows])

    def on(self, device: torch.device) -> Placed:
        return Placed(self.leaf.to(device), self.predicted.to(device), self.odds.to(device))


class SlotTables(nn.Module):
    """One slot of the base, as arrays; the trees of all folds stand one after the other."""

    def __init__(self, arrays: Mapping[str, Tensor]):
        super().__init__()
        self.inputs: Tensor
        self.starts: Tensor
        self.root: Tensor
        self.feature: Tensor
        self.threshold: Tensor
        self.below: Tensor
        self.leaf: Tensor
        self.codes: Tensor
        self.linear: Tensor
        self.slopes: Tensor
        self.intercepts: Tensor
        self.relative: Tensor
        self.logits: Tensor
        self.kernels: Tensor
        for name, value in arrays.items():
            if not name.startswith((FOREST, ODDS, LINE)):
                self.register_buffer(name, value, persistent=False)
        # of a number, and of the classes; none in a large table or in a model of an earlier version
        self.forest, self.odds = (
            Forest(arrays, prefix) if f"{prefix}of" in arrays else None for prefix in (FOREST, ODDS)
        )
        self.line = Line(arrays, LINE) if f"{LINE}weight" in arrays else None
        for part in (self.odds, self.line):
            if part is not None:  # one weight for all leaves in a model of an earlier version
                part.weight = part.weight.expand(len(self.logits)).clone()
        self.shares = max(0 if one is None else one.size for one in (self.odds, self.line))
        self.depth = _depth(self.root.tolist(), self.below, self.feature)

    def arrays(self) -> dict[str, Tensor]:
        own = dict(self.named_buffers())
        return {name.replace(".", "_"): value for name, value in own.items()}


def _depth(roots: list[int], children: Tensor, feature: Tensor) -> int:
    """Steps from a root to the deepest leaf."""
    level, depth = torch.tensor(roots), 0
    while True:
        level = level[feature[level] >= 0]
        if not len(level):
            return depth
        level, depth = children[level].flatten(), depth + 1


def tables_of(base: SlotBase, view_number: Array, tokens: Array) -> dict[str, Tensor]:
    """The arrays of a slot. view_number, tokens: as of `View`."""
    numbers = [u for u in base.inputs if view_number[u]]
    plain = [u for u in base.inputs if not view_number[u]]
    starts = np.concatenate([[0], np.cumsum([int(tokens[u]) for u in plain])])[:-1]
    feature, threshold, children, leaf, root = [], [], [], [], []
    nodes = leaves = 0
    for tree in base.trees:
        root.append(nodes)
        feature.append(tree.feature)
        threshold.append(tree.threshold)
        children.append(tree.children + nodes)
        leaf.append(tree.leaf + leaves)
        nodes, leaves = nodes + len(tree.feature), leaves + int(tree.leaf.max()) + 1
    whole: dict[str, Any] = {
        "inputs": [*numbers, *plain],
        "starts": starts,
        "root": root,
        "feature": np.concatenate(feature),
        "below": np.concatenate(children),
        "leaf": np.concatenate(leaf),
        "relative": [base.relative],
    }
    parts: dict[str, Any] = {
        "threshold": np.concatenate(threshold),
        "codes": base.codes,
        "linear": base.linear,
        "slopes": base.slopes,
        "intercepts": base.intercepts,
        "logits": base.logits,
        "kernels": base.kernels,
    }
    found = {name: torch.from_numpy(np.asarray(value, dtype=np.int64)) for name, value in whole.items()}
    found |= {name: torch.from_numpy(np.asarray(v, dtype=np.float32)) for name, v in parts.items()}
    for prefix, own in ((FOREST, base.forest), (ODDS, base.odds), (LINE, base.lines)):
        found |= {} if own is None else own.arrays(prefix)
    return found


class Base(nn.Module):
    """What is said of every fixed slot before the network corrects it.

    slots: the tables of each fixed slot; fixed: its place in a record.
    """

    def __init__(self, fields: Fields, slots: list[dict[str, Tensor]], fixed: list[int]):
        super().__init__()
        self.fixed, self.token_counts, self.cells = fixed, fields.token_counts, fields.cells
        self.tables = nn.ModuleList(SlotTables(arrays) for arrays in slots)
        self.count = len(slots)
        self.folds = len(self.slots[0].root) if slots else 1
        self.is_number = [i in fields.numbers for i in range(self.count)]
        self.number_of = {slot: n for n, slot in enumerate(fields.numbers)}
        self.score: Tensor  # (numbers' tokens x cells,) normal scores, 0 where there is none
        self.register_buffer("score", scores_of(fields), persistent=False)
        self.unknown: Tensor  # (slots,) the leaf of a slot of which nothing is known
        self.register_buffer(
            "unknown", torch.tensor([len(s.logits) - 1 for s in self.slots]), persistent=False
        )
        self.number_start: Tensor
        self.register_buffer("number_start", fields.number_start.cpu().clone(), persistent=False)
        for i, slot in enumerate(self.slots):
            self._reading(i, slot.inputs.tolist(), fields)
        self._class_tables(fields)
        self._kernel_tables(fields)
        self._hint_table()

    @property
    def slots(self) -> list[SlotTables]:
        """The tables of each fixed slot."""
        return cast(list[SlotTables], list(self.tables))

    def _reading(self, slot: int, inputs: list[int], fields: Fields) -> None:
        """Of what a slot is told from, numbers first: the places in a record, where the scores of each number
        begin, and the token of each category that says that there is none.
        """
        found = {
            "columns": [self.fixed[u] for u in inputs],
            "begins": [int(fields.number_start[self.number_of[u]]) for u in inputs if self.is_number[u]],
            "empty": [self.token_counts[u] for u in inputs if not self.is_number[u]],
        }
        for name, values in found.items():
            self.register_buffer(f"{name}{slot}", torch.tensor(values, dtype=torch.long), persistent=False)

    def _class_tables(self, fields: Fields) -> None:
        self.groups = fields.groups
        for g, group in enumerate(fields.groups):
            size = max(len(fields.token_of[i]) for i in group)
            own = [self.slots[i].logits for i in group]
            parts = [F.pad(one, (0, size - one.shape[1]), value=IMPOSSIBLE) for one in own]
            offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])])[:-1]
            self.register_buffer(f"logits{g}", torch.cat(parts), persistent=False)
            self.register_buffer(f"offset{g}", torch.from_numpy(offsets)[:, None], persistent=False)

    def _kernel_tables(self, fields: Fields) -> None:
        """Of all numbers together, with room for the logistics that are the network's own."""
        width = OWN + len(GROUP)
        added, spread, parts = [torch.zeros(0, 3 * width)], [torch.zeros(0, width)], [0]
        follows = torch.zeros(max(1, len(fields.numbers)), width)
        own = torch.zeros(3, OWN)
        own[0], own[1], own[2] = -5.0, torch.linspace(-1.2, 1.2, OWN), -1.0
        for n, i in enumerate(fields.numbers):
            table = self.slots[i].kernels  # (leaves, 4, logistics)
            mine = own.expand(len(table), -1, -1)
            added.append(torch.cat([mine, table[:, :3]], -1).flatten(1))
            spread.append(torch.cat([torch.ones(len(table), OWN), table[:, 3]], -1))
            parts.append(parts[-1] + len(table))
            relative = float(self.slots[i].relative[0])
            follows[n, OWN:] = torch.tensor([relative, relative, 1.0, 0.0])[torch.from_numpy(GROUP)]
        self.added: Tensor
        self.spread: Tensor
        self.follows: Tensor
        self.number_offset: Tensor
        self.number_index: Tensor
        self.register_buffer("added", torch.cat(added), persistent=False)
        self.register_buffer("spread", torch.cat(spread), persistent=False)
        self.register_buffer("follows", follows, persistent=False)
        self.register_buffer("number_offset", torch.tensor(parts[:-1], dtype=torch.long), persistent=False)
        self.register_buffer("number_index", torch.tensor(fields.numbers, dtype=torch.long), persistent=False)

    def _hint_table(self) -> None:
        """(leaves of all slots, 2) mean and log deviation of what a leaf says of a number."""
        parts = []
        for slot in self.slots:
            weight = slot.kernels[:, 0].exp()
            mean = (weight * slot.kernels[:, 1]).sum(1)
            variance = (weight * (slot.kernels[:, 1] - mean[:, None]).square()).sum(1)
            parts.append(torch.stack([mean, 0.5 * variance.clamp(min=1e-4).log() + 1], 1))
        offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])])[:-1]
        self.hints: Tensor
        self.hint_offset: Tensor
        self.register_buffer("hints", torch.cat(parts), persistent=False)
        self.register_buffer("hint_offset", torch.from_numpy(offsets), persistent=False)

    # ---- where rows fall -----------------------------------------------------------------------------------

    def _read(self, slot: int, tokens: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        """(rows, numbers) the normal scores of the numbers that a slot is told from; (rows, categories) where
        the tokens of the others stand among those of all.
        """
        columns, starts, empty = (getattr(self, f"{name}{slot}") for name in ("columns", "begins", "empty"))
        token = tokens.index_select(1, columns)
        count = len(starts)
        number, plain = token[:, :count], token[:, count:]
        at = (number.clamp(min=0) + starts) * self.cells + cells.index_select(1, columns[:count])
        scores = torch.where(number < 0, 0.0, self.score[at])
        return scores, self.slots[slot].starts + torch.where(plain < 0, empty, plain)

    def place(self, slot: int, tokens: Tensor, cells: Tensor, fold: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(rows,) the leaf of every row at a fixed slot, and its prediction; (rows, classes) its odds.

        tokens, cells: (rows, slots of a record); fold: (rows,).
        """
        own, rows = self.slots[slot], len(tokens)
        odds = torch.zeros(rows, own.shares, device=tokens.device)
        if not len(own.inputs):
            return own.leaf[own.root[fold]], torch.zeros(rows, device=tokens.device), odds
        numbers, levels = self._read(slot, tokens, cells)
        told = own.intercepts[fold]
        for part in (numbers * own.slopes[fold], own.linear[fold.unsqueeze(1), levels]):
            for term in part.unbind(1):  # one after the other: the same bits for any number of threads
                told = told + term
        told = told.clamp(-4, 4)
        if own.forest is not None:
            bagged = own.forest.predict(numbers, levels, told, fold)[:, 0]
            told = torch.lerp(told, bagged, own.forest.weight)
        x = torch.cat([numbers, own.codes[fold.unsqueeze(1), levels], told.unsqueeze(1)], 1)
        node = own.root[fold]
        for _ in range(own.depth):
            feature = own.feature[node]
            value = x.gather(1, feature.clamp(min=0).unsqueeze(1))[:, 0]
            right = (value > own.threshold[node]).long()
            node = torch.where(feature >= 0, own.below[node, right], node)
        leaf = own.leaf[node]
        if own.odds is not None:
            odds = odds + own.odds.weight[leaf, None] * own.odds.predict(numbers, levels, told, fold)
        if own.line is not None:
            odds = odds + own.line.weight[leaf, None] * own.line.predict(numbers, levels, fold)
        return leaf, told, odds

    @torch.no_grad()
    def place_rows(self, tokens: Tensor, cells: Tensor, fold: Tensor) -> Placed:
        """Of complete records, (rows, slots)."""
        device, most = tokens.device, max((s.shares for s in self.slots), default=0)
        leaf = torch.zeros(len(tokens), self.count, dtype=torch.int32, device=device)
        predicted = torch.zeros(len(tokens), self.count, device=device)
        voted = torch.zeros(len(tokens), self.count if most else 0, most, device=device)
        for a in range(0, len(tokens), ROWS):
            part = slice(a, a + ROWS)
            t, c, f = tokens[part].long(), cells[part].long(), fold[part].long()
            for slot in range(self.count):
                own, told, odds = self.place(slot, t, c, f)
                leaf[part, slot], predicted[part, slot] = own.to(torch.int32), told
                if odds.shape[1]:
                    voted[part, slot, : odds.shape[1]] = odds
        return Placed(leaf, predicted, voted)

    # ---- what is said --------------------------------------------------------------------------------------

    def said(self, placed: Placed, known: Tensor) -> Said:
        """known: (rows, slots) bool, where all that comes before in the canonical order is known."""
        leaf = torch.where(known, placed.leaf.long(), self.unknown)
        predicted = placed.predicted * known
        hints = F.embedding(leaf + self.hint_offset, self.hints)
        hints = torch.cat([hints, predicted.unsqueeze(-1), known.to(hints.dtype).unsqueeze(-1)], -1)
        logits = [
            F.embedding(leaf[:, group].T + getattr(self, f"offset{g}"), getattr(self, f"logits{g}"))
            for g, group in enumerate(self.groups)
        ]
        if placed.odds.shape[-1]:
            odds = placed.odds * known.unsqueeze(-1)
            logits = [
                _with(own, odds[:, group].transpose(0, 1))
                for own, group in zip(logits, self.groups, strict=True)
            ]
        if not len(self.number_index):
            return Said(logits, None, None, hints)
        at = leaf[:, self.number_index] + self.number_offset  # (rows, numbers)
        added, spread = F.embedding(at, self.added), F.embedding(at, self.spread)
        width = spread.shape[-1]
        shift = predicted[:, self.number_index].unsqueeze(-1) * self.follows
        return Said(logits, added + F.pad(shift, (width, width)), spread, hints)

    def said_of(self, slot: int, leaf: Tensor, predicted: Tensor, odds: Tensor, known: bool) -> Said:
        """The same of one slot: (rows, ...) instead of (groups, slots, rows, ...)."""
        if not known:
            leaf, predicted = self.unknown[slot].expand_as(leaf), torch.zeros_like(predicted)
        flag = torch.full_like(predicted, float(known))
        hints = torch.cat([self.hints[leaf + self.hint_offset[slot]], torch.stack([predicted, flag], 1)], 1)
        logits = self.slots[slot].logits[leaf]
        logits = _with(logits, odds) if known else logits
        if slot not in self.number_of:
            return Said([logits], None, None, hints)
        n = self.number_of[slot]
        at = leaf + self.number_offset[n]
        added, spread = self.added[at], self.spread[at]
        width = spread.shape[-1]
        shift = predicted.unsqueeze(-1) * self.follows[n]
        return Said([logits], added + F.pad(shift, (width, width)), spread, hints)

    def arrays(self) -> dict[str, Tensor]:
        """What is saved: "slot.name" -> array."""
        return {
            f"{i}.{name}": value for i, slot in enumerate(self.slots) for name, value in slot.arrays().items()
        }


def _with(logits: Tensor, odds: Tensor) -> Tensor:
    """Log probabilities of the leaves, (..., classes), with the part that others say, of more or fewer."""
    odds = F.pad(odds, (0, logits.shape[-1] - odds.shape[-1]))
    return torch.where(odds > 0, torch.logaddexp(logits, odds.clamp(min=1e-30).log()), logits)


def of_arrays(fields: Fields, fixed: list[int], arrays: Mapping[str, Tensor]) -> Base:
    """What `Base.arrays` gave."""
    slots: list[dict[str, Tensor]] = [{} for _ in range(fields.count)]
    for name, value in arrays.items():
        slot, own = name.split(".")
        slots[int(slot)][own] = value
    return Base(fields, slots, fixed)


def fit_base(
    fields: Fields, fixed: list[int], orders: Orders, tokens: Tensor, cells: Tensor, seed: int
) -> tuple[Base, Tensor, list[int]]:
    """The base of the rows of a table, the fold that each of them belongs to, and the order of the columns.

    fixed: the place of each fixed slot in a record; orders: those that are tried, of which the one is taken
    that rows are likeliest in under the trees that have not seen them; where several are tried in a table of
    few rows, neighbours are exchanged, too; tokens, cells: (rows, slots of a record).
    """
    rows = len(tokens)
    fold = torch.from_numpy(child(seed, "folds").permutation(rows) % folds_of(rows))
    some = torch.arange(rows)
    if rows > FITTED:
        some = torch.from_numpy(np.sort(child(seed, "rows of the base").permutation(rows)[:FITTED]))
    view = view_of(fields, tokens[some][:, fixed].long(), cells[some][:, fixed].long())
    own = fold[some].numpy()
    chains = Chains(lambda slot, before: fit_slot(view, slot, before, own, seed))
    with threadpool_limits(1):
        best = chains.likeliest(orders, len(orders.begun) > 1 and rows < BAGGED.start)
        found = chains.of(orders.slots(best))
    tokens_of = np.array(fields.token_counts) + 1
    slots = [tables_of(found[slot], view.number, tokens_of) for slot in range(fields.count)]
    return Base(fields, slots, fixed), fold, best
