"""How far two tables of as many rows are from each other."""

import numpy as np
import pandas as pd


def distance(a: pd.DataFrame, b: pd.DataFrame, scale: pd.DataFrame) -> float:
    """Mean over rows and columns: categories that differ, difference of the ranks of numbers."""
    parts = []
    for name in a.columns:
        if pd.api.types.is_numeric_dtype(scale[name].dtype):
            ordered = np.sort(scale[name])
            x, y = (
                (np.searchsorted(ordered, c[name], "left") + np.searchsorted(ordered, c[name], "right")) / 2
                for c in (a, b)
            )
            parts.append(np.abs(x - y).mean() / len(ordered))
        else:
            parts.append(
                (
                    a[name].astype(object).fillna("?").to_numpy()
                    != b[name].astype(object).fillna("?").to_numpy()
                ).mean()
            )
    return float(np.mean(parts))
