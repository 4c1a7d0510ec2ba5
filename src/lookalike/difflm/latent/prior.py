"""The prior of the latents: whitening, denoiser and sampler joined (DiffLM, section 3.2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from lookalike.difflm.latent.denoiser import Denoiser, DenoiserConfig, Drift
from lookalike.difflm.latent.sampler import SIGMA_MAX, STEPS, angles, carried
from lookalike.difflm.training.threads import side_by_side

BLOCK = 2048  # latents that are denoised at once: more do not fit the cache of a processor
ACTIVE = 0.02  # variance of the posterior means over the rows above which a latent dimension is in use


class Prior(nn.Module):
    """Draws latents that are distributed like the encoded training rows.

    steps: of the solver, where a call names no others.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, size: int, config: DenoiserConfig, steps: int = STEPS):
        super().__init__()
        self.size, self.steps = size, steps
        self.denoiser = Denoiser(size, config)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("deviation", torch.ones(size))

    def fit_whitening(self, mean: Tensor, log_variance: Tensor) -> None:
        """Set whitening and active dimensions from the posteriors of the training rows, each (rows, size)."""
        self.mean.copy_(mean.mean(0))
        spread = mean.var(0, correction=0)
        self.deviation.copy_((spread + log_variance.exp().mean(0)).sqrt())
        self.denoiser.active.copy_(spread > ACTIVE)

    def whiten(self, latent: Tensor) -> Tensor:
        return (latent - self.mean) / self.deviation

    def sample(
        self, rows: int, generator: torch.Generator, steps: int | None = None, threads: int = 1
    ) -> Tensor:
        """(rows, size) fresh latents. threads: by which parts of them are made side by side."""
        noise = torch.randn(rows, self.size, generator=generator, device=self.mean.device)
        path = angles(steps or self.steps)
        return self._denoised(noise, path, threads, noise=True) * self.deviation + self.mean

    @torch.no_grad()
    def _denoised(self, noisy: Tensor, path: list[float], threads: int, noise: bool = False) -> Tensor:
        if not self.denoiser.active.any():  # all of it is N(0, 1), which the path keeps as it is
            return noisy
        drift = Drift(self.denoiser)
        parts = noisy.split(BLOCK)

        def own(part: Tensor, _: None = None) -> Tensor:
            return carried(drift, part, path, noise)

        if noisy.device.type != "cpu":
            return torch.cat([own(part) for part in parts])
        return torch.cat(list(side_by_side(own, parts, lambda: None, threads)))

    def vary(
        self,
        latent: Tensor,
        strength: float,
        generator: torch.Generator,
        steps: int | None = None,
        threads: int = 1,
    ) -> Tensor:
        """Latents like these: noised part-way and denoised (SDEdit, Meng et al. 2022, section 3).

        latent: (rows, size); strength in [0, 1]: 0 gives them back, at 1 nothing is left of them. threads: as
        of `sample`.
        """
        if strength == 0:
            return latent
        if strength == 1:
            return self.sample(len(latent), generator, steps, threads)
        path = angles(steps or self.steps, min(SIGMA_MAX, math.tan(strength * math.pi / 2)))
        noise = torch.randn(latent.shape, generator=generator, device=latent.device)
        noisy = math.cos(path[0]) * self.whiten(latent) + math.sin(path[0]) * noise
        return self._denoised(noisy, path, threads) * self.deviation + self.mean
