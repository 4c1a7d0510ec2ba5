"""A run: the folder of a table that a language model writes, from which it can be resumed.

config.toml       the command's options, without the key
ledger.sqlite     every reply that was paid for
accepted.jsonl    the rows, as far as they are
rejected.jsonl    what was not taken, with the reason
provenance.jsonl  of each accepted row: demonstration, attributes, prompt version, call
report.html, .json  of the finished table
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike import options
from lookalike.errors import DataError, OptionError
from lookalike.io import write_table

if TYPE_CHECKING:
    from lookalike.llm import Request
    from lookalike.prompting import SynAlign

CONFIG, LEDGER = "config.toml", "ledger.sqlite"
PATHS = ("real", "out", "holdout", "report", "run", "templates")  # options that name files
LEFT_OUT = ("verb", "checkpoint", "quiet", "dry_run")
SHOWN = 3  # prompts of a dry run


def check(folder: Path) -> None:
    """Raises OptionError where a run cannot have this folder: a file, or a folder of something else."""
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"{folder} is a file: a run is a folder, choose another with --run.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / LEDGER).exists():
        raise OptionError(f"{folder} holds other files: choose a new or an empty folder with --run.")
    if not folder.absolute().parent.is_dir():
        raise OptionError(f"{folder}: the folder {folder.parent} does not exist: make it first.")


def ledger(folder: Path, make: bool) -> Path | None:
    """Where a run's replies are kept; None where there are none yet and none are to be made."""
    return folder / LEDGER if make or (folder / LEDGER).exists() else None


def begin(folder: Path, values: Mapping[str, Any]) -> None:
    """Writes the command's options down, its paths made absolute, so that it can be resumed from anywhere."""
    kept = {name: value for name, value in values.items() if name not in LEFT_OUT and value is not False}
    kept |= {name: os.path.abspath(kept[name]) for name in PATHS if kept.get(name)}
    options.write(folder / CONFIG, kept)


def config(folder: str | Path) -> Path:
    """The options of a run; raises DataError for a folder that is none."""
    path = Path(folder) / CONFIG
    if not path.is_file():
        raise DataError(
            f"{folder} is not a run: name the folder that  lookalike generate ... --llm  has made (OUT.run)."
        )
    return path


def keep(folder: Path, writer: SynAlign) -> None:
    """Writes what has been accepted and rejected so far, and where it comes from."""
    for name in ("accepted", "rejected", "provenance"):
        write_table(getattr(writer, name), folder / f"{name}.jsonl")


def shown(requests: Sequence[Request]) -> str:
    """The first prompts of a run, one below the other."""
    parts = []
    for number, request in enumerate(requests[:SHOWN], 1):
        assert not isinstance(request.messages, str)
        messages = [f"[{one['role']}]\n{one['content']}" for one in request.messages]
        parts.append("\n\n".join([f"--- prompt {number} ---", *messages]))
    return "\n\n".join(parts)


def told(writer: SynAlign) -> str:
    """What a run has taken and what became of it, in a few lines."""
    return json.dumps(writer.summary(), indent=2, ensure_ascii=False)
