"""The training loop of the denoiser."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lookalike.difflm.latent.prior import Prior
from lookalike.difflm.training.adamw import AdamW
from lookalike.difflm.training.config import TrainConfig
from lookalike.difflm.training.course import Clock, Course
from lookalike.difflm.training.threads import Threads
from lookalike.progress import bar
from lookalike.seed import child_seed

WARMUP = 20  # steps
RECENT = 0.02  # share of the last step in the running loss


def train_denoiser(
    prior: Prior,
    mean: Tensor,
    log_variance: Tensor,
    config: TrainConfig,
    clock: Clock,
    threads: Threads,
    seed: int,
    progress: bool = True,
) -> dict[str, Any]:
    """Train the denoiser on posterior samples (mean + deviation x noise, new ones in every batch).

    mean, log_variance: (rows, latent size). Returns the last running loss, the number of steps and how it
    ended, as `Course.facts`.
    """
    device = mean.device
    prior.fit_whitening(mean, log_variance)
    rate = config.denoiser_learning_rate
    optimizer = AdamW(prior.denoiser.parameters(), rate, (0.9, 0.99), fused=True)
    generator = torch.Generator(device).manual_seed(child_seed(seed, "denoiser"))
    deviation = (0.5 * log_variance).exp()
    running, step = 0.0, 0
    threads.restart()
    steps = config.denoiser_steps if bool(prior.denoiser.active.any()) else 0  # a latent at rest is N(0, I)
    course = Course("the denoiser", steps, clock, clock.spent(), progress=False)
    with bar(course.steps, "training the denoiser", unit="steps", progress=progress) as shown:
        while not course.over(step):
            threads.begin()
            # the learning rate warms up, then falls to 0 by the end of the steps or of the time
            warm, left = min(1, (step + 1) / WARMUP), max(0.0, 1 - course.done(step))
            optimizer.param_groups[0]["lr"] = rate * warm * left
            # new posterior samples in every batch: the prior is of latents, not of their means
            at = torch.randint(len(mean), (config.denoiser_batch,), generator=generator, device=device)
            noise = torch.randn(len(at), prior.size, generator=generator, device=device)
            loss = prior.denoiser.loss(prior.whiten(mean[at] + deviation[at] * noise), generator)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            threads.end()
            running = loss.item() if not running else (1 - RECENT) * running + RECENT * loss.item()
            step += 1
            shown.update(1)
            if step % 10 == 0:
                shown.set_postfix_str(f"loss {running:.3f}")
    return course.facts(step) | {"denoiser_loss": running, "denoiser_steps": step}
