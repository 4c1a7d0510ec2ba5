"""The model of the records that is learned from scratch, as `DiffLM` uses it."""

import pandas as pd
import pytest

from lookalike import infer
from lookalike.difflm import DiffLM
from lookalike.difflm.training import memory
from lookalike.errors import OptionError


def test_a_table_too_large_for_the_memory_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda _: 1e3)
    table = pd.DataFrame({"text": [f"row {i} of a table that is too large" for i in range(100)]})
    schema = infer(table)
    schema["text"].kind = "text"
    with pytest.raises(OptionError, match=r"100 records of up to \d+ tokens need about .* give fewer rows"):
        DiffLM(progress=False).fit(table, schema)
