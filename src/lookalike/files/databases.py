"""Tables out of databases: a query on a caller's connection, or a source that is written as a URL.

    sqlite:///FILE?table=NAME        duckdb:///FILE?table=NAME        (a fourth / where FILE is absolute)
    postgresql://USER@HOST:PORT/BASE?table=NAME     (the password: PGPASSWORD, or the file ~/.pgpass)

`?query=SELECT ...` stands in place of `?table=`, as the last option; a table may be written with its schema,
`table=sales.orders`. A database is only read. Everything that goes wrong is a DataError of one sentence, in
which no password stands.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

import pandas as pd

from lookalike import arguments
from lookalike.errors import DataError, MissingDependency, OptionError, UserError, first_line
from lookalike.table import sources
from lookalike.table.missing import without

SCHEMES = {"sqlite": "sqlite", "duckdb": "duckdb", "postgresql": "postgresql", "postgres": "postgresql"}
OTHERS = ("mysql", "mariadb", "mssql", "oracle", "snowflake", "bigquery", "redshift", "trino", "jdbc", "odbc")
_SCHEME = re.compile(r"([a-z]\w*)(\+\w+)?://", re.IGNORECASE)
# a password, even where its / and ? are not encoded; an @ of the query is none of it
SHORT = 6  # letters of a password below which it is looked for as a word
_PASSWORD = re.compile(r"(?<=://)([^:/?#@]*):(?:[^?]|\?(?!\w+=))*@")
_LISTS = {  # what names the tables of a database; those of a schema that is not looked through by its name
    "sqlite": "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name",
    "duckdb": "SELECT table_name FROM information_schema.tables ORDER BY 1",
    "postgresql": "SELECT CASE WHEN table_schema = ANY(current_schemas(false)) THEN '' "
    "ELSE table_schema || '.' END || table_name FROM information_schema.tables "
    "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
}


def is_source(path: Any) -> bool:
    """Whether a path is the URL of a table in a database. Raises OptionError for a database that has to be
    read through a connection.
    """
    found = _SCHEME.match(path) if isinstance(path, str) else None
    if found is not None and found[1].lower() in OTHERS:
        raise OptionError(
            f"{found[0]} is not read by its URL: choose sqlite://, duckdb://, postgresql:// or a file, or "
            "in Python lookalike.read_sql(query, connection)."
        )
    return found is not None and found[1].lower() in SCHEMES


def without_password(path: str) -> str:
    """A source as it may be shown and kept."""
    return _PASSWORD.sub(r"\1@", path)


def lasting(path: str) -> str:
    """A source as it may be kept, from whatever folder it is read again."""
    head, mark, tail = without_password(path).partition("?")
    scheme, _, place = head.partition(":///")
    if place and SCHEMES[scheme.lower()] != "postgresql":
        head = f"{scheme}:///{quote(os.path.abspath(unquote(place)))}"
    return head + mark + tail


def called(path: str) -> str:
    """What a report calls a source."""
    return Source.of(path).table or "a query"


@dataclass(frozen=True)
class Source:
    """A source: where the database is, and a table or a query of it.

    place: the file, or of Postgres the URL for its driver. shown: the source without password and query.
    """

    scheme: str
    place: str
    table: str | None
    query: str | None
    shown: str

    @classmethod
    def of(cls, url: str) -> Source:
        """Raises OptionError for a source that is written otherwise."""
        head, _, tail = url.partition("?")
        shown, scheme = without_password(head), SCHEMES[head.partition(":")[0].partition("+")[0].lower()]
        before, asks, query = _cut(tail)
        options = dict(parse_qsl(before, keep_blank_values=True))
        table = options.pop("table", None)
        if bool(table) == bool(asks):
            raise OptionError(
                f"{shown} names {'both a table and a query' if asks else 'no table'}: add  ?table=NAME  or  "
                "?query=SELECT ...  to it."
            )
        if scheme == "postgresql":
            rest = f"?{urlencode(options, quote_via=quote)}" if options else ""
            place = f"postgresql://{head.partition('://')[2]}{rest}"
            return cls(scheme, place, table, query, shown)
        if options:
            raise OptionError(f"{shown} has no option '{next(iter(options))}': write table or query.")
        place = unquote(head.partition("://")[2])
        if not place.startswith("/") or len(place) < 2:
            raise OptionError(f"{shown} names no file: write  {scheme}:///FILE?table=NAME.")
        return cls(scheme, place[1:], table, query, shown)


def _cut(tail: str) -> tuple[str, bool, str | None]:
    """(the options before the query, whether there is one, the query); a query that holds spaces is taken as
    it is written, another one is decoded.
    """
    found = re.search(r"(?:^|&)query=", tail)
    if found is None:
        return tail, False, None
    query = tail[found.end() :]
    return tail[: found.start()], True, query if re.search(r"\s", query) else unquote(query.replace("+", " "))


def read_source(url: str, missing: Collection[Any] = ()) -> pd.DataFrame:
    """The table of a source. Raises DataError for whatever goes wrong, OptionError for a source that is
    written otherwise, MissingDependency where its driver is not installed.
    """
    source = Source.of(url)
    with _errors(source.shown, url), contextlib.closing(_connected(source)) as connection:
        if source.query is not None:
            return without(_answer(source.query, connection, source.shown), missing)
        assert source.table is not None
        names = [source.table] if source.scheme == "sqlite" else source.table.split(".")
        parts = ".".join('"{}"'.format(name.replace('"', '""')) for name in names)
        try:
            table = _answer(f"SELECT * FROM {parts}", connection, f"table '{source.table}' of {source.shown}")
        except UserError:
            raise
        except Exception:
            _need_table(source)
            raise
        return without(table, missing)


def read_sql(query: Any, connection: Any, missing: Collection[Any] = ()) -> pd.DataFrame:
    """What a query gives, as a pandas table.

        lookalike.read_sql("SELECT * FROM orders WHERE year = 2024", connection)

    connection: of any DB-API (sqlite3, psycopg), of SQLAlchemy (an engine, too) or ADBC, or of DuckDB; it
    stays open. query: SQL, for SQLAlchemy also a statement of it. missing: values that mean missing.
    Raises DataError where the query fails or gives no rows, OptionError for what is no connection.
    """
    missing = arguments.sentinels("missing", missing)
    if isinstance(query, str):
        arguments.text("query", query, "write SQL, such as SELECT * FROM orders")
    if isinstance(connection, str | Path):
        raise OptionError(
            "connection is a name: give an open one, or read a source such as 'sqlite:///FILE?table=NAME' "
            "with lookalike.read_table."
        )
    with _errors("the query"):
        return without(_answer(query, connection, "the query"), missing)


# --- asking --------------------------------------------------------------------------------------------


def _answer(query: Any, connection: Any, what: str) -> pd.DataFrame:
    home = type(connection).__module__.partition(".")[0]
    if home in ("duckdb", "_duckdb"):
        relation = connection.sql(query)
        table = None if relation is None else sources.table(what, relation)
    elif home == "sqlalchemy" and not hasattr(connection, "exec_driver_sql"):  # an engine
        with connection.connect() as opened:
            return _answer(query, opened, what)
    elif hasattr(connection, "exec_driver_sql"):
        plain = isinstance(query, str)
        found = connection.exec_driver_sql(query) if plain else connection.execute(query)
        table = _of_rows(what, list(found.keys()), found.fetchall()) if found.returns_rows else None
    elif hasattr(connection, "cursor"):
        with contextlib.closing(connection.cursor()) as cursor:
            table = _of_cursor(query, cursor, what)
    else:
        raise OptionError(
            f"connection is {arguments.shown(connection)}: give one of a DB-API, SQLAlchemy, ADBC or DuckDB."
        )
    if table is None:
        raise DataError(f"{what} gives no table: write a SELECT.")
    if not len(table):
        raise DataError(f"{what} gives no rows: widen it.")
    return table


def _of_cursor(query: str, cursor: Any, what: str) -> pd.DataFrame | None:
    cursor.execute(query)
    if cursor.description is None:
        return None
    names = [column[0] for column in cursor.description]
    if not hasattr(cursor, "fetch_arrow_table"):
        return _of_rows(what, names, cursor.fetchall())
    _check_names(what, names)
    there = cursor.fetch_arrow_table()
    for at, field in enumerate(there.schema):
        if (plain := _plain(there.column(at), field)) is not None:
            there = there.set_column(at, field.name, plain)
    return sources.table(what, there)


def _of_rows(what: str, names: list[str], rows: list[Any]) -> pd.DataFrame:
    _check_names(what, names)
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
    return sources.table(what, columns) if rows else pd.DataFrame(columns=names)


def _check_names(what: str, names: list[str]) -> None:
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DataError(
            f"{what} has two columns named '{twice}': rename one of them, such as {twice} AS other."
        )


def _plain(column: Any, field: Any) -> Any:
    """The cells of a type that ADBC marks: numbers of Postgres' numeric, ids and JSON as text. None for other
    columns.
    """
    import pyarrow as pa

    if not isinstance(field.type, pa.BaseExtensionType):
        return None
    if getattr(field.type, "type_name", "") == "numeric":
        return _decimals(column.to_pylist())
    if str(field.type.storage_type) in ("binary", "large_binary"):  # an own type, such as an enum
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], field.type.storage_type)
        return column.cast(pa.string())
    return pa.array([None if cell is None else str(cell) for cell in column.to_pylist()], pa.string())


def _decimals(cells: list[Any]) -> Any:
    """Numbers that are written as text: Decimals, or floats where one is not finite."""
    from decimal import Decimal

    import pyarrow as pa

    numbers = [None if cell is None else Decimal(cell) for cell in cells]
    if any(one is not None and not one.is_finite() for one in numbers):
        return pa.array([None if one is None else float(one) for one in numbers], pa.float64())
    return pa.array(numbers) if any(one is not None for one in numbers) else pa.nulls(len(cells))


# --- connecting ----------------------------------------------------------------------------------------


def _connected(source: Source) -> Any:
    if source.scheme == "postgresql":
        return _postgres(source.place)
    file = Path(source.place)
    if not file.is_file():
        raise DataError(f"{source.shown}: there is no file {file}: check the name.")
    if source.scheme == "sqlite":
        import sqlite3

        return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    try:
        import duckdb
    except ImportError:
        raise MissingDependency("duckdb", "sources") from None
    # a file of another kind would have it fetch an extension
    offline: dict[str, Any] = {"autoinstall_known_extensions": "false"}
    return duckdb.connect(str(file), read_only=True, config=offline)


def _postgres(url: str) -> Any:
    try:
        import adbc_driver_postgresql.dbapi as adbc
    except ImportError:
        raise MissingDependency("adbc-driver-postgresql", "sources") from None
    return adbc.connect(url)


def _need_table(source: Source) -> None:
    """Raises DataError, which names the tables that there are, where that of the source is none of them."""
    with contextlib.closing(_connected(source)) as connection:
        found = _answer_names(_LISTS[source.scheme], connection)
    if source.table in found:
        return
    if not found:
        raise DataError(f"{source.shown} has no tables: check the name of the database.")
    names = arguments.listed(found)
    raise DataError(f"{source.shown} has no table '{source.table}': choose one of {names}.")


def _answer_names(query: str, connection: Any) -> list[str]:
    with contextlib.closing(connection.cursor()) as cursor:
        cursor.execute(query)
        return [str(row[0]) for row in cursor.fetchall()]


@contextlib.contextmanager
def _errors(what: str, url: str = "") -> Iterator[None]:
    """Turns whatever a driver raises into a DataError; the password of the source is not in it."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # each driver has errors of its own
        said = first_line(error)
        if found := _PASSWORD.search(url):
            secret = found[0].partition(":")[2].removesuffix("@")
            for one in {secret, unquote(secret)}:  # a short one is a part of words, too
                edge = r"\b" if len(one) < SHORT and one.isalnum() else ""
                said = re.sub(f"{edge}{re.escape(one)}{edge}", "***", said)
        advice = ""
        if re.search(r"password|authentication|no pg_hba", said, re.IGNORECASE):
            advice = ": set PGUSER and PGPASSWORD, or write ~/.pgpass"
        elif re.search(r"connect|terminat|closed|timed? ?out|refused", said, re.IGNORECASE):
            advice = ": check that the server is there, and run again"
        raise DataError(f"{what} cannot be read ({said}){advice}.") from None
