"""bench/ as a whole: its commands, the documents that name them, and what runs beside the peers."""

import ast
import importlib
import re
import subprocess
import sys

import pytest

from bench.environments import variables
from bench.places import BENCH, RESULTS, ROOT

FILES = [
    path
    for room in (".", "tables", "records", "llm", "recipes", "synalign", "growth", "scale", "judge", "curate")
    for path in (BENCH / room).glob("*.py")
]
SAID = re.compile(r"python -m (bench(?:\.\w+)*)")


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__main__" else parts)


COMMANDS = {name_of(path): path for path in FILES if '__name__ == "__main__"' in path.read_text()}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_says_how_it_is_called(name, monkeypatch, capsys):
    if name == "bench.tables.picture":
        pytest.importorskip("matplotlib")
    module = importlib.import_module(".".join(COMMANDS[name].relative_to(ROOT).with_suffix("").parts))
    monkeypatch.setattr("sys.argv", ["", "--help"])
    with pytest.raises(SystemExit) as ended:
        module.main()
    text = capsys.readouterr().out
    assert ended.value.code == 0 and text.startswith(f"usage: python -m {name} ")
    assert f"\n    python -m {name}" in text


@pytest.mark.parametrize(
    "file",
    [
        "ARCHITECTURE.md",
        "bench/RESULTS.md",
        "CONTRIBUTING.md",
        "README.md",
        *sorted(str(p.relative_to(ROOT)) for p in FILES),
    ],
)
def test_documents_name_commands_that_exist(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    assert set(SAID.findall(text)) <= set(COMMANDS)
    assert not re.search(r"python bench/", text)
    named = set(re.findall(r"\bbench/[\w/]+\.(?:py|md|txt)\b", text))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_marks_of_the_results_are_those_of_commands():
    found = re.findall(r"<!-- (\S+): (begin|end) -->", RESULTS.read_text(encoding="utf-8"))
    assert found[::2] == [(name, "begin") for name, _ in found[::2]]
    assert found[1::2] == [(name, "end") for name, _ in found[::2]]
    assert {name for name, _ in found} <= set(COMMANDS) and len(found) > 20


@pytest.mark.parametrize(
    "name", ["bench.tables.run", "bench.tables.score", "bench.llm.peers", "bench.synalign.minilm"]
)
def test_what_runs_beside_peers_needs_nothing_of_lookalike(name, tmp_path):
    code = f"import sys, {name}; print({{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=variables(peer=True)
    )
    assert done.returncode == 0, done.stderr
    assert not {"lookalike", "torch", "sklearn", "xgboost"} & set(ast.literal_eval(done.stdout))


def test_peers_find_bench_alone_and_others_the_source_too(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    assert variables(2, peer=True)["PYTHONPATH"] == str(ROOT)
    assert variables()["PYTHONPATH"].split(":") == [str(ROOT), str(ROOT / "src"), "elsewhere"]
    assert variables(2)["OMP_NUM_THREADS"] == variables(2)["MKL_NUM_THREADS"] == "2"


def test_tests_mirror_the_files():
    for path in (ROOT / "tests" / "bench").rglob("test_*.py"):
        place = path.relative_to(ROOT / "tests").with_name(path.name.removeprefix("test_"))
        main = place.name == "main.py" and (ROOT / place.with_name("__main__.py")).exists()
        assert main or (ROOT / place).exists() or path.name == "test_package.py", path
