"""What the two training loops of a VAE share: learning rate, validation, stopping rule, and checkpoints.

The loops themselves are `small/train.py` and `pretrained/train.py`; each calls what it needs from here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lookalike.difflm.training.checkpoint import SECONDS, Checkpoint, pack, unpack
from lookalike.difflm.training.config import TrainConfig
from lookalike.difflm.training.course import Clock, Course
from lookalike.difflm.training.rate import RateController
from lookalike.seed import child_seed

STAGE = "vae"  # of a checkpoint
EVERY = 20  # steps between two validations, at least
READY = 0.8  # of the target rate: a posterior below it has a better bound than the one that is asked for
GAIN = 1e-4  # nats per row by which a validation has to be better
RECENT = 0.05  # share of the last step in the running loss
SETTLED = 0.05  # nats per row: two validations that differ by less have little to gain from many more steps
SETTLING, REST = (0.4, 0.6), 0.2  # of the planned steps: when a plan may be shortened, and to how many more


class Loop:
    """The state of a training, from step to step and over restarts.

    module: what is trained; steps: that are planned. step: how many have been made; running: the loss of the
    last ones, nats per row; history: one entry per validation; best: the lowest validated value, nats per
    row, and best_weights: those that `judge` kept; waiting: validations since then.
    """

    def __init__(
        self,
        module: nn.Module,
        optimizers: list[torch.optim.Optimizer],
        steps: int,
        config: TrainConfig,
        clock: Clock,
        checkpoint: Checkpoint,
    ):
        self.module, self.optimizers = module, optimizers
        self.config, self.clock, self.checkpoint = config, clock, checkpoint
        self.plan(steps)
        self.controller = RateController(config.rate)
        self.begun, self.saved = clock.spent(), time.perf_counter()
        self.step, self.running = 0, 0.0
        self.history: list[dict[str, Any]] = []
        self.best, self.waiting = math.inf, 0
        self.best_weights = _copied(module.state_dict())
        self.learning_rates = [(group, group["lr"]) for one in optimizers for group in one.param_groups]

    def course(self, what: str, progress: bool) -> Course:
        """The time that is left of the limit for the steps that are left; what: is trained, for messages."""
        kept = self.config.denoiser_time
        return Course(what, self.steps, self.clock, self.begun, kept, first=self.step, progress=progress)

    def plan(self, steps: int) -> None:
        """So many steps are to be made in all, and validations as often as that says."""
        self.steps, self.every = steps, max(EVERY, steps // self.config.validations)

    def patient(self) -> bool:
        """Whether a validation may still be better: False after `TrainConfig.patience` without a gain."""
        return self.waiting < self.config.patience

    # ---- one step ------------------------------------------------------------------------------------------

    def set_learning_rate(self, warm: float, left: float) -> None:
        """Scale the learning rate of every group, by two factors from 0 to 1.

        warm: how far the training is warmed up; left: how far it is from its end.
        """
        for group, rate in self.learning_rates:
            group["lr"] = rate * warm * left

    def count(self, loss: float, rate: float, shown: Any) -> None:
        """A step is over: its loss (the bound) and rate in nats per row, for the running loss and the bar."""
        self.running = loss if not self.running else (1 - RECENT) * self.running + RECENT * loss
        self.step += 1
        shown.update(1)
        shown.set_postfix_str(f"loss {self.running:.2f} rate {rate:.1f}")

    # ---- validation ----------------------------------------------------------------------------------------

    def validates(self) -> bool:
        """Whether the step that is over is followed by a validation."""
        return self.step % self.every == 0 or self.step == self.steps

    def record(self, reconstruction: float, rate: float, beta: float, **more: Any) -> None:
        """Add a validation (nats per row) to the history."""
        self.history.append(
            {
                "step": self.step,
                "seconds": round(self.clock.spent(), 2),
                "reconstruction": reconstruction,
                "rate": rate,
                "bound": reconstruction + rate,
                "train": self.running,
                "beta": beta,
                **more,
            }
        )

    def ready(self, rate: float) -> bool:
        """Whether the posterior is at its rate: only then can its bound be compared."""
        return rate >= READY * self.config.rate or self.config.rate <= 0

    def judge(self, value: float, weights: Mapping[str, Tensor], late: float = 0.0) -> None:
        """Keep the weights where their validated value is the best so far, else wait for better ones.

        late: share by which the value of weights that are kept may be above the best one.
        """
        if value < (1 + late) * self.best - GAIN:
            self.best, self.waiting = min(value, self.best), 0
            self.best_weights = _copied(weights)
        else:
            self.waiting += 1

    def settled(self) -> int:
        """How many steps are to be made in all: fewer than planned once held-out rows hardly gain any more.

        What the fall of the learning rate to 0 gains is gained in the steps that are left, too.
        """
        two, at = self.history[-2:], self.step / self.steps
        if (
            len(two) < 2
            or not SETTLING[0] <= at <= SETTLING[1]
            or not all(self.ready(o["rate"]) for o in two)
        ):
            return self.steps
        gain = two[0]["bound"] - two[1]["bound"]
        return self.step + round(REST * self.steps) if gain < SETTLED else self.steps

    # ---- checkpoints ---------------------------------------------------------------------------------------

    def resume(self) -> dict[str, Any]:
        """Go on from the checkpoint; returns its state, an empty one where there is nothing to go on from."""
        state, tensors = self.checkpoint.state, self.checkpoint.tensors
        if state.get("stage") != STAGE:
            return {}
        unpack(self.module, self.optimizers, STAGE, tensors)
        self.step, self.begun, self.history = state["step"], state["begun"], state["history"]
        self.best, self.waiting = state["best"], state["waiting"]
        self.best_weights = {k: tensors[f"best.{k}"].to(v.device) for k, v in self.best_weights.items()}
        self.controller.log_beta = state["log_beta"]
        return state

    def saves(self) -> bool:
        """Whether the last checkpoint is so old that a new one is due."""
        due = time.perf_counter() - self.saved > SECONDS
        if due:
            self.saved = time.perf_counter()
        return due

    def save(self, tensors: Mapping[str, Tensor] | None = None, **state: Any) -> None:
        """Write a checkpoint, with what else this training needs to go on."""
        if self.checkpoint.folder is None:
            return
        best = {f"best.{k}": v for k, v in self.best_weights.items()}
        self.checkpoint.save(
            pack(self.module, self.optimizers, STAGE) | best | dict(tensors or {}),
            stage=STAGE,
            step=self.step,
            best=self.best,
            waiting=self.waiting,
            begun=self.begun,
            log_beta=self.controller.log_beta,
            history=self.history,
            spent=self.clock.spent(),
            **state,
        )


def plan_steps(
    per_epoch: int, epochs: float, steps: tuple[int, int], limits: tuple[float, float] = (0.0, math.inf)
) -> int:
    """Training steps: so many epochs, where they make a number of steps within `steps`.

    limits: fewest and most epochs, which come first: small tables are not read too often, large ones enough.
    """
    planned = min(max(epochs * per_epoch, steps[0]), steps[1])
    fewest, most = (passes * per_epoch for passes in limits)
    return math.ceil(min(max(planned, fewest), most))


def validation_noise(rows: int, latent_size: int, seed: int, device: torch.device) -> Tensor:
    """(rows, latent size) standard normal noise, the same in every validation: only the model differs."""
    generator = torch.Generator().manual_seed(child_seed(seed, "validation noise"))
    return torch.randn(rows, latent_size, generator=generator).to(device)


def seed_step(seed: int, step: int, device: torch.device) -> None:
    """Seeds what torch draws by itself in a step, dropout and noise; the caller forks the generators.

    On a CPU its generator alone: `torch.manual_seed` goes to every kind of device, and for each that is not
    there it writes down the stack of calls, which takes from 0.3 to 1 ms of a step.
    """
    own: Any = torch.default_generator if device.type == "cpu" else torch
    own.manual_seed(child_seed(seed, "step noise", step))


def _copied(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: weight.clone() for name, weight in weights.items()}
