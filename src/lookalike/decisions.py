"""Decisions: which rows of a table were dropped, relabelled, edited or weighed, by which check, and why.

Nothing leaves a table without a row here, and each check can be undone: `apply(table, without={"length"})`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd

from lookalike import markup
from lookalike.arguments import shown
from lookalike.atomic import replace_text
from lookalike.errors import DataError, OptionError, file_errors
from lookalike.table.sources import Table, taken

ACTIONS = ("drop", "relabel", "edit", "weigh", "report")
FACTS = ("row", "check", "column", "score", "limit", "action", "value", "reason")
WEIGHT = "weight"  # the column that weights are written to
EXAMPLES = 3  # of a check that `print` shows


@dataclasses.dataclass
class Decisions:
    """What was decided on the rows of a table; `print(decisions)` counts it by check.

    table: a row for each decision, with these columns.
        row: the place of the row in the table that was judged, from 0.
        check: the name of the check.
        column: the column that it looked at; None for whole rows.
        score, limit: what was measured, and the limit that it crossed. nan: the check knows only yes and no.
        action: "drop", "relabel", "edit" or "weigh"; "report" changes nothing.
        value: the new label or cell, the weight, or the place of the row that is repeated.
        reason: why, in words.
    rows: how many rows the table has. label: the column of labels; None: there is none.
    notes: sentences on what was not done, and why.
    """

    table: pd.DataFrame
    rows: int
    label: Any = None
    notes: list[str] = dataclasses.field(default_factory=list)

    @classmethod
    def of(cls, found: list[dict[str, Any]], rows: int, label: Any = None) -> Decisions:
        """Of one dict a decision, with some or all of `FACTS`; in the order of the rows."""
        columns = {fact: pd.Series([one.get(fact) for one in found], dtype=object) for fact in FACTS}
        table = pd.DataFrame(columns).astype({"score": float, "limit": float})
        table = table.sort_values("row", kind="stable", ignore_index=True)
        return cls(table.astype({"row": "int64"}), rows, label)

    def dropped(self, without: Collection[str] = ()) -> list[int]:
        """The rows that are dropped, ascending. without: checks whose decisions do not count."""
        some = self._followed(without)
        return sorted(set(some.loc[some["action"] == "drop", "row"].tolist()))

    def left(self) -> list[int]:
        """The rows that are not dropped, ascending."""
        return sorted(set(range(self.rows)) - set(self.dropped()))

    def until(self, rows: int) -> Decisions:
        """Those on the first rows alone."""
        return dataclasses.replace(self, table=self.table[self.table["row"] < rows], rows=rows)

    def apply(self, table: Table, without: Collection[str] = ()) -> Table:
        """The table without the rows that are dropped, with new labels and cells, and with a column `weight`
        where rows are weighed; its index counts anew.

        table: of any library, as `table/sources.py` lists them; its kind comes back.
        without: checks that are undone. Raises DataError for a table of other rows, OptionError for a check
        that decided nothing.
        """
        table, origin = taken("the table", table)
        if len(table) != self.rows:
            raise DataError(
                f"the decisions are on a table of {self.rows:,} rows and this one has {len(table):,}: give "
                "the table that was curated."
            )
        some, out = self._followed(without), table.reset_index(drop=True)
        labels = some[some["action"] == "relabel"]
        if len(labels):
            if self.label not in out.columns:
                raise DataError(f"the table has no column {shown(self.label)} of labels: add it.")
            out[self.label] = _put(out[self.label], labels)
        for name, edits in some[some["action"] == "edit"].groupby("column", sort=False):
            if name not in out.columns:
                raise DataError(f"the table has no column {shown(name)}, which was edited: add it.")
            out[name] = _put(out[name], edits)
        weights = some[some["action"] == "weigh"]
        if len(weights):
            out[WEIGHT] = 1.0
            out.loc[weights["row"].to_numpy(), WEIGHT] = weights["value"].astype(float).to_numpy()
        gone = some.loc[some["action"] == "drop", "row"].unique()
        return origin.back(out.drop(index=gone).reset_index(drop=True))

    def rejected(self, table: Table, without: Collection[str] = ()) -> Table:
        """The rows that are dropped, with `check` and `reason` of the first check that drops each."""
        table, origin = taken("the table", table)
        some = self._followed(without)
        first = some[some["action"] == "drop"].drop_duplicates("row").set_index("row")
        out = table.reset_index(drop=True).loc[first.index]
        return origin.back(out.assign(check=first["check"], reason=first["reason"]).reset_index(drop=True))

    def _followed(self, without: Collection[str]) -> pd.DataFrame:
        undone = {without} if isinstance(without, str) else set(without)
        unknown = undone - set(self.table["check"])
        if unknown:
            decided = ", ".join(sorted(set(self.table["check"]))) or "none"
            raise OptionError(
                f"the check {shown(sorted(unknown)[0])} decided nothing here: those that did are {decided}."
            )
        return self.table[~self.table["check"].isin(list(undone))]

    def counts(self) -> dict[str, dict[str, int]]:
        """check -> action -> how many rows; the check of most rows first."""
        found: dict[str, dict[str, int]] = {}
        sizes = self.table.groupby(["check", "action"])["row"].nunique()
        for (check, action), count in sizes.sort_values(ascending=False, kind="stable").items():
            found.setdefault(check, {})[action] = int(count)
        return found

    def __repr__(self) -> str:
        gone = len(self.dropped())
        lines = [f"{self.rows - gone:,} of {self.rows:,} rows are kept, {gone:,} are dropped"]
        counts = self.counts()
        if counts:
            lines += [
                "",
                f"{'check':16}{'drop':>8}{'relabel':>9}{'edit':>8}{'weigh':>8}{'report':>8}   for example",
            ]
        for check, actions in counts.items():
            own = self.table[self.table["check"] == check]
            numbers = "".join(
                f"{actions.get(action, 0) or '-':>{width},}" if actions.get(action) else f"{'-':>{width}}"
                for action, width in zip(ACTIONS, (8, 9, 8, 8, 8), strict=True)
            )
            lines.append(f"{check:16}{numbers}   row {own['row'].iloc[0] + 1:,}: {own['reason'].iloc[0]}")
        lines += ["", *(f"note: {note}" for note in self.notes)] if self.notes else []
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The same, for notebooks."""
        gone, rows = len(self.dropped()), []
        for check, actions in self.counts().items():
            first = self.table[self.table["check"] == check].iloc[0]
            example = f"row {first['row'] + 1:,}: {first['reason']}"
            rows.append([check, *(f"{actions.get(one, 0):,}" for one in ACTIONS), example])
        head = f"{self.rows - gone:,} of {self.rows:,} rows are kept, {gone:,} are dropped"
        return markup.shown(head, ("check", *ACTIONS, "for example"), rows, self.notes)

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON values; `from_dict` reads it."""
        text = self.table.to_json(orient="records", force_ascii=False, date_format="iso", default_handler=str)
        rows = json.loads(text)
        return {"rows": self.rows, "label": self.label, "notes": self.notes, "decisions": rows}

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Decisions:
        """Reads `to_dict`. Raises DataError for anything else."""
        try:
            found = cls.of(facts["decisions"], int(facts["rows"]), facts.get("label"))
            odd = set(found.table["action"]) - set(ACTIONS)
            if odd or found.table["row"].lt(0).any() or found.table["row"].ge(found.rows).any():
                raise ValueError
        except (KeyError, TypeError, ValueError, AttributeError):
            raise DataError("these are no decisions: use what `Decisions.to_dict` gives.") from None
        found.notes = list(map(str, facts.get("notes", [])))
        return found

    def save(self, path: str | Path) -> None:
        """Writes them to a .json file, a decision a line. Raises DataError if it cannot be written."""
        facts = self.to_dict()
        rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in facts.pop("decisions"))
        head = json.dumps(facts, ensure_ascii=False)[:-1]
        with file_errors(path, "written"):
            replace_text(path, f'{head}, "decisions": [\n{rows}\n]}}\n')

    @classmethod
    def load(cls, path: str | Path) -> Decisions:
        """Reads what `save` wrote. Raises DataError for a file that cannot be read, or is something else."""
        with file_errors(path, "read"):
            text = Path(path).read_text(encoding="utf-8")
        try:
            return cls.from_dict(json.loads(text))
        except (ValueError, DataError):
            raise DataError(f"'{path}' holds no decisions: name the file that curate wrote.") from None


def _put(column: pd.Series, some: pd.DataFrame) -> pd.Series:
    """A column with the values of decisions in their rows."""
    values = some["value"].tolist()
    if isinstance(column.dtype, pd.CategoricalDtype):
        fresh = dict.fromkeys(value for value in values if value not in column.cat.categories)
        column = column.cat.add_categories([value for value in fresh if pd.notna(value)])
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        values = [pd.Timestamp(value) for value in values]
    elif column.dtype != object:
        values = [getattr(column.dtype, "na_value", float("nan")) if one is None else one for one in values]
    out = column.copy()
    out.iloc[some["row"].to_numpy()] = values
    return out
