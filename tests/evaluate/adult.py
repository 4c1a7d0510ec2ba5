"""Samples of Adult for the tests of the report, and the grades of a report."""

import pandas as pd

from lookalike.evaluate import Report
from lookalike.evaluate.figures import grades
from tests.paths import EXAMPLES

ROWS = 1500


def adult(name: str, rows: int = ROWS) -> pd.DataFrame:
    """Some rows of a file of examples/, the same ones each time."""
    return pd.read_csv(EXAMPLES / name).sample(rows, random_state=1).reset_index(drop=True)


def adult_tables() -> dict[str, pd.DataFrame]:
    """All rows of Adult as the real table, its test rows as the synthetic one."""
    return {
        "real": pd.read_csv(EXAMPLES / "adult.csv.gz", keep_default_na=False),
        "synthetic": pd.read_csv(EXAMPLES / "adult-test.csv.gz", keep_default_na=False),
    }


def marks(report: Report) -> dict[str, str | None]:
    """The key of each figure -> its grade."""
    return {row.key: row.grade for row in grades(report.figures)}
