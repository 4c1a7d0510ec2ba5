"""What several test files share: a small real table and a model of it that took seconds to fit."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny tables: threads only get in each other's way

from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="session")
def small_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 rows of Adult as a CSV file."""
    import pandas as pd

    path = tmp_path_factory.mktemp("data") / "small.csv"
    pd.read_csv(EXAMPLES / "adult.csv.gz", nrows=300, keep_default_na=False).to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def small_model(small_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder fitted on `small_csv` by the command line."""
    from lookalike.cli import main

    folder = tmp_path_factory.mktemp("models") / "small.model"
    assert main(["fit", str(small_csv), "-o", str(folder), "--max-time", "5s", "--quiet"]) == 0
    return folder
