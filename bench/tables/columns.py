"""Tables as the judges of the benchmark see them: read from files, their values made comparable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

BINS = 10
FEW = 20


class BadInput(ValueError):
    """Tables that cannot be scored: one sentence that names the table, the column and the fix."""


def read(path: str | Path) -> pd.DataFrame:
    """A table by suffix; in CSV only the empty cell is missing, so "?" and "NA" stay values."""
    path = Path(path)
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, keep_default_na=False, na_values=[""])
    except (
        OSError,
        ValueError,
        EOFError,
    ) as error:  # what pandas and pyarrow raise of a file is one of these
        raise BadInput(
            f"{path} cannot be read as a table: {error}. Give a .csv, .csv.gz or .parquet"
        ) from error


def is_numeric(column: pd.Series) -> bool:
    """Numbers, of whatever count of distinct values; booleans are none."""
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))


def is_number(real: pd.Series) -> bool:
    """A numeric column of more than FEW distinct values; of fewer, its values are compared as categories."""
    return is_numeric(real) and bool(real.nunique() > FEW)


def text(column: pd.Series) -> pd.Series:
    """Values as strings that agree between dtypes (1, 1.0 and "1"; True and "True"); missing stays so."""
    if is_numeric(column):
        column = column.astype("float64")
        return column.map(lambda v: f"{v:g}" if v % 1 else f"{v:.0f}", na_action="ignore")
    return column.map(str, na_action="ignore")


def numbers(column: pd.Series) -> np.ndarray:
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)


def codes(real: pd.Series, other: pd.Series) -> tuple[np.ndarray, np.ndarray, int]:
    """One integer per distinct value of either column, missing included; and how many there are."""
    both, values = pd.factorize(
        pd.concat([text(real), text(other)], ignore_index=True), use_na_sentinel=False
    )
    return both[: len(real)], both[len(real) :], len(values)


def bins(column: np.ndarray, edges_of: np.ndarray) -> np.ndarray:
    """1..BINS by the equal-width bins of `edges_of`; 0 below, BINS + 1 at their end, above and for missing.

    As numpy and SDMetrics count: the largest value has the last place to itself.
    """
    finite = edges_of[np.isfinite(edges_of)]
    edges = np.histogram_bin_edges(finite, bins=BINS) if len(finite) else np.array([0.0, 1.0])
    return np.digitize(column, edges)


def design(real: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables as numbers and categories; both learn the categories of both."""
    a, b = {}, {}
    for name in real.columns:
        if is_numeric(real[name]):
            a[name], b[name] = numbers(real[name]), numbers(other[name])
        else:
            left, right, _ = codes(real[name], other[name])
            # The booster takes at most 255 categories: the rarest of a longer list share the last one.
            kept = pd.Series(np.concatenate([left, right])).value_counts().index[:254]
            place = pd.Series(np.arange(len(kept)), index=kept)
            both = pd.CategoricalDtype(range(255))
            a[name] = pd.Series(left).map(place).fillna(254).astype(int).astype(both)
            b[name] = pd.Series(right).map(place).fillna(254).astype(int).astype(both)
    return pd.DataFrame(a), pd.DataFrame(b)
