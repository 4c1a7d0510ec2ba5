"""Rows become latents, and latents rows."""

import numpy as np
import pandas as pd

from lookalike.difflm import DiffLM
from tests.difflm.distances import distance


def test_latents_go_out_and_come_back(adult: pd.DataFrame, adult_model: DiffLM) -> None:
    latents = adult_model.encode(adult.iloc[:1500])
    config = adult_model.settings.vae
    assert latents.shape == (1500, config.latent_tokens, config.latent_width) and latents.dtype == np.float32
    back = adult_model.decode(latents, seed=3)
    assert back.dtypes.equals(adult.dtypes)
    own = distance(adult.iloc[:1500], back, adult)
    shuffled = distance(adult.iloc[:1500], back.sample(frac=1, random_state=0).reset_index(drop=True), adult)
    assert own < 0.93 * shuffled  # the latent knows something of the row


def test_interpolation_ends_at_the_two_rows(adult: pd.DataFrame, adult_model: DiffLM) -> None:
    a, b = adult.iloc[[0]], adult.iloc[[7]]
    line = adult_model.interpolate(a, b, steps=5, seed=4)
    assert len(line) == 5
    for row, end in ((0, a), (4, b)):
        expected = adult_model.decode(adult_model.encode(end), seed=4)
        pd.testing.assert_frame_equal(line.iloc[[row]].reset_index(drop=True), expected)
