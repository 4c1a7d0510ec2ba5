"""`lookalike judge`: tables and real rows -> what a language model says of them, and pairs for people."""

from __future__ import annotations

import argparse
import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.cli import endpoint, files, shared
from lookalike.defaults import JUDGED_PAIRS, JUDGED_ROWS
from lookalike.errors import DataError, OptionError

if TYPE_CHECKING:
    import pandas as pd

    from lookalike.evaluate.judging.judge import Judging
    from lookalike.evaluate.judging.judged import Judged

SUFFIXES = {
    "ledger": "ledger.sqlite",
    "pairs": "pairs.jsonl",
    "slice": "slice.jsonl",
    "verdicts": "verdicts.jsonl",
}


def options(one: argparse.ArgumentParser) -> None:
    """Those of the verb."""
    one.add_argument("tables", metavar="TABLE", nargs="+", help="the synthetic tables, whoever made them")
    one.add_argument(
        "--real", metavar="R", required=True, help="real rows to compare with; they are sent to the model"
    )
    one.add_argument("--llm", metavar="URL", help="the endpoint (default: OPENAI_BASE_URL)")
    one.add_argument("--model", metavar="NAME", required=True, help="the judge, as the endpoint knows it")
    one.add_argument("--key", metavar="KEY", help="key of the endpoint (default: OPENAI_API_KEY)")
    one.add_argument(
        "--label",
        metavar="COL",
        help="compare only rows that agree in this column (default: any rows)",
    )
    one.add_argument(
        "--criteria", metavar="FILE", help="TOML: task, question, and [criteria.NAME] with ask and 1 to 5"
    )
    shared.counted(one, "--pairs", JUDGED_PAIRS, "pairs of each table with real rows, in both orders")
    one.add_argument(
        "--ratings",
        metavar="N",
        type=shared.number("--ratings", int, 0, 2**31, "write a whole number of at least 0"),
        help=f"rows of each table that are rated by the criteria (default {JUDGED_ROWS}; 0: none)",
    )
    one.add_argument(
        "--between", action="store_true", help="rows of different tables meet, too, not only real ones"
    )
    one.add_argument(
        "--human",
        metavar="SLICE",
        help="answers of people: OUT of  lookalike review HTML.slice.jsonl, or its answers.jsonl",
    )
    one.add_argument(
        "--writer",
        action="append",
        default=[],
        metavar="NAME",
        help="a model that wrote one of the tables (default: told from TABLE.run); may be repeated",
    )
    one.add_argument("-o", "--out", metavar="HTML", required=True, help="write the report to this .html file")
    one.add_argument("--json", metavar="FILE", help="write the figures to this .json file")
    endpoint.options(one)
    one.add_argument(
        "--dry-run", action="store_true", help="say what it would take, show the prompts, ask nothing"
    )
    shared.missing(one)
    shared.usual(one)


def judge(args: argparse.Namespace) -> None:
    """The report, the pairs for people, the verdicts with their reasons, and the ledger beside the report."""
    beside = {name: f"{args.out}.{suffix}" for name, suffix in SUFFIXES.items()}
    if Path(args.out).suffix != ".html":
        raise OptionError(f"{args.out}: the report of a judge is written as .html: choose such a name.")
    endpoint.check_prices(args)
    files.check_outputs(args, [args.out, args.json])
    files.check_paths(args, [args.out, args.json, *(beside[name] for name in ("pairs", "slice", "verdicts"))])
    names = _names(args.tables)
    real = _read(args.real, args)
    tables = {name: _read(path, args) for name, path in names.items()}
    planned = _planned(args, tables, real, beside)
    print(
        f"estimate: {planned.estimate()}, a share is off by {planned.margin:.0f} points at most", flush=True
    )
    for note in planned.notes:
        print(f"note: {note}", flush=True)
    if args.dry_run:
        print(_prompts(planned))
        return
    args.kept = Path(beside["ledger"])
    _write_lines(beside["pairs"], planned.table().to_dict("records"))
    judged = planned.ask(progress=not args.quiet)
    print(f"{judged}\n")
    _write_lines(beside["verdicts"], judged.verdicts())
    files.save_reports(judged, [args.out, args.json])
    print(f"verdicts and their reasons -> {beside['verdicts']}")
    some = _slice(args, judged, beside)
    print(f"pairs -> {beside['pairs']}; {some:,} of them for people -> {beside['slice']}: answer these by")
    queue = some + some // 9  # one item in ten of a queue is a pair that comes again
    print(f"  lookalike review {beside['slice']} -o SLICE.jsonl --pair real synthetic --queue {queue}")
    print("then give the same command with  --human SLICE.jsonl; it asks nothing again")


def _slice(args: argparse.Namespace, judged: Judged, beside: dict[str, str]) -> int:
    """Writes the pairs for people and says how many; those that were answered are left as they are."""
    if args.human is None or not Path(beside["slice"]).exists():
        _write_lines(beside["slice"], judged.slice().to_dict("records"))
    return len(Path(beside["slice"]).read_text(encoding="utf-8").splitlines())


def _planned(
    args: argparse.Namespace, tables: dict[str, pd.DataFrame], real: pd.DataFrame, beside: dict[str, str]
) -> Judging:
    from lookalike.evaluate.judging.judge import Judging

    given = {name: getattr(args, name) for name in ("pairs", "ratings") if getattr(args, name) is not None}
    writers = {f"--writer {name}": name for name in args.writer}
    writers |= {name: model for name, path in _names(args.tables).items() if (model := _writer(path))}
    kept = None if args.dry_run and not Path(beside["ledger"]).exists() else beside["ledger"]
    human = None if args.human is None else _human(args, [beside["slice"], beside["pairs"]])
    return Judging.of(
        tables,
        real,
        endpoint.language_model(args, kept),
        label=args.label,
        criteria=args.criteria,
        human=human,
        writers=writers,
        between=args.between,
        seed=args.seed,
        **given,
    )


def _read(path: str, args: argparse.Namespace) -> pd.DataFrame:
    table = files.read(path, args.missing, args)
    assert table is not None
    return table


def _names(paths: list[str]) -> dict[str, str]:
    """What the report calls the tables: their files without folder and suffix, or the paths where these are
    alike."""
    stems = [Path(path).name.split(".")[0] or path for path in paths]
    clash = len(set(stems)) < len(stems) or "real" in stems
    names = paths if clash else stems
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise OptionError(f"{twice} is named twice: name each table once.")
    return dict(zip(names, paths, strict=True))


def _writer(path: str) -> str | None:
    """The model that wrote a table, by the options in the run folder beside it."""
    from lookalike.run import CONFIG

    try:
        with open(Path(f"{path}.run") / CONFIG, "rb") as file:
            model = tomllib.load(file).get("model")
    except (OSError, tomllib.TOMLDecodeError):
        return None
    return model if isinstance(model, str) else None


def _human(args: argparse.Namespace, files_of_pairs: list[str]) -> pd.DataFrame:
    """Answers of people: the table that `review` wrote, or its file of answers on the slice or the pairs."""
    import pandas as pd

    from lookalike.files.reading import read_table
    from lookalike.review.exchange import said
    from lookalike.review.reviewing import fingerprint

    table = _read(args.human, args)
    if not {"row", "answer", "reviewer"} <= set(map(str, table.columns)):
        return table
    there = [path for path in files_of_pairs if Path(path).exists()]
    if not there:
        raise DataError(
            f"{args.human} holds answers by the rows of {files_of_pairs[0]}, which is gone: write it again "
            "first."
        )
    told = [one for one in said(args.human) if one.answer == "label"]
    prints = {one.table for one in told if one.table is not None}
    asked = [one for one in map(read_table, there) if prints <= {fingerprint(one)}]
    if not asked or (not prints and len(there) > 1):
        raise DataError(
            f"{args.human} holds answers on other pairs than those of {' or '.join(files_of_pairs)}: give "
            "OUT of that review."
        )
    keys = asked[0]["pair"].tolist()
    places = [(one.place, one.value) for one in told]
    some = [(keys[at], value) for at, value in places if isinstance(at, int) and 0 <= at < len(keys)]
    return pd.DataFrame(some, columns=["pair", "preferred"])


def _write_lines(path: str, rows: list[dict[str, Any]]) -> None:
    import json

    from lookalike.atomic import replace_text
    from lookalike.errors import file_errors

    text = "".join(json.dumps(row, ensure_ascii=True) + "\n" for row in rows)
    with file_errors(path, "written"):
        replace_text(path, text)


def _prompts(planned: Judging) -> str:
    """A prompt of a pair and one of a rating, as they would be sent."""
    asked = planned.requests
    some = [asked[2 * len(planned.controls)], *([asked[-1]] if planned.rated else [])]
    parts = ["nothing was asked: this was a dry run"]
    for request in some:
        assert not isinstance(request.messages, str)
        parts += [f"[{one['role']}]\n{one['content']}" for one in request.messages]
    return "\n\n".join(parts)
