"""Tables out of databases: SQLite, DuckDB and Postgres themselves, by URL and by connection."""

import datetime
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import lookalike
from lookalike.cli.main import main
from lookalike.errors import DataError, LookalikeError, OptionError
from lookalike.files.databases import _errors, called, is_source, lasting, without_password
from lookalike.files.reading import read_table, sample_rows
from lookalike.run import Run

DAY = datetime.date(2024, 2, 29)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """60 orders in SQLite, one of them without a note; an empty table beside them."""
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as made:
        made.execute('CREATE TABLE "my orders" (id INTEGER, city TEXT, price REAL, note TEXT)')
        rows = [(i, ("Kiel", "Ulm")[i % 3 > 0], i / 4, None if i == 7 else "ok") for i in range(60)]
        made.executemany('INSERT INTO "my orders" VALUES (?, ?, ?, ?)', rows)
        made.execute("CREATE TABLE empty (a INTEGER)")
        made.execute('CREATE TABLE "a"".b" AS SELECT 1 AS x UNION SELECT 2')
        made.execute("CREATE TABLE photos AS SELECT x'00' AS photo")
    made.close()
    return path


def test_sqlite(shop: Path) -> None:
    table = read_table(f"sqlite:///{shop}?table=my%20orders")
    assert list(table.columns) == ["id", "city", "price", "note"] and len(table) == 60
    assert [str(one) for one in table.dtypes] == ["int64", "str", "float64", "str"]
    assert table["note"].isna().sum() == 1 and table["price"].iloc[-1] == 59 / 4
    assert read_table(f'sqlite:///{shop}?table=a".b')["x"].tolist() == [1, 2]
    some = read_table(f'sqlite:///{shop}?query=SELECT city, price FROM "my orders" WHERE id + 1 > 58 & 63')
    assert len(some) == 2 and list(some.columns) == ["city", "price"]
    encoded = read_table(f"sqlite:///{shop}?query=SELECT+id+FROM+%22my+orders%22+LIMIT+3", missing={"2"})
    assert encoded["id"].tolist()[:2] == [0, 1] and encoded["id"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("tail", "sentence"),
    [
        ("?table=orders", "has no table 'orders': choose one of 'a\".b', 'empty', 'my orders', 'photos'"),
        ("?table=empty", "table 'empty' of .* gives no rows"),
        ("?table=photos", "column 'photo' of table 'photos' .* holds bytes"),
        ("", "names no table: add"),
        ("?table=a&query=SELECT 1", "both a table and a query"),
        ("?table=a&mode=rw", "has no option 'mode'"),
        ("?query=SELECT * FRM x", "cannot be read .*syntax error"),
        ("?query=DELETE FROM empty", "readonly"),
        ("?query=SELECT 1 AS a, 2 AS a", "two columns named 'a'"),
    ],
)
def test_a_bad_source_is_one_sentence(shop: Path, tail: str, sentence: str) -> None:
    with pytest.raises(LookalikeError, match=sentence) as error:
        read_table(f"sqlite:///{shop}{tail}")
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    for scheme in ("sqlite", "duckdb"):
        with pytest.raises(DataError, match=r"there is no file .*gone\.db"):
            read_table(f"{scheme}:///{tmp_path}/gone.db?table=t")
    assert not (tmp_path / "gone.db").exists()
    (tmp_path / "no.db").write_text("no database, but a text that is long enough")
    with pytest.raises(DataError, match=r"cannot be read .*not a database"):
        read_table(f"sqlite:///{tmp_path}/no.db?table=t")
    with pytest.raises(OptionError, match="names no file"):
        read_table("sqlite://?table=t")


def test_a_scheme_that_is_not_known() -> None:
    with pytest.raises(OptionError, match=r"mysql:// is not read by its URL.*read_sql"):
        read_table("mysql://root:secret@host/base?table=t")
    assert not is_source("s3://bucket/file.csv") and not is_source("real.csv") and not is_source(Path("a"))


def test_no_password_is_kept_or_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://ann:s3c%3Aret@127.0.0.1:1/shop?table=orders"
    assert without_password(url) == lasting(url) == "postgresql://ann@127.0.0.1:1/shop?table=orders"
    assert called(url) == "orders"
    assert without_password("postgres://ann:a/b?c@h/d?table=t") == "postgres://ann@h/d?table=t"
    for plain in ("postgresql://h:5432/d?query=SELECT '@'", "sqlite:///a.db?query=SELECT 'a:@'", "a.csv"):
        assert without_password(plain) == plain
    monkeypatch.chdir(tmp_path)
    assert lasting("sqlite:///a b.db?table=t") == f"sqlite:///{tmp_path}/a%20b.db?table=t"


def test_a_short_password_is_hidden_and_words_stay_whole() -> None:
    url = "postgresql://ann:p@127.0.0.1:1/shop"
    with pytest.raises(DataError) as found, _errors("it", url):
        raise ValueError(f"[libpq] no port of {url}")
    assert str(found.value) == "it cannot be read ([libpq] no port of postgresql://ann:***@127.0.0.1:1/shop)."


def test_a_connection_of_the_standard_library(shop: Path) -> None:
    with sqlite3.connect(shop) as open_one:
        table = lookalike.read_sql('SELECT id, price FROM "my orders"', open_one)
        assert table["id"].tolist() == list(range(60))
        with pytest.raises(DataError, match=r"no such table: gone"):
            lookalike.read_sql("SELECT * FROM gone", open_one)
        with pytest.raises(DataError, match="gives no rows"):
            lookalike.read_sql("SELECT * FROM empty", open_one)
        with pytest.raises(DataError, match="gives no table: write a SELECT"):
            lookalike.read_sql("CREATE TABLE more (a)", open_one)
    open_one.close()
    with pytest.raises(DataError, match=r"closed database"):
        lookalike.read_sql("SELECT 1", open_one)
    with pytest.raises(OptionError, match="connection is a name"):
        lookalike.read_sql("SELECT 1", str(shop))
    with pytest.raises(OptionError, match="connection is 5"):
        lookalike.read_sql("SELECT 1", 5)


def test_sqlalchemy(shop: Path) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = sqlalchemy.create_engine(f"sqlite:///{shop}")
    by_engine = lookalike.read_sql('SELECT id FROM "my orders" WHERE id < 3', engine)
    with engine.connect() as one:
        statement = sqlalchemy.text('SELECT id FROM "my orders" WHERE id < :most').bindparams(most=3)
        by_statement = lookalike.read_sql(statement, one)
    pd.testing.assert_frame_equal(by_engine, by_statement)
    assert by_engine["id"].tolist() == [0, 1, 2]
    with pytest.raises(DataError, match="no such table"):
        lookalike.read_sql("SELECT * FROM gone", engine)
    engine.dispose()


def test_adbc(shop: Path) -> None:
    adbc = pytest.importorskip("adbc_driver_sqlite.dbapi")
    with adbc.connect(str(shop)) as one:
        table = lookalike.read_sql('SELECT id, note FROM "my orders"', one)
    assert str(table["id"].dtype) == "int64" and table["note"].isna().sum() == 1


def test_duckdb(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "a shop.db"
    with duckdb.connect(str(path)) as made:
        made.execute("CREATE SCHEMA sales")
        made.execute(
            "CREATE TABLE sales.t AS SELECT range::UTINYINT AS i, 1.25::DECIMAL(9, 2) AS price, "
            "DATE '2024-02-29' AS day, (range % 2 = 0)::BOOLEAN AS even FROM range(4)"
        )
        some = lookalike.read_sql("SELECT * FROM sales.t", made)
    table = read_table(f"duckdb:///{tmp_path}/a%20shop.db?table=sales.t")
    pd.testing.assert_frame_equal(table, some)
    assert (
        str(table["i"].dtype) == "uint8" and table["price"][0] == Decimal("1.25") and table["day"][0] == DAY
    )
    with pytest.raises(DataError, match="has no table 'u': choose one of 't'"):
        read_table(f"duckdb:///{path}?table=u")
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE t (a)")
    other.close()
    with pytest.raises(DataError, match="cannot be read") as error:  # and nothing is fetched to read it
        read_table(f"duckdb:///{tmp_path}/other.db?table=t")
    assert "download" not in str(error.value) and "http" not in str(error.value)


def test_a_table_of_a_database_is_sampled_like_any_other(shop: Path) -> None:
    url = f"sqlite:///{shop}?table=my orders"
    whole = read_table(url)
    some, total = sample_rows(url, 3, seed=1)
    assert total == len(whole) > 3 and len(some) == 3
    pd.testing.assert_frame_equal(some, whole.loc[some.index])


def test_a_verb_reads_a_database(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, page = tmp_path / "out.csv", tmp_path / "report.json"
    out.write_text("what was made before")
    url = f"sqlite:///{shop}?table=my orders"
    for real, made, sentence in (
        (f"sqlite:///{shop}?table=gone", str(out), "has no table 'gone'"),
        (f"{url}&x=1", str(out), "has no option 'x'"),
        ("mysql://ann:s3cret@h/b?table=t", str(out), "mysql:// is not read by its URL"),
        (url, url, "only read: name a file"),
    ):
        assert main(["generate", real, "-n", "20", "-o", made, "--max-time", "0.5s", "--quiet"]) == 2
        said = capsys.readouterr().err
        assert sentence in said and said.count("\n") == 1 and "s3cret" not in said
        assert out.read_text() == "what was made before"
    given = ["evaluate", "--real", url, "--synthetic", url, "--only", "fidelity", "--quick", "--quiet"]
    assert main([*given, "-o", str(page)]) == 0
    assert json.loads(page.read_text())["about"]["tables"]["real"]["name"] == "my orders"


def test_a_run_keeps_a_source_without_its_password(tmp_path: Path) -> None:
    options = {"real": "postgresql://ann:s3cret@h/b?table=t", "holdout": "sqlite:///a.db?table=t", "rows": 5}
    with Run(tmp_path / "run", options).begun():
        kept = (tmp_path / "run" / "config.toml").read_text()
    assert 'real = "postgresql://ann@h/b?table=t"' in kept and "s3cret" not in kept
    assert f'holdout = "sqlite:///{Path.cwd()}/a.db?table=t"' in kept


# --- Postgres itself -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The base URL of a server that asks `ann` for the password `s3cret`; skipped where none is installed."""
    pytest.importorskip("adbc_driver_postgresql")
    homes = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    search = os.pathsep.join([*homes, os.environ["PATH"]])
    if not (initdb := shutil.which("initdb", path=search)) or not (
        server := shutil.which("postgres", path=search)
    ):
        pytest.skip("Postgres is not installed")
    folder = Path(tempfile.mkdtemp(prefix="postgres"))
    who: dict[str, Any] = {}
    if os.geteuid() == 0:  # which Postgres refuses
        shutil.chown(folder, "nobody")
        who = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    (folder / "password").write_text("s3cret")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    how = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **who}
    asks = ("-U", "ann", "-A", "scram-sha-256", f"--pwfile={folder}/password", "--no-sync")
    os.chmod(folder / "password", 0o644)
    subprocess.run([initdb, "-D", folder / "data", *asks, "-E", "UTF8", "--locale=C"], check=True, **how)
    options = ("-F", "-k", str(folder), "-h", "127.0.0.1", "-p", str(port))
    process = subprocess.Popen([server, "-D", folder / "data", *options], **how)
    url = f"postgresql://ann:s3cret@127.0.0.1:{port}/postgres"
    try:
        _filled(url, process)
        yield url
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _filled(url: str, process: Any) -> None:
    import time

    import adbc_driver_postgresql.dbapi as adbc

    for _ in range(300):
        assert process.poll() is None, "the server did not start"
        try:
            connection = adbc.connect(url)
            break
        except adbc.Error:
            time.sleep(0.1)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TYPE mood AS ENUM ('sad', 'fine')")
        cursor.execute("CREATE SCHEMA sales")
        cursor.execute(
            "CREATE TABLE sales.orders AS SELECT i::int2 AS i, (i * 1.25)::numeric(9, 2) AS price, "
            "CASE WHEN i = 3 THEN NULL ELSE i % 2 = 0 END AS even, DATE '2024-02-29' AS day, "
            "TIMESTAMPTZ '2024-02-29 12:00+01' AS at, (ARRAY['sad', 'fine'])[1 + i % 2]::mood AS mood, "
            "'{\"a\": 1}'::jsonb AS more, '8a3a6a0e-0000-4000-8000-000000000001'::uuid AS id, "
            "ARRAY[i, 2] AS list FROM generate_series(1, 40) AS i"
        )
        cursor.execute("CREATE TABLE photos AS SELECT 'a'::bytea AS photo")
        connection.commit()


def test_postgres(postgres: str) -> None:
    table = read_table(f"{postgres}?table=sales.orders")
    first = table.iloc[0]
    assert len(table) == 40 and [str(one) for one in table.dtypes[:3]] == ["int16", "object", "boolean"]
    assert (first["price"], first["day"], first["mood"]) == (Decimal("1.25"), DAY, "fine")
    assert first["at"] == pd.Timestamp("2024-02-29 11:00", tz="UTC") and first["list"] == [1, 2]
    assert (first["more"], first["id"]) == ('{"a": 1}', "8a3a6a0e-0000-4000-8000-000000000001")
    assert len(read_table(f"{postgres}?connect_timeout=5&query=SELECT i FROM sales.orders WHERE i < 3")) == 2
    assert lookalike.infer(table)["mood"].kind == "category"


@pytest.mark.parametrize(
    ("change", "tail", "sentence"),
    [
        (("s3cret", "wr0ng"), "?table=photos", "password authentication failed.*set PGUSER and PGPASSWORD"),
        ((":s3cret", ""), "?table=photos", "password.*set PGUSER and PGPASSWORD"),
        (("/postgres", "/gone"), "?table=photos", 'database "gone" does not exist'),
        (("", ""), "?table=gone", r"has no table 'gone': choose one of 'photos', 'sales.orders'"),
        (("", ""), "?table=photos", "column 'photo' .* holds bytes"),
        (("", ""), "?query=SELECT 1 WHERE false", "gives no rows"),
        (("127.0.0.1:", "127.0.0.1:1"), "?table=photos", "cannot be read .*: check that the server is there"),
        (("", ""), "?query=SELECT pg_terminate_backend(pg_backend_pid())", "cannot be read"),
    ],
)
def test_what_postgres_refuses_is_one_sentence(
    postgres: str, change: tuple[str, str], tail: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    with pytest.raises(DataError, match=sentence) as error:
        read_table(postgres.replace(*change) + tail)
    assert (
        "\n" not in str(error.value) and "s3cret" not in str(error.value) and "wr0ng" not in str(error.value)
    )


def test_the_password_may_be_in_the_environment(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "s3cret")
    assert len(read_table(f"{postgres.replace(':s3cret', '')}?table=sales.orders")) == 40
