"""Does a query run? What can be said without the databases that the queries were written for.

Advising: all queries are about one database, whose tables and columns the real queries name; they are made in
SQLite, empty, and a query runs if SQLite takes it. A few real ones do not run (COUNT of two columns, endings
that are cut), which is the figure of the holdout.

WikiSQL: every question is about a table of its own, and neither the tables nor their headers are in the file.
The queries are also no SQL (`SELECT COUNT TABLEalias0.X FROM TABLE ...`, values without quotes, names with
brackets and dashes). A query counts as running if it has the one form that all of them have, every column is
one that some real query names, and SQLite takes what it says on a table of its columns. Whether these columns
are of one table, and what the answer would be, cannot be known.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable

FORM = re.compile(
    r"SELECT (?:(MAX|MIN|COUNT|SUM|AVG) )?(\S.*?_FIELD) FROM table(?: WHERE (.+?))? ;?\s*", re.I
)
CONDITION = re.compile(r"(\S.*?_FIELD) ([=<>]) (.+)")
AND = re.compile(r" AND (?=\S+_FIELD [=<>])")
COLUMN = re.compile(r"\b([A-Z_]+?)alias\d+\.([A-Za-z_0-9]+)")


def wikisql(real: Iterable[str]) -> Callable[[str], bool]:
    """Whether a query has the form of the real ones and its columns occur in them."""
    known = {column for query in real if (found := _parts(query)) for column in found[1]}

    def runs(query: str) -> bool:
        found = _parts(query)
        if found is None or not set(found[1]) <= known:
            return False
        return _taken(found[0], {"t": set(found[1])})

    return runs


def _parts(query: str) -> tuple[str, list[str]] | None:
    """(the query as SQL on a table t, its columns); None where it has another form."""
    query = query.replace("TABLEalias0.", "").replace("FROM TABLE AS TABLEalias0", "FROM table")
    found = FORM.fullmatch(query)
    if found is None:
        return None
    aggregate, column, conditions = found.groups()
    columns, tests = [column], []
    for condition in AND.split(conditions) if conditions else []:
        test = CONDITION.fullmatch(condition)
        if test is None:
            return None
        columns.append(test[1])
        tests.append(f"{_quoted(test[1])} {test[2]} '{test[3].replace(chr(39), chr(39) * 2)}'")
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    shown = _quoted(column) if aggregate is None else f"{aggregate}({_quoted(column)})"
    return f"SELECT {shown} FROM t{where}", columns


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def advising(real: Iterable[str]) -> Callable[[str], bool]:
    """Whether SQLite takes a query about the tables and columns that the real ones name."""
    tables: dict[str, set[str]] = {}
    for query in real:
        for table, column in COLUMN.findall(query):
            if not table.startswith("DERIVED"):
                tables.setdefault(table, set()).add(column.upper())
    base = _made(tables)

    def runs(query: str) -> bool:
        return _runs(base, query)

    return runs


def _taken(query: str, tables: dict[str, set[str]]) -> bool:
    base = _made(tables)
    try:
        return _runs(base, query)
    finally:
        base.close()


def _made(tables: dict[str, set[str]]) -> sqlite3.Connection:
    base = sqlite3.connect(":memory:")
    for table, columns in tables.items():
        names = {name.upper(): name for name in columns}  # SQLite takes "a" and "A" for one name
        base.execute(f"CREATE TABLE {_quoted(table)} ({', '.join(map(_quoted, sorted(names.values())))})")
    # what was made by a model is read-only here: no ATTACH, no PRAGMA, nothing written
    base.set_authorizer(_only_reads)
    return base


READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


def _only_reads(action: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if action in READS else sqlite3.SQLITE_DENY


def _runs(base: sqlite3.Connection, query: str) -> bool:
    try:
        base.execute(query).fetchall()
    except (sqlite3.Error, sqlite3.Warning, ValueError):
        return False
    return True
