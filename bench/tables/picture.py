"""Draw a real table against its synthetic one: six columns laid over each other, and how column pairs differ.

After `make demo`:

    python -m bench.tables.picture examples/adult.csv.gz out/adult-synthetic.parquet docs/adult.png
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no display is needed to write a file

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from bench import command
from bench.tables.columns import is_numeric, read

ADULT = "age,hours-per-week,fnlwgt,education,occupation,marital-status"
REAL, SYNTHETIC, INK = "#c9ced6", "#2563eb", "#1f2937"
LEVELS = 12  # a column is cut into at most this many levels before pairs are compared


def draw_number(ax: Axes, real: pd.Series, synthetic: pd.Series) -> None:
    low, high = real.quantile([0.001, 0.995])
    values = int(real.nunique())
    whole = bool((real.dropna() % 1 == 0).all())
    # one bar a value where there are few, so that heaps on round numbers are seen
    edges = np.arange(low, high + 2) - 0.5 if whole and values <= 120 else np.linspace(low, high, 61)
    for data, style in (
        (real, {"color": REAL}),
        (synthetic, {"color": SYNTHETIC, "histtype": "step", "linewidth": 1.3}),
    ):
        data = data.dropna().to_numpy(float)
        ax.hist(data, bins=edges, weights=np.full(len(data), 100 / len(data)), **style)
    ax.set_xlim(edges[0], edges[-1])
    ax.xaxis.set_major_formatter(lambda x, _: f"{x / 1000:.0f}k" if abs(x) >= 10_000 else f"{x:g}")


def draw_category(ax: Axes, real: pd.Series, synthetic: pd.Series) -> None:
    shares = real.astype(str).value_counts(normalize=True).head(10) * 100
    other = synthetic.astype(str).value_counts(normalize=True).reindex(shares.index).fillna(0) * 100
    place = np.arange(len(shares))
    ax.barh(place, shares, color=REAL, height=0.8)
    ax.barh(place, other, height=0.8, fill=False, edgecolor=SYNTHETIC, linewidth=1.3)
    ax.set_yticks(place, [name if len(name) <= 18 else name[:17] + "…" for name in shares.index])
    ax.tick_params(axis="y", length=0)
    ax.invert_yaxis()


def levels(real: pd.Series, synthetic: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Both columns as integers below LEVELS: quantile bins of the real numbers, or the commonest values."""
    if is_numeric(real):
        edges = np.unique(real.quantile(np.linspace(0, 1, LEVELS + 1)[1:-1]))
        return np.searchsorted(edges, real), np.searchsorted(edges, synthetic)
    known = real.astype(str).value_counts().index[: LEVELS - 1]
    real, synthetic = real.astype(str), synthetic.astype(str)
    return known.get_indexer(real) + 1, known.get_indexer(synthetic) + 1  # level 0: all other values


def cramer(a: np.ndarray, b: np.ndarray) -> float:
    """Cramér's V of two columns of levels: 0 for independent ones, 1 where one determines the other."""
    seen = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(seen, (a, b), 1.0)
    seen = seen[seen.sum(1) > 0][:, seen.sum(0) > 0]
    expected = np.outer(seen.sum(1), seen.sum(0)) / seen.sum()
    chi2 = ((seen - expected) ** 2 / expected).sum()
    smallest = min(seen.shape) - 1
    return float(np.sqrt(chi2 / seen.sum() / smallest)) if smallest else 0.0


def pairs(real: pd.DataFrame, synthetic: pd.DataFrame) -> np.ndarray:
    """|V(real) - V(synthetic)| of every column pair: (columns, columns), nan on the diagonal."""
    coded = [levels(real[name], synthetic[name]) for name in real.columns]
    difference = np.full((len(coded), len(coded)), np.nan)
    for i, (real_i, synthetic_i) in enumerate(coded):
        for j, (real_j, synthetic_j) in enumerate(coded[:i]):
            gap = abs(cramer(real_i, real_j) - cramer(synthetic_i, synthetic_j))
            difference[i, j] = difference[j, i] = gap
    return difference


def draw_pairs(ax: Axes, difference: np.ndarray, names: list[str]) -> None:
    image = ax.imshow(difference, cmap="Blues", vmin=0, vmax=0.2)
    ax.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(length=0)
    ticks = [0, 0.05, 0.1, 0.15, 0.2]
    ax.figure.colorbar(image, ax=ax, fraction=0.046, pad=0.03, ticks=ticks, label="|V real - V synthetic|")
    ax.set_title(f"association of column pairs: mean difference {np.nanmean(difference):.3f}", loc="left")


def main() -> None:
    parser = command.parser("bench.tables.picture", __doc__)
    parser.add_argument("real", type=command.file)
    parser.add_argument("synthetic", type=command.file)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--columns", default=ADULT, help="six names, commas between (default: %(default)s)")
    args = parser.parse_args()
    real, synthetic = read(args.real), read(args.synthetic)
    plt.rcParams.update({"font.size": 8.5, "text.color": INK})
    plt.rcParams.update({"axes.titlesize": 9.5, "axes.titleweight": "bold"})
    figure = plt.figure(figsize=(14, 5.4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1.75, 1])
    for ax, name in zip(left.subplots(2, 3).flat, args.columns.split(","), strict=True):
        draw = draw_number if is_numeric(real[name]) else draw_category
        draw(ax, real[name], synthetic[name])
        ax.set_title(name, loc="left")
        ax.spines[["top", "right"]].set_visible(False)
        (ax.yaxis if draw is draw_number else ax.xaxis).set_major_formatter(lambda share, _: f"{share:g}%")
    handles = [Rectangle((0, 0), 1, 1, color=REAL), Rectangle((0, 0), 1, 1, fill=False, ec=SYNTHETIC)]
    labels = [f"real ({len(real):,} rows)", f"synthetic ({len(synthetic):,} rows)"]
    left.legend(handles, labels, loc="outside upper left", ncols=2, frameon=False, fontsize=10)
    draw_pairs(right.subplots(), pairs(real, synthetic), list(real.columns))
    args.picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.picture, dpi=110)


if __name__ == "__main__":
    main()
