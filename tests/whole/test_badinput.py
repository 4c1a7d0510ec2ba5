"""A mistake on the command line: one sentence, exit code 2, no traceback, nothing left behind."""

import json
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from lookalike.cli.main import main
from tests.processes import python

GOOD = "a,b\n" + "".join(f"{i % 6},{'xyz'[i % 3]}\n" for i in range(60))  # a=0 comes only with b=x
BAD_TABLES: dict[str, tuple[bytes, list[str]]] = {  # what is in real.csv, and what the sentence has to name
    "empty": (b"", ["real.csv", "empty"]),
    "header only": (b"a,b\n", ["real.csv", "row"]),
    "a single row": (b"a,b\n1,2\n", ["row"]),
    "ragged": (b"a,b\n1,2\n3,4,5\n6,7\n", ["real.csv", "3"]),
    "wrong encoding": ("a,b\n1,é\n2,ü\n".encode("latin-1"), ["real.csv", "UTF-8"]),
    "not a table": (b"\x00\x01\x02\x03", ["real.csv"]),
}


@pytest.fixture
def check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Runs a command in an empty folder with a good real.csv; checks the failure and returns its sentence."""
    monkeypatch.chdir(tmp_path)
    Path("real.csv").write_text(GOOD)
    Path("folder").mkdir()

    def check_(*arguments: object, names: list[str]) -> str:
        before = sorted(map(str, Path().rglob("*")))
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert code == 2, captured
        assert captured.err.startswith("lookalike: ")
        assert captured.err.count("\n") == 1, captured.err
        assert "Traceback" not in captured.err
        for name in names:
            assert name in captured.err
        assert captured.out == ""
        assert sorted(map(str, Path().rglob("*"))) == before
        return captured.err

    return check_


GENERATE = ("generate", "real.csv", "-n", 10, "-o", "out.csv")


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_tables(check: Callable[..., str], case: str) -> None:
    content, names = BAD_TABLES[case]
    Path("real.csv").write_bytes(content)
    check(*GENERATE, names=names)


def test_a_bad_table_to_fit(check: Callable[..., str]) -> None:
    Path("real.csv").write_bytes(BAD_TABLES["ragged"][0])
    check("fit", "real.csv", "-o", "model", names=BAD_TABLES["ragged"][1])


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("generate", "nowhere.csv", "-n", 10, "-o", "out.csv"), ["nowhere.csv"]),
        (("generate", "folder", "-n", 10, "-o", "out.csv"), ["folder"]),
        (("evaluate", "--real", "real.csv", "--synthetic", "nowhere.csv"), ["nowhere.csv"]),
        ((*GENERATE, "--holdout", "nowhere.csv"), ["nowhere.csv"]),
        (("fit", "real.csv", "-o", "model", "--schema", "nowhere.json"), ["nowhere.json"]),
        (("fit", "real.csv", "-o", "model", "--schema", "real.csv"), ["real.csv"]),
        ((*GENERATE, "--target", "c"), ["'c'", "'a'", "'b'"]),
        (("evaluate", "--real", "real.csv", "--synthetic", "real.csv", "--target", "c"), ["'c'"]),
        ((*GENERATE, "--where", "c=1"), ["'c'", "'a'", "'b'"]),
        ((*GENERATE, "--where", "b=w"), ["'b'", "'w'", "'x'"]),
        ((*GENERATE, "--where", "a=70"), ["'a'", "70"]),
        ((*GENERATE, "--where", "a=70..80"), ["'a'", "70"]),
        ((*GENERATE, "--where", "a=5..2"), ["'a'"]),
        ((*GENERATE, "--where", "a=x..y"), ["'a'"]),
        ((*GENERATE, "--where", "a="), ["'a'", "missing"]),
        ((*GENERATE, "--where", "b"), ["'b'", "="]),
        ((*GENERATE, "--where", "a=0", "--where", "b=y"), ["all the conditions"]),
        ((*GENERATE, "--where", "a=1", "--where", "a=2"), ["'a'"]),
        ((*GENERATE, "--max-time", "soon"), ["--max-time", "soon"]),
        ((*GENERATE, "--max-time", "0"), ["--max-time", "0"]),
        ((*GENERATE, "--seed", "-1"), ["--seed", "-1"]),
        ((*GENERATE, "--seed", "x"), ["--seed", "x"]),
        ((*GENERATE, "--device", "abacus"), ["--device", "abacus"]),
        ((*GENERATE, "--report", "report.pdf"), ["report.pdf", ".html"]),
        ((*GENERATE, "--report", "none/report.html"), ["none", "does not exist"]),
        (("generate", "real.csv", "-n", 0, "-o", "out.csv"), ["-n 0"]),
        (("generate", "real.csv", "-n", -3, "-o", "out.csv"), ["-n -3"]),
        (("generate", "real.csv", "-n", "many", "-o", "out.csv"), ["-n many"]),
        (("generate", "real.csv", "-n", 10), ["-o"]),
        (("generate", "real.csv", "-n", 10, "-o", "none/out.csv"), ["none", "does not exist"]),
        (("generate", "real.csv", "-n", 10, "-o", "folder"), ["folder"]),
        (("generate", "real.csv", "-n", 10, "-o", "out.xls"), ["out.xls", ".parquet"]),
        (("generate", "real.csv", "-n", 10, "-o", "real.csv"), ["real.csv", "another file"]),
        ((*GENERATE, "--holdout", "nowhere.csv", "--encoding", "utf-9"), ["'utf-9'", "latin-1"]),
        ((*GENERATE, "--sep", "ab"), ["'ab'", "one character"]),
        ((*GENERATE, "--decimal", "x"), ["--decimal", "'x'"]),
        (("evaluate", "--real", "-", "--synthetic", "-"), ["standard input", "'-'"]),
        (("fit", "real.csv", "-o", "-"), ["folder", "standard output"]),
        (("evaluate", "--real", "real.csv", "--synthetic", "real.csv", "-o", "-"), ["-", ".html"]),
        (("fit", "real.csv", "-o", "none/model"), ["none", "does not exist"]),
        (("fit", "real.csv", "-o", "real.csv"), ["real.csv"]),
        (("sample", "nowhere.model", "-n", 10, "-o", "out.csv"), ["nowhere.model"]),
        (("sample", "folder", "-n", 10, "-o", "out.csv"), ["folder"]),
        (("sample", "real.csv", "-n", 10, "-o", "out.csv"), ["real.csv"]),
        (("sample", "folder", "-o", "out.csv"), ["-n"]),
        (("sample", "folder", "-n", 10, "-o", "none/out.csv"), ["none", "does not exist"]),
        (("sample", "folder", "-n", 10, "-o", "out.csv", "--strength", 2), ["--strength 2"]),
        (("impute", "folder", "real.csv", "-o", "out.csv"), ["folder"]),
        (("evaluate", "--real", "real.csv", "--synthetic", "real.csv", "-o", "none/r.html"), ["none"]),
        (("evaluate", "--real", "real.csv", "--synthetic", "real.csv", "--json", "r.txt"), ["r.txt"]),
        (("frobnicate",), ["frobnicate"]),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_bad_arguments(check: Callable[..., str], arguments: tuple[object, ...], names: list[str]) -> None:
    check(*arguments, names=names)


def lines(*cells: object) -> str:
    return "".join(json.dumps({"n": i % 7, "x": cell}) + "\n" for i, cell in enumerate(cells))


OBJECTS = [{"id": i, "tags": ["a", "b"][: i % 3]} for i in range(60)]
TEXTS = [json.dumps(cell) for cell in OBJECTS]


@pytest.mark.parametrize(
    ("name", "content", "names"),
    [
        ("t.jsonl", lines(*TEXTS[:40], '{"id": 1', *TEXTS[40:]), ["'x'", "row 40", "Expecting", "repair"]),
        ("t.jsonl", lines(*OBJECTS[:40], '{"id": 1', *OBJECTS[40:]), ["'x'", "row 40", "Expecting"]),
        ("t.jsonl", lines(*OBJECTS) + '{"n": 1, "x": [1}\n', ["t.jsonl", "line 61"]),
        ("t.txt", "one\n", ["only one row"]),
        ("t.txt", "\n \n", ["t.txt", "empty"]),
    ],
    ids=["text", "cells", "line", "one text", "no text"],
)
def test_broken_json_and_texts(check: Callable[..., str], name: str, content: str, names: list[str]) -> None:
    Path(name).write_text(content)
    check("generate", name, "-n", 10, "-o", "out.jsonl", names=names)
    check("fit", name, "-o", "model", names=names)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"required": ["name"]}, ["'x'", "row 0", "$", "'name' is a required"]),
        ({"properties": {"id": {"maximum": 9}}}, ["'x'", "row 10", "$.id", "10", "9"]),
        ({"properties": {"tags": {"items": {"type": "integer"}}}}, ["'x'", "row 1", "$.tags[0]", "'a'"]),
        ({"type": "objekt"}, ["'x'", "$.type", "objekt"]),
        ({"properties": {"tags": {"type": "array", "uniqueItems": True}}}, ["'x'", "uniqueItems"]),
        ([1], ["'x'", "json_schema"]),
    ],
    ids=str,
)
def test_a_json_schema_that_contradicts_the_data(
    check: Callable[..., str], given: object, names: list[str]
) -> None:
    from lookalike import infer, read_table

    Path("t.jsonl").write_text(lines(*OBJECTS))
    facts = infer(read_table("t.jsonl")).to_dict()
    facts["columns"][1]["json_schema"] = {"type": "object"} | given if isinstance(given, dict) else given
    Path("schema.json").write_text(json.dumps(facts))
    check("fit", "t.jsonl", "-o", "model", "--schema", "schema.json", names=names)


def test_a_folder_of_mixed_encodings(check: Callable[..., str]) -> None:
    Path("source").mkdir()
    Path("source", "a.py").write_bytes("x = 'é'\n".encode())
    Path("source", "b.py").write_bytes("\n\ny = 'é'\n".encode("latin-1"))
    check("fit", "source", "-o", "model", names=["b.py", "UTF-8", "0xe9", "line 3"])


def test_a_table_that_is_no_list_of_texts(check: Callable[..., str]) -> None:
    check("generate", "real.csv", "-n", 10, "-o", "out.txt", names=["out.txt", "'a', 'b'", ".csv"])


def test_a_megabyte_in_one_cell_is_cut() -> None:
    import numpy as np
    import pandas as pd

    from lookalike.codec import RecordCodec
    from lookalike.table.inferring import infer

    wide = "word and word " * 80_000
    table = pd.DataFrame({"t": [wide, *(f"some text {i}" for i in range(300))]})
    table["j"] = pd.Series([{"k": wide}, *({"k": f"some text {i}"} for i in range(300))], dtype=object)
    codec = RecordCodec.fit(table, infer(table))
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))
    assert len(codec.slots) < 5_000
    assert wide.startswith(back["t"][0]) and 100 < len(back["t"][0]) < 100_000
    assert wide.startswith(back["j"][0]["k"]) and set(back["j"][0]) == {"k"}  # cut, and still JSON
    assert back["t"][1:].tolist() == table["t"][1:].tolist()
    assert back["j"][1:].tolist() == table["j"][1:].tolist()


def test_addresses_are_ids_and_never_real_ones() -> None:
    import numpy as np
    import pandas as pd

    from lookalike.codec import RecordCodec
    from lookalike.table.inferring import infer

    rng = np.random.default_rng(0)
    address = "https://example.com/article/{}?page={}"
    table = pd.DataFrame({"x": [address.format(rng.bytes(20).hex(), i % 7) for i in range(400)]})
    schema = infer(table)
    assert schema["x"].kind == "id"
    codec = RecordCodec.fit(table, schema)
    made = codec.decode(*codec.encode(table), np.random.default_rng(0))["x"]
    assert made.is_unique and not made.isin(table["x"]).any()
    assert made.str.startswith(address.split("{")[0]).all() and infer(made.to_frame())["x"].kind == "id"


def test_a_model_does_not_go_into_a_folder_of_other_files(check: Callable[..., str]) -> None:
    check("fit", "real.csv", "-o", ".", names=["other files"])
    Path("folder", "mine.txt").touch()
    check("fit", "real.csv", "-o", "folder", names=["folder"])


def test_a_holdout_of_another_table(check: Callable[..., str]) -> None:
    Path("other.csv").write_text(GOOD.replace("a,b", "a,c", 1))
    check(*GENERATE, "--holdout", "other.csv", names=["'b'", "'c'"])


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["-n", 10, "--where", "planet=Mars"], ["'planet'"]),
        (["-n", 10, "--where", "sex=Robot"], ["'sex'", "'Robot'", "'Female'"]),
        (["-n", 10, "--where", "age=200..300"], ["'age'", "200"]),
        (["-n", 10, "--balance", "planet"], ["'planet'"]),
        (["--given", "real.csv"], ["'a'"]),
        (["-n", 10, "--given", "real.csv"], ["10", "60"]),
        (["-n", 10, "--like", "real.csv"], ["'age'"]),
    ],
)
def test_what_a_model_cannot_do(
    check: Callable[..., str], small_model: Path, options: list[object], names: list[str]
) -> None:
    check("sample", small_model, "-o", "out.csv", *options, names=names)


def test_a_table_to_impute_that_is_not_there(check: Callable[..., str], small_model: Path) -> None:
    check("impute", small_model, "nowhere.csv", "-o", "out.csv", names=["nowhere.csv"])
    check("impute", small_model, "real.csv", "-o", "out.csv", names=["'a'"])


def test_broken_models(check: Callable[..., str], small_model: Path) -> None:
    files = sorted(path for path in small_model.rglob("*") if path.is_file() and path.name != "schema.json")
    assert len(files) >= 2
    for missing in files:  # a model that lacks any one of them; schema.json is there for people
        folder = Path(f"without-{missing.name}")
        for path in files:
            if path != missing:
                copy = folder / path.relative_to(small_model)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(path.read_bytes())
        check("sample", folder, "-n", 10, "-o", "out.csv", names=[str(folder)])


def test_a_model_of_another_format_version(check: Callable[..., str], small_model: Path) -> None:
    folder = Path("future.model")
    folder.mkdir()
    changed = 0
    for path in small_model.iterdir():
        content = path.read_bytes()
        if path.suffix == ".json" and "format" in (settings := json.loads(content)):
            settings["format"] = 999
            content = json.dumps(settings).encode()
            changed += 1
        (folder / path.name).write_bytes(content)
    assert changed
    check("sample", folder, "-n", 10, "-o", "out.csv", names=["future.model", "999"])


def test_a_full_disk_leaves_no_half_file(
    small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))  # as good as a full disk: more fails
    try:
        code = main(["sample", str(small_model), "-n", "2000", "-o", "out.csv", "--quiet"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    error = capsys.readouterr().err
    assert code == 2 and error.count("\n") == 1 and "out.csv" in error, error
    assert list(tmp_path.iterdir()) == []


def test_without_torch_the_command_to_type_is_named(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text(GOOD)
    done = python(
        "-c",
        f"""
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":  # as if it were not installed
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
sys.meta_path.insert(0, Missing())
from lookalike.cli.main import main
sys.exit(main({[*map(str, GENERATE), "--quiet"]}))
""",
        folder=tmp_path,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "torch" in done.stderr
    assert "pip install '.[difflm]'" in done.stderr


def test_the_process_exits_with_2_and_no_traceback(tmp_path: Path) -> None:
    done = python("-m", "lookalike", "sample", "no", "-o", "o.csv", "--quiet", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("lookalike: ")
    assert done.stderr.count("\n") == 1
