"""The schema of a table: its columns in order, edited, printed, saved as JSON and read.

    schema = lookalike.infer(df)
    schema["zip"].kind = "category"         # edit, then fit with it
    schema.save("schema.json")

What a column can be is in `column.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lookalike import arguments, markup
from lookalike.arguments import shown
from lookalike.atomic import replace_text
from lookalike.errors import DataError, OptionError, SchemaError
from lookalike.table import check_digits, formats, kinds, patterns, personal, rule
from lookalike.table.column import LANGUAGES, Column
from lookalike.table.dtypes import RESOLUTIONS
from lookalike.table.kind_groups import KINDS
from lookalike.table.precision import DIGITS
from lookalike.table.rule import Rule

FORMAT = 1
FACTS = ("column", "kind", "dtype", "missing", "details")  # of a column, as it is shown
_SHOWN = 60  # letters of a pattern in a line of the schema


@dataclass
class Schema:
    """The columns of a table in their order. `rows` is how many rows they were inferred from.

    missing: values that the user declared missing, such as "?". layout: how the file of delimited text was
    written (`delimited.py`). rules: rules between columns, as objects of `rule.py` or in words such as
    "end >= start". None: they are found when the table is learned. []: no rule is kept.
    """

    columns: list[Column]
    rows: int
    missing: tuple[Any, ...] = field(default=())
    layout: dict[str, Any] = field(default_factory=dict)
    rules: list[Rule | str] | None = None

    @property
    def names(self) -> list[Any]:
        """The column names in order."""
        return [column.name for column in self.columns]

    @property
    def kept(self) -> list[Any]:
        """The names of the columns that are not dropped, in order."""
        return [column.name for column in self.columns if column.kind != "drop"]

    @property
    def dropped(self) -> list[Any]:
        """The names of the columns that are dropped, in order."""
        return [column.name for column in self.columns if column.kind == "drop"]

    def __getitem__(self, name: Any) -> Column:
        """The column of that name. Raises SchemaError if there is none."""
        if isinstance(name, str | int | np.integer):
            for column in self.columns:
                if column.name == name:
                    return column
        raise SchemaError(
            f"the schema has no column {shown(name)}: its columns are {', '.join(map(str, self.names))}."
        )

    def __repr__(self) -> str:
        rows = [FACTS, *self._facts()]
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = [
            "  ".join([*(cell.ljust(w) for cell, w in zip(row[:4], widths, strict=True)), row[4]])
            for row in rows
        ]
        rules = self._told_rules()
        told = [
            "",
            f"{len(rules)} rules between columns" if len(rules) > 1 else "1 rule between columns",
            *rules,
        ]
        return "\n".join([self._head(), *lines, *(told if rules else [])])

    def _repr_html_(self) -> str:
        """The same, for notebooks."""
        return markup.shown(self._head(), FACTS, self._facts(), self._told_rules())

    def _head(self) -> str:
        return f"Schema of {len(self.columns)} columns, inferred from {self.rows:,} rows"

    def _facts(self) -> list[tuple[str, ...]]:
        """Of each column, what `FACTS` names."""
        return [
            (str(one.name), one.kind, one.dtype, "yes" if one.nullable else "no", _details(one))
            for one in self.columns
        ]

    def _told_rules(self) -> list[str]:
        return [one if isinstance(one, str) else rule.shown(one) for one in self.rules or ()]

    def to_dict(self) -> dict[str, Any]:
        """JSON values only; facts that a column does not have are left out."""
        columns = []
        for column in self.columns:
            facts = {k: v for k, v in asdict(column).items() if v is not None and v is not False}
            facts.pop("note", None)
            # a JSON Schema is JSON as it is, so that it can be edited
            columns.append({k: v if k == "json_schema" else kinds.to_json(v) for k, v in facts.items()})
        missing = [kinds.to_json(value) for value in self.missing]
        facts = {"format": FORMAT, "rows": self.rows, "missing": missing, "columns": columns}
        if self.rules is not None:
            facts["rules"] = [one if isinstance(one, str) else rule.to_dict(one) for one in self.rules]
        return facts | ({"layout": self.layout} if self.layout else {})

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Schema:
        """Reads `to_dict`. Raises SchemaError for another format version, unknown facts or kinds."""
        if not isinstance(facts, dict) or not isinstance(facts.get("columns", []), list):
            raise SchemaError(f"{shown(facts)} is not a schema: use what `Schema.to_dict` gives.")
        if facts.get("format") != FORMAT:
            raise SchemaError(
                f"the schema has the format {facts.get('format')!r} and this version reads {FORMAT}: "
                "infer it again."
            )
        known = {f.name for f in fields(Column)} - {"note"}
        columns = []
        for entry in facts.get("columns", []):
            if not isinstance(entry, dict):
                raise SchemaError(
                    f"{shown(entry)} is not the schema of a column: it needs name, kind and dtype."
                )
            for fact in entry:
                if fact not in known:
                    raise SchemaError(
                        f"column '{entry.get('name')}' of the schema has an unknown entry '{fact}'."
                    )
            if not {"name", "kind", "dtype"} <= entry.keys():
                raise SchemaError(
                    f"{shown(entry)} is not the schema of a column: it needs name, kind and dtype."
                )
            column = Column(
                **{key: v if key == "json_schema" else kinds.from_json(v) for key, v in entry.items()}
            )
            check_kind(column)
            columns.append(column)
        missing = tuple(kinds.from_json(v) for v in facts.get("missing", []))
        rows = arguments.whole("rows", facts.get("rows"))
        rules = facts.get("rules")
        if rules is not None:
            if not isinstance(rules, list):
                raise SchemaError(f"the rules of the schema are {shown(rules)}: give a list.")
            rules = [one if isinstance(one, str) else rule.from_dict(one) for one in rules]
        return cls(columns, rows, missing, dict(facts.get("layout", {})), rules)

    def notes(self) -> list[str]:
        """A sentence for each column that could have been learned otherwise, looks personal or is left out:
        what happens to it, why, and how to change that.
        """
        chosen = [
            f"column '{column.name}' {column.note[1]}"
            for column in self.columns
            if column.note and column.note[0] == column.kind
        ]
        return chosen + [note for column in self.columns if (note := personal.note(column)) is not None]

    def set_kinds(self, declared: Iterable[str]) -> None:
        """Sets kinds that are written COL=KIND, or COL=pseudonym:SORT with a sort of `personal.SORTS`.

        Raises SchemaError for an unknown column, kind or sort, and for a text without "=".
        """
        names = {str(name): name for name in self.names}
        for text in declared:
            name, equals, kind = text.rpartition("=")
            if not equals:
                raise SchemaError(f"the kind '{text}' has no '=': write COL=KIND, such as id=key.")
            column = self[names.get(name, name)]
            column.kind, _, sort = kind.strip().partition(":")
            column.personal = sort or column.personal
            check_kind(column)

    def save(self, path: str | Path) -> None:
        """Writes the schema as JSON."""
        path = arguments.path("path", path)
        try:
            replace_text(path, json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n")
        except OSError as error:
            raise DataError(f"the schema cannot be written to '{path}': {error.strerror}.") from None

    @classmethod
    def load(cls, path: str | Path) -> Schema:
        """Reads a schema file. Raises SchemaError if it cannot be read."""
        path = arguments.path("path", path)
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (SchemaError, OptionError) as error:
            raise SchemaError(f"'{path}': {error}") from None
        except OSError as error:
            raise SchemaError(f"the schema '{path}' cannot be read: {error.strerror}.") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SchemaError(f"'{path}' is not a schema: write one with `Schema.save`.") from None


def _details(column: Column) -> str:
    said = []
    if column.is_number:
        precision = {None: "full precision", 0: "whole"}.get(column.decimals, f"{column.decimals} decimals")
        if column.digits is not None and column.decimals is None:
            precision = f"{column.digits} digits"
        said.append(f"by {column.resolution}" if column.resolution else precision)
        if column.single:
            said.append("single precision")
    if column.is_date:
        said.append(f"by {column.resolution}")
    if column.minimum is not None and column.is_number_or_date:
        said.append(f"{column.minimum} to {column.maximum}")
    if column.format:
        said.append(f"written {' or '.join(column.formats)}")
    if column.exceptions:
        said.append(f"or {', '.join(map(repr, column.exceptions))}")
    if column.items is not None:
        said.append(f"{len(column.items)} items")
    if column.categories is not None:
        said.append(f"{len(column.categories)} categories" + (", ordered" if column.ordered else ""))
    if column.is_categorical and column.min_rows is not None:
        least = column.min_rows
        said.append("rare values kept" if least == 1 else f"values of at least {least} rows")
    if column.kind == "constant":
        said.append(f"always {column.value!r}")
    if column.personal is not None:
        said.append(personal.SORTS.get(column.personal, column.personal))
    if column.pattern is not None:
        long = len(column.pattern) > _SHOWN
        said.append(f"like {column.pattern[:_SHOWN]}{'...' if long else ''}")
    if column.check is not None:
        said.append(f"with {check_digits.CHECKS[column.check][1]}")
    if column.kind == "code":
        said.append(f"in {column.language}" if column.language else "no parser known")
    if column.kind == "json":
        keys = f"{column.keys} key" + ("s" if column.keys != 1 else "")
        said += [keys] if column.keys is not None else []
        said += ["schema given"] if column.json_schema is not None else []
    return ", ".join(said)


def given_schema(value: Any) -> Schema | None:
    """The schema that a function was given, None for none. Raises SchemaError for anything else."""
    if not (value is None or isinstance(value, Schema)):
        raise SchemaError(f"the schema is {shown(value)}: give what lookalike.infer made, or leave it out.")
    return value


def check_schema(value: Schema, table: pd.DataFrame) -> None:
    """Raises SchemaError unless it is one of the table; columns that it drops may be gone already."""
    odd = [name for name in table.columns if name not in value.names]
    odd += [name for name in value.kept if name not in table.columns]
    if odd:
        raise SchemaError(
            f"the schema and the real table differ in these columns: {arguments.listed(odd)}: infer it anew."
        )


def check_kind(column: Column) -> None:
    """Raises SchemaError for a kind or a language that does not exist."""
    if not isinstance(column.kind, str) or column.kind not in KINDS:
        raise SchemaError(
            f"column '{column.name}' has the kind {shown(column.kind)}: the kinds are {', '.join(KINDS)}."
        )
    if column.personal is not None and column.personal not in personal.SORTS:
        raise SchemaError(
            f"column '{column.name}' is marked as {column.personal!r}, which is not known: choose one of "
            f"{', '.join(personal.SORTS)}."
        )
    if column.min_rows is not None and (type(column.min_rows) is not int or column.min_rows < 1):
        raise SchemaError(
            f"column '{column.name}' has the min_rows {column.min_rows!r}: give a whole number of at least "
            "1, which keeps all values."
        )
    patterns.check_pattern(column.name, column.pattern, column.check)
    language = column.language
    if language is not None and (not isinstance(language, str) or language not in LANGUAGES):
        raise SchemaError(
            f"column '{column.name}' has the language {shown(language)}, which has no parser here: name "
            f"one of {', '.join(LANGUAGES)}, or none."
        )
    if column.json_schema is not None and not isinstance(column.json_schema, dict):
        raise SchemaError(
            f"column '{column.name}' has the json_schema {shown(column.json_schema)}, which is no JSON "
            "object: give a JSON Schema."
        )
    known = isinstance(column.resolution, str) and column.resolution in RESOLUTIONS
    if column.resolution is not None and not known:
        raise SchemaError(
            f"column '{column.name}' has the resolution {shown(column.resolution)}: the resolutions are "
            f"{', '.join(RESOLUTIONS)}."
        )
    if column.decimals is not None:
        arguments.whole(f"decimals of column '{column.name}'", column.decimals, 0, 300)
    if column.digits is not None:
        arguments.whole(f"digits of column '{column.name}'", column.digits, 1, DIGITS)
    if not isinstance(column.dtype, str):
        raise SchemaError(
            f"column '{column.name}' has the dtype {shown(column.dtype)}: write its name, such as 'int64'."
        )
    for what, value in (("format", column.format), ("exceptions", column.exceptions)):
        several = isinstance(value, list) and all(isinstance(one, str) for one in value)
        if not (value is None or several or (what == "format" and isinstance(value, str))):
            raise SchemaError(
                f"column '{column.name}' has the {what} {shown(value)}: write "
                + (
                    "one such as '%Y-%m-%d' or '$#,##0.00', or a list."
                    if what == "format"
                    else "a list of cells."
                )
            )
    for text in column.formats if column.is_number else []:
        formats.parsed(text)
