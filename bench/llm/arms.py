"""SynAlign beside other ways to ask, with a real language model, and what the rows are worth.

    python -m bench.llm.arms --data FOLDER --llm http://127.0.0.1:8300/v1 --model NAME -o RESULTS

A cell is a model, a set, an arm, a number of real rows a class and a seed. Each cell has the same budget of
tokens, prompts and replies together, and writes as many rows as that brings. What it wrote is kept in
RESULTS/written.jsonl as the cell ends, so that a command that was stopped goes on with the cells that are
missing. Several cells are written at once (--at-once), so that a server that writes many texts together is
never idle; their seconds are then those of all.

Then every cell is scored, which needs no model but, for --minilm, the folder of all-MiniLM-L6-v2: see
scores.py. --write-only leaves that for later, --score-only does nothing else. RESULTS/scores.json holds the
figures, RESULTS/table.md the tables.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from bench import command
from bench.llm.sets import SETS, drawn, files, read
from lookalike.defaults import METHODS

NAME = "bench.llm.arms"
ARMS = ("zero-shot", "few-shot", "synalign", "steered")
WRITTEN, SCORES, TABLE = "written.jsonl", "scores.json", "table.md"
TOKENS_A_ROW = 12  # fewer than any arm takes: more rows are asked for than the budget brings
SILENCE = 600.0  # seconds that a server that writes many texts at once may be silent


class Cell(NamedTuple):
    """rows: real rows a class."""

    model: str
    set: str
    arm: str
    rows: int
    seed: int

    @property
    def key(self) -> str:
        return f"{self.model}/{self.set}/{self.arm}/{self.rows}/{self.seed}"


class How(NamedTuple):
    """What all cells have in common. minilm: what embeds texts while they are written, None for words; shape:
    options of SynAlign.
    """

    data: Path
    url: str
    tokens: int
    concurrency: int
    minilm: Path | None
    shape: dict[str, Any]


def write(cell: Cell, how: How) -> dict[str, Any]:
    """One cell: its rows, and what they took."""
    import lookalike
    from lookalike.errors import UserError
    from lookalike.llm import LLM, Budget

    own = SETS[cell.set]
    real = drawn(read(how.data, cell.set)[0], own.named, cell.rows, cell.seed)
    budget = Budget(max_tokens=how.tokens)
    llm = LLM(
        cell.model, how.url, key="none", budget=budget, concurrency=how.concurrency,
        timeout=SILENCE, total_timeout=2 * SILENCE, patience=SILENCE,
    )  # fmt: skip
    embed = None
    if how.minilm is not None:
        from bench.llm.features import encoder

        embed = encoder(how.minilm)
    model = lookalike.SynAlign(
        llm,
        "text",
        own.named,
        method=cell.arm,
        task=own.task,
        seed=cell.seed,
        progress=False,
        embed=embed,
        **how.shape,
    )
    model.fit(real)
    begun, said = time.perf_counter(), None
    try:
        model.sample(how.tokens // TOKENS_A_ROW)
    except UserError as error:  # what was accepted by then counts
        said = str(error)
    facts, made, lost = model.summary(), model.accepted, model.rejected
    shown = (
        "asked",
        "accepted",
        "surplus",
        "rejected",
        "failures",
        "said",
        "calls",
        "tokens_in",
        "tokens_out",
    )
    return {
        "key": cell.key,
        **{name: facts[name] for name in shown},
        "stopped": said or facts["stopped"],
        "spent": budget.spent.tokens_in + budget.spent.tokens_out,
        "seconds": round(time.perf_counter() - begun, 1),
        "texts": made["text"].tolist(),
        "labels": made[own.named].astype(str).tolist(),
        "shown": model.shown,
        "attributes": model.provenance["attributes"].drop_duplicates().tolist()[:20],
        "lost": lost[["text", "reason"]].head(200).astype(str).to_numpy().tolist(),
    }


def known(folder: Path) -> dict[str, dict[str, Any]]:
    """Key -> what a cell wrote; the last line may be half a one."""
    path, found = folder / WRITTEN, {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            cell = json.loads(line)
        except ValueError:
            continue
        found[cell["key"]] = cell
    return found


def written(cells: list[Cell], how: How, folder: Path, at_once: int) -> Iterator[dict[str, Any]]:
    """The cells as they end, kept first; each in a process of its own."""
    pool = ProcessPoolExecutor(at_once, mp_context=multiprocessing.get_context("spawn"))
    waiting = {pool.submit(write, cell, how): cell for cell in cells}
    try:
        while waiting:
            for one in wait(waiting, return_when=FIRST_COMPLETED).done:
                cell = waiting.pop(one)
                if (
                    error := one.exception()
                ):  # the other cells go on; the command says it, and can be repeated
                    print(f"{cell.key} failed: {type(error).__name__}: {error}", flush=True)
                    continue
                with (folder / WRITTEN).open("a", encoding="utf-8") as file:
                    file.write(json.dumps(one.result(), ensure_ascii=False) + "\n")
                yield one.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


def options() -> argparse.ArgumentParser:
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--data", type=command.folder, required=True, help="folder of the sets' files")
    parser.add_argument("--llm", help="base URL of the server")
    parser.add_argument("--model", help="its name there, and in the results")
    parser.add_argument("--tokens", type=int, default=60_000, help="budget of a cell; default 60,000")
    parser.add_argument("--sets", default=",".join(SETS), help=f"of {', '.join(SETS)}")
    parser.add_argument("--arms", default=",".join(ARMS), help=f"of {', '.join(METHODS)}")
    parser.add_argument("--rows-per-class", type=numbers, default=[10, 50], help="real rows; default 10,50")
    parser.add_argument("--seeds", type=int, default=3, help="how many; default 3")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them; default 0")
    parser.add_argument("--gen-size", type=int, default=5, help="records a request; default 5")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--templates", type=command.folder, help="prompts in place of the built-in ones")
    parser.add_argument("--concurrency", type=int, default=32, help="calls of a cell at once; default 32")
    parser.add_argument("--at-once", type=int, default=8, help="cells at once; default 8")
    parser.add_argument("--minilm", type=command.folder, help="folder of all-MiniLM-L6-v2, to embed texts by")
    parser.add_argument("--score-only", action="store_true", help="score what was written")
    parser.add_argument("--write-only", action="store_true", help="score nothing")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="RESULTS", help="a folder")
    return parser


def main() -> None:
    parser = options()
    args = parser.parse_args()
    sets, arms = args.sets.split(","), args.arms.split(",")
    command.chosen(parser, "set", sets, SETS)
    command.chosen(parser, "arm", arms, METHODS)
    command.present(parser, [path for name in sets for path in files(args.data, name)])
    args.out.mkdir(parents=True, exist_ok=True)
    if not args.score_only:
        if not (args.llm and args.model):
            parser.error("name the server and the model: --llm URL --model NAME")
        shape = {"gen_size": args.gen_size, "temperature": args.temperature, "templates": args.templates}
        how = How(args.data, args.llm, args.tokens, args.concurrency, args.minilm, shape)
        seeds = range(args.first_seed, args.first_seed + args.seeds)
        grid = product(seeds, args.rows_per_class, sets, arms)  # seeds last: a stop leaves whole ones
        cells = [Cell(args.model, name, arm, rows, seed) for seed, rows, name, arm in grid]
        done = known(args.out)
        for found in written([cell for cell in cells if cell.key not in done], how, args.out, args.at_once):
            lost = ", ".join(f"{name} {count}" for name, count in found["rejected"].items())
            print(f"{found['key']}: {found['accepted']} rows of {found['spent']:,} tokens, "
                  f"{found['seconds']} s; rejected: {lost or 'none'}", flush=True)  # fmt: skip
    if not args.write_only:
        from bench.llm.scores import score

        print(score(args.data, args.out, known(args.out), args.minilm))


if __name__ == "__main__":
    main()
