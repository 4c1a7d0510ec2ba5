"""What `generate` curates: rows drawn until as many are left as were asked for, and what is kept on disk."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.arguments import shown
from lookalike.errors import OptionError
from lookalike.progress import say

if TYPE_CHECKING:
    import pandas as pd

    from lookalike.decisions import Decisions
    from lookalike.table.schema import Schema

Curation = bool | Collection[str] | Mapping[str, Any]  # what `generate` takes as curate

SPARE, FEW = 1.05, 5  # times the rows that are wanted, and some more, are drawn at first
TURNS, MOST_OVER = 3, 10  # draws; times the rows that are wanted, at most
OPTIONS = (
    "only",
    "without",
    "near",
    "method",
    "doubt",
    "embed",
    "text",
    "label",
)  # of `curate` that `generate` takes


@dataclasses.dataclass(frozen=True)
class CuratedRows:
    """kept: the rows that are left. drawn: those that were looked at, which `decisions` are on. note: a
    sentence where fewer rows are left than were asked for, else None.
    """

    kept: pd.DataFrame
    drawn: pd.DataFrame
    decisions: Decisions
    note: str | None = None

    def sentence(self) -> str:
        """What was decided, for the report."""
        counts = {check: of["drop"] for check, of in self.decisions.counts().items() if "drop" in of}
        named = ", ".join(f"{check} {rows:,}" for check, rows in counts.items())
        gone = f": {named}" if named else ""
        basis = f"curated: {len(self.kept):,} of {len(self.drawn):,} rows are kept{gone}"
        return f"{basis}." if self.note is None else f"{basis}; {self.note}"


def options_of(asked: Curation, schema: Schema, label: Any, texts: list[Any] | None) -> dict[str, Any] | None:
    """The options of `curate` that are asked for; None for no curation. asked: True is its usual checks, a
    list names the checks, a dict gives options by name.

    label: the column of classes, texts: those of text, where a synthesizer or a target names them. Raises
    OptionError for what `curate` would not take, before any work.
    """
    if asked is False or asked is None:
        return None
    if isinstance(asked, Mapping):
        wrong = [name for name in asked if name not in OPTIONS]
        if wrong:
            raise OptionError(
                f"curate has the option {shown(wrong[0])}: choose from {', '.join(OPTIONS)}, or write True."
            )
        found = dict(asked)
    elif asked is True:
        found = {}
    elif isinstance(asked, Collection):
        found = {"only": asked}
    else:
        raise OptionError(f"curate is {shown(asked)}: write True, names of checks, or a dict of options.")
    if label is not None and schema[label].is_categorical:
        found.setdefault("label", label)
    if texts is not None and len(texts) == 1:
        found.setdefault("text", texts[0])
    from lookalike.curate.curating import check_options

    check_options(found, schema.kept)
    return found


def curated(
    draw: Callable[[int], pd.DataFrame],
    n: int,
    more: bool,
    real: pd.DataFrame,
    schema: Callable[[], Schema],
    options: Mapping[str, Any],
    seed: int,
    progress: bool,
) -> CuratedRows:
    """n rows of what `draw(rows)` gives, those that `curate` keeps.

    more: whether more rows than n may be drawn, which costs little; else as many are left as are kept of n.
    Each turn draws afresh, so that ids stay unique. real, schema: of the rows that were learned; the schema
    is asked for once there is one.
    """
    from lookalike.curate import curate

    wanted = math.ceil(n * SPARE) + FEW if more else n
    for turn in range(TURNS):
        drawn = draw(wanted)
        kept, decisions = curate(
            drawn,
            real[[name for name in drawn.columns if name in real.columns]],
            schema=_of_columns(schema(), drawn),
            seed=seed,
            progress=progress,
            **options,
        )
        if not more or len(kept) >= n or turn == TURNS - 1 or wanted >= MOST_OVER * n:
            break
        rate = max(len(kept) / max(len(drawn), 1), 1 / MOST_OVER)
        wanted = min(max(math.ceil(n * SPARE / rate) + FEW, wanted + 1), MOST_OVER * n)
        say(
            f"{len(kept):,} of {len(drawn):,} rows are kept: drawing {wanted:,} for {n:,} to be left",
            progress=progress,
        )
    if len(kept) > n:  # the drawn rows end where enough are kept
        end = decisions.left()[n - 1] + 1
        drawn, decisions = drawn.iloc[:end], decisions.until(end)
        kept = decisions.apply(drawn)
    return CuratedRows(kept, drawn, decisions, _note(kept, drawn, decisions, n, more))


def _note(kept: pd.DataFrame, drawn: pd.DataFrame, decisions: Decisions, n: int, more: bool) -> str | None:
    if len(kept) >= n:
        return None
    worst = next((check for check, actions in decisions.counts().items() if "drop" in actions), None)
    why = "" if worst is None else f", most dropped by the check '{worst}'"
    advice = "" if more else ": ask for more rows, as those of this synthesizer are not drawn again"
    return f"{len(kept):,} of {n:,} rows are left of {len(drawn):,} that were made{why}{advice}."


def _of_columns(schema: Schema, table: pd.DataFrame) -> Schema:
    """The schema of the columns that the table has; all of them are judged."""
    columns = [column for column in schema.columns if column.name in table.columns and column.kind != "drop"]
    return dataclasses.replace(schema, columns=columns)


def paths(out: str | Path) -> tuple[Path, Path]:
    """Beside a table that is written to `out`: its decisions, and the rows as they were drawn."""
    from lookalike.files.packed import packing
    from lookalike.files.suffixes import check_suffix

    suffix = check_suffix(out) + packing(out)
    return Path(f"{out}.decisions.json"), Path(f"{out}.drawn{suffix}")


def save(found: CuratedRows, out: str | Path, layout: dict[str, Any]) -> tuple[Path, Path]:
    """Writes the decisions and the rows that they are on, beside the output.

    Raises DataError where they cannot be written.
    """
    from lookalike.files.writing import write_table

    record, drawn = paths(out)
    write_table(found.drawn, drawn, layout)
    found.decisions.save(record)
    return record, drawn
