"""What the tests of `prompting` share: real rows, and a server that writes plausible records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.paths import DATA

WRITER = Path(__file__).with_name("writer.py")


@pytest.fixture(scope="session")
def banking() -> pd.DataFrame:
    """10 classes of BANKING77 with 30 rows each, text and category."""
    return pd.read_csv(DATA / "banking77.csv")


@pytest.fixture
def writing(serve: Callable[..., Any]) -> Callable[..., Any]:
    """writing("refusing", "--fault", "500=0.1") -> a server whose replies writer.py writes."""
    return lambda function="good", *options: serve("--writer", f"{WRITER}:{function}", *options)
