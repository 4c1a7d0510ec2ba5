"""Folders on this machine and behind a URL: what is put there is whole, and mistakes are sentences."""

import os
import re
from pathlib import Path

import pandas as pd
import pytest

import lookalike
from lookalike.errors import DataError, OptionError
from lookalike.files.place import Place, is_url, local, size
from lookalike.files.writing import ChunkWriter

fsspec = pytest.importorskip("fsspec")


@pytest.mark.parametrize(
    ("path", "url"),
    [("s3://b/x", True), ("memory://a", True), ("C:/x", False), ("a/b", False), (Path("x"), False)],
)
def test_a_url_has_a_scheme(path, url):
    assert is_url(path) is url


@pytest.fixture(params=["local", "memory"])
def place(request, tmp_path):
    found = Place(tmp_path / "made" if request.param == "local" else f"memory://{tmp_path.name}/made/")
    found.make()
    return found


def test_files_are_put_whole_read_back_and_removed(place):
    assert place.names() == set() and place.read("a.txt") is None
    place.write("a.txt", b"one")
    place.write("a.txt", b"two")
    with pytest.raises(ZeroDivisionError), place.writing("b.txt") as partial:
        Path(partial).write_bytes(b"half")
        raise ZeroDivisionError
    assert place.names() == {"a.txt"} and place.read("a.txt") == b"two" and size(place.of("a.txt")) == 3
    with local(place.of("a.txt")) as copy:
        assert Path(copy).read_bytes() == b"two"
    place.remove(["a.txt", "never.txt"])
    assert place.names() == set()


def test_what_a_killed_process_left_of_a_file_goes_with_its_name_alone(tmp_path):
    for name in (
        ".a.parquet.x.partial.parquet",
        "..a.parquet.y.partial.z.partial",
        ".b.parquet.x.partial",
        "a.parquet",
    ):
        (tmp_path / name).touch()
    Place(tmp_path).tidy("a.parquet")
    assert sorted(os.listdir(tmp_path)) == [".b.parquet.x.partial", "a.parquet"]


@pytest.mark.parametrize(
    ("url", "error", "sentence"),
    [
        ("nosuch://bucket/made", DataError, "nosuch://bucket/made cannot be reached"),
        ("memory://nowhere/x.csv", DataError, "memory://nowhere/x.csv does not exist"),
        ("memory://nowhere-either/", DataError, "holds no .csv"),
    ],
)
def test_what_is_wrong_with_a_url_is_one_sentence_that_names_it(url, error, sentence):
    with pytest.raises(error, match=sentence):
        lookalike.read_table(url)


@pytest.mark.parametrize("url", ["s3://", "memory:///", "hdfs://"])
def test_a_url_that_names_nothing_is_a_sentence(url):
    for use in (Place, lookalike.read_table):
        with pytest.raises(OptionError, match=f"{url.rstrip('/')}/+ names no folder and no file: write "):
            use(url)


def test_a_missing_package_is_named(monkeypatch):
    def refuse(url):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", refuse)
    with pytest.raises(OptionError, match=r"speaks s3:// \(Install s3fs to access S3\): install it"):
        Place("s3://bucket/made")


def test_a_damaged_file_behind_a_url_is_named_by_it():
    Place("memory://damaged").write("x.parquet", b"PAR1 half")
    with pytest.raises(DataError, match=r"^memory://damaged/x\.parquet cannot be read"):
        lookalike.read_table("memory://damaged/x.parquet")


@pytest.fixture
def bucket(monkeypatch):
    """s3://made of an object server on this machine."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "ACCESS_KEY_ID": "k",
        "SECRET_ACCESS_KEY": "s",
        "DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    fsspec.filesystem("s3").makedirs("made", exist_ok=True)
    yield "s3://made"
    server.stop()
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def test_shards_in_an_object_store(bucket, small_model, tmp_path):
    options = {"shards": 3, "workers": 1, "progress": False}
    lookalike.sample_shards(small_model, 30, f"{bucket}/run/", **options)
    lookalike.sample_shards(small_model, 30, tmp_path / "run", **options)
    place = Place(f"{bucket}/run")
    names = [f"part-0000{i}-of-00003.parquet" for i in range(3)]
    assert place.names() == {*names, "plan.json"}
    assert all(place.read(name) == (tmp_path / "run" / name).read_bytes() for name in names)
    assert lookalike.read_table(f"{bucket}/run/").equals(lookalike.read_table(tmp_path / "run"))
    assert len(lookalike.read_table(f"{bucket}/run/part-0000[01]*.parquet")) == 20
    curated = {"only": ["exact"], "workers": 2, "progress": False}  # which write what this process then reads
    made = lookalike.curate_shards(f"{bucket}/run/", f"{bucket}/kept/", **curated)
    assert len(lookalike.read_table(f"{bucket}/kept/")) == made.kept > 9
    place.remove(names[:1])
    again = lookalike.sample_shards(small_model, 30, f"{bucket}/run/", **options)
    assert [one.shard for one in again.done] == [0] and again.there == 2
    with pytest.raises(DataError, match="another plan"):
        lookalike.sample_shards(small_model, 31, f"{bucket}/run/", **options)


def test_a_file_that_cannot_be_written_is_named_by_its_place(tmp_path):
    for place in (Place(tmp_path), Place("memory://limited")):
        said = rf"^{re.escape(place.of('a.csv'))} is none\.$"
        with pytest.raises(DataError, match=said), place.writing("a.csv") as partial:
            raise DataError(f"{partial} is none.")
        assert place.names() == set()


def test_a_bucket_that_is_not_there_is_a_sentence(bucket, small_model):
    with pytest.raises(DataError, match=r"^s3://mistyped/run.* does not exist: check the address"):
        lookalike.sample_shards(small_model, 10, "s3://mistyped/run", shards=2, progress=False)
    assert Place("s3://mistyped").names() == set()
    with pytest.raises(DataError, match=r"s3://other/run .*(check the address)"):
        lookalike.read_table("s3://other/run")


def test_a_table_is_written_to_a_url_when_it_is_complete(tmp_path):
    table = pd.DataFrame({"a": [1, 2]})
    lookalike.write_table(table, "memory://written/x.csv.gz")
    assert lookalike.read_table("memory://written/x.csv.gz").equals(table)
    with pytest.raises(ZeroDivisionError), ChunkWriter("memory://written/y.csv") as writer:
        writer.write(table)
        raise ZeroDivisionError
    assert Place("memory://written").names() == {"x.csv.gz"}
