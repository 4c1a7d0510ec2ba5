"""A memory that is short: fewer tokens at once, then layers that are computed twice, then a sentence."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lookalike import Schema
from lookalike.difflm import DiffLM
from lookalike.difflm.pretrained import memory as room
from lookalike.difflm.training import memory
from lookalike.errors import OptionError
from tests.difflm.pretrained.models import made


@pytest.mark.parametrize("injection", ["soft_prompt", "kv_memory"])
def test_a_memory_that_is_short(
    injection: str,
    learned: DiffLM,
    people: pd.DataFrame,
    schema: Schema,
    backbone: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cached = injection == "kv_memory"  # which layers that are computed twice cannot use
    records = [learned.records.tokens.record(row, range(5)) for row in learned.records.encode(people)]
    vae = made(backbone("llama"), injection=injection).fit(people, schema=schema).vae
    chosen = []
    for free in np.geomspace(1e9, 1e5, 60):
        monkeypatch.setattr(room, "free_memory", lambda _, free=free: free)
        monkeypatch.setattr(memory, "free_memory", lambda _, free=free: free)
        try:
            chosen.append((room.tokens_at_once(vae, records[:5], 1024, True).tokens, vae.checkpointing))
        except OptionError as error:
            assert "training around" in str(error) and "GB are free" in str(error)
            break
    else:
        raise AssertionError("100 kB were enough")
    once = [micro for micro, twice in chosen if not twice]
    assert once == sorted(once, reverse=True) and set(once) == {1024, 512, 256}
    assert any(twice for _, twice in chosen) != cached
    assert capsys.readouterr().err.count("computed twice") == (not cached)
