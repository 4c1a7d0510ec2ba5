"""Options and verb of many models: `lookalike fit TABLE --by COLUMN -o DIR/`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.cli import files, sharding, shared
from lookalike.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

    from lookalike.difflm import DiffLM
    from lookalike.shards.models import Models


def options(one: argparse.ArgumentParser) -> None:
    group = one.add_argument_group("many models (MODEL_DIR is then a folder of them)")
    group.add_argument("--by", metavar="COL", help="a model for each value of this column")
    group.add_argument(
        "--seeds",
        metavar="N",
        type=shared.count("--seeds"),
        help="fit so many models, each with its own seed, from --seed on",
    )
    sharding.crew(group)


def is_many(args: argparse.Namespace) -> bool:
    """Whether several models are asked for. Raises OptionError for their options without that."""
    if args.by is not None or args.seeds is not None:
        return True
    if args.workers is not None or args.engine != "processes":
        raise OptionError("--workers and --engine are for many models: add --by COLUMN or --seeds N.")
    return False


def fit(args: argparse.Namespace, model: DiffLM) -> int:
    """REAL -> MODEL_DIR, a folder of models; 4 where one failed."""
    if args.force:
        raise OptionError("--force is for a single model: choose another folder for many.")
    from lookalike.difflm import DiffLM
    from lookalike.shards.fitting import fit_many

    real, schema = files.real_table(args)
    models: dict[str, DiffLM] = {"": model}
    if args.seeds is not None:
        given = model.get_params()
        models = {
            f"seed {at}": DiffLM(**given | {"seed": at}) for at in range(args.seed, args.seed + args.seeds)
        }
    made = fit_many(
        real,
        args.out,
        by=args.by,
        models=models,
        schema=schema,
        workers=args.workers,
        engine=args.engine,
        progress=not args.quiet,
    )
    print(made)
    if not made.failed:
        return 0
    print(f"lookalike: {len(made.failed):,} models failed: see above; the same command tries them again.",
          file=sys.stderr)  # fmt: skip
    return 4


def load(args: argparse.Namespace) -> Models | None:
    """The models of MODEL_DIR where there are many in it; None where it is one model."""
    from lookalike.shards.models import Models, plan_of

    if plan_of(Path(args.model)) is None:
        return None
    if args.backbone is not None:
        raise OptionError(
            "--backbone is for a single model: name one, such as " + f"{args.model}/model-00000."
        )
    found = Models(args.model, device=args.device, threads=args.threads, progress=not args.quiet)
    if found.missing:
        print(f"lookalike: {len(found.missing):,} models of {args.model} are missing, and so are their rows; "
              "the command that fits them goes on.", file=sys.stderr)  # fmt: skip
    return found


def check_single(folder: str) -> None:
    """Raises OptionError for a folder of many models."""
    from lookalike.shards.models import plan_of

    if plan_of(Path(folder)) is not None:
        raise OptionError(f"{folder} holds many models: name one, such as {folder.rstrip('/')}/model-00000.")


def chunks(args: argparse.Namespace, models: Models) -> Iterator[pd.DataFrame]:
    """The rows of `lookalike sample` of many models."""
    for name in ("given", "like"):
        if getattr(args, name) is not None:
            raise OptionError(f"--{name} is for a single model: name one, such as {args.model}/model-00000.")
    drawing: dict[str, Any] = {name: getattr(args, name) for name in ("temperature", "top_p")}
    return models.sample_chunks(
        args.rows, where=args.where or None, balance=args.balance, valid_only=args.valid_only,
        seed=args.seed, **drawing,
    )  # fmt: skip
