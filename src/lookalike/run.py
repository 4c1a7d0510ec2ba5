"""A run: the folder of a table that a language model writes, from which it can be resumed.

config.toml       the command's options, without the key
ledger.sqlite     every reply that was paid for
accepted.jsonl    the rows, as far as they are
rejected.jsonl    what was not taken, with the reason
provenance.jsonl  of each accepted row: demonstration, attributes, prompt version, call
summary.json      how many were asked for, accepted, rejected and why; calls, tokens, alarms
report.html, .json  of the finished table
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike import options
from lookalike.atomic import replace_text
from lookalike.errors import DataError, LLMError, OptionError, UserError
from lookalike.files.lines import count_lines
from lookalike.files.writing import write_table

if TYPE_CHECKING:
    from lookalike.llm import Request
    from lookalike.prompting import SynAlign

CONFIG, LEDGER, ACCEPTED = "config.toml", "ledger.sqlite", "accepted.jsonl"
PATHS = ("real", "out", "holdout", "report", "run", "templates")  # options that name files
LEFT_OUT = ("verb", "checkpoint", "quiet", "dry_run")
SHOWN = 3  # prompts of a dry run


def check(folder: Path) -> None:
    """Raises OptionError where a run cannot have this folder: a file, or a folder of something else."""
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"{folder} is a file: a run is a folder, choose another with --run.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / CONFIG).exists():
        raise OptionError(f"{folder} holds other files: choose a new or an empty folder with --run.")
    if not folder.absolute().parent.is_dir():
        raise OptionError(f"{folder}: the folder {folder.parent} does not exist: make it first.")


@contextlib.contextmanager
def begun(folder: Path, values: Mapping[str, Any]) -> Iterator[Path | None]:
    """A run's folder with its options written down, their paths made absolute, so that it can be resumed from
    anywhere; gives the path of its ledger, None for a dry run of nothing yet.

    A folder that a mistake has left without a reply is removed again; an earlier run keeps its options where
    this one brings it no row.
    """
    if values["dry_run"]:
        yield folder / LEDGER if (folder / LEDGER).exists() else None
        return
    fresh = not folder.exists()
    folder.mkdir(exist_ok=True)
    earlier, before = _text_of(folder / CONFIG), _version(folder / ACCEPTED)
    kept = {name: value for name, value in values.items() if name not in LEFT_OUT and value is not False}
    kept |= {name: os.path.abspath(kept[name]) for name in PATHS if kept.get(name) not in (None, "-")}
    options.write(folder / CONFIG, kept)
    try:
        yield folder / LEDGER
    except UserError:
        if fresh and not (folder / ACCEPTED).exists():
            shutil.rmtree(folder, ignore_errors=True)
        elif earlier is not None and _version(folder / ACCEPTED) == before:
            replace_text(folder / CONFIG, earlier)
        raise


def _text_of(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _version(path: Path) -> tuple[int, int] | None:
    """Tells a file from the one that takes its place."""
    return (path.stat().st_ino, path.stat().st_mtime_ns) if path.exists() else None


def config(folder: str | Path) -> Path:
    """The options of a run; raises DataError for a folder that is none."""
    path = Path(folder) / CONFIG
    if not path.is_file():
        raise DataError(
            f"{folder} is not a run: name the folder that  lookalike generate ... --llm  has made (OUT.run)."
        )
    return path


def keep(folder: Path, writer: SynAlign, whole: bool = True) -> None:
    """Writes what has been accepted and rejected so far, and where it comes from.

    whole: the run came to its end. Rows of an earlier run are not replaced by none, nor by fewer of a run
    that was stopped: that one has them still before it.
    """
    accepted = writer.accepted
    earlier = count_lines(folder / ACCEPTED) if (folder / ACCEPTED).exists() else 0
    if earlier and len(accepted) < (1 if whole else earlier):
        return
    for name in ("rejected", "provenance", "accepted"):
        write_table(getattr(writer, name), folder / f"{name}.jsonl")
    replace_text(folder / "summary.json", json.dumps(writer.summary(), indent=2, ensure_ascii=False))


def nothing(writer: SynAlign, out: str) -> LLMError:
    """Why a run has brought no row at all, with what the endpoint said."""
    facts = writer.summary()
    why = [*list(facts["said"].values())[:1], *([facts["stopped"]] if facts["stopped"] else [])]
    said = "; ".join(dict.fromkeys(one.rstrip(".") for one in why)) or "the model wrote none"
    return LLMError(f"no record was accepted, so {out} is not written: {said}.")


def shown(requests: Sequence[Request]) -> str:
    """Some prompts of a run, one below the other: one of each kind first."""
    kinds = {tuple((request.schema or {}).get("properties", ())): request for request in reversed(requests)}
    some = list(dict.fromkeys(id(request) for request in [*reversed(kinds.values()), *requests]))[:SHOWN]
    parts = []
    for number, request in enumerate([one for one in requests if id(one) in some][:SHOWN], 1):
        assert not isinstance(request.messages, str)
        messages = [f"[{one['role']}]\n{one['content']}" for one in request.messages]
        parts.append("\n\n".join([f"--- prompt {number} ---", *messages]))
    return "\n\n".join(parts)


def told(writer: SynAlign) -> str:
    """What a run has taken and what became of it, in a few lines."""
    facts = writer.summary()

    def counted(of: str) -> str:
        return ", ".join(f"{count:,} {name}" for name, count in facts[of].items()) or "none"

    lines = {
        "records": f"{facts['asked']:,} asked for, {facts['accepted']:,} accepted",
        "rejected": counted("rejected"),
        "failed calls": counted("failures"),
        **{f"no reply {number}": words for number, words in enumerate(facts["said"].values(), 1)},
        "calls": f"{facts['calls']:,}, of which {facts['known']:,} were read back",
        "tokens": f"{facts['tokens_in']:,} in, {facts['tokens_out']:,} out",
    }
    if facts["coverage"] is not None:
        covered = f"{facts['demonstrations']:,} shown, which leave {facts['coverage']:.0%} of the variance"
        lines["demonstrations"] = f"{covered} of the real rows"
    for number, alarm in enumerate(facts["alarms"], 1):
        lines[f"alarm {number}"] = alarm
    if facts["stopped"]:
        lines["stopped"] = facts["stopped"]
    return "\n".join(f"{name:<16}{text}" for name, text in lines.items())
