"""lookalike: a synthetic table that is distributed like a real one.

    import lookalike
    df = lookalike.read_table("examples/adult.csv.gz")
    model = lookalike.DiffLM(max_time="90s").fit(df)
    synthetic = model.sample(10_000, where={"income": ">50K"}, seed=0)
    print(lookalike.evaluate(df, synthetic))

Every public name is imported when it is first used, so that `import lookalike` costs milliseconds and needs
neither pandas nor torch.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lookalike.aligning import align as align
    from lookalike.annotator import Annotator as Annotator
    from lookalike.curate import curate as curate
    from lookalike.curate.selecting import select as select
    from lookalike.decisions import Decisions as Decisions
    from lookalike.difflm import DiffLM as DiffLM
    from lookalike.errors import LookalikeError as LookalikeError
    from lookalike.evaluate import evaluate as evaluate
    from lookalike.evaluate.judging.judge import judge as judge
    from lookalike.files.databases import read_sql as read_sql
    from lookalike.files.reading import read_table as read_table
    from lookalike.files.writing import write_table as write_table
    from lookalike.pipeline import generate as generate
    from lookalike.prompting import Recipe as Recipe
    from lookalike.prompting import SynAlign as SynAlign
    from lookalike.review import review as review
    from lookalike.rules import find_rules as find_rules
    from lookalike.shards.aligning import align_shards as align_shards
    from lookalike.shards.curating import curate_shards as curate_shards
    from lookalike.shards.evaluating import evaluate_shards as evaluate_shards
    from lookalike.shards.fitting import fit_many as fit_many
    from lookalike.shards.generating import generate_shards as generate_shards
    from lookalike.shards.models import Models as Models
    from lookalike.shards.sampling import sample_shards as sample_shards
    from lookalike.table.inferring import infer as infer
    from lookalike.table.schema import Schema as Schema
    from lookalike.table.sources import to_dataset as to_dataset

__version__ = "0.3.0"
_HOMES = {  # public name -> the module it lives in
    "Annotator": "lookalike.annotator",
    "Decisions": "lookalike.decisions",
    "DiffLM": "lookalike.difflm",
    "LookalikeError": "lookalike.errors",
    "Models": "lookalike.shards.models",
    "Recipe": "lookalike.prompting",
    "Schema": "lookalike.table.schema",
    "SynAlign": "lookalike.prompting",
    "align": "lookalike.aligning",
    "align_shards": "lookalike.shards.aligning",
    "curate": "lookalike.curate",
    "curate_shards": "lookalike.shards.curating",
    "evaluate": "lookalike.evaluate",
    "evaluate_shards": "lookalike.shards.evaluating",
    "find_rules": "lookalike.rules",
    "fit_many": "lookalike.shards.fitting",
    "generate": "lookalike.pipeline",
    "generate_shards": "lookalike.shards.generating",
    "infer": "lookalike.table.inferring",
    "judge": "lookalike.evaluate.judging.judge",
    "read_sql": "lookalike.files.databases",
    "read_table": "lookalike.files.reading",
    "review": "lookalike.review",
    "sample_shards": "lookalike.shards.sampling",
    "select": "lookalike.curate.selecting",
    "to_dataset": "lookalike.table.sources",
    "write_table": "lookalike.files.writing",
}
__all__ = [
    "Annotator",
    "Decisions",
    "DiffLM",
    "LookalikeError",
    "Models",
    "Recipe",
    "Schema",
    "SynAlign",
    "__version__",
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


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lookalike' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))


class _Package(ModuleType):
    """Makes `lookalike.evaluate`, `lookalike.curate` and `lookalike.review` the functions, whichever way
    their packages of the same names were imported.

    Importing the package `lookalike.evaluate` makes Python set that name here to the package; the function
    inside is what a user wants to call, so it is kept instead. `from lookalike.evaluate import ...` does not
    look here.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("curate", "evaluate", "review") and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
