"""The command `lookalike`: its options; what each verb does is in `verbs.py`.

Every mistake of a user is one sentence on stderr and exit code 2.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from lookalike import __version__, options
from lookalike.cli import verbs
from lookalike.errors import OptionError, UserError
from lookalike.progress import parse_time


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line.

    Returns the exit code: 0 done, 2 a user's mistake, 3 a figure below --fail-under, 130 stopped by Ctrl-C,
    141 nobody reads the output any more.
    """
    args = argparse.Namespace(checkpoint=None)
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill cleans up like Ctrl-C
        parser, of_verb = _parser()
        given = list(sys.argv[1:] if argv is None else argv)
        if given and given[0] in of_verb:
            given[1:] = options.expand(of_verb[given[0]], given[1:])
        parser.parse_args(given, args)
        code = _run(args)
    except UserError as error:
        print(f"lookalike: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # who read the output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # as of a program that SIGPIPE ends
    except OSError as error:
        what = f"{error.filename}: {error.strerror}." if error.filename else error
        print(f"lookalike: {what}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        kept = args.checkpoint is not None and args.checkpoint.exists()
        more = f"; the same command goes on from what is kept in {args.checkpoint}" if kept else ""
        print(f"lookalike: stopped{more}.", file=sys.stderr)
        return 130
    return code or 0


def _run(args: argparse.Namespace) -> int | None:
    """A verb; where its table goes to standard output, what is told goes to stderr."""
    if getattr(args, "out", None) != "-":
        return args.verb(args)
    with contextlib.redirect_stdout(sys.stderr):
        return args.verb(args)


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


ROWS = _number("-n", int, 1, float("inf"), "the number of rows is a whole number of at least 1")
SEED = _number("--seed", int, 0, 2**63 - 1, "a seed is a whole number of at least 0")
COUNT = _number("the number of calls, rows or tokens", int, 1, 2**62, "write a whole number of at least 1")
MONEY = _number("the amount", float, 0, float("inf"), "write a number of at least 0")
RANK = _number("--lora", int, 1, 1024, "the rank of the adapters is a whole number from 1 to 1024")
REPEATS = _number("--most-repeats", int, 1, 2**31, "the repeats of a row are a whole number of at least 1")
STRENGTH = _number("--strength", float, 0, 1, "choose 0 (the rows themselves) to 1 (fresh rows)")
KIND = "key (fresh keys), pseudonym[:SORT] (made-up names, mails, ...), drop, or any kind; may be repeated"
ID = "a column of keys or made-up values, which is not compared; may be repeated"
TEMPERATURE = "of texts: 1 as learned (default), less for what is likelier"
TOP_P = "of texts: only the likeliest tokens of this probability together (default 1, all)"
VALID_ONLY = "code that does not parse is drawn again, 20 times at most"
WHERE = "COL=VALUE, COL=A,B, COL=LO..HI, COL= (missing) or COL!= (not missing); may be repeated"
MAX_TIME = "time for preparing and training, such as 90s, 5m or 1h30m (default: as long as it helps)"
BACKBONE = "a pretrained language model writes the records: a folder, or OWNER/NAME on the Hugging Face hub"
LORA = "adapt the backbone, too (of this rank, default 8)"
MOVED = "where the pretrained backbone of the model is now, if it has moved"
MISSING = "this value, such as '?', means missing; may be repeated"
THREADS = "of the CPU (default: as many as are fastest beside what else runs, measured again and again)"
SCHEMA = "take the columns' kinds from this JSON file (written by `lookalike schema`)"
KEEP_RARE = "reproduce the values of categories that fewer than 5 rows hold, too"
ENCODING = "of text tables that are not UTF-8, such as latin-1 (default: told from the file)"
SEP = "between the columns of delimited text: one character, or tab (default: told from the file)"
DECIMAL = "before the decimals in delimited text (default: told from the file)"
METHODS = ["synalign", "few-shot", "nearest", "zero-shot", "attributes"]
METHOD = "exact (default): all of the distribution; linear: its mean"
EMBEDDER = "of --text: tfidf (default) or sentence-transformers:<name or path>"
MOST_REPEATS = "how often a row may come, at most (default 5)"
CONFIG = "take long options from this TOML file; those on the command line count more"
ARMS = "synalign (default): demonstrations that cover REAL, of which only attributes are shown"
RUN = "folder of replies, rejects and provenance (default OUT.run)"
SHOW_REAL = "the report may show values and texts that fewer than five real rows have"
FAIL_UNDER = "exit with 3 if a figure is worse, such as c2st=0.60,utility=0.95"
EXAMPLES = {
    "generate": """
  lookalike generate real.csv -n 10000 -o synthetic.csv
  lookalike generate real.csv -n 10000 -o rich.parquet --where 'income=>50K' --where age=30..40
  lookalike generate orders.csv -n 5000 -o out.csv --kind customer_id=key --kind customer=pseudonym
  lookalike generate train.csv -n 5000 -o out.csv --holdout test.csv --target income --report out.html
  lookalike generate real.csv -n 2000 -o out.csv --llm http://127.0.0.1:8000/v1 --model NAME \\
      --text text --label label --max-calls 500 --dry-run     (then without --dry-run)
Stopped by a crash or by Ctrl-C, the same command goes on from what is kept in OUT.run.""",
    "resume": """
  lookalike resume out.csv.run                     (the run folder of  lookalike generate ... --llm)
The replies that were paid for are read back; the key is taken from OPENAI_API_KEY.""",
    "prompts": """
  lookalike prompts
  lookalike prompts -o my-prompts     (edit them, then:  lookalike generate ... --templates my-prompts)""",
    "schema": """
  lookalike schema real.csv
  lookalike schema real.csv --missing '?' -o schema.json
  (edit it: "kind" is category, number, datetime, boolean, text, code, json, id or constant; "min_rows": 1
  keeps the rare values of a category; then:  lookalike fit real.csv -o real.model --schema schema.json)""",
    "fit": """
  lookalike fit real.csv -o real.model
  lookalike fit real.parquet -o real.model --max-time 1h30m --missing '?'
  lookalike fit export.xlsx -o real.model
  lookalike fit export.csv -o real.model --sep ';' --decimal , --encoding latin-1
  lookalike fit real.csv -o real.model --schema schema.json     (of  lookalike schema, edited)
  lookalike fit real.csv -o real.model --backbone Qwen/Qwen2.5-0.5B --lora
Stopped by a crash or by Ctrl-C, the same command goes on from the last checkpoint in MODEL_DIR.""",
    "sample": """
  lookalike sample real.model -n 10000000 -o synthetic.parquet
  lookalike sample real.model -n 1000 -o some.csv --where city=Paris,Rome --where age=18.. --where phone!=
  lookalike sample real.model -n 1000 -o variations.csv --like seeds.csv --strength 0.2
  lookalike sample real.model -o completed.csv --given partly-filled-rows.csv
  lookalike sample real.model -n 1000 -o balanced.csv --balance income
  lookalike sample real.model -n 1000 -o - | head""",
    "impute": """
  lookalike impute real.model with-gaps.csv -o without-gaps.csv""",
    "align": """
  lookalike align --real train.csv --synthetic synthetic.parquet -n 10000 -o aligned.parquet
  lookalike align --real train.csv --synthetic llm.jsonl -n 2000 -o out.jsonl --text text --label label
  lookalike align --real train.csv --synthetic s.csv -n 500 -o out.csv --holdout test.csv --json align.json
The figures are of real rows that were held out: a fifth of the real table, or --holdout.""",
    "evaluate": """
  lookalike evaluate --real train.csv --synthetic synthetic.parquet
  lookalike evaluate --real train.csv --synthetic s.csv --holdout test.csv --target income -o report.html
  lookalike evaluate --real orders.csv --synthetic s.csv --id customer_id --id customer
  lookalike evaluate --real train.csv --synthetic s.csv --only fidelity,privacy --quick
  lookalike evaluate --real train.csv --synthetic s.csv --only fidelity --fail-under c2st=0.60""",
}


def _parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The command's parser, and that of each verb."""
    parser = _OneSentence(
        prog="lookalike",
        description="Make a synthetic table that is distributed like a real one.",
        epilog="`lookalike VERB --help` shows the options of a verb with examples.\n\nexamples:"
        "\n  lookalike generate real.csv -n 10000 -o synthetic.csv --report report.html\n\n"
        "Tables are .csv, .tsv, .jsonl, .json, .parquet, .feather, .xlsx or .txt (a text per line), by "
        "suffix,\nor folders of .py, .sql, .json or .txt files; text may be packed: .csv.gz, .bz2, .xz, "
        ".zst, .zip.\n- is CSV from standard input, or to standard output.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lookalike {__version__}")
    subparsers = parser.add_subparsers(metavar="VERB", required=True)

    def verb(run: Callable[[argparse.Namespace], int | None], text: str) -> argparse.ArgumentParser:
        one = subparsers.add_parser(
            run.__name__,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=f"examples:{EXAMPLES[run.__name__]}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,  # so that --config is found before the others are read
        )
        one.set_defaults(verb=run)
        return one

    def common(one: argparse.ArgumentParser, missing: bool = True, device: bool = True) -> None:
        if missing:
            one.add_argument("--missing", action="append", default=[], metavar="VALUE", help=MISSING)
        reading(one)
        if device:
            one.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="default auto")
            one.add_argument("--threads", metavar="N", type=COUNT, help=THREADS)
        one.add_argument("--seed", type=SEED, default=0, help="same seed, same table (default 0)")
        one.add_argument("--quiet", action="store_true", help="no progress on stderr")
        one.add_argument("--config", metavar="FILE", help=CONFIG)

    def reading(one: argparse.ArgumentParser) -> None:
        one.add_argument("--encoding", metavar="NAME", help=ENCODING)
        one.add_argument("--sep", metavar="CHAR", help=SEP)
        one.add_argument("--decimal", choices=[".", ","], help=DECIMAL)

    def pretrained(one: argparse.ArgumentParser) -> None:
        one.add_argument("--backbone", metavar="NAME", help=BACKBONE)
        one.add_argument("--lora", metavar="RANK", type=RANK, nargs="?", const=True, default=False, help=LORA)

    def columns(one: argparse.ArgumentParser) -> None:
        one.add_argument("--schema", metavar="FILE", help=SCHEMA)
        kinds(one)

    def kinds(one: argparse.ArgumentParser) -> None:
        one.add_argument("--kind", action="append", default=[], metavar="COL=KIND", help=KIND)
        one.add_argument("--keep-rare", action="store_true", help=KEEP_RARE)

    one = verb(verbs.schema, "show which kind each column is of, and write it to be edited")
    one.add_argument("real", metavar="REAL", help="the real table")
    one.add_argument("-o", "--out", metavar="FILE", help="write the schema to this .json file")
    kinds(one)
    common(one, device=False)

    one = verb(verbs.generate, "learn a table, write a synthetic one, measure how alike they are")
    one.add_argument("real", metavar="REAL", help="the real table")
    one.add_argument("-n", "--rows", metavar="ROWS", type=ROWS, required=True, help="rows to make")
    one.add_argument("-o", "--out", metavar="OUT", required=True, help="the synthetic table to write")
    one.add_argument("--where", action="append", default=[], metavar="COND", help=WHERE)
    one.add_argument("--target", metavar="COL", help="the column that a model would predict, for the report")
    one.add_argument("--holdout", metavar="FILE", help="real rows that are not in REAL, for the report")
    one.add_argument("--report", metavar="HTML", help="write the report to this .html (or .json) file")
    one.add_argument("--show-real", action="store_true", help=SHOW_REAL)
    one.add_argument("--fail-under", metavar="LIMITS", type=_limits, help=FAIL_UNDER)
    one.add_argument("--max-time", metavar="TIME", type=_time, help=MAX_TIME)
    columns(one)
    pretrained(one)
    common(one)
    llm = one.add_argument_group("written by a language model (any OpenAI-compatible endpoint)")
    llm.add_argument("--llm", metavar="URL", help="the endpoint, such as http://127.0.0.1:8000/v1")
    llm.add_argument("--model", metavar="NAME", help="the model's name there")
    llm.add_argument("--key", help="default: OPENAI_API_KEY, which other users of the machine cannot see")
    llm.add_argument("--text", action="append", default=[], metavar="COL", help="a text column; repeatable")
    llm.add_argument("--label", metavar="COL", help="the column of classes")
    llm.add_argument("--method", choices=METHODS, default="synalign", help=ARMS)
    llm.add_argument("--demonstrations", metavar="N", type=COUNT, default=200, help="of REAL (default 200)")
    llm.add_argument("--gen-size", metavar="N", type=COUNT, default=10, help="rows a call (default 10)")
    llm.add_argument("--attributes", metavar="A,B", help="their names, or propose (default: six of style)")
    llm.add_argument("--task", metavar="TEXT", help="what the records are, in one sentence for the model")
    llm.add_argument("--templates", metavar="DIR", help="prompts instead of those that `prompts` shows")
    llm.add_argument("--temperature", metavar="T", type=MONEY, help="of the model (default 1)")
    llm.add_argument("--embedder", metavar="NAME", help=f"{EMBEDDER} or openai:<model>")
    llm.add_argument("--max-calls", metavar="N", type=COUNT, help="hard limit")
    llm.add_argument("--max-tokens", metavar="N", type=COUNT, help="hard limit, of prompts and replies")
    llm.add_argument("--max-cost", metavar="X", type=MONEY, help="hard limit; needs both prices")
    llm.add_argument("--price-in", metavar="X", type=MONEY, help="of a million tokens of prompts")
    llm.add_argument("--price-out", metavar="X", type=MONEY, help="of a million tokens of replies")
    llm.add_argument("--concurrency", metavar="N", type=COUNT, default=32, help="calls at once (32)")
    llm.add_argument("--run", metavar="DIR", help=RUN)
    llm.add_argument("--dry-run", action="store_true", help="estimate, show three prompts, ask nothing")

    one = verb(verbs.resume, "go on with a run that a language model was writing")
    one.add_argument("run", metavar="RUN_DIR", help="its folder")
    one.add_argument("--key", help="default: OPENAI_API_KEY")
    one.add_argument("--quiet", action="store_true", help="no progress on stderr")

    one = verb(verbs.prompts, "show the prompts that a language model is given")
    one.add_argument("--templates", metavar="DIR", help="with those of this folder in their place")
    one.add_argument("-o", "--out", metavar="DIR", help="write them to this folder, to be edited")

    one = verb(verbs.fit, "learn a table and keep the model")
    one.add_argument("real", metavar="REAL", help="the real table")
    one.add_argument("-o", "--out", metavar="MODEL_DIR", required=True, help="the model folder to write")
    one.add_argument("--max-time", metavar="TIME", type=_time, help=MAX_TIME)
    columns(one)
    one.add_argument("--force", action="store_true", help="replace the model of another table in MODEL_DIR")
    pretrained(one)
    common(one)

    one = verb(verbs.sample, "write rows from a model, as they come or under conditions")
    one.add_argument("model", metavar="MODEL_DIR", help="a folder written by `lookalike fit`")
    one.add_argument("-n", "--rows", metavar="ROWS", type=ROWS, help="rows to make")
    one.add_argument("-o", "--out", metavar="OUT", required=True, help="the synthetic table to write")
    one.add_argument("--where", action="append", default=[], metavar="COND", help=WHERE)
    one.add_argument("--given", metavar="FILE", help="a table of some of the columns: complete its rows")
    one.add_argument("--like", metavar="FILE", help="rows to make variations of")
    one.add_argument(
        "--strength",
        type=STRENGTH,
        default=0.3,
        metavar="S",
        help="how far from --like: 0 the rows themselves to 1 fresh ones (default 0.3)",
    )
    one.add_argument("--balance", metavar="COL", help="equal shares for the values of this column")
    one.add_argument("--temperature", metavar="T", type=float, default=1.0, help=TEMPERATURE)
    one.add_argument("--top-p", metavar="P", type=float, default=1.0, help=TOP_P)
    one.add_argument("--valid-only", action="store_true", help=VALID_ONLY)
    one.add_argument("--backbone", metavar="DIR", help=MOVED)
    common(one, missing=False)

    one = verb(verbs.impute, "fill the missing cells of a table")
    one.add_argument("model", metavar="MODEL_DIR", help="a folder written by `lookalike fit`")
    one.add_argument("table", metavar="TABLE", help="the table with missing cells")
    one.add_argument("-o", "--out", metavar="OUT", required=True, help="the full table to write")
    one.add_argument("--backbone", metavar="DIR", help=MOVED)
    common(one, missing=False)

    one = verb(
        verbs.align, "choose synthetic rows, some more than once, that are distributed like the real ones"
    )
    one.add_argument("--real", metavar="R", required=True, help="the real table")
    one.add_argument("--synthetic", metavar="S", required=True, help="the table to choose rows of")
    one.add_argument("-n", "--rows", metavar="ROWS", type=ROWS, required=True, help="rows to choose")
    one.add_argument("-o", "--out", metavar="OUT", required=True, help="the aligned table to write")
    one.add_argument("--text", metavar="COL", help="compare this column of text (default: whole rows)")
    one.add_argument("--label", metavar="COL", help="align each class of this column by itself")
    one.add_argument("--method", choices=["exact", "linear"], default="exact", help=METHOD)
    one.add_argument("--embedder", metavar="NAME", help=EMBEDDER)
    one.add_argument("--most-repeats", metavar="N", type=REPEATS, default=5, help=MOST_REPEATS)
    one.add_argument("--holdout", metavar="H", help="real rows to judge by (default: a fifth of R)")
    one.add_argument("--json", metavar="FILE", help="write the figures to this .json file")
    common(one, device=False)

    one = verb(verbs.evaluate, "measure how alike two tables are")
    one.add_argument("--real", metavar="R", required=True, help="the real table")
    one.add_argument("--synthetic", metavar="S", required=True, help="the synthetic table")
    one.add_argument("--holdout", metavar="H", help="real rows that the synthesizer never saw")
    one.add_argument("--target", metavar="COL", help="the column that a model would predict")
    one.add_argument("--text", metavar="COL", help="the column that is read as text (default: prose)")
    one.add_argument("--id", action="append", default=[], metavar="COL", help=ID)
    one.add_argument("--only", metavar="SECTIONS", help="of fidelity,diversity,utility,privacy")
    one.add_argument("--quick", action="store_true", help="fewer rows and one family of models")
    one.add_argument("--show-real", action="store_true", help=SHOW_REAL)
    one.add_argument("--fail-under", metavar="LIMITS", type=_limits, help=FAIL_UNDER)
    one.add_argument("-o", "--out", metavar="HTML", help="write the report to this .html file")
    one.add_argument("--json", metavar="FILE", help="write the figures to this .json file")
    common(one, device=False)
    return parser, dict(subparsers.choices)
