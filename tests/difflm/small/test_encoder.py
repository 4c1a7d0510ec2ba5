"""What the encoder pools, and the gradients of it."""

import torch

from lookalike.difflm.small.encoder import Encoder, _Pooled


def test_pools_and_their_gradients_are_those_of_einsum() -> None:
    torch.manual_seed(0)
    given = [torch.randn(9, 5, 8), torch.randn(5, 3, 8)]
    aim, results = torch.randn(9, 3, 8), []
    for pooled in (_Pooled.apply, lambda x, pool: torch.einsum("rsw,skw->rkw", x, pool)):
        own = [one.clone().requires_grad_() for one in given]
        out = pooled(*own)
        results.append([out.detach(), *torch.autograd.grad((out * aim).sum(), own)])
    for one, other in zip(*results, strict=True):
        assert one.shape == other.shape and torch.allclose(one, other, atol=1e-5)


def test_a_record_has_a_mean_and_a_variance_of_each_dimension() -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        mean, log_variance = Encoder(5, 8, 4, 3)(torch.randn(7, 5, 8))
    assert mean.shape == log_variance.shape == (7, 12)
    assert float(log_variance.min()) >= -8 and float(log_variance.max()) <= 4
