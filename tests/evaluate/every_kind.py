"""A table with a column of every kind."""

import numpy as np
import pandas as pd

NAUGHTY = "<script>alert(1)</script>"


def table(rows: int, seed: int) -> pd.DataFrame:
    """The same rows for the same seed."""
    rng = np.random.default_rng(seed)
    words = np.array(["red", "Green", "blue7", "émoji 🎈"])
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D")
    out = pd.DataFrame(
        {
            "x": rng.normal(size=rows),
            "whole": rng.integers(0, 100, rows),
            NAUGHTY: rng.choice([NAUGHTY, "b", "c"], rows),
            "flag": rng.random(rows) < 0.3,
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 10**6, rows), unit="s"),
            "day": days.strftime("%Y-%m-%d"),
            "zone": pd.to_datetime(rng.integers(0, 10**9, rows), unit="s", utc=True).tz_convert(
                "Europe/Berlin"
            ),
            "text": [
                " ".join(rng.choice(words, rng.integers(1, 6))) + str(rng.integers(10**6))
                for _ in range(rows)
            ],
            "constant": 1,
            "empty": None,
            "gaps": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(size=rows)),
            "infinite": np.where(rng.random(rows) < 0.1, np.inf, rng.normal(size=rows)),
            "huge": rng.integers(2**60, 2**62, rows),
            "nullable": pd.array(rng.integers(0, 9, rows), dtype="Int64"),
            "ordered": pd.Categorical(rng.choice(["lo", "hi"], rows), ["lo", "hi"], ordered=True),
            "id": np.arange(rows) + seed * 10**6,
        }
    )
    for name in ("when", "text", "nullable"):
        out.loc[rng.random(rows) < 0.1, name] = None
    return out
