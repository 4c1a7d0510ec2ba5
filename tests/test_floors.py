"""The house of ARCHITECTURE.md: a file imports only from its own floor or from floors below it."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "lookalike"
FLOORS = {  # file or folder right under src/lookalike -> floor
    "characters": 0,
    "errors": 0,
    "arguments": 0,
    "files": 0,
    "interrupt": 0,
    "progress": 0,
    "arrow": 1,
    "dates": 1,
    "delimited": 1,
    "dtypes": 1,
    "excel": 1,
    "kinds": 1,
    "personal": 1,
    "languages": 1,
    "lines": 1,
    "nested": 1,
    "schema": 1,
    "options": 1,
    "sampling": 1,
    "io": 1,
    "textfiles": 1,
    "codec": 2,
    "embed": 2,
    "llm": 2,
    "difflm": 3,
    "evaluate": 3,
    "prompting": 3,
    "curate": 3,
    "pipeline": 4,
    "run": 4,
    "verbs": 5,
    "cli": 5,
    "__main__": 6,
}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")
PLACES = {  # heavy package -> the only places that may import it
    "torch": ("difflm/",),
    "safetensors": ("difflm/",),
    "tokenizers": ("codec/vocabulary.py",),
    "sklearn": ("evaluate/", "prompting/", "embed.py"),
    "sentence_transformers": ("embed.py",),
    "jinja2": ("evaluate/", "prompting/"),
    "faker": ("codec/pseudonyms.py",),
    "aiohttp": ("llm/",),
    "openpyxl": ("excel.py",),
    "transformers": ("difflm/hub.py",),
    "huggingface_hub": ("difflm/hub.py",),
    "peft": ("difflm/pretrained.py",),
    "llguidance": ("codec/grammar.py", "difflm/tokens.py"),
}


def house(path: Path) -> str:
    """The file or folder right under src/lookalike that a path lies in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path, source: str) -> set[str]:
    """Full names of all modules that a file imports, wherever in the file; `from a import b` gives `a.b`."""
    package = ["lookalike", *path.relative_to(PACKAGE).parts[:-1]]
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            home = ".".join([*above, *([node.module] if node.module else [])])
            names |= {f"{home}.{alias.name}" for alias in node.names}
    return names


def broken_rules(path: Path, source: str) -> list[str]:
    """What a file imports that it may not, one line each."""
    own, wrong = house(path), []
    for name in sorted(imports(path, source)):
        top, *rest = name.split(".")
        if top == "lookalike" and rest and rest[0] in FLOORS:
            above = FLOORS[rest[0]] > FLOORS[own]
            beside = FLOORS[rest[0]] == FLOORS[own] == 3 and rest[0] != own
            if above or beside:
                wrong.append(f"{own} (floor {FLOORS[own]}) imports {name} (floor {FLOORS[rest[0]]})")
        place = path.relative_to(PACKAGE).as_posix()
        if top in PLACES and not place.startswith(PLACES[top]):
            wrong.append(f"{place} imports {name}: only {', '.join(PLACES[top])} may")
    return wrong


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_file_imports_only_from_its_floor_or_below(path: Path) -> None:
    assert house(path) in FLOORS, f"give {house(path)} a floor here and in ARCHITECTURE.md"
    assert broken_rules(path, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("file", "source", "rules_broken"),
    [
        ("pipeline.py", "from lookalike.difflm import DiffLM", 0),
        ("pipeline.py", "from lookalike.cli import main", 1),
        ("evaluate/report.py", "from ..difflm import DiffLM", 1),
        ("evaluate/report.py", "from .. import difflm", 1),
        ("evaluate/report.py", "from .fidelity import shapes", 0),
        ("codec/number.py", "def f():\n    import torch.nn", 1),
        ("difflm/model.py", "import torch", 0),
        ("schema.py", "from .codec.slot import Slot", 1),
    ],
)
def test_the_rules_bite(file: str, source: str, rules_broken: int) -> None:
    assert len(broken_rules(PACKAGE / file, source)) == rules_broken
