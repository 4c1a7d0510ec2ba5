"""A run: the folder of a job, from which the job goes on after a kill, and what the job took.

config.toml         the options of the command that began it, without the key; none where Python began it
checkpoint/         the state of a training, until it is complete
ledger.sqlite       every reply of a language model, kept before it is used
accepted.jsonl      the rows that a language model has written, as far as they are
rejected.jsonl      what it wrote and was not taken, with the reason
decisions.json      why, by which check: on the accepted rows and, after them, the rejected ones
provenance.jsonl    of each accepted row: demonstration, attributes, prompt version, reply
summary.json        rows, seconds and peak memory; of a language model also calls, tokens, money, alarms;
                     and the figures of each run with the folder
report.html, .json  of the finished table
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike import options
from lookalike.arguments import path as path_of
from lookalike.atomic import alone, replace_text
from lookalike.errors import DataError, OptionError, UserError
from lookalike.files.databases import is_source, lasting
from lookalike.files.lines import count_lines
from lookalike.files.writing import write_table
from lookalike.progress import duration
from lookalike.synthesizer import Synthesizer, asks, learns

if TYPE_CHECKING:
    from lookalike.evaluate import Report
    from lookalike.evaluate.alone import Alone
    from lookalike.synthesizer import Asker

CONFIG, SUMMARY, CHECKPOINT = "config.toml", "summary.json", "checkpoint"
LEDGER, ACCEPTED, DECISIONS = "ledger.sqlite", "accepted.jsonl", "decisions.json"
WHY = ("stopped", "said", "failures")  # of a summary: why rows are missing
REPORTS = ("report.html", "report.json")
PATHS = (
    "real",
    "recipe",
    "out",
    "holdout",
    "report",
    "run",
    "templates",
    "schema",
)  # options that name files
LEFT_OUT = ("verb", "kept", "folder", "quiet", "dry_run", "header")  # of what is written to config.toml

Version = tuple[int, int] | None  # tells a file from the one that takes its place; None: there is none


@dataclass(frozen=True)
class Cost:
    """What a job took.

    seconds: since this process began with it. peak_memory: bytes that the process has held at most; None
    where the machine does not tell. calls, tokens_in, tokens_out, money: what all calls of the language model
    have taken so far by the server's own count, the failed ones and those of earlier runs with the ledger
    among them; known: replies that were read back. None where there is no language model, or no price.
    """

    rows: int
    seconds: float
    peak_memory: int | None
    calls: int | None = None
    known: int | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    money: float | None = None

    @classmethod
    def of(cls, synthesizer: Synthesizer, rows: int, seconds: float) -> Cost:
        basis = cls(rows, round(seconds, 2), peak_memory())
        if not asks(synthesizer):
            return basis
        facts, budget = synthesizer.summary(), synthesizer.llm.budget
        counted = {name: int(facts[name]) for name in ("calls", "known", "tokens_in", "tokens_out")}
        money = round(budget.cost(budget.spent), 6) if budget.priced else None
        money = facts.get("money", money)  # of several models, where there are
        return cls(basis.rows, basis.seconds, basis.peak_memory, **counted, money=money)

    def __str__(self) -> str:
        parts = [f"{duration(self.seconds)} in all"]
        if self.peak_memory is not None:
            parts.append(f"{_size(self.peak_memory)} of memory at most")
        if self.calls is not None:
            parts += [f"{self.calls:,} calls", f"{self.tokens_in:,} + {self.tokens_out:,} tokens"]
        if self.money is not None:
            parts.append(f"{self.money:,.2f} at the prices given")
        return ", ".join(parts)


class Run:
    """The folder of a job.

    folder: new, empty, or that of an earlier run. options: of the command that begins it, so that
    `lookalike resume` can give it again; None in Python, where the same call goes on. temporary: the folder
    goes when the job is complete, with all that is in it; else it stays, with a summary and the report.

    `print(run)` shows what the job brought and took. Raises OptionError for a folder that it cannot have.
    """

    def __init__(
        self, folder: str | Path, options: Mapping[str, Any] | None = None, temporary: bool = False
    ) -> None:
        self.folder = path_of("run", folder)
        self.options, self.temporary = options, temporary
        self.summary: dict[str, Any] = {}
        self._begun = False
        self._at = datetime.now().astimezone().isoformat(timespec="microseconds")
        self._earlier: str | None = None  # the options of the run that the folder held before
        _check(self.folder)

    @property
    def ledger(self) -> Path:
        """Where the replies of a language model are kept: the `ledger` of its `LLM`."""
        return self.folder / LEDGER

    @property
    def checkpoint(self) -> Path:
        """Where a training writes its state: the `checkpoint` of `DiffLM.fit`."""
        return self.folder / CHECKPOINT

    @property
    def reports(self) -> list[Path]:
        """Where the report is saved; nowhere for a temporary run."""
        return [] if self.temporary else [self.folder / name for name in REPORTS]

    @contextlib.contextmanager
    def begun(self) -> Iterator[None]:
        """The folder, with the options written down, while the job is at work; a block inside of it is the
        same job.

        A folder that a mistake has left without anything to go on from is removed again; an earlier run keeps
        its options where this one brings nothing. Raises OptionError where another process works with it.
        """
        if self._begun:
            yield
            return
        fresh = not self.folder.exists()
        with alone(self.folder) as free:
            if not free:
                raise OptionError(
                    f"{self.folder} belongs to a command that is at work: wait until it ends, or write to "
                    "another output."
                )
            with self._at_work(fresh):
                yield

    @contextlib.contextmanager
    def _at_work(self, fresh: bool) -> Iterator[None]:
        self._earlier, before = _text_of(self.folder / CONFIG), self._brought()
        if self.options is not None:
            options.write(self.folder / CONFIG, lasting_options(self.options))
        self._begun = True
        try:
            yield
        except UserError:
            if fresh and not any(self._brought()):
                shutil.rmtree(self.folder, ignore_errors=True)
            elif self._earlier is not None and self._brought() == before:
                replace_text(self.folder / CONFIG, self._earlier)
            raise
        finally:
            self._begun = False

    def keep(self, asker: Asker, cost: Cost, complete: bool = True) -> None:
        """Writes what a language model has written so far, and where it comes from.

        complete: it came to its end. Rows of an earlier run are not replaced by none, nor by fewer of a run
        that was stopped: that one has them still before it.
        """
        earlier = count_lines(self.folder / ACCEPTED) if (self.folder / ACCEPTED).exists() else 0
        if earlier and cost.rows < (1 if complete else earlier):
            self._say_why(asker, cost)
            return
        asker.decisions.save(self.folder / DECISIONS)
        for name in ("rejected", "provenance", "accepted"):
            write_table(getattr(asker, name), self.folder / f"{name}.jsonl")
        self._summarise(asker, cost)

    def end(self, synthesizer: Synthesizer, cost: Cost, report: Report | Alone) -> None:
        """The job is complete: its summary and the report are written, and what it no longer needs goes.

        After Ctrl-C in a training the checkpoint stays, so that the same job can go on with it.
        """
        stopped = learns(synthesizer) and synthesizer.stopped
        if learns(synthesizer) and not stopped and self.checkpoint.is_dir():
            shutil.rmtree(self.checkpoint)
        self._summarise(synthesizer, cost)
        for path in self.reports:
            report.save(path)
        if self.temporary and not stopped:
            self._remove()

    def __str__(self) -> str:
        return "\n".join(f"{name:<16}{text}" for name, text in _lines(self.summary).items())

    def _summarise(self, synthesizer: Synthesizer, cost: Cost) -> None:
        found: dict[str, Any] = {}
        if asks(synthesizer):
            found = synthesizer.summary()
        elif learns(synthesizer):
            found = {"shortfall": synthesizer.shortfall}
        self.summary = found | asdict(cost)
        self.summary["runs"] = self._runs(_facts(self.folder / SUMMARY), cost)
        if not self.temporary:
            text = json.dumps(self.summary, indent=2, ensure_ascii=False)
            replace_text(self.folder / SUMMARY, text)

    def _say_why(self, asker: Asker, cost: Cost) -> None:
        """Adds to the summary of the rows that stay why a later run has not replaced them."""
        earlier = _facts(self.folder / SUMMARY)
        now = {name: one for name, one in asker.summary().items() if name in WHY}
        found = earlier | now | {"runs": self._runs(earlier, cost)}
        replace_text(self.folder / SUMMARY, json.dumps(found, indent=2, ensure_ascii=False))

    def _runs(self, earlier: Mapping[str, Any], cost: Cost) -> list[dict[str, Any]]:
        """What each run with this folder brought and took, this one last; calls, tokens and money so far."""
        before = [one for one in earlier.get("runs", []) if one.get("begun") != self._at]
        return [*before, {"begun": self._at, **asdict(cost)}]

    def _brought(self) -> tuple[Version, Version]:
        """What there is to go on from: of the rows of a language model, and of a training."""
        return _version(self.folder / ACCEPTED), _version(self.checkpoint / "state.json")

    def _remove(self) -> None:
        """Removes what this run has written; what a run before it has left stays."""
        if not self.folder.is_dir():  # another process of the same output came to its end before
            return
        if {path.name for path in self.folder.iterdir()} <= {CONFIG}:
            shutil.rmtree(self.folder)
        elif self._earlier is not None:
            replace_text(self.folder / CONFIG, self._earlier)
        else:
            (self.folder / CONFIG).unlink(missing_ok=True)


def config(folder: str | Path) -> Path:
    """The options of a run, to give its command again.

    Raises DataError for a folder that is not a run, or one that a script has begun.
    """
    path = Path(folder) / CONFIG
    if path.is_file():
        return path
    if _holds_a_run(Path(folder)):
        raise DataError(f"{folder} was begun from Python, without a command: run the same script again.")
    raise DataError(f"{folder} is not a run: name the folder that  lookalike generate  has made (OUT.run).")


def peak_memory() -> int | None:
    """Bytes that this process has held at most so far; None on Windows, which does not tell."""
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024  # elsewhere it counts in kilobytes


def _check(folder: Path) -> None:
    """Raises OptionError where a run cannot have this folder: a file, or a folder of something else."""
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"{folder} is a file: a run is a folder, choose another with --run.")
    if folder.is_dir() and any(folder.iterdir()) and not _holds_a_run(folder):
        raise OptionError(f"{folder} holds other files: choose a new or an empty folder with --run.")
    if not folder.absolute().parent.is_dir():
        raise OptionError(f"{folder}: the folder {folder.parent} does not exist: make it first.")


def _holds_a_run(folder: Path) -> bool:
    return any((folder / name).exists() for name in (CONFIG, LEDGER, CHECKPOINT, SUMMARY))


def lasting_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a command as they are given again, from whatever folder: their paths are absolute."""
    kept = {name: value for name, value in values.items() if name not in LEFT_OUT and value is not False}
    paths = [name for name in PATHS if kept.get(name) not in (None, "-")]
    if os.path.isdir(kept.get("backbone") or ""):  # else its name on the Hugging Face hub
        paths.append("backbone")
    for name in [name for name in paths if is_source(kept[name])]:  # the password is asked for again
        paths.remove(name)
        kept[name] = lasting(kept[name])
    return kept | {name: os.path.abspath(kept[name]) for name in paths}


def _facts(path: Path) -> dict[str, Any]:
    """The summary of an earlier run; empty where there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _text_of(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _version(path: Path) -> Version:
    return (path.stat().st_ino, path.stat().st_mtime_ns) if path.exists() else None


def _size(count: int) -> str:
    """Bytes as a person says them: "412 MB", "1.3 GB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _lines(facts: Mapping[str, Any]) -> dict[str, str]:
    """A summary in a few lines, by what they are about."""
    lines: dict[str, str] = {}
    if "asked" in facts:
        lines |= _of_a_language_model(facts)
    elif "rows" in facts:
        lines["rows"] = f"{facts['rows']:,}"
    if facts.get("money") is not None:
        lines["money"] = f"{facts['money']:,.2f} so far, at the prices given"
    if "seconds" in facts:
        lines["time"] = duration(facts["seconds"])
    if facts.get("peak_memory") is not None:
        lines["memory"] = f"{_size(facts['peak_memory'])} at most"
    return lines


def _of_a_language_model(facts: Mapping[str, Any]) -> dict[str, str]:
    def counted(of: str) -> str:
        return ", ".join(f"{count:,} {name}" for name, count in facts[of].items()) or "none"

    lines = {
        "records": f"{facts['asked']:,} asked for, {facts['accepted']:,} accepted",
        "rejected": counted("rejected"),
        **({"made again": counted("again")} if facts.get("again") else {}),
        "failed calls": counted("failures"),
        **{f"no reply {number}": words for number, words in enumerate(facts["said"].values(), 1)},
        "replies": f"{facts['replies']:,}, of which {facts['known']:,} were read back",
        "calls": f"{facts['calls']:,} paid so far, the failed ones among them",
        "tokens": f"{facts['tokens_in']:,} in, {facts['tokens_out']:,} out",
    }
    if facts["coverage"] is not None:
        covered = f"{facts['demonstrations']:,} shown, which leave {facts['coverage']:.0%} of the variance"
        lines["demonstrations"] = f"{covered} of the real rows"
    if facts["classes_without_rows"]:
        lines["classes"] = f"nothing was written of {', '.join(facts['classes_without_rows'])}"
    for number, alarm in enumerate(facts["alarms"], 1):
        lines[f"alarm {number}"] = alarm
    if facts["stopped"]:
        lines["stopped"] = facts["stopped"]
    return lines
