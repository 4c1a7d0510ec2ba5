"""The files that a command names: read, or checked before the work that is to fill them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.errors import OptionError
from lookalike.files.place import is_url
from lookalike.progress import working

if TYPE_CHECKING:
    import pandas as pd

    from lookalike.table.schema import Schema

INPUTS = (
    "real",
    "recipe",
    "synthetic",
    "holdout",
    "table",
    "given",
    "like",
    "schema",
    "decisions",
    "human",
    "criteria",
)  # they name files to read
REPORTS = (".html", ".json", ".md")


def read(path: str | None, missing: Collection[Any], args: argparse.Namespace) -> pd.DataFrame | None:
    """The table of an option; None for an option that is not given."""
    from lookalike.files.reading import read_table

    if path is None:
        return None
    with reading(path, args):
        return read_table(path, missing, **how(args), progress=False)


def reading(path: str, args: argparse.Namespace) -> AbstractContextManager[Any]:
    """Says now and then that a large file is being read."""
    from lookalike.files.databases import without_password

    return working(f"reading {without_password(path)}", progress=not args.quiet)


def write(table: pd.DataFrame, path: str, like: pd.DataFrame, args: argparse.Namespace) -> None:
    """A table into a file, in the style of the one that it was made of."""
    from lookalike.files.writing import write_table

    with working(f"writing {path}", progress=not args.quiet):
        write_table(table, path, like.attrs.get("layout"))


def tables(args: argparse.Namespace) -> dict[str, Any]:
    """The tables that are compared, by the names of the options."""
    return {name: read(getattr(args, name), args.missing, args) for name in ("real", "synthetic", "holdout")}


def check_text(table: pd.DataFrame | None, text: str | None, path: str | None) -> None:
    """Raises OptionError, which names the file, where the column of --text holds no texts."""
    from lookalike.table.inferring import need_texts

    if table is not None and text in table.columns and len(table):
        need_texts(table[text], str(path))


def how(args: argparse.Namespace) -> dict[str, Any]:
    """What the options say of how the tables are written."""
    return {"encoding": args.encoding, "sep": args.sep, "decimal": args.decimal}


def real_table(args: argparse.Namespace) -> tuple[pd.DataFrame, Schema]:
    """REAL and its schema: that of --schema, or else the inferred one; --keep-rare counts for both."""
    from lookalike.files.databases import without_password
    from lookalike.pipeline import read_real
    from lookalike.table.inferring import infer
    from lookalike.table.schema import Schema

    given = Schema.load(args.schema) if getattr(args, "schema", None) else None
    missing = args.missing or (given.missing if given else ())
    with reading(args.real, args):
        real = read_real(args.real, missing=missing, seed=args.seed, **how(args))
    if given is None:
        with working("looking at the columns", progress=not args.quiet):
            schema = infer(real, missing, source=without_password(args.real), keep_rare=args.keep_rare)
    else:
        schema = given
        schema.missing = tuple(missing)
        schema.layout = schema.layout or real.attrs.get("layout", {})
        for column in schema.columns if args.keep_rare else []:
            column.min_rows = 1
    schema.set_kinds(args.kind)
    _set_rules(args, real, schema)
    return real, schema


def _set_rules(args: argparse.Namespace, real: pd.DataFrame, schema: Schema) -> None:
    """The rules of --rule beside those that are found, or alone with --no-rules."""
    from lookalike.table.rule_words import read_rules

    given = read_rules(args.rule, schema)
    if args.no_rules:
        schema.rules = list(given)
    elif given:
        from lookalike.rules import rules_of

        schema.rules = [*given, *rules_of(real, schema, args.seed)]


def listed(text: str | None) -> list[str] | None:
    """The names of an option that takes several, with commas between them; None where it is not given."""
    return [name.strip() for name in text.split(",")] if text else None


def names(args: argparse.Namespace, synthetic: str) -> dict[str, str]:
    """What the report calls the tables: their files, without the folders."""
    files = {"real": args.real, "synthetic": synthetic, "holdout": args.holdout}
    from lookalike.files.databases import called, is_source

    return {
        table: called(path) if is_source(path) else Path(path).name
        for table, path in files.items()
        if path is not None
    }


def check_outputs(args: argparse.Namespace, reports: Sequence[str | None] = ()) -> None:
    """Whatever makes a result impossible to write is found before hours of work, not after."""
    if [getattr(args, name, None) for name in INPUTS].count("-") > 1:
        raise OptionError("two tables cannot come from standard input: name a file in place of one '-'.")
    made = [] if args.out in reports else [args.out]
    check_paths(args, [*made, *reports])
    for report in reports:
        if report is not None and Path(report).suffix not in REPORTS:
            raise OptionError(f"{report}: a report is written as {', '.join(REPORTS)}: choose such a name.")
    if made:
        from lookalike.files.suffixes import check_suffix

        check_suffix(args.out)


def check_paths(args: argparse.Namespace, outputs: Sequence[str | None]) -> None:
    """An output is a file in a folder that exists and holds no model, no input of the command, and no other
    output."""
    inputs = [value for name in INPUTS if (value := getattr(args, name, None))]
    from lookalike.files.databases import is_source

    for output in outputs:
        if is_source(output):
            raise OptionError(f"{output} is in a database, which is only read: name a file to write to.")
    paths = [Path(path) for path in outputs if path is not None and not is_url(path)]
    for at, path in enumerate(paths):
        if path.absolute() in [other.absolute() for other in paths[:at]]:
            raise OptionError(
                f"{path} is named for two outputs of this command: give each a name of its own."
            )
        if not path.parent.is_dir():
            raise OptionError(f"{path}: the folder {path.parent} does not exist: make it first.")
        if path.is_dir():
            raise OptionError(f"{path} is a folder: name a file to write to.")
        if (path.parent / "model.json").exists():
            raise OptionError(f"{path} lies in the folder of a model: choose another place to write to.")
        if any(path.exists() and Path(other).exists() and path.samefile(other) for other in inputs):
            raise OptionError(f"{path} is an input of this command: choose another file to write to.")


def check_folder(folder: Path) -> None:
    """A model may go into a new folder, an empty one, or over an earlier model or its checkpoint."""
    if str(folder) == "-":
        raise OptionError("a model is a folder, which standard output cannot be: name one.")
    if not folder.absolute().parent.is_dir():
        raise OptionError(f"{folder}: the folder {folder.parent} does not exist: make it first.")
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"{folder} is a file: a model is a folder, choose another name.")
    ours = (folder / "model.json").exists() or (folder / "checkpoint").exists()
    if folder.is_dir() and any(folder.iterdir()) and not ours:
        raise OptionError(f"{folder} holds other files: choose a new or an empty folder.")


def save_reports(report: Any, paths: Sequence[str | None]) -> None:
    for path in paths:
        if path is not None:
            report.save(path)
            print(f"report -> {path}")


def gate(report: Any, wanted: str | None) -> int:
    """3 if a figure is worse than --fail-under says, each with a sentence on stderr."""
    failed = report.failures(wanted) if wanted else []
    for sentence in failed:
        print(f"lookalike: {sentence}", file=sys.stderr)
    return 3 if failed else 0
