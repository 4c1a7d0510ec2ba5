"""The model of the records that is learned from scratch, as `DiffLM` uses it."""

import pandas as pd
import pytest

from lookalike import infer
from lookalike.difflm import DiffLM
from lookalike.difflm.training import memory
from lookalike.difflm.training.threads import Threads
from lookalike.errors import OptionError


def test_a_table_too_large_for_the_memory_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda _: 1e3)
    table = pd.DataFrame({"text": [f"row {i} of a table that is too large" for i in range(100)]})
    schema = infer(table)
    schema["text"].kind = "text"
    with pytest.raises(OptionError, match=r"100 records of up to \d+ tokens need about .* give fewer rows"):
        DiffLM(progress=False).fit(table, schema)


def test_rows_are_written_in_blocks(
    adult: pd.DataFrame, adult_model: DiffLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = adult_model.sample(1000, seed=1)
    monkeypatch.setattr("lookalike.difflm.small.records.BLOCK", 200)
    blocks = adult_model.sample(1000, seed=1)
    shares = [t["sex"].value_counts(normalize=True)["Male"] for t in (whole, blocks)]
    assert shares[0] == pytest.approx(shares[1], abs=0.05) and abs(whole.age.mean() - blocks.age.mean()) < 2
    assert blocks.duplicated().mean() < 0.02  # no block is drawn twice
    some = adult_model.sample(450, where={"sex": "Female", "age": (20, 30)}, seed=1)
    assert len(some) == 450 and (some["sex"] == "Female").all() and some["age"].between(20, 30).all()
    given = adult[["age", "sex"]].iloc[:450].reset_index(drop=True)
    pd.testing.assert_frame_equal(adult_model.sample(given=given, seed=1)[["age", "sex"]], given)


def test_rows_do_not_depend_on_the_number_of_threads(
    adult: pd.DataFrame, adult_model: DiffLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lookalike.difflm.small.records.BLOCK", 100)
    monkeypatch.setattr("lookalike.difflm.latent.prior.BLOCK", 100)
    given = adult[["age", "sex"]].iloc[:150].reset_index(drop=True)
    made = []
    for count in (1, 3):
        monkeypatch.setattr(adult_model.fitted, "threads", Threads(count))
        monkeypatch.setattr(adult_model.fitted.records, "threads", adult_model.fitted.threads)
        free, under = adult_model.sample(250, seed=1), adult_model.sample(150, where={"sex": "Male"}, seed=2)
        made.append([free, under, adult_model.sample(given=given, seed=3)])
    for one, other in zip(*made, strict=True):
        pd.testing.assert_frame_equal(one, other)
