"""Every block of the README and of the docstrings that show how to begin: it runs, in small."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.cli.main import main
from lookalike.cli.parser import parsers
from tests.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
WRITER = ROOT / "tests" / "prompting" / "writer.py"
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"^## ", README, flags=re.MULTILINE)}
QWEN = "Qwen/Qwen2.5-0.5B"
SMALLER = [  # as long as it takes to see that it runs
    (r'max_time="\w+"', 'max_time="1s"'),
    (r"DiffLM\((?!max_time)\s*(?=\w)", 'DiffLM(max_time="1s", '),
    (r"sample\(100\b", "sample(10"),
    (r"\b10_000\b|\b2_000\b|\b2000\b", "60"),
    (r"\b1_000\b|\b1000\b", "40"),
]


def blocks(section: str, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```", SECTIONS[section], re.MULTILINE | re.DOTALL)
    return [code for own, code in found if own == language]


def small(code: str, **instead: str) -> str:
    for pattern, other in SMALLER:
        code = re.sub(pattern, other, code)
    for old, new in instead.items():
        code = code.replace(old, new)
    return code


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, orders: pd.DataFrame) -> Path:
    """What a reader has: the examples (cut), and tables of their own under the names that the README says."""
    where, rng = tmp_path_factory.mktemp("reader"), np.random.default_rng(0)
    (where / "examples").mkdir()
    for name in ("adult.csv.gz", "adult-test.csv.gz"):
        table = pd.read_csv(ROOT / "examples" / name, nrows=500, keep_default_na=False)
        table.to_csv(where / "examples" / name, index=False)
    asked = [(rng.integers(90), rng.choice(["name", "age", "city"])) for _ in range(300)]
    questions = {
        "question": [f"which {column} has number {n} of row {i}" for i, (n, column) in enumerate(asked)],
        "sql": [
            f"SELECT {column} FROM people WHERE id = {n} LIMIT {i}" for i, (n, column) in enumerate(asked)
        ],
    }
    pd.DataFrame(questions).to_csv(where / "questions.csv", index=False)
    orders.to_csv(where / "orders.csv", index=False)
    banking = pd.read_csv(ROOT / "tests" / "data" / "banking77.csv").rename(columns={"category": "label"})
    banking = banking[banking["label"].isin(banking["label"].unique()[:3])]
    banking["label"] = banking["label"].replace(banking["label"].iloc[0], "spam")
    banking.to_csv(where / "messages.csv", index=False)
    return where


@pytest.fixture
def reader(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The namespace of a reader who sits in the folder."""
    monkeypatch.chdir(folder)
    yield {}


@pytest.fixture(scope="module")
def backbone(folder: Path) -> str:
    from tests.difflm.backbones import save_backbone

    texts = pd.read_csv(folder / "messages.csv").to_json(orient="records", lines=True).splitlines()
    return str(save_backbone(folder / "backbone", "llama", texts))


@pytest.fixture
def learned(reader: dict[str, Any], folder: Path) -> None:
    """adult.model, as the first block leaves it."""
    if not (folder / "adult.model").exists():
        real = lookalike.read_table("examples/adult.csv.gz", missing={"?"})
        lookalike.DiffLM(max_time="1s", progress=False).fit(real).save("adult.model")


def run(section: str, reader: dict[str, Any], **instead: str) -> None:
    code = blocks(section, "python")
    assert code, section
    for block in code:
        exec(compile(small(block, **instead), f"README.md: {section}", "exec"), reader)


def command(line: str) -> None:
    assert main(shlex.split(line, comments=True)[1:]) == 0, line


def test_the_beginning(reader: dict[str, Any]) -> None:
    run("# lookalike", reader)
    assert len(reader["synthetic"]) == 60 and reader["real"]["occupation"].isna().any()
    assert reader["rich"]["income"].eq(">50K").all() and Path("adult.model").is_dir()


def test_conditions(reader: dict[str, Any], learned: None) -> None:
    run("Conditions", reader)


def test_the_report(reader: dict[str, Any], learned: None) -> None:
    run("The report", reader)
    assert Path("report.html").exists() and Path("report.json").exists()


def test_the_schema(reader: dict[str, Any]) -> None:
    run("The schema", reader)
    assert lookalike.Schema.load("schema.json")["sql"].language == "sql"
    assert reader["model"].schema["customer"].kind == "pseudonym"


def test_a_pretrained_model(reader: dict[str, Any], backbone: str) -> None:
    section = "With a pretrained model"
    run(section, reader, **{QWEN: backbone})
    assert reader["model"].get_params()["lora"] == 16
    (text,) = blocks(section, "")
    fit, sample = (small(line, **{QWEN: backbone}) for line in text.splitlines())
    command(fit + " --max-time 1s --quiet")
    command(sample.replace("-n 40", "-n 3 --quiet"))
    assert set(pd.read_csv("some.csv")["label"]) == {"spam"}


def test_a_language_model_behind_an_endpoint(reader: dict[str, Any], serve: Callable[..., Any]) -> None:
    url = serve("--writer", f"{WRITER}:good").url
    run("Texts that a language model writes", reader, **{"http://127.0.0.1:8000/v1": url})
    assert len(reader["synthetic"]) == 60 and len(reader["aligned"]) == 40
    (text,) = blocks("Texts that a language model writes", "")
    for line in text.splitlines():
        command(small(line, **{"http://127.0.0.1:8000/v1": url}) + " --quiet")
    assert len(pd.read_csv("aligned.csv")) == 40


def test_options_of_the_command_line_exist() -> None:
    """In the README as a whole; every verb is there."""
    _, verbs = parsers()
    known = {
        verb: {o for action in one._actions for o in action.option_strings} for verb, one in verbs.items()
    }
    seen = set()
    text = "".join(block for section in SECTIONS for block in blocks(section, ""))
    text = re.sub(r"\n {10,}", " ", text)  # lines that go on
    for verb, line in re.findall(r"^lookalike (\w+)(.*)$", text, re.MULTILINE):
        seen.add(verb)
        for option in re.findall(r"(?<![\w-])--?[a-z][\w-]*", line):
            assert option in known[verb], f"lookalike {verb} {option}"
    assert seen == set(known)
    everything = set().union(*known.values())
    for option in re.findall(r"`(--[a-z][\w-]*)", README):
        assert option in everything, option


def test_what_make_and_pip_are_asked_for_is_there() -> None:
    makefile, project = ((ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", "pyproject.toml"))
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    extras = re.findall(r"pip install (?:-c \S+ )?(?:-e )?'\.\[(\w+)\]'", README)
    assert {"difflm", "pretrained", "llm"} <= set(extras)
    for extra in extras:
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE), extra
    for path in re.findall(r"\]\((?!http)([\w./-]+)\)|`(examples/[\w./-]+)`", README):
        assert (ROOT / (path[0] or path[1])).exists(), path


@pytest.mark.parametrize("name", ["lookalike", "DiffLM", "SynAlign", "schema"])
def test_the_docstrings(name: str, reader: dict[str, Any], serve: Callable[..., Any]) -> None:
    from lookalike.table import schema

    objects = {"lookalike": lookalike, "schema": schema}
    text = (objects.get(name) or getattr(lookalike, name)).__doc__
    found = (
        re.search(r"\n((?: {4,}[^\n]*(?:\n|$))+)", text.expandtabs())
        if name in objects
        else re.search(r"\n((?: {8}[^\n]*(?:\n|$))+)", text)
    )
    assert found is not None
    code = "\n".join(line.strip() for line in found[1].splitlines())
    reader["lookalike"] = lookalike
    if name == "SynAlign":
        from lookalike.llm import LLM

        url = serve("--writer", f"{WRITER}:good").url
        code, reader["LLM"] = code.replace("http://127.0.0.1:8000/v1", url), LLM
    if name == "schema":
        reader["df"] = pd.DataFrame({"zip": np.arange(60) % 7, "city": list("abc") * 20})
    exec(compile(small(code), name, "exec"), reader)
