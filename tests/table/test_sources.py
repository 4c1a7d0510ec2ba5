"""A table of each library comes in, and another one goes out in the same kind, with the same types."""

import datetime
import pickle
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import lookalike
from lookalike.errors import DataError
from lookalike.table.inferring import infer
from lookalike.table.sources import PANDAS, parted, table, taken, to_dataset
from tests.processes import python

BERLIN = ZoneInfo("Europe/Berlin")
DAY, AT = datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12, tzinfo=BERLIN)
CELLS: dict[str, list[Any]] = {
    "count": [1, None, 3],
    "share": [0.5, None, 1.5],
    "yes": [True, None, False],
    "day": [DAY, None, DAY],
    "at": [AT, None, AT],
    "price": [Decimal("1.20"), None, Decimal("3.00")],
    "name": ["ann", None, "bob é"],
    "list": [[1, 2], None, []],
    "object": [{"a": 1, "b": "x"}, None, {"a": 2, "b": None}],
    "empty": [None, None, None],
}
DTYPES = ["Int64", "float64", "boolean", "object", "datetime64[us, Europe/Berlin]", "object", "str"]


def arrow() -> pa.Table:
    kinds = {"count": pa.int16(), "price": pa.decimal128(9, 2), "at": pa.timestamp("us", "Europe/Berlin")}
    columns = {name: pa.array(cells, kinds.get(name)) for name, cells in CELLS.items()}
    zone = pa.array(["b", None, "a"]).dictionary_encode()
    return pa.table(columns | {"zone": zone})


def polars_table() -> Any:
    polars = pytest.importorskip("polars")
    kind = polars.Enum(["low", "high"])
    return polars.from_arrow(arrow()).with_columns(
        polars.Series("level", ["high", None, "low"], kind), polars.col("name").alias("who")
    )


def test_pandas_is_taken_as_it_is() -> None:
    frame = pd.DataFrame({"a": [1]})
    assert taken("the table", frame) == (frame, PANDAS) and PANDAS.back(frame) is frame
    assert list(table("the table", pd.Series([1, 2], name="a"))) == ["a"]


def test_arrow() -> None:
    given = arrow()
    frame, origin = taken("the table", given)
    assert [str(one) for one in frame.dtypes[:7]] == ["Int16", *DTYPES[1:]]
    assert frame["list"][0] == [1, 2] and frame["object"][2] == {"a": 2, "b": None}
    assert origin.back(frame).equals(given) and origin.back(frame).schema == given.schema
    assert origin.back(frame.assign(weight=1.0)).column_names[-1] == "weight"
    assert origin.back(frame[["zone", "count"]]).schema == given.select(["zone", "count"]).schema
    reader, again = given.to_reader(), pickle.loads(pickle.dumps(origin))
    frame, of_reader = taken("the table", reader)
    assert isinstance(of_reader.back(frame), pa.RecordBatchReader) and again.back(frame).equals(given)
    assert taken("the table", given.to_batches()[0])[1].back(frame).equals(given)


def test_polars() -> None:
    given = polars_table()
    frame, origin = taken("the table", given)
    assert origin.back(frame).equals(given) and origin.back(frame).schema == given.schema
    assert list(frame["level"].cat.categories) == ["low", "high"] and frame["level"].cat.ordered
    frame, origin = taken("the table", given.lazy())
    assert origin.back(frame).collect().equals(given)
    assert b"high" not in str(infer(frame.drop(columns="object")).layout).encode()


def test_duckdb() -> None:
    duckdb = pytest.importorskip("duckdb")
    query = (
        "SELECT 1::UTINYINT AS a, 'x'::ENUM('x', 'y') AS b, DATE '2024-02-29' AS c, 1.5::DECIMAL(9, 2) AS d, "
        "[1, 2] AS e, {'k': 1} AS f, 5::HUGEINT AS g, '8a3a6a0e-0000-4000-8000-000000000001'::UUID AS h, "
        'MAP {\'k\': 1} AS i, NULL::SMALLINT AS "a ""b""", TIMESTAMPTZ \'2024-02-29 12:00+01\' AS j'
    )
    with duckdb.connect() as own:
        given = own.sql(query)
        frame, origin = taken("the table", given)
        back = origin.back(frame)
        assert (back.columns, back.types, back.fetchall()) == (given.columns, given.types, given.fetchall())


def test_datasets() -> None:
    datasets = pytest.importorskip("datasets")
    kinds = {
        "stars": datasets.Value("int16"),
        "label": datasets.ClassLabel(names=["bad", "good"]),
        "tags": datasets.List(datasets.Value("string")),
        "day": datasets.Value("date32"),
    }
    cells = {"stars": [1, 2, None], "label": [0, 1, -1], "tags": [["a"], [], None], "day": [DAY, None, DAY]}
    given = datasets.Dataset.from_dict(cells, datasets.Features(kinds))
    frame, origin = taken("the table", given.select([1, 0, 2]))
    assert frame["label"].astype(object).tolist()[:2] == ["good", "bad"] and frame["label"].isna()[2]
    back = origin.back(frame)
    assert (
        back.features == given.features
        and back["label"][:] == [1, 0, None]
        and back["stars"][:] == [2, 1, None]
    )
    made = to_dataset(pd.DataFrame({"zone": pd.Categorical(["a", "b"]), "n": pd.array([1, None], "Int8")}))
    assert made["zone"][:] == ["a", "b"] and made.features["n"] == datasets.Value("int8")

    splits = datasets.DatasetDict(train=given, test=given.select([0]), validation=given)
    assert parted("real", splits) == (splits["train"], splits["test"])
    assert parted("real", splits, "own") == (splits["train"], "own")
    assert parted("real", datasets.DatasetDict(test=given)) == (given, None)
    with pytest.raises(DataError, match="no split 'train' but 'a', 'b'"):
        table("the table", datasets.DatasetDict(a=given, b=given))
    with pytest.raises(DataError, match="a stream, IterableDataset"):
        table("the table", given.to_iterable_dataset())


def test_plain_values() -> None:
    frame, origin = taken("the table", CELLS)
    assert [str(one) for one in frame.dtypes[:7]] == DTYPES
    assert origin.back(frame) == CELLS
    rows = [dict(zip(CELLS, row, strict=True)) for row in zip(*CELLS.values(), strict=True)]
    frame, origin = taken("the table", rows)
    assert origin.back(frame) == rows
    frame, origin = taken("the table", [{"a": 1}, {"b": "x", "a": "mixed"}])
    assert frame["a"].tolist() == [1, "mixed"] and origin.back(frame)[0] == {"a": 1, "b": None}
    frame, origin = taken("the table", {"a": np.arange(2), 7: ["x", "y"]})
    assert list(frame) == ["a", 7] and origin.back(frame) == {"a": [0, 1], 7: ["x", "y"]}
    assert taken("the table", {"a": 1, "b": "x"})[0].to_dict("list") == {"a": [1], "b": ["x"]}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (pa.table({"photo": [b"x"]}), "column 'photo' of the table holds bytes"),
        (pa.table({"photos": [[{"raw": b"x"}]]}), "column 'photos' of the table holds bytes"),
        ([{"photo": b"x"}], "column 'photo' of the table holds bytes"),
        (
            pa.table({"a": pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])}),
            "several types",
        ),
        ([{1: "a", "1": "b"}], "two of its columns are written '1'"),
        ({"a": [1], "b": [1, 2]}, "different numbers of rows"),
        ([], "the table is an empty list: it needs rows"),
        ([1, 2], "of the type list"),
        (None, "is None"),
        ("real.csv", r"the name 'real.csv': read it first, with lookalike.read_table\('real.csv'\)"),
    ],
)
def test_what_is_no_table_is_one_sentence(given: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence) as error:
        taken("the table", given)
    assert "\n" not in str(error.value)


def test_cells_that_arrow_does_not_know() -> None:
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    with pytest.raises(DataError, match="column 'o' of the table holds"):
        taken("the table", polars.DataFrame({"o": [object()]}))
    with duckdb.connect() as own, pytest.raises(DataError, match="column 'i' of the table holds intervals"):
        taken("the table", own.sql("SELECT INTERVAL 1 DAY AS i"))
    with pytest.raises(DataError, match="cannot be read as a table"):
        taken("the table", polars.DataFrame({"a": ["x"]}).lazy().select(polars.col("gone")))


def test_the_verbs_give_the_kind_back() -> None:
    polars = pytest.importorskip("polars")
    rng = np.random.default_rng(0)
    cells = {"n": rng.integers(0, 9, 60).astype("int8"), "zone": rng.choice(["a", "b"], 60)}
    given = polars.DataFrame(cells, schema={"n": polars.Int8, "zone": polars.Enum(["b", "a"])})
    made = given.with_columns(
        n=polars.when(polars.arange(60) == 7).then(120).otherwise("n").cast(polars.Int8)
    )
    kept, decisions = lookalike.curate(made, given, only=["range"], progress=False)
    assert kept.equals(made[[row for row in range(60) if row != 7]]) and kept.schema == given.schema
    assert decisions.apply(made).equals(kept) and decisions.rejected(made)["n"].to_list() == [120]
    aligned, _ = lookalike.align(cells, given, 20, progress=False)
    assert aligned.schema == given.schema and len(aligned) == 20
    report = lookalike.evaluate(given.to_arrow(), given.lazy(), given.to_dicts(), only="fidelity", quick=True)
    assert report.to_dict()["fidelity"]["shape_error"]["value"] == 0


class First:
    """A synthesizer that gives the first rows of its table."""

    def fit(self, table: pd.DataFrame, schema: Any = None) -> None:
        self.table = table

    def sample(self, n: int) -> pd.DataFrame:
        return self.table.head(n)


def test_a_split_is_the_holdout() -> None:
    datasets = pytest.importorskip("datasets")
    cells = {"n": [i * 7 % 11 for i in range(40)], "zone": ["a", "b"] * 20}
    whole = datasets.Dataset.from_dict(cells)
    splits = datasets.DatasetDict(train=whole, test=whole.select(range(30)))
    made, report = lookalike.generate(splits, 10, First(), progress=False)
    assert isinstance(made, datasets.Dataset) and made.features == whole.features and len(made) == 10
    tables = report.to_dict()["about"]["tables"]
    assert [tables[name]["rows"] for name in ("real", "synthetic", "holdout")] == [40, 10, 30]
    again = lookalike.evaluate(splits, made, only="fidelity", quick=True)
    assert again.to_dict()["about"]["tables"]["holdout"]["rows"] == 30


def test_no_library_is_imported_that_the_caller_has_not() -> None:
    code = """
import sys
from lookalike.table.sources import taken
frame, origin = taken("the table", [{"a": 1}, {"a": 2}])
origin.back(frame)
print(*{"polars", "duckdb", "datasets", "sqlalchemy", "narwhals", "sklearn"} & set(sys.modules))
"""
    done = python("-c", code)
    assert done.returncode == 0 and done.stdout.strip() == "", done.stdout + done.stderr
