"""How the base of a record's slots is learned: trees, linear predictions, and their mixture (see base.py).

Every slot has one decision tree for each fold, over the slots before it in the canonical order; it is
fitted on the rows outside of the fold, as is a ridge regression of the slot's normal score and, of few rows,
a logistic one of its classes (`lines.py`). Of few rows the tree of a number tells apart how it is
distributed, not its mean alone. What a leaf says is mixed with what an ancestor of more rows, the regressions
and the whole table say. The weights of the mixture are those that make rows of the fold likeliest (EM), for
leaves that are sure others than for those that are not: Jelinek and Mercer, Interpolated Estimation of Markov
Source Parameters from Sparse Data (1980). Trees as conditionals of a synthetic table: Reiter, Using CART to
Generate Partially Synthetic Public Use Microdata (2005).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.difflm.small.forest import Grown, grow
from lookalike.difflm.small.kernels import GROUP, KERNELS, kernels_of, kernels_of_nodes, log_masses, mixed_by
from lookalike.difflm.small.lines import Lines, fit_lines
from lookalike.difflm.small.trees import Tree, ancestors, plain_tree
from lookalike.difflm.small.view import View, telling
from lookalike.seed import child, child_seed

LEAVES = 1024  # of a tree, at most
LEAF_ROWS = 20  # of a leaf, at least, in a table of `LARGE` rows or more
LARGE = 3000
BAGGED = range(300, 1000)  # rows of a table that has forests: of fewer rows they hold too much of each
FEW_LEAF_ROWS = (6, 16)  # tried in smaller tables
FEW_FOLDS = 8  # of a table of fewer than 1,000 rows
WIDER = 6  # times the rows of a leaf that its ancestor has
DEPTH = 16
MOST_ROWS = 60_000  # that a tree is fitted on
CLASSES = 48  # that the splits of a tree tell apart; the rarer ones count as one
LEVEL_ROWS = 4  # of a value of a category that enters the regressions, at least
LEVELS = 256  # that enter, at most: the most frequent of all categories
RIDGES = (1.0, 10.0, 100.0)
QUANTILES = 5  # of a number, that a tree of few rows tells values below from those above
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of a forest in what it and the regression predict, which are tried
PURITIES = (0.7, 0.95)  # shares of the most frequent class of a leaf: those between two have weights alike
SPREADS = (0.1, 0.4)  # the same of the deviation of a number in a leaf, in normal scores
BLUR = (0.3, 0.7)  # bandwidths that are tried, in those of Silverman's rule
# What a tree reads of all rows, and its codes; the rows that it learns, and what of them.
Lesson = tuple[Array, Array, Array, Array]


@dataclass
class SlotBase:
    """What is known of one slot.

    inputs: the slots that it is told from; relative: whether its leaves hold what the regression leaves over.
    trees: one for each fold; codes: (folds, values) of each category among the inputs what a tree reads for
    its tokens, one after the other; linear: the same, added up by the regression; slopes: (folds, numbers
    among the inputs); intercepts: (folds,).
    logits: (leaves of all folds + 1, classes), the last without knowledge of what comes before; kernels:
    (leaves + 1, 4, logistics): log weight, mean, log scale, spread of their part.
    gain: nats per row over the last one, on rows that a tree has not seen.
    """

    inputs: list[int]
    relative: bool
    trees: list[Tree]
    codes: Array
    linear: Array
    slopes: Array
    intercepts: Array
    logits: Array
    kernels: Array
    forest: Grown | None = None
    odds: Grown | None = None
    lines: Lines | None = None
    gain: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)


def folds_of(rows: int) -> int:
    """How many folds: trees of few rows need nearly all of them."""
    return 3 if rows >= LARGE else 5 if rows >= 1000 else FEW_FOLDS


def fit_slot(view: View, slot: int, before: list[int], fold: Array, seed: int) -> SlotBase:
    """The base of a slot, from the rows of a table, each of which belongs to a fold."""
    return _Fit(view, slot, before, fold, seed).best()


class _Fit:
    """One slot being fitted."""

    def __init__(self, view: View, slot: int, before: list[int], fold: Array, seed: int):
        self.view, self.slot, self.fold, self.seed = view, slot, fold, seed
        self.folds = int(fold.max()) + 1
        self.here = view.codes[:, slot] < view.tokens[slot] - 1
        self.classes = view.classes[:, slot]
        self.other = int(view.other[slot])
        self.inside = self.here & (self.classes == self.other)
        self.target = view.middle(slot) if self.other >= 0 else np.zeros(len(fold))
        full = view.score[:, slot] if view.number[slot] else self._plain_target()
        self.inputs = telling(view, before, full, self.here)
        self.full = np.where(self.inside, self.target, full) if self.other >= 0 else full
        self.lessons: dict[tuple[int, bool], Lesson] = {}
        self._regress()
        self.odds = self._vote()
        self.lines = self._line()

    def _plain_target(self) -> Array:
        """A category as a number: its class, the most frequent first."""
        counts = np.bincount(self.classes[self.here], minlength=int(self.view.sizes[self.slot]))
        return np.argsort(np.argsort(-counts, kind="stable")).astype(float)[self.classes]

    # ---- inputs --------------------------------------------------------------------------------------------

    def _regress(self) -> None:
        """Ridge regression of each fold on the others; `predicted` and what is needed to do it again."""
        view, rows = self.view, self.inside
        numbers = [u for u in self.inputs if view.number[u]]
        plain = [u for u in self.inputs if not view.number[u]]
        self.numbers, self.plain = numbers, plain
        total = sum(int(view.tokens[u]) for u in plain)
        self.slopes = np.zeros((self.folds, len(numbers)))
        self.intercepts = np.zeros(self.folds)
        self.linear = np.zeros((self.folds, total))
        self.predicted = np.zeros(len(self.fold))
        self.left_over = self.target
        self.forest: Grown | None = None
        if self.other < 0 or not self.inputs or rows.sum() < 20:
            return
        levels, places = self._levels(rows)
        x = np.concatenate([view.score[:, numbers], levels], 1)
        best: tuple[float, Any] = (np.inf, None)
        grams = [self._gram(x, f) for f in range(self.folds)]
        for ridge, scaled in product(RIDGES, (True, False)):
            weights = [_ridge(gram, ridge, scaled) for gram in grams]
            predicted = np.zeros(len(x))
            for f, (b, w) in enumerate(weights):
                own = self.fold == f
                predicted[own] = x[own] @ w + b
            error = float(np.square(self.target - predicted)[rows].mean())
            if error < best[0]:
                best = (error, (weights, predicted))
        weights, self.predicted = best[1]
        for f, (b, w) in enumerate(weights):
            self.intercepts[f], self.slopes[f] = b, w[: len(numbers)]
            self.linear[f, places] = w[len(numbers) :]
        self.predicted = np.clip(self.predicted, -4, 4)
        if len(self.fold) in BAGGED:
            self._bag()
        self.left_over = self.target - self.predicted

    def _bag(self) -> None:
        """Forests of a small table; `predicted` becomes the best mixture of them and the regression."""
        inside, y = self.inside, self.target
        rng = child(self.seed, "forest", self.slot)
        self.forest, told = grow(lambda use: self._read(use, y), y, inside, self.fold, rng)
        both = np.stack([self.predicted, told[:, 0]], 1)
        errors = [float(np.square(y - both @ (1 - share, share))[inside].sum()) for share in SHARES]
        self.forest.weight = SHARES[int(np.argmin(errors))]
        self.predicted = both @ (1 - self.forest.weight, self.forest.weight)

    def _gram(self, x: Array, f: int) -> tuple[Array, Array, Array, float]:
        use = self.inside & (self.fold != f)
        own, y = x[use], self.target[use]
        mean, height = own.mean(0), float(y.mean())
        own = own - mean
        return own.T @ own, own.T @ (y - height), mean, height

    def _inputs(self, f: int, target: Array) -> tuple[Array, Array]:
        """(rows, features) as the tree of a fold reads them, float32, and its codes of the categories.

        The regression of the fold itself has not seen its rows, nor have the others seen theirs.
        """
        return self._read(self.here & (self.fold != f), target)

    def _read(self, use: Array, target: Array) -> tuple[Array, Array]:
        """(rows, features) as a tree that learns the rows `use` reads them, and its codes."""
        view = self.view
        columns = [view.score[:, u] for u in self.numbers]
        codes = []
        mean = float(target[use].mean()) if use.any() else 0.0
        for u in self.plain:
            n = int(view.tokens[u])
            counts = np.bincount(view.codes[use, u], minlength=n)
            sums = np.bincount(view.codes[use, u], weights=target[use], minlength=n)
            own = (sums + 3 * mean) / (counts + 3)
            codes.append(own)
            columns.append(own[view.codes[:, u]])
        if self.other >= 0:
            columns.append(self.predicted)
        x = np.stack(columns, 1) if columns else np.zeros((len(self.fold), 0))
        return x.astype(np.float32), np.concatenate(codes) if codes else np.zeros(0)

    def _vote(self) -> Grown | None:
        """Forests of the classes of a small table; `voted`: what they say of the rows of their folds."""
        size = int(self.view.sizes[self.slot])
        if len(self.fold) not in BAGGED or not self.inputs or not 1 < size <= CLASSES or self.here.sum() < 20:
            return None
        rng = child(self.seed, "votes", self.slot)
        odds, self.voted = grow(
            lambda use: self._read(use, self.full), self.classes, self.here, self.fold, rng, size
        )
        return odds

    def _line(self) -> Lines | None:
        """Regressions of the classes of a small table; `lined`: what they say of the rows of their folds."""
        size, view = int(self.view.sizes[self.slot]), self.view
        few = len(self.fold) < BAGGED.stop and self.here.sum() >= 20
        if not few or not self.inputs or not 1 < size <= CLASSES:
            return None
        levels, places = self._levels(self.here)
        scores = view.score[:, self.numbers]
        lines, self.lined = fit_lines(
            scores, levels, places, self.linear.shape[1], self.classes, self.here, self.fold, size
        )
        return lines

    def _levels(self, rows: Array) -> tuple[Array, list[int]]:
        """(rows, levels) float, which of the frequent tokens of the categories each row holds, and where
        these tokens stand among those of all categories, in order; rows: bool, those that are counted.
        """
        view, found, start = self.view, [], 0
        for u in self.plain:
            counts = np.bincount(view.codes[rows, u], minlength=view.tokens[u])
            enough = np.flatnonzero(counts >= LEVEL_ROWS)
            found += [(-int(counts[token]), start + int(token), u, int(token)) for token in enough]
            start += int(view.tokens[u])
        kept = sorted(sorted(found)[:LEVELS], key=lambda one: one[1])
        levels = [(view.codes[:, u] == token).astype(float) for _, _, u, token in kept]
        return np.stack(levels, 1) if levels else np.zeros((len(self.fold), 0)), [at for _, at, _, _ in kept]

    # ---- trees ---------------------------------------------------------------------------------------------

    def best(self) -> SlotBase:
        """The likeliest base among the sizes of leaves and the targets of trees."""
        small = len(self.fold) < LARGE
        leaf_rows = FEW_LEAF_ROWS if small else (LEAF_ROWS,)
        if not self.inputs or self.here.sum() < 20:
            return self._grown(0, False)
        relatives = [False, True] if self.other >= 0 else [False]
        if not small and len(relatives) > 1:  # a glance tells which
            relatives = [self._glance()]
        found = [self._grown(rows, relative) for rows in leaf_rows for relative in relatives]
        return max(found, key=lambda one: one.gain)

    def _glance(self) -> bool:
        """Whether a tree of what the regression leaves over tells more, by one tree of each on some rows."""
        from sklearn.tree import DecisionTreeRegressor

        errors = []
        for relative in (False, True):
            target = self.left_over if relative else self.full
            x, _ = self._inputs(0, target)
            use = np.flatnonzero(self.inside & (self.fold != 0))[:6000]
            held = np.flatnonzero(self.inside & (self.fold == 0))[:6000]
            if not len(held) or not len(use):
                return False
            tree = DecisionTreeRegressor(
                max_leaf_nodes=256,
                min_samples_leaf=20,
                random_state=child_seed(self.seed, "glance") % 2**31,
            )
            tree.fit(x[use], target[use])
            own = tree.predict(x[held]) + (self.predicted[held] if relative else 0.0)
            errors.append(float(np.abs(self.target[held] - own).mean()))
        return errors[1] < errors[0]

    def _lesson(self, f: int, relative: bool) -> Lesson:
        """What the tree of a fold is fitted on; of few rows it is kept, as several trees are."""
        if (f, relative) in self.lessons:
            return self.lessons[f, relative]
        grown = np.where(self.inside, self.left_over, 0.0) if relative else self.full
        x, codes = self._inputs(f, grown)
        use = np.flatnonzero(self.here & (self.fold != f))
        if len(use) > MOST_ROWS:
            use = np.sort(child(self.seed, "rows of a tree", f).permutation(use)[:MOST_ROWS])
        if self.other >= 0:
            y = _below(grown[use]) if len(self.fold) < BAGGED.stop else grown[use]
        else:
            y = self.classes[use]
            kept = np.argsort(-np.bincount(y), kind="stable")[:CLASSES]
            y = np.where(np.isin(y, kept), y, -1)
        lesson = x, codes, use, y
        if len(self.fold) < LARGE:
            self.lessons[f, relative] = lesson
        return lesson

    def _grow(self, x: Array, y: Array, f: int, leaf_rows: int) -> Tree:
        from sklearn import config_context
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor  # not needed to draw

        options: dict[str, Any] = {
            "max_leaf_nodes": LEAVES, "min_samples_leaf": leaf_rows, "max_depth": DEPTH,
            "random_state": child_seed(self.seed, "tree", f) % 2**31,
        }  # fmt: skip
        tree: Any = DecisionTreeRegressor(**options)
        if self.other < 0:
            tree = DecisionTreeClassifier(criterion="entropy", **options)
        with config_context(skip_parameter_validation=True):  # of a small table it takes longer than the tree
            return plain_tree(tree.fit(x, y, check_input=False).tree_)

    def _grown(self, leaf_rows: int, relative: bool) -> SlotBase:
        n = len(self.fold)
        target = self.left_over if relative else self.target
        trees, codes, leaf, first = [], [], np.full((self.folds, n), -1), [0]
        for f in range(self.folds):
            if leaf_rows:
                x, own, use, y = self._lesson(f, relative)
                tree = self._grow(x[use], y, f, leaf_rows)
            else:
                x, own = self._inputs(f, self.full)
                none = np.full(1, -1)
                tree = Tree(
                    none,
                    np.zeros(1),
                    np.zeros((1, 2), dtype=np.int64),
                    np.zeros(1, dtype=np.int64),
                    np.ones(1),
                )
            trees.append(tree)
            codes.append(own)
            leaf[f] = tree.place(x)
            first.append(first[-1] + int(tree.leaf.max()) + 1)
        logits, gain, odds, lines = self._class_table(trees, leaf, first, leaf_rows)
        kernels = np.zeros((first[-1] + 1, 4, len(GROUP)))
        if self.other >= 0:
            kernels, more = self._kernel_table(trees, leaf, first, leaf_rows, target, relative)
            gain += more
        return SlotBase(
            self.inputs, relative, trees, np.stack(codes), self.linear, self.slopes, self.intercepts,
            logits, kernels, self.forest, odds, lines, gain, {"leaf_rows": leaf_rows},
        )  # fmt: skip

    def _class_table(
        self, trees: list[Tree], leaf: Array, first: list[int], leaf_rows: int
    ) -> tuple[Array, float, Grown | None, Lines | None]:
        """(leaves + 1, classes) log probabilities, what they gain in nats per row, and the forests that say
        what they leave.
        """
        size, here = int(self.view.sizes[self.slot]), self.here
        total = np.bincount(self.classes[here], minlength=size) + 0.1
        root = total / total.sum()
        out = np.tile(root, (first[-1] + 1, 1))
        if size == 1 or not leaf_rows:
            return np.log(out), 0.0, None, None
        near, wide, purity = out.copy(), out.copy(), np.zeros(first[-1] + 1)
        for f, tree in enumerate(trees):
            use = here & (self.fold != f)
            counts = np.zeros((int(tree.leaf.max()) + 1, size))
            np.add.at(counts, (leaf[f][use], self.classes[use]), 1)
            upper = ancestors(tree, WIDER * leaf_rows)
            wider = np.zeros_like(counts)
            for at, (a, b) in enumerate(upper):
                wider[at] = counts[a:b].sum(0)
            part = slice(first[f], first[f + 1])
            wide[part] = (wider + 5 * root) / (wider.sum(1, keepdims=True) + 5)
            near[part] = (counts + 2 * wide[part]) / (counts.sum(1, keepdims=True) + 2)
            purity[part] = counts.max(1) / np.maximum(counts.sum(1), 1)
        own = self._own(leaf, first)
        parts = [table[own[here], self.classes[here]] for table in (out, near, wide)]
        if self.odds is not None:
            parts.append(self.voted[here, self.classes[here]])
        if self.lines is not None:
            parts.append(self.lined[here, self.classes[here]])
        group = np.digitize(purity, PURITIES)
        weights, likely = mixed_by(
            np.log(np.maximum(np.stack(parts, 1), 1e-12)), group[own[here]], len(PURITIES) + 1
        )
        each = weights[group]  # (leaves + 1, parts)
        out[:-1] = (each[:, :1] * out + each[:, 1:2] * near + each[:, 2:3] * wide)[:-1]
        odds = self.odds and replace(self.odds, weight=each[:, 3])
        lines = self.lines and replace(self.lines, weight=each[:, -1])
        return np.log(out), float(likely - np.log(root[self.classes[here]]).mean()), odds, lines

    def _own(self, leaf: Array, first: list[int]) -> Array:
        """(rows,) of every row the leaf of the tree that has not seen it, counted over all trees."""
        return leaf[self.fold, np.arange(len(self.fold))] + np.array(first)[self.fold]

    def _kernel_table(
        self, trees: list[Tree], leaf: Array, first: list[int], leaf_rows: int, target: Array, relative: bool
    ) -> tuple[Array, float]:
        """(leaves + 1, 4, logistics), and what they gain in nats per row that is "anywhere else"."""
        inside = np.flatnonzero(self.inside)
        if not len(inside):
            out = np.zeros((first[-1] + 1, 4, len(GROUP)))
            out[:, 1] = np.linspace(-1.8, 1.8, len(GROUP))
            return out, 0.0
        own, count = self._own(leaf, first), np.array(KERNELS)
        shift = np.stack([
            self.predicted * relative, self.predicted * relative, self.predicted, 0 * self.predicted
        ], 1)  # fmt: skip
        blurs = BLUR if leaf_rows else BLUR[:1]
        tables = np.zeros((len(blurs), first[-1] + 1, 4, len(GROUP)))
        for p, values in ((3, self.target), (2, self.left_over)):
            whole = kernels_of(np.sort(values[inside]), [(0, len(inside))], count[p], blurs)
            tables[:, :, 1:, p == GROUP] = whole
        for f, tree in enumerate(trees if leaf_rows else []):
            use = inside[self.fold[inside] != f]
            part = slice(first[f], first[f + 1])
            for p, least in enumerate((max(5, leaf_rows // 2), WIDER * leaf_rows)):
                tables[:, part, 1:, p == GROUP] = kernels_of_nodes(
                    target[use], leaf[f][use], tree, least, count[p], blurs
                )
        best: tuple[float, Array, Array, Array] | None = None
        alone = None
        for out in tables:
            log_mass = log_masses(
                out[own[inside]],
                shift[inside],
                self.view.low[inside, self.slot],
                self.view.high[inside, self.slot],
            )
            if alone is None:
                alone = float(log_mass[:, 3].mean())
            if not leaf_rows:
                log_mass[:, :3] = -50.0
            group = np.digitize(out[:, 3, 0], SPREADS)
            weights, likely = mixed_by(log_mass, group[own[inside]], len(SPREADS) + 1)
            if best is None or likely > best[0]:
                best = (likely, weights, out, group)
        assert best is not None and alone is not None
        _, weights, out, group = best
        out[:, 0] = np.log(np.maximum(weights, 1e-4))[group][:, GROUP] - np.log(count)[GROUP]
        out[-1, 0] = np.where(GROUP == 3, -np.log(count[3]), -12.0)
        last = out[-1]
        last[1:, GROUP < 3] = last[1:, GROUP == 3][:, :1]
        share = len(inside) / max(1, int(self.here.sum()))
        return out, (best[0] - alone) * share


def _below(target: Array) -> Array:
    """(rows, QUANTILES) whether a value lies below each quantile: a tree of it tells spreads apart, too."""
    at = np.quantile(target, np.arange(1, QUANTILES + 1) / (QUANTILES + 1))
    return (target[:, None] < at).astype(np.float64)


def _ridge(gram: tuple[Array, Array, Array, float], ridge: float, scaled: bool) -> tuple[float, Array]:
    """Intercept and weights.

    ridge: rows that the prior is worth; scaled: so many of those of a typical input, and as large a share of
    those of any other, so that rare values are held back no more than frequent ones.
    """
    square, sums, mean, height = gram
    own = np.maximum(np.diag(square), 1e-9)
    rows = max(float(np.median(own)), 1.0)
    penalty = np.maximum(own * ridge / rows, ridge * 1e-3) if scaled else np.full(len(own), ridge)
    w = np.linalg.solve(square + np.diag(penalty), sums)
    return height - float(mean @ w), w
