"""`lookalike recipe`, and `generate --recipe`: its options, and the synthesizer that they describe."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.cli import files, shared
from lookalike.defaults import THEN
from lookalike.errors import OptionError

if TYPE_CHECKING:
    from lookalike.llm import LLM
    from lookalike.synthesizer import Asker

NOT_OF_A_RECIPE = (  # options of SynAlign: a recipe says this itself
    *("text", "label", "task", "attributes", "templates", "temperature", "embedder"),
    *("method", "grow", "demonstrations", "gen_size", "reply_tokens"),
)
LEAST_WRITTEN = 500  # rows from which a model learns, at least, unless it is said


def options(one: argparse.ArgumentParser) -> None:
    """The options of `generate` for recipes."""
    group = one.add_argument_group("by a recipe (several steps; REAL may be left out)")
    group.add_argument("--recipe", metavar="FILE", help="a .toml recipe, such as  lookalike recipe  writes")
    group.add_argument(
        "--then",
        choices=THEN,
        help="a model here learns what the language model wrote, and makes the ROWS without calls",
    )
    group.add_argument(
        "--write",
        metavar="N",
        type=shared.count("--write"),
        help=f"rows that are written for --then (default: a tenth of ROWS, at least {LEAST_WRITTEN})",
    )


def recipe_options(one: argparse.ArgumentParser) -> None:
    """The options of `lookalike recipe`."""
    one.add_argument("name", metavar="NAME", nargs="?", help="name of the recipe (default: list all)")
    one.add_argument("-o", "--out", metavar="FILE", help="write it to this .toml file (default: show it)")


def recipe(args: argparse.Namespace) -> None:
    """A recipe to edit, on the screen or in a file."""
    from lookalike.atomic import replace_text
    from lookalike.prompting.recipes import shipped

    if args.name is None:
        print("\n".join(f"{name:<15} {about}" for name, about in shipped.about().items()))
        return
    text = shipped.source(args.name)
    if args.out is None:
        print(text, end="")
        return
    out = Path(args.out)
    if out.suffix != ".toml":
        raise OptionError(f"{out}: a recipe is written as .toml: choose such a name.")
    files.check_paths(args, [args.out])
    if out.exists():
        raise OptionError(f"{out} exists: choose a new file, so that no edited recipe is overwritten.")
    replace_text(out, text)
    print(f"recipe -> {out}")
    print(f"edit it, then:  lookalike generate --recipe {out} -n 100 -o OUT --llm URL --model NAME")


def check(args: argparse.Namespace) -> None:
    """Raises OptionError for options of `generate` that do not go with a recipe, or without one."""
    if args.recipe is None:
        if args.real is None:
            raise OptionError(
                "the real table is not named: add it, or a recipe (--recipe FILE), which needs none."
            )
        if args.rows is None:
            raise OptionError("the number of rows is not given: add  -n ROWS.")
    for name in NOT_OF_A_RECIPE if args.recipe else ():
        if getattr(args, name):
            raise OptionError(
                f"--{name.replace('_', '-')} is not for a recipe, which says it itself: leave it out."
            )
    if args.recipe and not (args.llm and args.model):
        raise OptionError("a recipe needs a language model: add --llm URL and --model NAME.")
    if args.then and not (args.llm and args.model):
        raise OptionError("--then is for rows that a language model writes: add --llm and --model.")
    if args.write and not args.then:
        raise OptionError("--write is for --then: add it, or say with -n how many rows are written.")
    for name in ("holdout", "target", "curate", "fail_under", "schema", "kind", "rule"):
        if args.real is None and getattr(args, name):
            raise OptionError(f"--{name.replace('_', '-')} needs the real table: name it.")
    for name in ("max_time", "threads", "backbone", "lora", "refine"):
        if args.recipe and not args.then and getattr(args, name, None):
            raise OptionError(
                f"--{name.replace('_', '-')} is for a model that is learned here: add --then {THEN[0]}."
            )


def writer(args: argparse.Namespace, llm: LLM) -> Asker:
    """The recipe that the options name."""
    from lookalike.prompting import Recipe

    return Recipe(
        args.recipe, llm, load=_load(args), where=args.where, seed=args.seed, progress=not args.quiet
    )


def _load(args: argparse.Namespace) -> Any:
    """What loads a saved model; heavy packages are imported when one is named."""

    def load(folder: str) -> Any:
        from lookalike.difflm import DiffLM

        return DiffLM.load(folder, device=args.device, threads=args.threads, progress=not args.quiet)

    return load


def then(args: argparse.Namespace, writer: Asker, learner: Any, folder: Path | None) -> Any:
    """The writer, and behind it the model that learns what was written."""
    from lookalike.chained import Chained

    rows = args.write or max(LEAST_WRITTEN, int(args.rows) // 10)
    return Chained(writer, learner, rows, folder)
