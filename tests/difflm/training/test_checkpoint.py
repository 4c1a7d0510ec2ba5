"""What was interrupted goes on, what was saved comes back, what is broken is named."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from lookalike.difflm import DiffLM
from lookalike.difflm.training.checkpoint import training_alone
from lookalike.difflm.training.rate import RateController
from lookalike.errors import ModelError


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"x": rng.normal(size=300), "kind": rng.choice(list("abc"), 300), "n": rng.integers(0, 9, 300)}
    )


TABLE = table()


class Killed(BaseException):
    """Nothing in the training may catch it, as nothing can catch a kill."""


def weights(model: DiffLM) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in [*model.vae.parameters(), *model.prior.parameters()]])


@pytest.fixture(scope="module")
def whole(quick) -> DiffLM:  # type: ignore[no-untyped-def]
    """The run that nothing interrupts."""
    return quick().fit(TABLE)


@pytest.fixture
def kill_at(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Have the training end at a step, with a checkpoint after every step."""
    update = RateController.update

    def set_to(step: int | None) -> None:
        calls = iter(range(1, 10_000))

        def count(self: RateController, rate: float) -> None:
            if next(calls) == step:
                raise Killed
            update(self, rate)

        monkeypatch.setattr("lookalike.difflm.training.loop.SECONDS", -1.0)
        monkeypatch.setattr(RateController, "update", count)

    return set_to


def test_a_killed_fit_goes_on_to_the_same_model(quick, whole: DiffLM, kill_at, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "checkpoint"
    for step in (14, 17):
        kill_at(step)
        with pytest.raises(Killed):
            quick().fit(TABLE, checkpoint=folder)
    state = json.loads((folder / "state.json").read_text())
    assert state["step"] == 13 + 16
    assert len(list(folder.glob("*.safetensors"))) == 1
    kill_at(40 - 29 + 1)  # were it to start anew it would be killed again
    resumed = quick().fit(TABLE, checkpoint=folder)
    assert torch.equal(weights(resumed), weights(whole))
    pd.testing.assert_frame_equal(resumed.sample(50, seed=0), whole.sample(50, seed=0))
    assert [e.get("bound") for e in resumed.history] == [e.get("bound") for e in whole.history]


def test_a_plan_that_was_shortened_stays_so_after_a_kill(  # type: ignore[no-untyped-def]
    quick, kill_at, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("lookalike.difflm.training.loop.SETTLED", 1e9)
    monkeypatch.setattr("lookalike.difflm.small.train.LARGE", 200)
    options = {"steps": 100, "rate": 0, "denoiser_steps": 2}
    expected = quick(**options).fit(TABLE)
    kill_at(50)  # it was shortened to 60 steps after 40
    with pytest.raises(Killed):
        quick(**options).fit(TABLE, checkpoint=tmp_path)
    kill_at(None)
    resumed = quick(**options).fit(TABLE, checkpoint=tmp_path)
    made = [next(e for e in one.history if "planned" in e)["steps"] for one in (expected, resumed)]
    assert made == [60, 60] and torch.equal(weights(resumed), weights(expected))


@pytest.mark.parametrize("change", ["table", "seed", "settings"])
def test_a_checkpoint_of_another_run_is_set_aside_and_found_again(  # type: ignore[no-untyped-def]
    quick, whole: DiffLM, kill_at, tmp_path: Path, change: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "checkpoint"
    kill_at(10)
    with pytest.raises(Killed):
        quick().fit(TABLE, checkpoint=folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    other = TABLE.iloc[::-1].reset_index(drop=True) if change == "table" else TABLE
    options = {"seed": {"seed": 1}, "settings": {"rate": 2.0}}.get(change, {})
    kill_at(None)
    fresh = quick(steps=4, denoiser_steps=2, **options).fit(other)
    again = quick(steps=4, denoiser_steps=2, **options)
    again.progress = True
    again.fit(other, checkpoint=folder)
    assert torch.equal(weights(fresh), weights(again))
    (aside,) = tmp_path.glob("checkpoint-*")
    assert {path.name: path.read_bytes() for path in aside.iterdir()} == before
    assert f"what was trained is kept in {aside}" in capsys.readouterr().err
    kill_at(40 - 9 + 1)  # were it to start anew it would be killed again
    resumed = quick().fit(TABLE, checkpoint=folder)
    assert torch.equal(weights(resumed), weights(whole)) and not aside.exists()


def test_two_trainings_do_not_share_a_checkpoint(quick, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with training_alone(tmp_path), pytest.raises(ModelError, match="at work in another process"):
        quick().fit(TABLE, checkpoint=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["json", "tensors", "gone"])
def test_a_damaged_checkpoint_is_started_anew(
    quick, whole: DiffLM, kill_at, tmp_path: Path, damage: str
) -> None:  # type: ignore[no-untyped-def]
    kill_at(10)
    with pytest.raises(Killed):
        quick().fit(TABLE, checkpoint=tmp_path)
    (tensors,) = tmp_path.glob("*.safetensors")
    if damage == "json":
        (tmp_path / "state.json").write_text('{"identity":')
    elif damage == "tensors":
        tensors.write_bytes(tensors.read_bytes()[:1000])
    else:
        tensors.unlink()
    kill_at(None)
    assert torch.equal(weights(quick().fit(TABLE, checkpoint=tmp_path)), weights(whole))


def test_time_spent_before_a_kill_counts(quick, kill_at, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    kill_at(10)
    with pytest.raises(Killed):
        quick(max_time=30).fit(TABLE, checkpoint=tmp_path)
    state = json.loads((tmp_path / "state.json").read_text())
    (tmp_path / "state.json").write_text(json.dumps({**state, "spent": 1000.0, "begun": 0.0}))
    kill_at(None)
    resumed = quick(steps=40, max_time=30).fit(TABLE, checkpoint=tmp_path)
    assert resumed.history[-1]["seconds"] > 1000
    assert not any(entry.get("step", 0) > 20 for entry in resumed.history)  # no time was left for more


def test_the_same_seed_gives_the_same_table(quick, whole: DiffLM) -> None:  # type: ignore[no-untyped-def]
    pd.testing.assert_frame_equal(quick().fit(TABLE).sample(60, seed=5), whole.sample(60, seed=5))
    assert not whole.sample(60, seed=5).equals(whole.sample(60, seed=6))
    assert not torch.equal(weights(quick(seed=1).fit(TABLE)), weights(whole))


def test_fitting_leaves_the_global_generators_alone(quick) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(7)
    np.random.seed(7)
    expected = torch.rand(3), np.random.rand(3)
    torch.manual_seed(7)
    np.random.seed(7)
    quick(steps=2, denoiser_steps=2).fit(TABLE).sample(5)
    assert torch.equal(torch.rand(3), expected[0]) and (np.random.rand(3) == expected[1]).all()


@pytest.fixture(scope="module")
def saved(whole: DiffLM, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "a" / "whole.model"
    whole.save(folder)
    return folder


def test_a_saved_model_comes_back(whole: DiffLM, saved: Path) -> None:
    loaded = DiffLM.load(saved)
    for options in ({}, {"where": {"kind": "a"}}, {"balance": "n"}, {"like": TABLE.iloc[:9]}):
        pd.testing.assert_frame_equal(
            loaded.sample(80, seed=0, **options), whole.sample(80, seed=0, **options)
        )
    np.testing.assert_array_equal(loaded.encode(TABLE), whole.encode(TABLE))
    assert repr(loaded.schema) == repr(whole.schema) and loaded.history == whole.history
    assert {path.suffix for path in saved.iterdir()} == {".json", ".safetensors"}  # never a pickle
    loaded.save(saved)  # onto itself
    pd.testing.assert_frame_equal(DiffLM.load(saved).sample(80, seed=0), whole.sample(80, seed=0))


def test_a_model_of_another_format_version_is_named(saved: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(saved, tmp_path / "old")
    facts = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**facts, "format": 99}))
    with pytest.raises(ModelError, match=r"model format 99\), and this version, .* 4 to 7.*\.$"):
        DiffLM.load(folder)


@pytest.mark.parametrize("name", ["model.json", "weights.safetensors", "codec.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "cut", "empty", "other"])
def test_an_incomplete_model_is_named(saved: Path, tmp_path: Path, name: str, damage: str) -> None:
    folder = shutil.copytree(saved, tmp_path / "broken")
    path = folder / name
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "other":
        path.write_bytes(
            (saved / ("codec" if "weights" in name else "weights")).with_suffix(".safetensors").read_bytes()
        )
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    with pytest.raises(ModelError, match=r"broken.*: .*\.$"):
        DiffLM.load(folder)


def test_what_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is not a folder.*\.$"):
        DiffLM.load(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"holds no finished model.*\.$"):
        DiffLM.load(tmp_path)


def test_a_model_that_cannot_be_written_leaves_the_earlier_one(
    whole: DiffLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"file cannot be written.*\.$"):
        whole.save(tmp_path / "file")
    folder = tmp_path / "model"
    whole.save(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.numpy.save_file", full)
    with pytest.raises(ModelError, match="No space left on device"):
        whole.save(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    with pytest.raises(ModelError, match="No space left on device"):
        whole.save(tmp_path / "new")
    with pytest.raises(ModelError, match="holds no finished model"):
        DiffLM.load(tmp_path / "new")


def test_a_checkpoint_that_cannot_be_written_is_told(quick, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"file cannot be written.*\.$"):
        quick().fit(TABLE, checkpoint=tmp_path / "file")
