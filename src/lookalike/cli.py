"""The command `lookalike`: one short function per verb.

Heavy packages are imported inside the verbs, so that `lookalike --help` is instant. What a user can get wrong
is checked before the expensive work, and every such mistake is one sentence on stderr and exit code 2.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from lookalike import __version__
from lookalike.errors import OptionError, UserError
from lookalike.progress import bar, parse_time, say, stage

if TYPE_CHECKING:
    import pandas as pd

REPORTS = (".html", ".json")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line.

    Returns the exit code: 0 done, 2 a user's mistake, 3 a figure below --fail-under, 130 stopped by Ctrl-C.
    """
    args = argparse.Namespace(checkpoint=None)
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill cleans up like Ctrl-C
        _parser().parse_args(argv, args)
        code = args.verb(args)
    except UserError as error:
        print(f"lookalike: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        what = f"{error.filename}: {error.strerror}." if error.filename else error
        print(f"lookalike: {what}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        kept = args.checkpoint is not None and args.checkpoint.exists()
        more = f"; the same command goes on from the checkpoint in {args.checkpoint}" if kept else ""
        print(f"lookalike: stopped{more}.", file=sys.stderr)
        return 130
    return code or 0


# --- the verbs -------------------------------------------------------------------------------------------


def generate(args: argparse.Namespace) -> int:
    """REAL -> a synthetic table and the report on it, in one go."""
    _check_outputs(args, reports=[args.report])
    from lookalike import pipeline
    from lookalike.io import write_table
    from lookalike.schema import infer

    real = pipeline.read_real(args.real, missing=args.missing, seed=args.seed)
    _resume(args, Path(f"{args.out}.run"))
    synthetic, report = pipeline.generate(
        real,
        args.rows,
        schema=infer(real, args.missing, source=args.real),
        where=args.where,
        target=args.target,
        holdout=_read(args.holdout, args.missing),
        max_time=args.max_time,
        seed=args.seed,
        device=args.device,
        checkpoint=args.checkpoint,
        progress=not args.quiet,
    )
    write_table(synthetic, args.out)
    _discard(args.checkpoint)
    print(f"{report}\n")
    _save_reports(report, [args.report])
    print(f"{len(synthetic):,} rows -> {args.out}")
    return _gate(report, args.fail_under)


def fit(args: argparse.Namespace) -> None:
    """REAL -> MODEL_DIR; the checkpoint lies inside it until the model is complete."""
    folder = Path(args.out)
    _check_folder(folder)
    from lookalike.pipeline import read_real
    from lookalike.schema import Schema, infer

    schema = Schema.load(args.schema) if args.schema else None
    missing = args.missing or (schema.missing if schema else ())
    real = read_real(args.real, missing=missing, seed=args.seed)
    schema = schema or infer(real, missing, source=args.real)
    from lookalike.difflm import DiffLM

    model = DiffLM(max_time=args.max_time, seed=args.seed, device=args.device, progress=not args.quiet)
    _resume(args, folder / "checkpoint")
    with stage(f"learned {len(real):,} rows of {len(real.columns)} columns", progress=not args.quiet):
        model.fit(real, schema=schema, checkpoint=args.checkpoint)
    model.save(folder)
    model.schema.save(folder / "schema.json")  # to read, and to edit a copy of for --schema
    _discard(args.checkpoint)
    print(f"{model.schema}\n")
    print(f"model -> {folder}")


def sample(args: argparse.Namespace) -> None:
    """MODEL_DIR -> OUT, chunk by chunk, so that memory does not grow with the number of rows."""
    _check_outputs(args)
    if args.rows is None and args.given is None:
        raise OptionError("how many rows is not said: add  -n ROWS  (only --given has a number of its own).")
    from lookalike.codec import parse_where
    from lookalike.difflm import DiffLM
    from lookalike.io import ChunkWriter

    model = DiffLM.load(args.model, device=args.device)
    given = _read(args.given, model.schema.missing)
    rows = len(given) if args.rows is None and given is not None else args.rows
    chunks = model.sample_chunks(
        rows,
        where=parse_where(args.where, model.schema, model.codec.known()),
        given=given,
        like=_read(args.like, model.schema.missing),
        strength=args.strength,
        balance=args.balance,
        seed=args.seed,
    )
    with ChunkWriter(args.out) as writer, bar(rows, "sampling", progress=not args.quiet) as progress:
        for chunk in chunks:
            writer.write(chunk)
            progress.update(len(chunk))
    print(f"{rows:,} rows -> {args.out}")


def impute(args: argparse.Namespace) -> None:
    """MODEL_DIR and a TABLE with gaps -> the same table without them."""
    _check_outputs(args)
    from lookalike.difflm import DiffLM
    from lookalike.io import read_table, write_table

    model = DiffLM.load(args.model, device=args.device)
    table = read_table(args.table, missing=model.schema.missing)
    full = model.impute(table, seed=args.seed)
    write_table(full, args.out)
    filled = int(table.isna().to_numpy().sum() - full.isna().to_numpy().sum())
    print(f"{filled:,} missing cells filled, {len(full):,} rows -> {args.out}")


def evaluate(args: argparse.Namespace) -> int:
    """Two tables -> the report on how alike they are."""
    _check_outputs(args, reports=[args.out, args.json])
    from lookalike.evaluate import SECTIONS
    from lookalike.evaluate import evaluate as measure

    tables = {name: _read(getattr(args, name), args.missing) for name in ("real", "synthetic", "holdout")}
    report = measure(
        **tables,
        target=args.target,
        text=args.text,
        seed=args.seed,
        only=[name.strip() for name in args.only.split(",")] if args.only else SECTIONS,
        quick=args.quick,
        progress=not args.quiet,
    )
    print(f"{report}\n")
    _save_reports(report, [args.out, args.json])
    return _gate(report, args.fail_under)


# --- what the verbs share --------------------------------------------------------------------------------


def _read(path: str | None, missing: Collection[Any]) -> pd.DataFrame | None:
    from lookalike.io import read_table

    return None if path is None else read_table(path, missing=missing)


def _check_outputs(args: argparse.Namespace, reports: Sequence[str | None] = ()) -> None:
    """Whatever makes a result impossible to write is found before hours of work, not after."""
    inputs = [value for name in INPUTS if (value := getattr(args, name, None))]
    tables = [] if args.out in reports else [args.out]
    for path in [Path(path) for path in [*tables, *reports] if path is not None]:
        if not path.parent.is_dir():
            raise OptionError(f"{path}: the folder {path.parent} does not exist: make it first.")
        if path.is_dir():
            raise OptionError(f"{path} is a folder: name a file to write to.")
        if any(path.exists() and Path(other).exists() and path.samefile(other) for other in inputs):
            raise OptionError(f"{path} is an input of this command: choose another file to write to.")
    for report in reports:
        if report is not None and Path(report).suffix not in REPORTS:
            raise OptionError(f"{report}: a report is written as {' or '.join(REPORTS)}: choose such a name.")
    if tables:
        from lookalike.io import check_suffix

        check_suffix(args.out)


def _check_folder(folder: Path) -> None:
    """A model may go into a new folder, an empty one, or over an earlier model or its checkpoint."""
    if not folder.absolute().parent.is_dir():
        raise OptionError(f"{folder}: the folder {folder.parent} does not exist: make it first.")
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"{folder} is a file: a model is a folder, choose another name.")
    ours = (folder / "model.json").exists() or (folder / "checkpoint").exists()
    if folder.is_dir() and any(folder.iterdir()) and not ours:
        raise OptionError(f"{folder} holds other files: choose a new or an empty folder.")


def _save_reports(report: Any, paths: Sequence[str | None]) -> None:
    for path in paths:
        if path is not None:
            report.save(path)
            print(f"report -> {path}")


def _gate(report: Any, wanted: str | None) -> int:
    """3 if a figure is worse than --fail-under says, each with a sentence on stderr."""
    failed = report.failures(wanted) if wanted else []
    for sentence in failed:
        print(f"lookalike: {sentence}", file=sys.stderr)
    return 3 if failed else 0


def _resume(args: argparse.Namespace, checkpoint: Path) -> None:
    """Say that an earlier run left something to go on from; whether it fits is for the training to see."""
    args.checkpoint = checkpoint
    if checkpoint.exists():
        say(f"going on from the checkpoint in {checkpoint}, if it is of this table", progress=not args.quiet)


def _discard(checkpoint: Path) -> None:
    """A finished run needs its checkpoint no more."""
    if checkpoint.is_dir():
        shutil.rmtree(checkpoint)
    else:
        checkpoint.unlink(missing_ok=True)


# --- the options -----------------------------------------------------------------------------------------


class _OneSentence(argparse.ArgumentParser):
    """argparse prints its whole usage before a mistake; one sentence and where to read on is enough."""

    def error(self, message: str) -> NoReturn:
        raise OptionError(f"{message} (see  {self.prog} --help).")


def _number(option: str, kind: type, low: float, high: float, rule: str) -> Callable[[str], float]:
    """An argparse type: the option's number, or an OptionError that quotes what was written."""

    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise OptionError(f"{option} {text}: {rule}.")
        return value

    return parse


def _limits(text: str) -> str:
    from lookalike.evaluate.figures import limits

    limits(text)  # a mistake is found before hours of work
    return text


def _time(text: str) -> float | None:
    try:
        return parse_time(text)
    except OptionError as error:
        raise OptionError(f"--max-time: {error}") from None


INPUTS = ("real", "synthetic", "holdout", "table", "given", "like", "schema")  # they name files to read
ROWS = _number("-n", int, 1, float("inf"), "the number of rows is a whole number of at least 1")
SEED = _number("--seed", int, 0, 2**63 - 1, "a seed is a whole number of at least 0")
STRENGTH = _number("--strength", float, 0, 1, "a strength lies between 0 (close) and 1 (fresh rows)")
WHERE = "COL=VALUE, COL=A,B, COL=LO..HI, COL= (missing) or COL!= (not missing); may be repeated"
MAX_TIME = "time for preparing and training, such as 90s, 5m or 1h (default: as long as it helps)"
MISSING = "this value, such as '?', means missing; may be repeated"
FAIL_UNDER = "exit with 3 if a figure is worse, such as c2st=0.60,utility=0.95"
EXAMPLES = {
    "generate": """
  lookalike generate real.csv -n 10000 -o synthetic.csv
  lookalike generate real.csv -n 10000 -o rich.parquet --where 'income=>50K' --where age=30..40
  lookalike generate train.csv -n 5000 -o out.csv --holdout test.csv --target income --report out.html
Stopped by a crash or by Ctrl-C, the same command goes on from the checkpoint in OUT.run.""",
    "fit": """
  lookalike fit real.csv -o real.model
  lookalike fit real.parquet -o real.model --max-time 5m --missing '?'
  lookalike fit real.csv -o real.model --schema edited.json     (a copy of real.model/schema.json)
Stopped by a crash or by Ctrl-C, the same command goes on from the last checkpoint in MODEL_DIR.""",
    "sample": """
  lookalike sample real.model -n 10000000 -o synthetic.parquet
  lookalike sample real.model -n 1000 -o some.csv --where city=Paris,Rome --where age=18.. --where phone!=
  lookalike sample real.model -n 1000 -o variations.csv --like seeds.csv --strength 0.2
  lookalike sample real.model -o completed.csv --given partly-filled-rows.csv
  lookalike sample real.model -n 1000 -o balanced.csv --balance income""",
    "impute": """
  lookalike impute real.model with-gaps.csv -o without-gaps.csv""",
    "evaluate": """
  lookalike evaluate --real train.csv --synthetic synthetic.parquet
  lookalike evaluate --real train.csv --synthetic s.csv --holdout test.csv --target income -o report.html
  lookalike evaluate --real train.csv --synthetic s.csv --only fidelity,privacy --quick
  lookalike evaluate --real train.csv --synthetic s.csv --only fidelity --fail-under c2st=0.60""",
}


def _parser() -> argparse.ArgumentParser:
    parser = _OneSentence(
        prog="lookalike",
        description="Make a synthetic table that is distributed like a real one.",
        epilog="`lookalike VERB --help` shows the options of a verb with examples.\n\nexamples:"
        "\n  lookalike generate real.csv -n 10000 -o synthetic.csv --report report.html\n\n"
        "Tables are .csv, .csv.gz, .parquet, .jsonl, .jsonl.gz or .feather, by suffix.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lookalike {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True)

    def verb(run: Callable[[argparse.Namespace], int | None], text: str) -> argparse.ArgumentParser:
        one = verbs.add_parser(
            run.__name__,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=f"examples:{EXAMPLES[run.__name__]}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        one.set_defaults(verb=run)
        return one

    def common(one: argparse.ArgumentParser, missing: bool = True, device: bool = True) -> None:
        if missing:
            one.add_argument("--missing", action="append", default=[], metavar="VALUE", help=MISSING)
        if device:
            one.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="default auto")
        one.add_argument("--seed", type=SEED, default=0, help="same seed, same table (default 0)")
        one.add_argument("--quiet", action="store_true", help="no progress on stderr")

    one = verb(generate, "learn a table, write a synthetic one, measure how alike they are")
    one.add_argument("real", metavar="REAL", help="the real table")
    one.add_argument("-n", dest="rows", metavar="ROWS", type=ROWS, required=True, help="rows to make")
    one.add_argument("-o", dest="out", metavar="OUT", required=True, help="the synthetic table to write")
    one.add_argument("--where", action="append", default=[], metavar="COND", help=WHERE)
    one.add_argument("--target", metavar="COL", help="the column that a model would predict, for the report")
    one.add_argument("--holdout", metavar="FILE", help="real rows that are not in REAL, for the report")
    one.add_argument("--report", metavar="HTML", help="write the report to this .html (or .json) file")
    one.add_argument("--fail-under", metavar="LIMITS", type=_limits, help=FAIL_UNDER)
    one.add_argument("--max-time", metavar="TIME", type=_time, help=MAX_TIME)
    common(one)

    one = verb(fit, "learn a table and keep the model")
    one.add_argument("real", metavar="REAL", help="the real table")
    one.add_argument("-o", dest="out", metavar="MODEL_DIR", required=True, help="the model folder to write")
    one.add_argument("--max-time", metavar="TIME", type=_time, help=MAX_TIME)
    one.add_argument("--schema", metavar="FILE", help="take the columns' kinds from this JSON file")
    common(one)

    one = verb(sample, "write rows from a model, as they come or under conditions")
    one.add_argument("model", metavar="MODEL_DIR", help="a folder written by `lookalike fit`")
    one.add_argument("-n", dest="rows", metavar="ROWS", type=ROWS, help="rows to make")
    one.add_argument("-o", dest="out", metavar="OUT", required=True, help="the synthetic table to write")
    one.add_argument("--where", action="append", default=[], metavar="COND", help=WHERE)
    one.add_argument("--given", metavar="FILE", help="a table of some of the columns: complete its rows")
    one.add_argument("--like", metavar="FILE", help="rows to make variations of")
    one.add_argument(
        "--strength",
        type=STRENGTH,
        default=0.3,
        metavar="S",
        help="how far from --like: 0 close to 1 fresh (default 0.3)",
    )
    one.add_argument("--balance", metavar="COL", help="equal shares for the values of this column")
    common(one, missing=False)

    one = verb(impute, "fill the missing cells of a table")
    one.add_argument("model", metavar="MODEL_DIR", help="a folder written by `lookalike fit`")
    one.add_argument("table", metavar="TABLE", help="the table with missing cells")
    one.add_argument("-o", dest="out", metavar="OUT", required=True, help="the full table to write")
    common(one, missing=False)

    one = verb(evaluate, "measure how alike two tables are")
    one.add_argument("--real", metavar="R", required=True, help="the real table")
    one.add_argument("--synthetic", metavar="S", required=True, help="the synthetic table")
    one.add_argument("--holdout", metavar="H", help="real rows that the synthesizer never saw")
    one.add_argument("--target", metavar="COL", help="the column that a model would predict")
    one.add_argument("--text", metavar="COL", help="the column that is read as text (default: the first)")
    one.add_argument("--only", metavar="SECTIONS", help="of fidelity,diversity,utility,privacy")
    one.add_argument("--quick", action="store_true", help="fewer rows and one family of models")
    one.add_argument("--fail-under", metavar="LIMITS", type=_limits, help=FAIL_UNDER)
    one.add_argument("-o", dest="out", metavar="HTML", help="write the report to this .html file")
    one.add_argument("--json", metavar="FILE", help="write the figures to this .json file")
    common(one, device=False)
    return parser
