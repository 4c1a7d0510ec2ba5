"""What the latents of labelled texts say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from lookalike.evaluate.chapters.texts import tokenize

if TYPE_CHECKING:
    from lookalike import DiffLM

Table = pd.DataFrame
ROWS = 2_000  # of train and of test that are encoded
NEAR = 5
STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
LIKE = 300  # test rows that are varied
PAIRS = 60  # of test rows, of different classes, whose line is walked
STEPS = 5


def measure(
    model: DiffLM, train: Table, test: Table, text: str, label: str, judge: Pipeline, seed: int
) -> Any:
    """Figures of the latents of test rows.

    neighbours, classified: share of the test rows' 5 nearest training rows in latent space that have their
    label, and accuracy of a logistic regression on the latents, against chance and the commonest class. The
    encoder reads the label with the text, so both are measured "blind", too: with one label in the place of
    all. like: strength -> share of the variations of test rows whose text the judge (a classifier trained on
    the real training rows) gives their row's label, with that of the rows themselves as "real". line: see
    `walk`.
    """
    rng = np.random.default_rng((seed, 60))
    some = [t.iloc[rng.permutation(len(t))[:ROWS]].reset_index(drop=True) for t in (train, test)]
    y = [t[label].astype(str).to_numpy() for t in some]
    out: dict[str, Any] = {"chance": _chance(*y), "commonest": _commonest(*y)}
    for name in ("seen", "blind"):
        tables = some if name == "seen" else [t.assign(**{label: train[label].mode()[0]}) for t in some]
        x = [model.encode(t).reshape(len(t), -1) for t in tables]
        out[name] = {"neighbours": _neighbours(x, y), "classified": _classified(x, y)}
    few = test.iloc[rng.permutation(len(test))[:LIKE]].reset_index(drop=True)
    own = few[label].astype(str).to_numpy()

    def right(table: Table) -> float:
        return float(np.mean(judge.predict(table[text].fillna("")) == own))

    out["like"] = {f"{s:g}": right(model.sample(like=few, strength=s, seed=seed)) for s in STRENGTHS}
    out["like"]["real"] = right(few)
    return out | {"line": walk(model, test, text, label, rng, seed)}


def _chance(known: np.ndarray, asked: np.ndarray) -> float:
    shares = pd.Series(known).value_counts(normalize=True)
    return float(pd.Series(asked).map(shares).fillna(0.0).mean())


def _commonest(known: np.ndarray, asked: np.ndarray) -> float:
    return float(np.mean(asked == pd.Series(known).mode()[0]))


def _neighbours(x: list[np.ndarray], y: list[np.ndarray]) -> float:
    near = NearestNeighbors(n_neighbors=NEAR).fit(x[0]).kneighbors(x[1], return_distance=False)
    return float(np.mean(y[0][near] == y[1][:, None]))


def _classified(x: list[np.ndarray], y: list[np.ndarray]) -> float:
    return float(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)).fit(x[0], y[0]).score(x[1], y[1])
    )


def walk(model: DiffLM, test: Table, text: str, label: str, rng: np.random.Generator, seed: int) -> Any:
    """From one test row to another of another class, step by step.

    tokens: at each step, of the tokens that exactly one of the two rows has, the share that are the second
    row's; labels: at each step, share of the rows with the second one's label among those with either.
    Means over the pairs. rising: share of the pairs with less of the second row's tokens in the first half
    than in the second; ties count half.
    """
    at = [_pair(test[label].to_numpy(), rng) for _ in range(PAIRS)]
    ends = [test.iloc[list(rows)].reset_index(drop=True) for rows in zip(*at, strict=True)]
    first, last = (model.encode(table) for table in ends)
    # a step of all pairs at once, with the same random numbers, as `interpolate` has it for one pair
    line = [model.decode(first + (last - first) * k / (STEPS - 1), seed=seed) for k in range(STEPS)]
    shares, labels = [], []
    for row in range(PAIRS):
        a, b = (table.iloc[row] for table in ends)
        written = [_text(step[text].iloc[row]) for step in line]
        shares.append(_shares(str(a[text]), str(b[text]), written))
        own = [str(step[label].iloc[row]) for step in line]
        both = [str(a[label]), str(b[label])]
        labels.append([float(value == both[1]) if value in both else float("nan") for value in own])
    halves = [
        (np.nanmean(s[: STEPS // 2]), np.nanmean(s[-(STEPS // 2) :])) for s in shares if _both_halves(s)
    ]
    rising = [1.0 if low < high else 0.5 if low == high else 0.0 for low, high in halves]
    return {
        "tokens": _columns(shares),
        "labels": _columns(labels),
        "rising": float(np.mean(rising)) if rising else float("nan"),
    }


def _pair(labels: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """Rows of different classes."""
    first = int(rng.integers(len(labels)))
    return first, int(rng.choice(np.flatnonzero(labels != labels[first])))


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def _shares(a: str, b: str, line: list[str]) -> list[float]:
    """nan where a text has no token that exactly one of the ends has."""
    first, last = set(tokenize(a)), set(tokenize(b))
    out = []
    for text in line:
        own = set(tokenize(text))
        ends = len(own & (first - last)), len(own & (last - first))
        out.append(ends[1] / sum(ends) if sum(ends) else float("nan"))
    return out


def _both_halves(values: list[float]) -> bool:
    half = STEPS // 2
    return not (np.isnan(values[:half]).all() or np.isnan(values[-half:]).all())


def _columns(rows: list[list[float]]) -> list[float]:
    return [float(np.mean(kept)) if len(kept := [v for v in own if not np.isnan(v)]) else float("nan")
            for own in zip(*rows, strict=True)]  # fmt: skip
