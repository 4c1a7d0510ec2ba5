"""Gradients of a batch in two halves: the same bits by one process, by two, and where the partner fails."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from lookalike.codec import RecordCodec
from lookalike.difflm.halves import halved
from lookalike.difflm.small import gradients, partner
from lookalike.difflm.small.batches import Encoded
from lookalike.difflm.small.gradients import Learner, Part, in_halves
from lookalike.difflm.small.partner import Partner
from lookalike.difflm.small.sizes import VAEConfig
from lookalike.difflm.small.train import _based
from lookalike.difflm.small.vae import VAE
from lookalike.difflm.training.config import TrainConfig
from lookalike.difflm.training.threads import PARTNER, Threads
from lookalike.table.inferring import infer
from tests.paths import ROOT, SRC

ROWS, BATCH = 400, 251
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        **{name: RNG.integers(1, most, ROWS) for name, most in {"month": 12, "hour": 23}.items()},
        **{f"number {c}": RNG.normal(size=ROWS).round(2) for c in range(3)},
        **{f"name {c}": RNG.choice(list("abcde"), ROWS) for c in range(4)},
    }
)
CODEC = RecordCodec.fit(TABLE, infer(TABLE))
TOKENS, CELLS = (torch.from_numpy(array.astype(np.int16)) for array in CODEC.encode(TABLE))


def made(**config: object) -> tuple[VAE, Encoded]:
    """A network that says something, and the rows that it learns."""
    torch.manual_seed(0)
    vae = VAE(CODEC.slots, CODEC.columns, VAEConfig(**config))  # type: ignore[arg-type]
    table = Encoded(TOKENS, CELLS, vae.lengths(TOKENS), _based(vae, TOKENS, CELLS, 0))
    if vae.axis is not None:
        vae.axis.lay(TOKENS, CELLS)
    for weight in vae.parameters():
        weight.data += 0.02 * torch.randn(weight.shape)
    return vae.train(), table


def part_of(vae: VAE, table: Encoded, seed: int = 0) -> Part:
    """A batch."""
    rng = torch.Generator().manual_seed(seed)
    rows = torch.randperm(ROWS, generator=rng)[:BATCH]
    first = torch.rand(BATCH, len(vae.columns), generator=rng) < 0.2
    return Part(
        table.of(rows), first, torch.randn(BATCH, vae.latent_size, generator=rng), BATCH, 0.7 + seed % 3
    )


def found(vae: VAE, *parts: Part) -> tuple[list[Tensor | None], list[float]]:
    """The gradients of parts, one after the other, and what they return, added up."""
    vae.zero_grad(set_to_none=True)
    terms = [part.learn(vae) for part in parts]
    return [weight.grad for weight in vae.parameters()], [sum(one) for one in zip(*terms, strict=True)]


@pytest.mark.parametrize(
    "config",
    [{}, {"based": True}, {"axis": (0, 1), "knots": 16}, {"axis": (0, 1), "knots": 16, "based": True}],
    ids=["plain", "based", "time", "both"],
)
def test_a_batch_read_at_once_has_the_gradients_of_its_halves(config: dict[str, object]) -> None:
    vae, table = made(**config)
    whole = part_of(vae, table)
    with halved(BATCH):
        gradients_at_once, terms = found(vae, whole)
    one_by_one, others = found(vae, whole.of(slice(126)), whole.of(slice(126, None)))
    plain, _ = found(vae, whole)
    assert terms == others
    for name, a, b, c in zip(dict(vae.named_parameters()), gradients_at_once, one_by_one, plain, strict=True):
        assert (a is None) == (b is None) == (c is None), name
        if a is not None and b is not None and c is not None:
            assert torch.equal(a, b), name
            assert torch.allclose(a, c, atol=2e-3, rtol=2e-2), name


def test_small_batches_and_other_injections_are_not_halved() -> None:
    config = TrainConfig()
    assert in_halves(made()[0], BATCH, config)
    assert not in_halves(made()[0], 100, config)
    assert not in_halves(made()[0], BATCH, replace(config, slots_most=500))
    for other in ({"injection": "kv_memory"}, {"injection": "input_embed"}, {"dropout": 0.1}):
        assert not in_halves(made(**other)[0], BATCH, config)


# ---- with a partner ----------------------------------------------------------------------------------------


class Together(Threads):
    """The partner is asked whenever there is one."""

    @property
    def with_partner(self) -> bool:
        return PARTNER in self.counts

    may_join = True


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Learner]]:
    """Learners that are ended, however a test ends."""
    monkeypatch.setattr(partner, "PATIENCE", 600.0)
    learners: list[Learner] = []
    yield learners
    for one in learners:
        one.end()


def learner(started: list[Learner], seconds: float = 100.0) -> tuple[Learner, Encoded]:
    vae, table = made()
    one = Learner(vae, TrainConfig(), Together(1))
    started.append(one)
    one.begin(BATCH, gradients.STEPS, seconds)
    return one, table


def step(own: Learner, table: Encoded, seed: int) -> tuple[float, float]:
    """One of plain gradient descent."""
    whole = part_of(own.vae, table, seed)
    torch.manual_seed(seed)
    said = own.learn(whole.records, whole.first, whole.beta)
    with torch.no_grad():
        for weight in own.vae.parameters():
            if weight.grad is not None:
                weight -= 1e-3 * weight.grad
    return said


def joined(own: Learner, table: Encoded) -> int:
    """Wait for the partner; the number of its process."""
    assert own._partner is not None
    own._is_ready(part_of(own.vae, table), own._partner)
    while not own._partner.ready():
        time.sleep(0.01)
    return own._partner._process.pid


def gone(pid: int, seconds: float = 120.0) -> bool:
    """Whether a process ends in so many seconds; a dead one may still have to be waited for."""
    for _ in range(round(100 * seconds)):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def same(one: VAE, other: VAE) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_with_a_partner_and_after_its_death_the_same_is_learned(started: list[Learner]) -> None:
    alone, table = learner(started, seconds=1.0)
    assert alone._partner is None
    own, _ = learner(started)
    pid = joined(own, table)
    for seed in range(6):
        assert step(own, table, seed) == step(alone, table, seed)
        assert own._proven is (seed < 4)
        if seed == 3:
            os.kill(pid, signal.SIGKILL)
            gone(pid)
    assert own._partner is None and own.threads.counts == [1]
    assert same(own.vae, alone.vae)


@pytest.mark.parametrize("fails", ["memfd_create", "Popen"])
def test_where_no_partner_can_be_started_one_process_goes_on(
    fails: str, started: list[Learner], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError("no more memory")

    monkeypatch.setattr(os if fails == "memfd_create" else subprocess, fails, refused)
    before = len(os.listdir("/proc/self/fd"))
    own, table = learner(started)
    assert own._partner is None and len(os.listdir("/proc/self/fd")) == before
    assert step(own, table, 0)[0] > 0


def test_a_partner_that_computes_other_numbers_is_not_asked_again(
    started: list[Learner], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, table = learner(started, seconds=1.0)
    own, _ = learner(started)
    pid = joined(own, table)
    answer = Partner.answer

    def wrong(one: Partner) -> tuple[tuple[float, float], list[Tensor]]:
        said, theirs = answer(one)
        theirs[0][0] += 1e-6
        return said, theirs

    monkeypatch.setattr(Partner, "answer", wrong)
    assert step(own, table, 0) == step(alone, table, 0)
    assert own._partner is None and gone(pid) and same(own.vae, alone.vae)


def test_ctrl_c_ends_both_and_nothing_is_left(started: list[Learner]) -> None:
    before = len(os.listdir("/proc/self/fd"))
    own, table = learner(started)
    pid = joined(own, table)
    assert os.getsid(pid) == pid  # the terminal sends its signal to this session alone
    with pytest.raises(KeyboardInterrupt), own:
        step(own, table, 0)
        raise KeyboardInterrupt
    assert not os.path.exists(f"/proc/{pid}") and len(os.listdir("/proc/self/fd")) == before
    with open("/proc/self/maps", encoding="ascii") as file:
        own.vae.zero_grad()
        assert "memfd:lookalike" not in file.read()


CHILD = """
from tests.difflm.small.test_gradients import joined, learner
print(joined(*learner([])), flush=True)
input()
"""


def test_a_partner_ends_with_a_process_that_is_killed() -> None:
    environment = {**os.environ, "PYTHONPATH": f"{SRC}{os.pathsep}{ROOT}"}
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        pid = int(child.stdout.readline())
        assert os.path.exists(f"/proc/{pid}")
        child.kill()
        assert gone(pid)
