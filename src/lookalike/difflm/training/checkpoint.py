"""A folder that training can go on from after a kill: safetensors and JSON, replaced as a whole."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from lookalike.atomic import alone
from lookalike.errors import ModelError, first_line

STATE = "state.json"
SECONDS = 20.0  # between two checkpoints


class Checkpoint:
    """State of a training at `folder`; with folder None nothing is written or read.

    identity: what the training depends on (data, schema, settings). The state of another identity is moved to
    `aside`, a folder beside this one, where a training of that identity finds it; None where there was none.
    Raises ModelError where the folder cannot be written.
    """

    def __init__(self, folder: Path | None, identity: str):
        self.folder, self.identity = folder, identity
        self.state: dict[str, Any] = {}
        self.tensors: dict[str, Tensor] = {}
        self.aside: Path | None = None
        if folder is None:
            return
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._change_places(folder)
        try:
            state = json.loads((folder / STATE).read_text())
            if state["identity"] == identity:
                self.tensors = load_file(folder / state["tensors"])
                self.state = state
        except (OSError, ValueError, KeyError, TypeError, SafetensorError):
            self.state, self.tensors = {}, {}  # none yet, or a kill came in the middle of the first one

    def _change_places(self, folder: Path) -> None:
        """Moves a state of another identity aside, and one of this identity that was set aside back."""
        other = _identity_in(folder)
        own = _aside(folder, self.identity)
        if other == self.identity or (other is None and not own.is_dir()):
            return
        if other is not None:
            self.aside = _aside(folder, other)
            _move(folder, self.aside)
        if own.is_dir():
            _move(own, folder)
            own.rmdir()

    def save(self, tensors: dict[str, Tensor], **state: Any) -> None:
        """Replace the checkpoint. The JSON names its tensor file, so a kill leaves the old pair or the new
        one.
        """
        name = f"state-{state['stage']}-{state['step']}.safetensors"
        self.state = {**state, "identity": self.identity, "tensors": name}
        self.tensors = tensors
        if self.folder is None:
            return
        with writing(self.folder):
            save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()}, self.folder / name)
            temporary = self.folder / "state.json.tmp"
            temporary.write_text(json.dumps(self.state))
            os.replace(temporary, self.folder / STATE)
            for old in self.folder.glob("state-*.safetensors"):
                if old.name != name:
                    old.unlink()


@contextlib.contextmanager
def training_alone(folder: Path) -> Iterator[None]:
    """Keeps other processes from training with a folder. Raises ModelError where one does."""
    with contextlib.ExitStack() as stack:
        with writing(folder):
            free = stack.enter_context(alone(folder))
        if not free:
            raise ModelError(
                f"{folder} belongs to a training that is at work in another process: wait until it ends, or "
                "choose another folder."
            )
        yield


def _identity_in(folder: Path) -> str | None:
    """Whose state a folder holds; None where it holds none that is whole."""
    try:
        state = json.loads((folder / STATE).read_text())
        return str(state["identity"]) if (folder / state["tensors"]).is_file() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _aside(folder: Path, identity: str) -> Path:
    return folder.with_name(f"{folder.name}-{identity[:8]}")


def _move(folder: Path, to: Path) -> None:
    """Moves the files of a state, the JSON that names the others last."""
    to.mkdir(exist_ok=True)
    for path in [*folder.glob("state-*.safetensors"), folder / STATE]:
        os.replace(path, to / path.name)


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns whatever keeps a folder from being written (a full disk, say) into a ModelError."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise ModelError(
            f"{folder} cannot be written ({reason}): choose another folder or free some space."
        ) from None


def pack(module: nn.Module, optimizers: list[torch.optim.Optimizer], prefix: str) -> dict[str, Tensor]:
    """Weights and optimizer states under one flat set of names."""
    tensors = {f"{prefix}.weight.{k}": v for k, v in module.state_dict().items()}
    for i, optimizer in enumerate(optimizers):
        for j, values in optimizer.state_dict()["state"].items():
            for name, value in values.items():
                tensors[f"{prefix}.optimizer.{i}.{j}.{name}"] = torch.as_tensor(value)
    return tensors


def unpack(
    module: nn.Module, optimizers: list[torch.optim.Optimizer], prefix: str, tensors: dict[str, Tensor]
) -> None:
    """Put back what `pack` gave."""
    start = f"{prefix}.weight."
    module.load_state_dict({k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)})
    for i, optimizer in enumerate(optimizers):
        groups = optimizer.param_groups
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith(f"{prefix}.optimizer.{i}."):
                j, name = key.removeprefix(f"{prefix}.optimizer.{i}.").split(".", 1)
                state.setdefault(int(j), {})[name] = value
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
        optimizer.param_groups = groups  # not copies of them: the caller's schedule sets their learning rates
