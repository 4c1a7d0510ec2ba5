"""Is a model that learned from the synthetic table as good on real rows as one that learned from real ones?

Train on synthetic, test on real (TSTR, Esteban et al. 2017) beside train on real, test on real (TRTR): as
many training rows, the same models, tested on the holdout. Three families: gradient boosting (its depth
chosen on a split of the training table), a random forest and a linear model. Scores: AUC of a class (one
class against the rest, mean over the classes), R^2 of a number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.chapters.detection import CATEGORIES, DUMMIES, auc, filled
from lookalike.evaluate.columns import ComparedColumn
from lookalike.evaluate.parts import Part
from lookalike.evaluate.rows import sample
from lookalike.evaluate.section import Entry, ModelScores, Section, entry, known
from lookalike.evaluate.space import embedded
from lookalike.evaluate.view import View
from lookalike.seed import in_32_bits

Array = npt.NDArray[Any]

MOST_CLASSES = 20
FEWEST = 50  # rows of the holdout below which there is no test
FOLD = 0.2  # of the training table, to choose the depth on
DEPTHS = (3, 6, None)
TREES = 100
ROUNDS, ROUNDS_OF_NUMBERS = 100, 400  # of boosting: classes are told apart after a few, numbers get closer
BOOTSTRAPS = 20
SHUFFLES = 4
MOST_CELLS = 1_000_000  # training rows x features x classes beyond two
LEAST_ROWS = 2_000  # of each table, whatever the cells
LOOKED_CELLS = 1_000_000  # holdout rows x columns that are shuffled for the importance
QUICK_ROWS = 2_000  # of the holdout that are shuffled in a quick report
LOOKED_COLUMNS = 50  # whose importance is compared: those that say most of the target by themselves
FEW_COLUMNS = 100  # up to which the depth is chosen
TEXT_DIMS = 64
FEW_CLASSES = 5  # up to which the depth is chosen: more take as many trees a round
KEYS = ("tstr", "trtr", "ratio", "mixed", "importance_agreement")
Fit = Callable[[Array, Array], Any]  # (features, target) -> a fitted model of scikit-learn


def measure(view: View) -> Section:
    """The entries of models that predict the target, and their scores; why there are none, where so."""
    if view.target is None:
        return Section(skipped={"utility": "no target was named, so no model was trained."})
    if "holdout" not in view.rows:
        reason = "models need a real holdout to be tested on: rows that the synthesizer saw would flatter it."
        return Section(skipped={"utility": reason})
    wanted = {table: min(n, view.limits.models) for table, n in view.rows.items()}
    columns = sample(view.columns, wanted, np.random.default_rng(view.seed))
    return predict(columns, str(view.target), view.seed, view.quick)


class Task:
    """The tables as features and target of a model.

    x: table -> (rows, features) float64, nan where missing; y: table -> (rows,) classes 0.. or numbers;
    categorical: (features,) bool; names: (features,) of the columns. A text gives its lengths and letters and
    its embedding (`space.embedded`).
    """

    def __init__(self, columns: list[ComparedColumn], target: ComparedColumn, seed: int) -> None:
        part = target.parts[0]
        self.classes = not part.ordered
        self.count = 0
        self.x: dict[str, Array] = {}
        self.y: dict[str, Array] = {}
        others = [column for column in columns if column is not target]
        made = [(column.name, p) for column in others for p in column.parts]
        worded = [
            (column.name, embedded(column, TEXT_DIMS, seed)) for column in others if column.texts is not None
        ]
        dims = [str(name) for name, vectors in worded for _ in range(vectors["real"].shape[1])]
        self.names = [str(name) for name, _ in made] + dims
        self.categorical = np.array([p.values is None for _, p in made] + [False] * len(dims), dtype=bool)
        if self.classes:
            place = part.by_frequency()
            real = part.codes["real"]
            self.count = len(np.unique(real[real >= 0]))
        for table, codes in part.codes.items():
            y = place[codes] if self.classes else part.values[table] if part.values is not None else codes
            kept = (codes >= 0) & ((y < min(self.count, MOST_CLASSES)) if self.classes else np.isfinite(y))
            x = [_feature(p, table)[kept, None] for _, p in made] + [v[table][kept] for _, v in worded]
            self.x[table] = np.concatenate(x, axis=1) if x else np.zeros((int(kept.sum()), 0))
            self.y[table] = y[kept]

    def most_rows(self) -> int:
        """How many rows of each table the models learn from at most."""
        trees = max(1, min(self.count, MOST_CLASSES) - 1)
        return max(LEAST_ROWS, MOST_CELLS // (max(len(self.names), 1) * trees))


def _feature(part: Part, table: str) -> Array:
    if part.values is not None:
        values = part.values[table]
        return np.where(np.isfinite(values), values, np.nan)
    place = np.minimum(part.by_frequency(), CATEGORIES - 1).astype(float)
    place[-1] = np.nan
    return place[part.codes[table]]


def families(task: Task, seed: int, quick: bool = False) -> dict[str, Fit]:
    """name -> function(x, y) that gives a fitted model; quick: boosting alone, of one depth."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, QuantileTransformer

    boosting = HistGradientBoostingClassifier if task.classes else HistGradientBoostingRegressor
    forest = RandomForestClassifier if task.classes else RandomForestRegressor

    choose = not quick and task.count <= FEW_CLASSES and len(task.names) <= FEW_COLUMNS

    def boosted(x: Array, y: Array) -> Any:
        check = np.random.default_rng(seed).random(len(y)) < (FOLD if choose else 0)
        options = {
            "categorical_features": task.categorical,
            "random_state": seed,
            "early_stopping": False,
            "max_iter": ROUNDS if task.classes or quick else ROUNDS_OF_NUMBERS,
        }

        def fit(depth: int | None, rows: Array) -> Any:
            return boosting(max_depth=depth, **options).fit(filled(x[rows]), y[rows])

        def held(depth: int | None) -> float:
            return score(fit(depth, ~check), x[check], y[check], task.classes)

        best = max(DEPTHS, key=held) if check.any() and not check.all() else DEPTHS[-1]
        return fit(best, np.ones(len(y), dtype=bool))

    def grown(x: Array, y: Array) -> Any:
        model = forest(TREES, min_samples_leaf=3, random_state=in_32_bits(seed), max_features="sqrt")
        return make_pipeline(
            SimpleImputer(strategy="constant", fill_value=-1, keep_empty_features=True), model
        ).fit(x, y)

    def linear(x: Array, y: Array) -> Any:
        numbers = make_pipeline(
            SimpleImputer(keep_empty_features=True),
            QuantileTransformer(
                n_quantiles=min(1000, len(x)), output_distribution="normal", random_state=in_32_bits(seed)
            ),
        )
        dummies = OneHotEncoder(max_categories=DUMMIES, handle_unknown="infrequent_if_exist")
        both = make_column_transformer((numbers, ~task.categorical), (dummies, task.categorical))
        model = LogisticRegression(max_iter=300) if task.classes else Ridge()
        return make_pipeline(both, model).fit(x, y)

    return {"gradient boosting": boosted} | ({} if quick else {"random forest": grown, "linear": linear})


def score(model: Any, x: Array, y: Array, classes: bool) -> float:
    """AUC (mean over the classes that the test rows have, each against the rest) or R^2."""
    return _score(model, _says(model, x, classes), y, classes)


def _says(model: Any, x: Array, classes: bool) -> Array:
    return model.predict_proba(x) if classes else model.predict(x)


def _score(model: Any, said: Array, y: Array, classes: bool) -> float:
    return _auc(y, said, model.classes_) if classes else _r2(y, said)


def _r2(y: Array, predicted: Array) -> float:
    total = ((y - y.mean()) ** 2).sum()
    return float(1 - ((y - predicted) ** 2).sum() / total) if total > 0 else float("nan")


def _auc(y: Array, chance: Array, known: Array) -> float:
    present = np.unique(y)
    if len(present) == 2:
        present = present[1:]
    found = []
    for one in present:
        at = np.flatnonzero(known == one)
        found.append(auc(chance[:, at[0]], (y == one).astype(int)) if len(at) else 0.5)
    return float(np.mean(found))


def predict(columns: list[ComparedColumn], target: str, seed: int, quick: bool = False) -> Section:
    """The entries `tstr`, `trtr`, `ratio`, `mixed`, `importance_agreement` and the scores of each family.

    columns: of "real", "synthetic" and "holdout". quick: gradient boosting alone. ratio: tstr / trtr; mixed:
    trained on both tables together; importance_agreement: Spearman correlation of the columns' importance
    (score lost when shuffled) for gradient boosting trained on synthetic and on real rows.
    """
    (column,) = (c for c in columns if str(c.name) == target)
    if not column.parts or column.is_made or column.is_textual:
        reason = f"the target '{target}' is a column of {column.kind}s, so no model was trained for it."
        return _nothing(reason)
    task = Task(columns, column, seed)
    rng = np.random.default_rng(seed)
    most = min(len(task.y["real"]), len(task.y["synthetic"]), task.most_rows())
    rows = {t: rng.permutation(len(task.y[t]))[: None if t == "holdout" else most] for t in task.y}
    x, y = ({t: part[t][rows[t]] for t in rows} for part in (task.x, task.y))
    if not task.names or len(y["holdout"]) < FEWEST or most < FEWEST:
        return _nothing(f"utility needs 50 rows of each table in which the target '{target}' is known.")
    single = next((t for t in y if len(np.unique(y[t])) < 2), None)
    if single is not None:
        ratio = entry(0.0) if single == "synthetic" else Entry()
        return _nothing(f"the target '{target}' has only one value in the {single} table.", ratio)
    x["mixed"], y["mixed"] = (np.concatenate([p["real"], p["synthetic"]]) for p in (x, y))
    trained = _train(task, x, y, seed, quick, rng)
    scores = {family: {t: known(s) for t, s in by.items()} for family, by in trained.scores.items()}
    models = ModelScores("AUC" if task.classes else "R^2", scores, most, len(y["holdout"]))
    return Section({"utility": _entries(trained, rng)}, models=models)


def _nothing(reason: str, ratio: Entry | None = None) -> Section:
    """No figures, and why."""
    entries = {key: Entry() for key in KEYS} | ({} if ratio is None else {"ratio": ratio})
    return Section({"utility": entries}, skipped={"utility": reason})


@dataclass
class _Trained:
    """What models score on the holdout, by the table that they were trained on.

    scores: family -> table -> score. draws: table -> of each family, (BOOTSTRAPS,) scores on samples of the
    holdout. lost: of gradient boosting, table -> (SHUFFLES, columns) as `_importance` gives it.
    """

    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    draws: dict[str, list[Array]] = field(default_factory=lambda: {"real": [], "synthetic": [], "mixed": []})
    lost: dict[str, Array] = field(default_factory=dict)


def _train(
    task: Task, x: dict[str, Array], y: dict[str, Array], seed: int, quick: bool, rng: np.random.Generator
) -> _Trained:
    """Models of every family, trained on each table, and tested on the holdout.

    x, y: table -> (rows, features) and (rows,), of the rows that are used.
    """
    out = _Trained()
    truth = y["holdout"]
    samples = [rng.integers(0, len(truth), len(truth)) for _ in range(BOOTSTRAPS)]
    look = QUICK_ROWS if quick else len(truth)  # they were drawn in random order
    for family, fit in families(task, seed, quick).items():
        out.scores[family] = {}
        for table, draws in out.draws.items():
            model = fit(x[table], y[table])
            said = _says(model, x["holdout"], task.classes)
            out.scores[family][table] = _score(model, said, truth, task.classes)
            draws.append(np.array([_score(model, said[at], truth[at], task.classes) for at in samples]))
            if family == "gradient boosting" and table != "mixed":
                out.lost[table] = _importance(model, x["holdout"][:look], truth[:look], task, rng)
    return out


def _entries(trained: _Trained, rng: np.random.Generator) -> dict[str, Entry]:
    """The figures, mean over the families."""
    mean = {t: float(np.mean([s[t] for s in trained.scores.values()])) for t in trained.draws}
    drawn = {t: np.mean(d, axis=0) for t, d in trained.draws.items()}
    spread = {t: float(d.std(ddof=1)) for t, d in drawn.items()}
    ratio = Entry()
    if mean["real"] > 0:
        ratios = np.maximum(drawn["synthetic"], 0) / np.maximum(drawn["real"], 1e-9)
        value = max(mean["synthetic"], 0.0) / mean["real"]
        ratio = entry(value, 1.0, float(ratios.std(ddof=1)), bounds=(0.0, 2.0))
    return {
        "tstr": entry(mean["synthetic"], mean["real"], spread["synthetic"]),
        "trtr": entry(mean["real"], None, spread["real"]),
        "ratio": ratio,
        "mixed": entry(mean["mixed"], mean["real"], spread["mixed"]),
        "importance_agreement": _agreement(trained.lost["real"], trained.lost["synthetic"], rng),
    }


def _importance(model: Any, x: Array, y: Array, task: Task, rng: np.random.Generator) -> Array:
    """(SHUFFLES, columns) score lost when the features of a column are shuffled, each on its own rows."""
    columns = _promising(task)
    look = rng.permutation(len(y))[: max(SHUFFLES * FEWEST, LOOKED_CELLS // len(columns) // SHUFFLES)]
    out = np.empty((SHUFFLES, len(columns)))
    for k, rows in enumerate(np.array_split(look, SHUFFLES)):
        own, truth = x[rows], y[rows]
        copies = np.tile(own, (len(columns), 1, 1))
        for copy, name in zip(copies, columns, strict=True):
            mine = np.array([n == name for n in task.names])
            copy[:, mine] = own[rng.permutation(len(own))][:, mine]
        # One call for all columns: a call costs more than its rows, of which LOOKED_CELLS bounds the number.
        said = _says(model, copies.reshape(-1, own.shape[1]), task.classes)
        said = said.reshape(len(columns), len(own), *said.shape[1:])
        base = score(model, own, truth, task.classes)
        out[k] = [base - _score(model, one, truth, task.classes) for one in said]
    return out


def _promising(task: Task) -> list[str]:
    """The columns whose importance is compared, all if there are few."""
    columns = list(dict.fromkeys(task.names))
    if len(columns) <= LOOKED_COLUMNS:
        return columns
    x, y = task.x["real"][: task.most_rows()], task.y["real"][: task.most_rows()]
    x = np.where(np.isnan(x), 0.0, x) - np.nanmean(x, axis=0)
    y = (y == 0) - np.mean(y == 0) if task.classes else y - y.mean()
    told = np.abs(x.T @ y) / np.maximum(np.sqrt((x**2).sum(0) * (y**2).sum()), 1e-12)
    best = {name: max(told[i] for i, n in enumerate(task.names) if n == name) for name in columns}
    return sorted(columns, key=lambda name: -best[name])[:LOOKED_COLUMNS]


def _agreement(real: Array, synthetic: Array, rng: np.random.Generator) -> Entry:
    """Rank correlation of both models' importance, with the spread over bootstraps of the shuffles."""
    draws = []
    for _ in range(BOOTSTRAPS):
        one, other = (lost[rng.integers(0, SHUFFLES, SHUFFLES)].mean(0) for lost in (real, synthetic))
        draws.append(_spearman(one, other))
    return entry(
        _spearman(real.mean(0), synthetic.mean(0)), None, float(np.std(draws, ddof=1)), bounds=(-1.0, 1.0)
    )


def _spearman(a: Array, b: Array) -> float:
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    one, other = (np.argsort(np.argsort(v)) - (len(v) - 1) / 2 for v in (a, b))
    return float((one * other).sum() / (one**2).sum())
