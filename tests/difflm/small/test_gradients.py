"""A batch is learned in halves, side by side: what is learned is that of the whole batch."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from lookalike.codec import RecordCodec
from lookalike.difflm.small import gradients as own
from lookalike.difflm.small.batches import Encoded
from lookalike.difflm.small.sizes import VAEConfig
from lookalike.difflm.small.vae import VAE
from lookalike.difflm.training.config import TrainConfig
from lookalike.difflm.training.rows import random_first
from lookalike.difflm.training.threads import crew
from lookalike.table.inferring import infer

ROWS = 300


@pytest.fixture(scope="module")
def learned() -> tuple[VAE, Encoded]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=ROWS)
    parts = {f"x{i}": (x + rng.normal(size=ROWS)).round(2) for i in range(5)}
    table = pd.DataFrame(parts | {"kind": rng.choice(list("abc"), ROWS), "hours": rng.integers(0, 30, ROWS)})
    codec = RecordCodec.fit(table, infer(table))
    tokens, cells = map(torch.from_numpy, codec.encode(table))
    torch.manual_seed(0)
    vae = VAE(codec.slots, codec.columns, VAEConfig())
    with torch.no_grad():
        for weight in vae.parameters():
            weight.add_(torch.randn_like(weight) * 0.05)  # blocks begin as the identity
    return vae, Encoded(tokens, cells, vae.lengths(tokens))


def found(
    learned: tuple[VAE, Encoded], threads: int, beta: float = 0.5
) -> tuple[dict[str, Tensor], float, float]:
    """The gradients of all rows, by name, the bound and the rate."""
    vae, table = learned
    config, before = TrainConfig(), torch.get_num_threads()
    first = torch.from_numpy(random_first(len(table), len(vae.columns), config, np.random.default_rng(1)))
    torch.manual_seed(1)
    torch.set_num_threads(threads)
    try:
        with crew(own.HALVES) as pool:
            bound, rate = own.gradients(vae, table, first, config, beta, pool)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    return {k: p.grad.clone() for k, p in vae.named_parameters() if p.grad is not None}, bound, rate


def test_halves_teach_what_the_whole_batch_does(
    learned: tuple[VAE, Encoded], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert own.halved(*learned)
    halves, bound, rate = found(learned, 1)
    monkeypatch.setattr(own, "LEAST", 10**9)
    assert not own.halved(*learned)
    whole, same_bound, same_rate = found(learned, 1)
    assert bound == pytest.approx(same_bound, rel=1e-5) and rate == pytest.approx(same_rate, rel=1e-5)
    assert halves.keys() == whole.keys() and len(halves) > 20
    for name, one in halves.items():  # products are in bfloat16 on some processors
        assert float((one - whole[name]).norm()) <= 0.02 * float(whole[name].norm()) + 1e-6, name


def test_one_and_two_threads_find_the_same_bits(learned: tuple[VAE, Encoded]) -> None:
    (one, *facts), (two, *same) = found(learned, 1), found(learned, 2)
    assert facts == same and all(torch.equal(one[name], two[name]) for name in two)


def test_the_rate_has_its_weight(learned: tuple[VAE, Encoded]) -> None:
    (low, *facts), (high, *same) = found(learned, 1, 0.0), found(learned, 1, 2.0)
    assert facts == same  # the bound is that of beta = 1
    name = "encoder.posterior.weight"
    assert float((low[name] - high[name]).norm()) > 0.1 * float(low[name].norm())


def test_small_batches_and_texts_stay_whole(
    learned: tuple[VAE, Encoded], monkeypatch: pytest.MonkeyPatch
) -> None:
    vae, table = learned
    assert not own.halved(vae, table.of(torch.arange(own.HALVES * own.LEAST // table.tokens.shape[1])))
    with monkeypatch.context() as patch:
        patch.setattr(vae, "config", replace(vae.config, dropout=0.1))
        assert not own.halved(vae, table)
    monkeypatch.setattr(vae, "span_slots", [[0]])
    assert not own.halved(vae, table)


def test_what_a_half_raises_is_raised(learned: tuple[VAE, Encoded], monkeypatch: pytest.MonkeyPatch) -> None:
    vae, table = learned

    def broken(*_: object) -> None:
        raise MemoryError("no more")

    monkeypatch.setattr(vae, "order", broken)
    first = torch.zeros(len(table), len(vae.columns), dtype=torch.bool)
    with ThreadPoolExecutor(2) as pool, pytest.raises(MemoryError, match="no more"):
        own.gradients(vae, table, first, TrainConfig(), 1.0, pool)
