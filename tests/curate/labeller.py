"""What the local server answers when it is asked for a label: the true one of the shared BANKING77 rows."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pandas as pd

TRUE = (
    pd.read_csv(Path(__file__).parents[1] / "data" / "banking77.csv").set_index("text")["category"].to_dict()
)


def right(messages: list[dict[str, Any]], schema: dict[str, Any], rng: random.Random) -> str:
    texts = [line[6:] for line in messages[-1]["content"].splitlines() if line.startswith("text: ")]
    return json.dumps({"label": TRUE[texts[-1]]})
