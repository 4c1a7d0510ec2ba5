"""The number of threads follows the time that steps take; a table's model does not depend on it."""

import math
import threading

import numpy as np
import pandas as pd
import pytest
import torch

from lookalike.difflm import DiffLM
from lookalike.difflm.norm import LayerNorm, clip_gradients
from lookalike.difflm.training import threads
from lookalike.difflm.training.threads import Threads, side_by_side
from lookalike.errors import OptionError


class Machine:
    """Seconds of a step by the number of threads, on a clock of its own."""

    def __init__(self, chosen: Threads, costs: dict[int, float], monkeypatch: pytest.MonkeyPatch):
        self.chosen, self.costs, self.now, self.steps = chosen, costs, 100.0, 0
        self.used: list[int] = []
        self.free = True  # what a look at the cores says
        monkeypatch.setattr(Threads, "_are_free", lambda own, count: self.free)
        monkeypatch.setattr(threads, "perf_counter", lambda: self.now)
        monkeypatch.setattr(torch, "set_num_threads", self.used.append)
        monkeypatch.setattr(torch, "get_num_threads", lambda: self.used[-1] if self.used else 0)

    def run(self, seconds: float, work: float = 1.0) -> float:
        """Steps a second in so many seconds."""
        begin, steps = self.now, 0
        while self.now < begin + seconds:
            self.chosen.begin()
            self.now += work * self.costs[self.used[-1]]
            self.chosen.end(work)
            steps += 1
        return steps / (self.now - begin)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    def make(most: int, costs: dict[int, float]) -> Machine:
        monkeypatch.setattr(torch, "get_num_threads", lambda: most)
        return Machine(Threads(), costs, monkeypatch)

    return make


QUIET, BUSY = {1: 0.040, 2: 0.030}, {1: 0.042, 2: 0.400}


def test_a_quiet_machine_gets_all_its_cores(machine) -> None:  # type: ignore[no-untyped-def]
    one = machine(2, QUIET)
    with one.chosen.used():
        assert one.run(60) > 0.98 / QUIET[2]  # the trials cost less than 2%
        assert one.chosen.now == 2


@pytest.mark.parametrize("seen", [True, False])
def test_beside_a_busy_neighbour_one_thread_is_left(machine, seen: bool) -> None:  # type: ignore[no-untyped-def]
    one = machine(2, BUSY)
    one.free = not seen
    with one.chosen.used():
        assert one.run(60) > (0.99 if seen else 0.9) / BUSY[1]
        assert one.chosen.now == 1
    assert (2 in one.used) is not seen  # where a look at the cores tells, no step is spent on it


def test_it_follows_a_machine_that_changes(machine) -> None:  # type: ignore[no-untyped-def]
    one = machine(2, dict(QUIET))
    with one.chosen.used():
        one.run(60)
        one.costs.update(BUSY)
        assert one.run(60) > 0.9 / BUSY[1]  # it sees at once that its steps have become slow
        assert one.chosen.now == 1
        one.costs.update(QUIET)
        one.run(threads.LONGEST + 5)  # that more threads would be faster, it has to try
        assert one.chosen.now == 2


def test_more_threads_than_help_are_not_taken(machine) -> None:  # type: ignore[no-untyped-def]
    one = machine(16, {1: 0.040, 2: 0.022, 4: 0.015, 8: 0.0148, 16: 0.030})
    with one.chosen.used():
        one.run(60)
        assert one.chosen.now == 4


def test_steps_of_different_sizes_are_compared_by_their_work(machine) -> None:  # type: ignore[no-untyped-def]
    one = machine(2, QUIET)
    rng = np.random.default_rng(0)
    with one.chosen.used():
        for _ in range(300):
            one.run(0.01, work=float(rng.uniform(0.2, 3.0)))
        assert one.chosen.now == 2


def test_a_number_that_was_asked_for_is_kept(machine) -> None:  # type: ignore[no-untyped-def]
    one = machine(2, BUSY)
    one.chosen = Threads(2)
    with one.chosen.used():
        one.run(20)
    assert set(one.used) == {2, 0}  # and at the end what was there before


def test_the_cores_are_looked_at_by_the_first_step_alone(machine) -> None:  # type: ignore[no-untyped-def]
    one = machine(2, QUIET)
    one.chosen.restart()
    assert one.chosen.now == 1 and one.chosen.most == 2  # what is done side by side needs no look
    one.chosen.begin()
    assert one.chosen.now == 2
    one.chosen.restart()
    one.free = False
    one.chosen.begin()
    assert one.chosen.now == 1


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "two", True])
def test_what_is_no_number_of_threads(wrong: object) -> None:
    with pytest.raises(OptionError, match="threads is"):
        DiffLM(threads=wrong)  # type: ignore[arg-type]


def test_torch_has_its_threads_back_after_a_fit(quick, table: pd.DataFrame) -> None:  # type: ignore[no-untyped-def]
    before = torch.get_num_threads()
    quick(1, 1, threads=before + 1).fit(table.head(40)).sample(5)
    assert torch.get_num_threads() == before


@pytest.fixture
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    return pd.DataFrame(
        {"x": x.round(3), "y": (x + rng.normal(size=400)).round(3), "c": rng.choice(list("abc"), 400)}
    )


def test_one_and_two_threads_learn_the_same_model(quick, table: pd.DataFrame) -> None:  # type: ignore[no-untyped-def]
    made = []
    for number in (1, 2):
        model = quick(5, 3, threads=number).fit(table)
        made.append((model.vae.state_dict(), model.prior.state_dict(), model.sample(300, seed=1)))
    for a, b in zip(made[0][:2], made[1][:2], strict=True):
        assert all(torch.equal(a[name], b[name]) for name in a)
    pd.testing.assert_frame_equal(made[0][2], made[1][2])


def test_the_layer_norm_is_that_of_torch() -> None:
    torch.manual_seed(0)
    own, theirs = LayerNorm(8), torch.nn.LayerNorm(8)
    for norm in (own, theirs):
        torch.nn.init.normal_(norm.weight, generator=torch.Generator().manual_seed(1))
    x = torch.randn(5, 7, 8)
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    for norm, given in zip((own, theirs), inputs, strict=True):
        norm(given).sin().sum().backward()
    assert own.weight.grad is not None and theirs.weight.grad is not None
    assert torch.allclose(own.weight.grad, theirs.weight.grad, atol=1e-5)
    assert torch.allclose(own.bias.grad, theirs.bias.grad, atol=1e-5)
    assert inputs[0].grad is not None and inputs[1].grad is not None
    assert torch.allclose(inputs[0].grad, inputs[1].grad, atol=1e-6)


@pytest.mark.parametrize("most", [0.5, 1e6])
def test_gradients_are_clipped_as_torch_does(most: float) -> None:
    torch.manual_seed(0)
    shapes = [(3, 4), (5,), (2, 3, 4), ()]
    pairs = [[torch.nn.Parameter(torch.zeros(shape)) for shape in shapes] for _ in range(2)]
    for one, two in zip(*pairs, strict=True):
        one.grad = torch.randn(one.shape)
        two.grad = one.grad.clone()
    clip_gradients(pairs[0], most)
    norm = torch.nn.utils.clip_grad_norm_(pairs[1], most)
    assert math.isfinite(float(norm))
    for one, two in zip(*pairs, strict=True):
        assert one.grad is not None and two.grad is not None
        assert torch.allclose(one.grad, two.grad, rtol=1e-4)


@pytest.mark.parametrize("count", [1, 3])
def test_parts_are_made_side_by_side_and_come_in_order(count: int) -> None:
    before = torch.get_num_threads()
    both = threading.Barrier(count)  # broken unless so many parts are made at once
    desks: list[list[int]] = []

    def desk() -> list[int]:
        desks.append([])
        return desks[-1]

    def work(part: int, own: list[int]) -> tuple[int, int]:
        both.wait(20)
        own.append(part)
        return part * part, torch.get_num_threads()

    assert list(side_by_side(work, range(6), desk, count)) == [(part * part, 1) for part in range(6)]
    assert torch.get_num_threads() == before
    assert len(desks) == count and sorted(part for own in desks for part in own) == list(range(6))


def test_what_a_part_raises_is_raised() -> None:
    def work(part: int, own: None) -> float:
        return 1 / (part - 1)

    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError):
        list(side_by_side(work, range(4), lambda: None, 2))
    assert torch.get_num_threads() == before
