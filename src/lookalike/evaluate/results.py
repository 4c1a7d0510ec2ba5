"""All figures of a report: what was compared, what the chapters found, and the verdict; and their JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from lookalike.evaluate.section import SECTIONS, ColumnDetail, Entry, Pair, Rows, Section

FORMAT = 2


@dataclass(frozen=True)
class TableFacts:
    """A table that was compared: what it is called, and how large it is."""

    name: str
    rows: int
    columns: int


@dataclass(frozen=True)
class Verdict:
    """What the figures mean in words. grade: good, fair or poor; None where there are too few rows to
    tell."""

    grade: str | None
    headline: str
    sentences: list[str]


@dataclass
class Figures:
    """Everything that a report says.

    tables: "real", "synthetic" and "holdout", if there is one. version: of lookalike. date: when it was
    measured, as ISO text with a time zone. kinds: column -> how it was compared. split: whether half of the
    real rows are the reference. first: the first rows of the synthetic table. found: what all chapters found.
    seconds: that measuring took.
    """

    tables: dict[str, TableFacts]
    version: str
    date: str
    seed: int
    target: Any
    show_real: bool
    kinds: dict[str, str]
    split: bool
    first: Rows
    found: Section = field(default_factory=Section)
    seconds: float = 0.0
    verdict: Verdict = field(default_factory=lambda: Verdict(None, "", []))

    @property
    def columns(self) -> int:
        """Columns that were compared, a compound with all its members as one."""
        return self.tables["synthetic"].columns

    def entry(self, section: str, key: str) -> Entry:
        """A figure; one without a value where it was not measured."""
        return self.found.entries.get(section, {}).get(key, Entry())

    @property
    def held(self) -> bool:
        """Whether figures stand beside those of other real rows."""
        return self.split or "holdout" in self.tables

    @property
    def importance(self) -> dict[str, float]:
        """Column -> AUC that the detector loses without it, of those that give synthetic rows away."""
        return {one.column: one.importance for one in self.found.giveaways}

    def to_dict(self) -> dict[str, Any]:
        """The JSON values that `Report.to_dict` documents."""
        found, rows = self.found, {name: table.rows for name, table in self.tables.items()}
        examples = {"first": asdict(self.first)}
        if found.telltale is not None:
            examples["telltale"] = asdict(found.telltale)
        if found.beside is not None:
            examples["beside"] = asdict(found.beside)
        return plain(
            {
                "format": FORMAT,
                "about": {
                    "lookalike": self.version,
                    "date": self.date,
                    "seconds": self.seconds,
                    "seed": self.seed,
                    "tables": {name: asdict(table) for name, table in self.tables.items()},
                },
                "tables": {
                    "rows": rows | {"holdout": rows.get("holdout")},
                    "columns": self.columns,
                    "split": self.split,
                },
                "target": self.target,
                "seed": self.seed,
                "show_real": self.show_real,
                **{section: _entries(found.entries.get(section, {})) for section in SECTIONS},
                "columns": {name: {"kind": kind} | self._column(name) for name, kind in self.kinds.items()},
                "pairs": [_pair(pair) for pair in found.pairs],
                "pair_map": _or_empty(found.pair_map),
                "giveaways": [asdict(one) for one in found.giveaways],
                "roc": _or_empty(found.roc),
                "projection": _or_empty(found.projection),
                "models": _or_empty(found.models),
                "attacks": _or_empty(found.attacks),
                "identifying": {
                    kind: [asdict(o) for o in listed] for kind, listed in found.identifying.items()
                },
                "rules": [asdict(one) for one in found.rules],
                "texts": _texts(found),
                "structured": {
                    name: {"language": one.language} | _entries(one.entries)
                    for name, one in found.structured.items()
                },
                "judge": _or_empty(found.judged),
                "warnings": found.warnings,
                "sizes": found.sizes,
                "skipped": found.skipped,
                "examples": examples,
                "verdict": asdict(self.verdict),
            }
        )

    def _column(self, name: str) -> dict[str, Any]:
        """The detail of a column; empty where fidelity was not measured."""
        detail: ColumnDetail | None = self.found.columns.get(name)
        if detail is None:
            return {}
        drawn = detail.histogram
        return {
            "shape_error": detail.shape_error.to_dict(),
            "pair_error": self.found.pair_errors.get(name),
            "importance": self.importance.get(name, 0.0),
            "missing": detail.missing,
            "strange": detail.strange,
            "histogram": {} if drawn is None else {"bins": drawn.bins, "labels": drawn.labels} | drawn.shares,
        }


def _entries(entries: dict[str, Entry]) -> dict[str, Any]:
    return {key: one.to_dict() for key, one in entries.items()}


def _or_empty(detail: Any) -> dict[str, Any]:
    return {} if detail is None else asdict(detail)


def _pair(pair: Pair) -> dict[str, Any]:
    return {"measure" if key == "compared_by" else key: value for key, value in asdict(pair).items()}


def _texts(found: Section) -> dict[str, Any]:
    copied = {} if found.verbatim is None else {"verbatim": [asdict(one) for one in found.verbatim]}
    return _or_empty(found.spectra) | copied


def plain(value: Any) -> Any:
    """The same with numpy numbers as Python's, nan as None and keys as strings."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
