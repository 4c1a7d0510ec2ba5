"""What both training loops share: learning rate, validation, stopping rule, number of steps, checkpoints."""

from pathlib import Path

import pytest
import torch
from torch import nn

from lookalike.difflm.training.checkpoint import Checkpoint
from lookalike.difflm.training.config import TrainConfig
from lookalike.difflm.training.course import Clock
from lookalike.difflm.training.loop import Loop, plan_steps, seed_step
from lookalike.progress import bar
from lookalike.seed import child_seed


def loop_of(steps: int = 1000, folder: Path | None = None, rate: float = 4.0) -> Loop:
    module = nn.Linear(2, 1)
    nn.init.constant_(module.weight, 1.0)
    groups = [{"params": [module.weight], "lr": 0.5}, {"params": [module.bias], "lr": 0.25}]
    config = TrainConfig(rate=rate, patience=3, validations=10)
    return Loop(module, [torch.optim.AdamW(groups)], steps, config, Clock(None), Checkpoint(folder, "me"))


def test_the_best_weights_are_kept_and_patience_ends() -> None:
    loop = loop_of()
    for value, bound in enumerate((10.0, 8.0, 9.0, 8.0 - 1e-5, 8.5)):  # the fourth is no gain
        assert loop.patient()
        loop.judge(bound, {"weight": torch.tensor([float(value)])})
    assert loop.best == 8.0 and loop.best_weights["weight"].tolist() == [1.0]
    assert not loop.patient()
    loop.judge(7.0, {"weight": torch.tensor([9.0])})
    assert loop.patient() and loop.best_weights["weight"].tolist() == [9.0]


def test_later_weights_are_kept_while_they_are_hardly_worse() -> None:
    loop = loop_of()
    for value, bound in enumerate((10.0, 8.0, 8.7, 8.9, 9.0)):  # the last two are over a tenth above the best
        loop.judge(bound, {"weight": torch.tensor([float(value)])}, late=0.1)
    assert (loop.best, loop.waiting) == (8.0, 2) and loop.best_weights["weight"].tolist() == [2.0]


def test_kept_weights_do_not_change_with_the_model() -> None:
    loop = loop_of()
    loop.judge(1.0, loop.module.state_dict())
    with torch.no_grad():
        loop.module.weight.add_(5.0)
    assert loop.best_weights["weight"].tolist() == [[1.0, 1.0]]


def test_a_bound_counts_only_at_the_rate() -> None:
    loop = loop_of(rate=4.0)
    assert not loop.ready(3.1) and loop.ready(3.3) and loop.ready(9.0)
    assert loop_of(rate=0.0).ready(0.0)


@pytest.mark.parametrize(
    ("step", "bounds", "rates", "ends"),
    [
        (400, (22.10, 22.06), (4.0, 4.0), 600),
        (600, (22.10, 22.11), (4.0, 4.0), 800),
        (400, (22.10, 22.03), (4.0, 4.0), 1000),  # it still gains
        (400, (22.10, 22.06), (3.0, 4.0), 1000),  # not at its rate
        (300, (22.10, 22.06), (4.0, 4.0), 1000),  # too early
        (700, (22.10, 22.06), (4.0, 4.0), 1000),  # too late
        (400, (22.10,), (4.0,), 1000),
    ],
)
def test_a_plan_ends_early_once_held_rows_hardly_gain(
    step: int, bounds: tuple[float, ...], rates: tuple[float, ...], ends: int
) -> None:
    loop = loop_of(1000)
    loop.step = step
    for bound, rate in zip(bounds, rates, strict=True):
        loop.record(bound - rate, rate, 1.0)
    assert loop.settled() == ends


@pytest.mark.parametrize(("steps", "expected"), [(1000, 10), (40, 2), (15, 1)])
def test_validations_are_not_too_often_and_one_is_at_the_end(steps: int, expected: int) -> None:
    loop, found = loop_of(steps), []
    for loop.step in range(1, steps + 1):
        found += [loop.step] * loop.validates()
    assert len(found) == expected and found[-1] == steps


def test_every_group_has_its_own_learning_rate() -> None:
    loop = loop_of()
    for _ in range(2):  # it does not add up
        loop.set_learning_rate(0.5, 0.1)
    assert [group["lr"] for group in loop.optimizers[0].param_groups] == pytest.approx([0.025, 0.0125])


def test_the_running_loss_follows_slowly() -> None:
    loop = loop_of()
    with bar(1000, "x", progress=False) as shown:
        loop.count(100.0, 4.0, shown)
        loop.count(50.0, 4.0, shown)
    assert loop.running == pytest.approx(0.95 * 100 + 0.05 * 50) and loop.step == 2


@pytest.mark.parametrize(
    ("per_epoch", "limits", "expected"),
    [
        (100, (0.0, 1e9), 1000),  # ten epochs
        (1, (0.0, 1e9), 400),  # at least so many steps
        (10_000, (0.0, 1e9), 4000),  # at most so many
        (10_000, (3.0, 1e9), 30_000),  # but these many epochs
        (1, (0.0, 22.0), 22),
    ],
)
def test_steps_are_planned(per_epoch: int, limits: tuple[float, float], expected: int) -> None:
    assert plan_steps(per_epoch, 10.0, (400, 4000), limits) == expected


def test_a_loop_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    loop = loop_of(folder=tmp_path)
    assert loop.resume() == {}
    loop.module(torch.ones(1, 2)).sum().backward()
    loop.optimizers[0].step()
    loop.step, loop.waiting, loop.controller.log_beta = 7, 2, -0.5
    loop.record(60.0, 3.9, 0.6, tokens=5.0)
    loop.judge(63.9, loop.module.state_dict())
    loop.judge(70.0, {})
    loop.save({"mean.x": torch.ones(3)}, seen=11)
    again = loop_of(folder=tmp_path)
    assert again.resume()["seen"] == 11
    assert torch.equal(again.module.weight, loop.module.weight) and again.module.weight[0, 0] != 1
    assert (again.step, again.best, again.waiting) == (7, 63.9, 1)
    assert again.controller.log_beta == -0.5 and again.history == loop.history
    assert again.history[0]["bound"] == 63.9 and again.history[0]["tokens"] == 5.0
    assert torch.equal(again.best_weights["weight"], loop.best_weights["weight"])
    assert again.checkpoint.tensors["mean.x"].tolist() == [1.0] * 3
    again.set_learning_rate(0.5, 1.0)  # the groups are still those of the optimizer
    assert again.optimizers[0].param_groups[0]["lr"] == 0.25


def test_a_step_on_a_cpu_draws_as_torch_does_and_asks_no_other_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with torch.random.fork_rng([]):
        torch.manual_seed(child_seed(3, "step noise", 5))
        expected = torch.rand(4)
        monkeypatch.setattr(torch, "manual_seed", lambda seed: pytest.fail("every device was asked"))
        seed_step(3, 5, torch.device("cpu"))
        assert torch.equal(torch.rand(4), expected)
        seed_step(3, 6, torch.device("cpu"))
        assert not torch.equal(torch.rand(4), expected)
