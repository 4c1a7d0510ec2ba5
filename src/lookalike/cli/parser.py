"""The options of the command `lookalike`, verb by verb; what the verbs do is in `verbs.py`.

Choices and defaults that Python has, too, are those of `defaults.py`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import NoReturn

from lookalike import __version__, options
from lookalike.cli import curating, endpoint, fitting, judging, recipes, selecting, sharding, shared
from lookalike.cli.examples import EXAMPLES
from lookalike.defaults import (
    ALIGN_METHODS,
    CHECKS,
    DEMONSTRATIONS,
    DOUBTS,
    ERRORS,
    GEN_SIZE,
    GROW,
    LABEL_METHODS,
    METHODS,
    MOST_REPEATS,
    NEAR,
    QUEUE,
    STRENGTH,
    USUAL_CHECKS,
)
from lookalike.errors import OptionError

Parser = argparse.ArgumentParser


def parse(argv: Sequence[str], args: argparse.Namespace | None = None) -> argparse.Namespace:
    """The options of a command line, those of its --config file among them; args: a namespace to fill.

    Raises OptionError for a mistake. `--help`, `--version` and nothing at all print and exit.
    """
    parser, of_verb = parsers()
    given = list(argv) or ["--help"]
    if given and given[0] in of_verb:
        given[1:] = options.expand(of_verb[given[0]], given[1:])
    return parser.parse_args(given, args)


def parsers() -> tuple[Parser, dict[str, Parser]]:
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
    verbs: dict[str, tuple[Callable[[Parser], None], str]] = {
        "schema": (_schema, "show which kind each column is of, and write it to be edited"),
        "generate": (_generate, "learn a table, write a synthetic one, measure how alike they are"),
        "fit": (_fit, "learn a table and keep the model"),
        "sample": (_sample, "write rows from a model, as they come or under conditions"),
        "impute": (_impute, "fill the missing cells of a table"),
        "evaluate": (_evaluate, "measure how alike two tables are"),
        "curate": (_curate, "drop rows that are broken, out of range or repeat others, and say why"),
        "select": (selecting.options, "choose the rows whose labels would teach most, for people to label"),
        "review": (_review, "show rows to people in a browser, and write the table as they correct it"),
        "judge": (
            judging.options,
            "have a language model compare tables with real rows, and say what its word is worth",
        ),
        "align": (
            _align,
            "choose synthetic rows, some more than once, that are distributed like the real ones",
        ),
        "recipe": (recipes.recipe_options, "write a recipe of several steps, to be edited"),
        "prompts": (_prompts, "show the prompts that a language model is given"),
        "resume": (_resume, "go on with a run that was stopped or killed"),
        "agent": (_agent, "print what a coding agent needs: verbs, options, examples, exit codes"),
    }
    for verb, (add_options, text) in verbs.items():
        one = subparsers.add_parser(
            verb,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=f"examples:{EXAMPLES[verb]}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,  # so that --config is found before the others are read
        )
        one.set_defaults(verb=verb)
        add_options(one)
    return parser, dict(subparsers.choices)


class _OneSentence(argparse.ArgumentParser):
    """argparse prints its whole usage before a mistake; one sentence and where to read on is enough."""

    def error(self, message: str) -> NoReturn:
        raise OptionError(f"{message} (see  {self.prog} --help).")


def _schema(one: Parser) -> None:
    shared.real(one)
    one.add_argument("-o", "--out", metavar="FILE", help="write the schema to this .json file")
    shared.kinds(one)
    shared.missing(one)
    shared.usual(one)


def _generate(one: Parser) -> None:
    one.add_argument("real", metavar="REAL", nargs="?", help="the real table; a recipe needs none")
    shared.rows(one, "rows to make")
    one.add_argument("-o", "--out", metavar="OUT", required=True, help="the synthetic table to write")
    shared.where(one)
    one.add_argument("--target", metavar="COL", help="the column that a model would predict, for the report")
    one.add_argument("--holdout", metavar="FILE", help="real rows that are not in REAL, for the report")
    one.add_argument(
        "--curate",
        metavar="CHECKS",
        nargs="?",
        const=",".join(USUAL_CHECKS),
        help="keep only rows that pass the checks of `lookalike curate` (default: the usual ones); OUT holds "
        "ROWS of them where a model is learned here, and why others were dropped is in OUT.decisions.json",
    )
    one.add_argument(
        "--report", metavar="HTML", help="write the report to this .html, .json or .md (a data card) file"
    )
    one.add_argument(
        "--run",
        metavar="DIR",
        help="folder of the run, from which it goes on after a kill, with its summary and report (default "
        "OUT.run, removed when a model that is learned here is done)",
    )
    shared.verdict(one)
    shared.training(one)
    shared.schema_file(one)
    shared.kinds(one)
    shared.missing(one)
    shared.usual(one)
    _language_model(one)
    recipes.options(one)
    sharding.written(one)
    one.set_defaults(folder=None)  # of the run that is resumed


def _language_model(one: Parser) -> None:
    llm = one.add_argument_group("written by a language model (any OpenAI-compatible endpoint)")
    llm.add_argument("--llm", metavar="URL", help="the endpoint, such as http://127.0.0.1:8000/v1")
    llm.add_argument("--model", metavar="NAME", help="the name of the model at the endpoint")
    llm.add_argument("--key", help="key of the endpoint (default: OPENAI_API_KEY, which others cannot see)")
    llm.add_argument(
        "--text", action="append", default=[], metavar="COL", help="a text column; may be repeated"
    )
    llm.add_argument("--label", metavar="COL", help="the column of classes")
    llm.add_argument(
        "--method",
        choices=METHODS,
        help=f"{METHODS[0]} (default): synalign or steered, by how well the model describes real rows; "
        "synalign: demonstrations that cover REAL, of which only attributes are shown; steered: one call in "
        "eight shows real rows, and all rows together tell which are of another class, for small models",
    )
    llm.add_argument(
        "--grow",
        choices=GROW,
        help="what is asked for next: classes as in REAL (real, default) or evenly (even), what is not yet "
        "covered (coverage), what a model of the new rows gets wrong (errors), new texts (novelty)",
    )
    shared.counted(llm, "--demonstrations", DEMONSTRATIONS, "real rows that are shown")
    shared.counted(llm, "--gen-size", GEN_SIZE, "rows that a call asks for")
    llm.add_argument(
        "--reply-tokens",
        metavar="N",
        type=shared.count("--reply-tokens"),
        help="tokens of a reply, at most (default: by the longest real rows, more where replies are cut off)",
    )
    llm.add_argument(
        "--attributes", metavar="A,B", help="names, or propose (default: topic, tone, style, details)"
    )
    llm.add_argument("--task", metavar="TEXT", help="what the records are, in one sentence for the model")
    llm.add_argument("--templates", metavar="DIR", help="prompts instead of those that `prompts` shows")
    llm.add_argument("--temperature", metavar="T", type=shared.MONEY, help="the model's (default 1)")
    llm.add_argument("--embedder", metavar="NAME", help=f"{shared.EMBEDDER} or openai:<model>")
    endpoint.options(llm)
    llm.add_argument("--dry-run", action="store_true", help="estimate, show three prompts, ask nothing")


def _resume(one: Parser) -> None:
    one.add_argument("run", metavar="RUN_DIR", help="the folder of the run")
    one.add_argument("--key", help="key of the endpoint (default: OPENAI_API_KEY)")
    shared.budget(one)
    shared.endpoint(one)
    one.add_argument("--quiet", action="store_true", help="no progress on stderr")


def _prompts(one: Parser) -> None:
    one.add_argument("--templates", metavar="DIR", help="show those of this folder in their place")
    one.add_argument("-o", "--out", metavar="DIR", help="write them to this folder, to be edited")


def _fit(one: Parser) -> None:
    shared.real(one)
    one.add_argument("-o", "--out", metavar="MODEL_DIR", required=True, help="the model folder to write")
    one.add_argument("--force", action="store_true", help="replace the model of another table in MODEL_DIR")
    fitting.options(one)
    shared.training(one)
    shared.schema_file(one)
    shared.kinds(one)
    shared.missing(one)
    shared.usual(one)


def _sample(one: Parser) -> None:
    shared.rows(one, "rows to make")
    one.add_argument("-o", "--out", metavar="OUT", required=True, help="the synthetic table to write")
    shared.where(one)
    one.add_argument("--given", metavar="FILE", help="a table of some of the columns: complete its rows")
    one.add_argument("--like", metavar="FILE", help="rows to make variations of")
    one.add_argument(
        "--strength",
        type=shared.number("--strength", float, 0, 1, "choose 0 (the rows themselves) to 1 (fresh rows)"),
        metavar="S",
        help=f"how far from --like: 0 gives the rows themselves, 1 new ones (default {STRENGTH})",
    )
    one.add_argument("--balance", metavar="COL", help="equal shares for the values of this column")
    one.add_argument(
        "--temperature",
        metavar="T",
        type=float,
        help="temperature of texts: 1 as learned (default), less for likelier ones",
    )
    one.add_argument(
        "--top-p",
        metavar="P",
        type=float,
        help="draw texts from the likeliest tokens that have this probability together (default 1: all)",
    )
    one.add_argument(
        "--valid-only", action="store_true", help="code that does not parse is drawn again, 20 times at most"
    )
    shared.model_folder(one)
    sharding.options(one)
    shared.usual(one)


def _impute(one: Parser) -> None:
    shared.model_folder(one)
    one.add_argument("table", metavar="TABLE", help="the table with missing cells")
    one.add_argument("-o", "--out", metavar="OUT", required=True, help="the full table to write")
    shared.usual(one)


def _align(one: Parser) -> None:
    one.add_argument("--real", metavar="R", required=True, help="the real table")
    one.add_argument("--synthetic", metavar="S", required=True, help="the table to choose rows of")
    shared.rows(one, "rows to choose", required=True)
    one.add_argument("-o", "--out", metavar="OUT", required=True, help="the aligned table to write")
    one.add_argument("--text", metavar="COL", help="compare this column of text (default: whole rows)")
    one.add_argument("--label", metavar="COL", help="align each class of this column by itself")
    one.add_argument(
        "--method",
        choices=ALIGN_METHODS,
        default=ALIGN_METHODS[0],
        help="exact (default): all of the distribution; linear: its mean",
    )
    one.add_argument("--embedder", metavar="NAME", help=shared.EMBEDDER)
    one.add_argument(
        "--most-repeats",
        metavar="N",
        type=shared.number(
            "--most-repeats", int, 1, 2**31, "the repeats of a row are a whole number of at least 1"
        ),
        default=MOST_REPEATS,
        help=f"how often a row may come, at most (default {MOST_REPEATS})",
    )
    one.add_argument("--holdout", metavar="H", help="real rows to judge by (default: a fifth of R)")
    one.add_argument("--json", metavar="FILE", help="write the figures to this .json file")
    sharding.many(one)
    shared.missing(one)
    shared.usual(one)


def _curate(one: Parser) -> None:
    one.add_argument("synthetic", metavar="SYN", help="the table to curate, whoever made it")
    one.add_argument("-o", "--out", metavar="OUT", required=True, help="the curated table to write")
    one.add_argument("--real", metavar="R", help="real rows, which set the limits (default: absolute limits)")
    one.add_argument("--text", metavar="COL", help="the column of text (default: all that hold text)")
    one.add_argument("--label", metavar="COL", help="the column of labels")
    one.add_argument("--only", metavar="CHECKS", help=f"make only these checks, of {', '.join(CHECKS)}")
    one.add_argument("--without", metavar="CHECKS", help="checks whose decisions are not followed")
    one.add_argument(
        "--near",
        metavar="SHARE",
        type=shared.number("--near", float, 0.05, 1.0, "the similarity of texts is a number from 0.05 to 1"),
        default=NEAR,
        help=f"Jaccard similarity from which texts are near-duplicates (default {NEAR})",
    )
    one.add_argument(
        "--method",
        choices=LABEL_METHODS,
        default=LABEL_METHODS[0],
        help="what is done with labels that are suspected to be wrong, as far as held-out rows of R say that "
        "it helps (default auto: the least change of all three)",
    )
    one.add_argument(
        "--doubt",
        choices=DOUBTS,
        default=DOUBTS[0],
        help="how wrong labels are found: by classifiers of SYN and R (audit, default), the nearest rows "
        "(neighbours), a model that learns R (dynamics: CLLM) or SYN (margin: AUM), what a row is worth for "
        "R (influence), or by weights for all rows, found in steps (steps: SunGen)",
    )
    one.add_argument("--embedder", metavar="NAME", help=shared.EMBEDDER)
    one.add_argument(
        "--rejected", metavar="FILE", help="write the dropped rows to this table, with the reason"
    )
    one.add_argument(
        "--report", metavar="HTML", help="write a page of what was removed, check by check, with examples"
    )
    one.add_argument("--dry-run", action="store_true", help="say what would be dropped, and write nothing")
    sharding.many(one)
    shared.schema_file(one)
    shared.missing(one)
    shared.usual(one)
    curating.language_model(one)


def _review(one: Parser) -> None:
    one.add_argument("table", metavar="TABLE", nargs="?", help="the table to review, whoever made it")
    one.add_argument("-o", "--out", metavar="OUT", help="the corrected table to write")
    one.add_argument("--real", metavar="R", help="real rows, of which the nearest is shown beside each row")
    one.add_argument("--label", metavar="COL", help="the column of labels (default: that of the decisions)")
    one.add_argument("--text", metavar="COL", help="the column of text (default: the one with most words)")
    one.add_argument(
        "--pair", nargs=2, metavar="COL", help="two columns of answers, to choose the better one blindly"
    )
    one.add_argument(
        "--decisions", metavar="FILE", help="what curate decided on TABLE: those rows come first"
    )
    shared.counted(one, "--queue", QUEUE, "rows or pairs to answer, at most")
    one.add_argument("--reviewer", metavar="NAME", default="", help="who answers (default: the page asks)")
    one.add_argument(
        "--port",
        metavar="P",
        type=shared.number("--port", int, 0, 65535, "a port is a whole number from 0 (any) to 65535"),
        help="port of 127.0.0.1 (default: the one it had before)",
    )
    one.add_argument(
        "--limit",
        metavar="SHARE",
        type=shared.number("--limit", float, 0, 1, "an error rate is a number from 0 to 1"),
        default=ERRORS,
        help=f"the error rate below which the page says that it is enough (default {ERRORS})",
    )
    one.add_argument("--static", metavar="HTML", help="write a page that works from disk, and serve nothing")
    one.add_argument(
        "--import",
        dest="imported",
        metavar="FILE",
        help="take answers given elsewhere: .jsonl or .csv of a review, JSON of Argilla or Label Studio",
    )
    one.add_argument(
        "--agreement", nargs="+", metavar="FILE", help="say how far the answers of these files agree"
    )
    shared.missing(one)
    shared.usual(one)


def _agent(one: Parser) -> None:
    one.add_argument("-o", "--out", metavar="FILE", help="write it to this file, such as SKILL.md")


def _evaluate(one: Parser) -> None:
    one.add_argument("--real", metavar="R", required=True, help="the real table")
    one.add_argument("--synthetic", metavar="S", required=True, help="the synthetic table")
    one.add_argument("--holdout", metavar="H", help="real rows that the synthesizer never saw")
    one.add_argument("--target", metavar="COL", help="the column that a model would predict")
    one.add_argument("--text", metavar="COL", help="the column that is read as text (default: prose)")
    shared.schema_file(one)
    one.add_argument(
        "--id",
        action="append",
        default=[],
        metavar="COL",
        help="a column of keys or made-up values, which is not compared; may be repeated",
    )
    one.add_argument("--only", metavar="SECTIONS", help="only these of fidelity,diversity,utility,privacy")
    one.add_argument("--quick", action="store_true", help="fewer rows and one family of models")
    shared.verdict(one)
    one.add_argument(
        "-o", "--out", metavar="HTML", help="write the report to this .html file (.md: a data card)"
    )
    one.add_argument("--json", metavar="FILE", help="write the figures to this .json file")
    sharding.many(one)
    shared.missing(one)
    shared.usual(one)
