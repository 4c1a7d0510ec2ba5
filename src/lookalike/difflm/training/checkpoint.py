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

from lookalike.errors import ModelError, first_line

SECONDS = 20.0  # between two checkpoints


class Checkpoint:
    """State of a training at `folder`; with folder None nothing is written or read.

    identity: what the training depends on (data, schema, settings); a folder of another identity is started
    anew. Raises ModelError where the folder cannot be written.
    """

    def __init__(self, folder: Path | None, identity: str):
        self.folder, self.identity = folder, identity
        self.state: dict[str, Any] = {}
        self.tensors: dict[str, Tensor] = {}
        if folder is None:
            return
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        try:
            state = json.loads((folder / "state.json").read_text())
            if state["identity"] == identity:
                self.tensors = load_file(folder / state["tensors"])
                self.state = state
        except (OSError, ValueError, KeyError, TypeError, SafetensorError):
            self.state, self.tensors = {}, {}  # none yet, or a kill came in the middle of the first one

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
            os.replace(temporary, self.folder / "state.json")
            for old in self.folder.glob("state-*.safetensors"):
                if old.name != name:
                    old.unlink()


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
