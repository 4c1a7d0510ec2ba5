"""The house of ARCHITECTURE.md: floors, rooms that do not meet, no circle, tests that mirror the source."""

import ast
import re
from collections import Counter
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.paths import PACKAGE, ROOT

FLOORS = {  # file or folder right under src/lookalike -> floor
    "arguments": 0,
    "atomic": 0,
    "characters": 0,
    "defaults": 0,
    "errors": 0,
    "interrupt": 0,
    "jobs": 0,
    "markup": 0,
    "options": 0,
    "progress": 0,
    "sampling": 0,
    "seed": 0,
    "agreement": 1,
    "embed": 1,
    "texts": 1,
    "explore": 2,
    "decisions": 2,
    "learn": 2,
    "table": 2,
    "files": 3,
    "codec": 4,
    "llm": 4,
    "rules": 4,
    "curate": 5,
    "difflm": 5,
    "evaluate": 5,
    "prompting": 5,
    "review": 5,
    "aligning": 6,
    "annotator": 6,
    "chained": 6,
    "curation": 6,
    "helping": 6,
    "inputs": 6,
    "without_real": 6,
    "pipeline": 6,
    "run": 6,
    "sampled": 6,
    "scale": 6,
    "shards": 6,
    "synthesizer": 6,
    "cli": 7,
    "__main__": 8,
}
UPPER = 5  # packages of this floor do not meet: pipeline.py joins them
APART = [("difflm/small/", "difflm/pretrained/"), ("difflm/pretrained/", "difflm/small/")]
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")
PLACES = {  # heavy package -> the only places that may import it
    "torch": ("difflm/",),
    "safetensors": ("difflm/",),
    "tokenizers": ("codec/", "difflm/pretrained/hub.py"),
    "sklearn": (
        *("curate/", "evaluate/", "explore/", "learn.py", "embed.py"),
        *("difflm/estimator.py", "difflm/refining.py", "difflm/wording.py"),
        *("difflm/small/forest.py", "difflm/small/slotbase.py"),
    ),
    "sentence_transformers": ("embed.py",),
    "jinja2": ("evaluate/page/", "prompting/"),
    "faker": ("codec/",),
    "aiohttp": ("llm/",),
    "openpyxl": ("files/excel.py",),
    "transformers": ("difflm/pretrained/",),
    "huggingface_hub": ("difflm/pretrained/",),
    "peft": ("difflm/pretrained/",),
    "ray": ("scale.py",),
    "fsspec": ("files/place.py",),
    "llguidance": ("codec/", "difflm/pretrained/"),
}
NAMED = ("codec/kinds/", "codec/ticks/", "codec/made/", "evaluate/chapters/")  # rooms that are drawn as one
WHOLE = ("whole/", "bench/", "docs/")  # tests of many files together; tests of bench/


def place_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@cache
def import_lines(source: str) -> list[ast.Import | ast.ImportFrom]:
    """The imports of a file, wherever in it; parsing all files takes some seconds."""
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]


def imports(path: Path, source: str) -> set[str]:
    """Full names of all modules that a file imports, wherever in the file; `from a import b` gives `a.b`."""
    package = ["lookalike", *path.relative_to(PACKAGE).parts[:-1]]
    names = set()
    for node in import_lines(source):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        else:
            above = package[: len(package) - node.level + 1] if node.level else []
            home = ".".join([*above, *([node.module] if node.module else [])])
            names |= {f"{home}.{alias.name}" for alias in node.names}
    return names


def file_of(name: str) -> str | None:
    """The file of the package that an imported name lies in: `lookalike.a.b` -> `a.py` or `a/b.py`."""
    parts = name.split(".")
    if parts[0] != "lookalike":
        return None
    for end in range(len(parts), 1, -1):
        path = PACKAGE.joinpath(*parts[1:end])
        if path.with_suffix(".py").exists():
            return place_of(path.with_suffix(".py"))
        if (path / "__init__.py").exists():
            return place_of(path / "__init__.py")
    return None


def broken_rules(place: str, source: str) -> list[str]:
    """What a file imports that it may not, one line each."""
    own, wrong = place.split("/")[0].removesuffix(".py"), []
    for name in sorted(imports(PACKAGE / place, source)):
        top, *rest = name.split(".")
        if top == "lookalike" and rest and rest[0] in FLOORS:
            above = FLOORS[rest[0]] > FLOORS[own]
            beside = FLOORS[rest[0]] == FLOORS[own] == UPPER and rest[0] != own
            met = any(place.startswith(a) and f"{'/'.join(rest)}/".startswith(b) for a, b in APART)
            if above or beside or met:
                wrong.append(f"{place} (floor {FLOORS[own]}) imports {name} (floor {FLOORS[rest[0]]})")
        if top in PLACES and not place.startswith(PLACES[top]):
            wrong.append(f"{place} imports {name}: only {', '.join(PLACES[top])} may")
    return wrong


@pytest.mark.parametrize("top", sorted({place_of(path).split("/")[0] for path in FILES}))
def test_a_file_imports_only_from_its_floor_or_below(top: str) -> None:
    assert top.removesuffix(".py") in FLOORS, f"give {top} a floor here and in ARCHITECTURE.md"
    for path in FILES:
        if place_of(path).split("/")[0] == top:
            assert broken_rules(place_of(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("place", "source", "rules_broken"),
    [
        ("pipeline.py", "from lookalike.difflm import DiffLM", 0),
        ("pipeline.py", "from lookalike.cli.main import main", 1),
        ("evaluate/report.py", "from lookalike.difflm import DiffLM", 1),
        ("evaluate/report.py", "from lookalike import difflm", 1),
        ("evaluate/report.py", "from lookalike.evaluate.chapters.fidelity import shapes", 0),
        ("difflm/small/vae.py", "from lookalike.difflm.pretrained import vae", 1),
        ("difflm/pretrained/vae.py", "from lookalike.difflm.small.vae import Rate", 1),
        ("codec/kinds/number.py", "def f():\n    import torch.nn", 1),
        ("difflm/model.py", "import torch", 0),
        ("table/schema.py", "from lookalike.codec.slot import Slot", 1),
    ],
)
def test_the_rules_bite(place: str, source: str, rules_broken: int) -> None:
    assert len(broken_rules(place, source)) == rules_broken


def test_the_graph_of_files_has_no_circle() -> None:
    graph = {}
    for path in PACKAGE.rglob("*.py"):
        found = {file_of(name) for name in imports(path, path.read_text(encoding="utf-8"))}
        graph[place_of(path)] = found - {None, "__init__.py", place_of(path)}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_imports_have_one_style() -> None:
    for path in FILES:
        lines = import_lines(path.read_text(encoding="utf-8"))
        relative = [n.lineno for n in lines if isinstance(n, ast.ImportFrom) and n.level]
        assert not relative, f"{place_of(path)}:{relative}: write `from lookalike. ... import`"


def test_each_file_of_tests_mirrors_a_file_of_the_source() -> None:
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        place = path.relative_to(ROOT / "tests").as_posix()
        source = PACKAGE / path.relative_to(ROOT / "tests").with_name(path.name.removeprefix("test_"))
        assert place.startswith(WHOLE) or source.exists(), f"tests/{place}: there is no {place_of(source)}"


def test_the_house_is_drawn_with_every_file() -> None:
    drawn = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("## The house")[1].split("```")[1]
    packages = {part.split()[0]: part for part in re.split(r"\n(?=  \w)", drawn)}
    files = Counter[tuple[str, str]]()
    for path in FILES:
        if not path.name.startswith("__") and not place_of(path).startswith(NAMED):
            files[place_of(path).rpartition("/")[0].split("/")[0], path.name] += 1
    for (package, name), count in files.items():
        text = packages[f"{package}/"] if package else drawn
        times = len(re.findall(rf"(?<![\w.]){re.escape(name)}(?!\w)", text))
        assert times >= count, f"name each {package}/**/{name} in the list of files of ARCHITECTURE.md"
