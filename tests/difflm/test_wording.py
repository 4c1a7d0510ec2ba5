"""Words tell which value stands beside them and which rows were drawn, of rows that were not seen."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import lookalike
from lookalike.codec import RecordCodec
from lookalike.difflm import DiffLM, learning
from lookalike.difflm.refining import fit_selector, kept
from lookalike.difflm.small.records import TokenRecords
from lookalike.difflm.training.course import Clock
from lookalike.difflm.wording import Wording, learn_wording, single_texts
from lookalike.table.schema import Schema

pytestmark = pytest.mark.usefixtures("few_candidates")

ROWS = 600
ABOUT = {
    "rain": ["wet", "storm", "cloud"],
    "sun": ["warm", "bright", "clear"],
    "snow": ["cold", "ice", "white"],
}


def weather(rows: int, seed: int, right: float = 1.0) -> pd.DataFrame:
    """Texts of which so many are about their label, with a number that says nothing."""
    rng = np.random.default_rng(seed)
    label = rng.choice(list(ABOUT), rows, p=[0.6, 0.3, 0.1])
    about = np.where(rng.random(rows) < right, label, rng.choice(list(ABOUT), rows))
    texts = [
        f"a {rng.choice(ABOUT[one])} day and a {rng.choice(ABOUT[one])} night, {rng.integers(99)}"
        for one in about
    ]
    return pd.DataFrame({"label": label, "degrees": rng.normal(size=rows).round(2), "said": texts})


def schema_of(table: pd.DataFrame) -> Schema:
    found = lookalike.infer(table)
    found.set_kinds(["said=text"])
    return found


def fits(table: pd.DataFrame) -> float:
    """The share of the rows whose first word is of their label."""
    return float(
        np.mean([t.split()[1] in ABOUT[k] for t, k in zip(table["said"], table["label"], strict=True)])
    )


@pytest.fixture(scope="module")
def codec() -> RecordCodec:
    table = weather(ROWS, 0)
    return RecordCodec.fit(table, schema_of(table))


@pytest.fixture(scope="module")
def learned(codec: RecordCodec) -> tuple[Wording, np.ndarray, np.ndarray]:
    return learn_wording(codec, weather(ROWS, 0), weather(ROWS, 1, right=0.5), 0)


def test_rows_whose_text_fits_their_label_are_kept(codec: RecordCodec, learned: Any) -> None:
    wording, of_learned, of_drawn = learned
    selector = fit_selector(of_learned, of_drawn, 0, fewest=400)
    assert selector is not None
    drawn = weather(2 * ROWS, 2, right=0.5)
    read, groups = wording.features(codec, drawn)
    chosen = kept(selector.log_weights(read), ROWS, np.random.default_rng(0), groups)
    assert fits(drawn) < 0.8 and fits(drawn.iloc[chosen]) > 0.9
    of, share = (own["label"].value_counts(normalize=True) for own in (drawn, drawn.iloc[chosen]))
    assert share.sub(of).abs().max() < 0.02


def test_a_label_whose_texts_are_badly_drawn_keeps_its_share(codec: RecordCodec) -> None:
    def drawn(seed: int) -> pd.DataFrame:
        table = weather(2 * ROWS, seed)
        table.loc[table["label"] == "sun", "said"] = "??? !!! ???"
        return table

    wording, of_learned, of_drawn = learn_wording(codec, weather(ROWS, 0), drawn(1), 0)
    selector = fit_selector(of_learned, of_drawn, 0, fewest=400)
    assert selector is not None
    table = drawn(2)
    read, groups = wording.features(codec, table)
    weights = selector.log_weights(read)
    free, held = (kept(weights, ROWS, np.random.default_rng(0), own) for own in ((), groups))
    before, without, now = (
        (own["label"] == "sun").mean() for own in (table, table.iloc[free], table.iloc[held])
    )
    assert without < 0.6 * before and abs(now - before) < 0.02


def test_what_is_said_of_rows_does_not_depend_on_having_seen_them(codec: RecordCodec) -> None:
    """Of rows drawn like the learned ones nothing is learned: no word of theirs was seen with an answer."""
    _, of_learned, of_drawn = learn_wording(codec, weather(ROWS, 0), weather(ROWS, 5), 0)
    odds = 2  # after the two other slots
    assert abs(of_learned[:, odds].mean() - of_drawn[:, odds].mean()) < 0.3
    fit_of = odds + 1
    assert abs(of_learned[:, fit_of].mean() - of_drawn[:, fit_of].mean()) < 0.05


def test_wording_is_read_as_it_was_saved(codec: RecordCodec, learned: Any) -> None:
    wording, drawn = learned[0], weather(50, 3)
    arrays = {name: torch.clone(value) for name, value in wording.arrays().items()}
    again, _ = Wording.of_arrays(arrays).features(codec, drawn)
    assert np.allclose(again, wording.features(codec, drawn)[0], atol=1e-5)


def test_empty_texts_and_unknown_values_have_features(codec: RecordCodec, learned: Any) -> None:
    table = weather(3, 4)
    table.loc[0, "said"], table.loc[1, "said"] = None, ""
    assert np.isfinite(learned[0].features(codec, table)[0]).all()


# ---- a model -----------------------------------------------------------------------------------------------


def test_texts_are_refined_without_being_asked(quick: Any, tmp_path: Path) -> None:
    """From 400 rows on; a loaded model draws the same, and `refine=False` turns it off."""
    table = weather(450, 0)
    model: DiffLM = quick(30, 10, seed=1, threads=1).fit(table, schema_of(table))
    assert model.fitted.settings.train.refine and model.fitted.wording is not None
    made = model.sample(60, seed=3)
    assert not made.equals(model.sample(60, seed=3, refine=False))
    model.save(tmp_path)
    assert DiffLM.load(tmp_path, progress=False, threads=1).sample(60, seed=3).equals(made)
    assert set(model.sample(20, where={"label": "snow"}, seed=1)["label"]) == {"snow"}


@pytest.mark.parametrize("rows, refine", [(390, None), (450, False)])
def test_few_texts_and_a_refusal_are_not_refined(quick: Any, rows: int, refine: bool | None) -> None:
    """Of few texts copies are left out."""
    table = weather(rows, 0)
    model: DiffLM = quick(2, 2, refine=refine).fit(table, schema_of(table))
    assert model.fitted.selector is None and len(model.sample(5)) == 5
    assert (model.fitted.wording is None) == (refine is False)


def test_a_fit_that_is_cut_short_does_not_wait_for_it(
    quick: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C asks for the model as it is."""
    learn = learning.train_denoiser

    def interrupted(prior: Any, mean: Any, log_variance: Any, config: Any, clock: Clock, *others: Any) -> Any:
        clock.stop(0.0)
        return learn(prior, mean, log_variance, config, clock, *others)

    monkeypatch.setattr(learning, "train_denoiser", interrupted)
    table, model = weather(450, 0), quick(2, 2)
    model.progress = True
    model.fit(table, schema_of(table))
    assert model.fitted.selector is None and model.fitted.wording is not None
    assert "not refined, but for copies: the fit was cut short" in capsys.readouterr().err


def test_few_rows_are_drawn_at_once_so_that_the_time_limit_is_kept(
    quick: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn, draw = [], TokenRecords.draw

    def counted(records: TokenRecords, latent: Any, rows: int, *others: Any, **options: Any) -> Any:
        drawn.append(rows)
        return draw(records, latent, rows, *others, **options)

    monkeypatch.setattr(TokenRecords, "draw", counted)
    table = weather(900, 0)
    quick(2, 2).fit(table, schema_of(table))
    assert drawn == [400, 400, 100]


# ---- texts that are copies ---------------------------------------------------------------------------------


def told(rows: int, seed: int, copies: float = 0.0) -> pd.DataFrame:
    """Rows of which each has a text of its own; of drawn ones this share has that of a learned one."""
    table = weather(rows, seed)
    table["said"] += [f" {n}" for n in np.random.default_rng(seed).permutation(10**6)[:rows]]
    again = np.random.default_rng(seed + 1).random(rows) < copies
    learned = told(rows, 0)["said"] if seed else table["said"]
    table.loc[again, "said"] = learned[again].str.upper()
    return table


@pytest.mark.parametrize("copies", [0.1, 0.4, 0.8])
def test_texts_that_stand_in_one_learned_row_are_left_out(codec: RecordCodec, copies: float) -> None:
    """As far as there are others."""
    learned, drawn = told(ROWS, 0), told(2 * ROWS, 3, copies)
    ((single, share),) = single_texts(codec, learned)
    assert share == 0 and all(text in single for text in learned["said"])
    groups = Wording(single=[(single, share)]).copies(codec, drawn)
    chosen = drawn.iloc[kept(np.zeros(len(drawn)), ROWS, np.random.default_rng(0), groups)]
    again = chosen["said"].str.lower().isin(learned["said"].str.lower())
    assert len(chosen) == ROWS
    least = max(0, ROWS - sum(~groups[0][0])) if copies > 0.5 else 0
    assert again.sum() <= least


def test_texts_that_stand_twice_say_how_often_one_comes_again(codec: RecordCodec) -> None:
    """Half of rows whose texts have very different chances say it of the other half."""
    rng = np.random.default_rng(0)
    words = np.array([f"word {n}" for n in range(20_000)])
    texts = words[np.minimum(rng.zipf(1.4, 8000), len(words)) - 1]
    table = pd.DataFrame({"label": "sun", "degrees": 0.0, "said": texts})
    first, other = table.iloc[:4000], table.iloc[4000:]
    ((single, share),) = single_texts(codec, first)
    counts = first["said"].value_counts()
    truly = other["said"].isin(counts.index[counts == 1]).mean()
    assert truly > 0.02 and abs(share - truly) < 0.2 * truly
    drawn = pd.concat([first.sample(2000, replace=True, random_state=1), other]).reset_index(drop=True)
    groups = Wording(single=[(single, share)]).copies(codec, drawn)
    chosen = kept(np.zeros(len(drawn)), 3000, np.random.default_rng(0), groups)
    assert groups[0][0].mean() > 1.3 * share and abs(groups[0][0][chosen].mean() - share) < 0.01


@pytest.mark.parametrize("rows", [100, 450])
def test_a_model_knows_which_texts_stand_once(quick: Any, tmp_path: Path, rows: int) -> None:
    table = told(rows, 0)
    model: DiffLM = quick(30, 10, seed=1, threads=1).fit(table, schema_of(table))
    assert model.fitted.wording is not None
    ((single, share),) = model.fitted.wording.single
    assert share == 0 and all(text in single for text in table["said"])
    model.save(tmp_path)
    loaded = DiffLM.load(tmp_path, progress=False).fitted.wording
    assert loaded is not None and loaded.single[0][0].salt == single.salt
    assert np.array_equal(loaded.single[0][0].bits, single.bits) and loaded.single[0][1] == share
