"""What the tests of DiffLM share: models that take seconds, fitted once."""

import dataclasses
from collections.abc import Callable

import pandas as pd
import pytest
import torch

from lookalike.difflm import DiffLM
from tests.once import Once
from tests.paths import EXAMPLES

Quick = Callable[..., DiffLM]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module", autouse=True)
def fits_of_the_module(request: pytest.FixtureRequest) -> None:
    """Fits are short, unless the module says `SHIPPED = True`: it asserts what trees learn, or sizes."""
    if not getattr(request.module, "SHIPPED", False):
        request.getfixturevalue("quick_fits")


@pytest.fixture(scope="session")
def quick() -> Quick:
    """A DiffLM that is not yet fitted and will take `steps` steps; more options are those of DiffLM.

    batch: rows of a step, 0 for what a fit takes by itself.
    """

    def make(steps: int = 40, denoiser_steps: int = 30, batch: int = 0, **options: object) -> DiffLM:
        model = DiffLM(progress=False, **options)  # type: ignore[arg-type]
        model.train_config = dataclasses.replace(
            model.train_config,
            steps=(steps, steps),
            epochs_limits=(0.0, 1e9),
            denoiser_steps=denoiser_steps,
            denoiser_batch=512,
            batch=batch or model.train_config.batch,
        )
        return model

    return make


@pytest.fixture(scope="session")
def adult() -> pd.DataFrame:
    """6,000 rows of Adult; "?" means missing."""
    table = pd.read_csv(EXAMPLES / "adult.csv.gz", keep_default_na=False, na_values=["?"])
    return table.sample(6000, random_state=0).reset_index(drop=True)


@pytest.fixture(scope="session")
def adult_model(adult: pd.DataFrame, quick: Quick, made_once: Once) -> DiffLM:
    place = made_once(
        "adult.model",
        lambda path: quick(steps=340, denoiser_steps=120, batch=96, seed=7).fit(adult).save(path),
    )
    return DiffLM.load(place, progress=False)
