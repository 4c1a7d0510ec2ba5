"""`import lookalike` and `lookalike --help` are instant, and the public names are what they should be."""

import importlib.util

import pytest

import lookalike
from tests.processes import python

PUBLIC = [
    "Annotator",
    "Decisions",
    "DiffLM",
    "LookalikeError",
    "Models",
    "Recipe",
    "Schema",
    "SynAlign",
    "align",
    "align_shards",
    "curate",
    "curate_shards",
    "evaluate",
    "evaluate_shards",
    "find_rules",
    "fit_many",
    "generate",
    "generate_shards",
    "infer",
    "judge",
    "read_sql",
    "read_table",
    "review",
    "sample_shards",
    "select",
    "to_dataset",
    "write_table",
]


@pytest.mark.parametrize(
    ("arguments", "most"), [(("-c", "import lookalike"), 40), (("-m", "lookalike", "--help"), 130)]
)
def test_few_modules_are_imported_at_the_start(arguments: tuple[str, ...], most: int) -> None:
    """Beyond those of a bare interpreter: imports are what a start takes time for."""

    def imported(*given: str) -> int:
        done = python("-X", "importtime", *given)
        assert done.returncode == 0, done.stderr
        return sum(line.startswith("import time:") for line in done.stderr.splitlines())

    assert imported(*arguments) - imported("-c", "pass") <= most


@pytest.mark.parametrize("argv", [None, ["--help"], ["generate", "--help"]])
def test_nothing_heavy_is_imported(argv: list[str] | None) -> None:
    command = "pass" if argv is None else f"main({argv})"
    code = f"""
import sys, lookalike
from lookalike.cli.main import main
try:
    {command}
except SystemExit:
    pass
heavy = {{"torch", "pandas", "numpy", "sklearn", "pyarrow", "jinja2", "tqdm"}} & set(sys.modules)
sys.exit(f"imported {{heavy}}" if heavy else 0)
"""
    done = python("-c", code)
    assert done.returncode == 0, done.stderr


def test_packages_are_imported_by_what_needs_them_alone() -> None:
    """Sampling needs none of those of learning: scipy alone takes longer to import than a model to load.

    No package of pretrained models is imported without one.
    """
    code = """
import sys
import lookalike.difflm.small.records
print(*{"scipy", "sklearn", "torch._dynamo", "sympy"} & set(sys.modules))
import lookalike.difflm
lookalike.difflm.DiffLM()
print(*{"transformers", "peft", "huggingface_hub"} & set(sys.modules))
"""
    done = python("-c", code)
    assert done.returncode == 0 and done.stdout.split() == [], done.stdout + done.stderr


def test_public_names() -> None:
    assert sorted(name for name in lookalike.__all__ if not name.startswith("_")) == sorted(PUBLIC)
    assert set(PUBLIC) <= set(dir(lookalike))
    with pytest.raises(AttributeError, match="no attribute 'anything'"):
        _ = lookalike.anything


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_resolves(name: str) -> None:
    if name in ("DiffLM", "generate") and importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")
    assert callable(getattr(lookalike, name))


BEFORE = [
    "import lookalike",
    "import lookalike, lookalike.evaluate",
    "from lookalike.evaluate import evaluate; import lookalike",
    "from lookalike import evaluate; import lookalike",
]


def test_evaluate_is_the_function_whichever_way_it_was_imported() -> None:
    """In one process, which forgets this package, and not what it needs, before each way."""
    code = f"""
import sys
for before in {BEFORE}:
    for name in [name for name in sys.modules if name.partition(".")[0] == "lookalike"]:
        del sys.modules[name]
    exec(f"{{before}}; from lookalike.evaluate import evaluate as f; same = lookalike.evaluate is f")
    assert same, before
"""
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
