"""How long and how the VAE and the denoiser are trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TrainConfig:
    """How long and how both networks are trained.

    rate: target KL in nats per row; `TEXT_RATE` where a record has texts and none was asked for.
    epochs: passes of the VAE over the table, where they make a number of steps within `steps`; else as many
    steps as that allows, but passes within `epochs_limits`.
    batch: rows, fewer for tables of under 20 batches; slots_most: rows x slots that are computed at once.
    bag_of_words: weight of the bag-of-words loss of texts (`Spans.bag`).
    subset_share: of the rows of a batch, those in which a random subset of the columns comes first, so that
    any subset can be given when sampling.
    muon_ratio: learning rate of the matrices of the language model over `learning_rate`; muon_steps: of the
    iteration that makes their gradients orthogonal. In the small batches of texts 5 cost 30% of the time.
    patience: validations without a gain before stopping.
    averaging: decay of the running mean of the weights, which is what is validated and kept. Weights of the
    middle of the schedule are then as calm as those of its end, so stopping early costs nothing: on Shoppers
    C2ST went from .55 to .51, on Adult the shape error from .8% to .5%.
    denoiser_time: share of the time limit that is kept for the denoiser.
    based_rows, based_slots: a table of at most so many rows and slots, without texts, is learned from scratch
    as what corrects a base of trees and regressions (`small/base.py`). On 200 rows of Magic C2ST was .54 with
    it and .93 without; on all 15,000 it changed neither C2ST nor utility, and on 2,000 C2ST against test rows
    was .72 with it and .64 without.
    few_slots, many_slots: a record of at most so many slots is read twice as often as `epochs_limits` says,
    one of `many_slots` or more as often, one between them a number of times between.
    refine: whether a selector of drawn rows is learned at the end (`refining.py`); None: where a look at many
        rows says that it helps.
    axis: whether a time that is several slots of a record is one input, too (`small/axis.py`); near: whether
    means of rows near the time go with it (`small/near.py`). On Beijing both together took the bound from
    27.5 to 23.5 nats and the error of boosted trees that learn from its rows from 55 to 43.
    anchors: whether numbers that lie near others are learned so (`small/anchors.py`).
    """

    rate: float = 4.0
    epochs: float = 22.0
    steps: tuple[int, int] = (1200, 2000)
    epochs_limits: tuple[float, float] = (3.0, 22.0)
    batch: int = 256
    slots_most: int = 32_768
    learning_rate: float = 4e-3
    muon_ratio: float = 3.0
    muon_steps: int = 5
    weight_decay: float = 0.01
    warmup: int = 80
    bag_of_words: float = 0.1
    subset_share: float = 0.6
    validations: int = 10
    validation_rows: int = 2000
    patience: int = 4
    averaging: float = 0.99
    denoiser_steps: int = 500
    denoiser_batch: int = 2048
    denoiser_learning_rate: float = 3e-3
    denoiser_time: float = 0.12
    based_rows: int = 500
    based_slots: int = 64
    few_slots: int = 5
    many_slots: int = 9
    refine: bool | None = None
    axis: bool = True
    near: bool = True
    anchors: bool = True


TEXT_TRAINING: dict[str, Any] = {  # instead of the defaults above where a record has texts
    "steps": (1500, 3000),
    "epochs_limits": (3.0, 40.0),
    "batch": 32,
    "slots_most": 8192,
    "learning_rate": 6e-3,
    "weight_decay": 0.05,
    "subset_share": 0.2,
    "muon_steps": 3,
}
TEXT_RATE = 8.0
