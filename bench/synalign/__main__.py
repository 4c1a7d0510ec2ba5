"""SynAlign and what it is compared with, writing through the simulated LLM of tests/llm/corpus.py.

    python -m bench.synalign --data FOLDER [--sets sst2,banking77] [--seeds 0..4] [--embedder minilm]

FOLDER holds sst2_sentences_{train,test}.csv.gz and banking77_{train,test}.csv.gz. A few real rows of each
class are drawn from train by the seed; the rest of train is what the simulated model knows. Every arm asks
for the same number of rows and may make as many calls for records. Figures go to --out after each arm, so
that an interrupted benchmark goes on where it stopped; the tables go between the marks of bench/RESULTS.md.

--embedder: of the pipeline and of the judge: "minilm" (all-MiniLM-L6-v2, in an environment of its own under
bench/envs) or "tfidf" (built in: the pipeline's is fitted on the few real rows, the judge's on train).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from bench import command
from bench.places import FIGURES, RESULTS
from bench.publish import machine, publish
from bench.synalign.arms import ARMS, run, yardsticks
from bench.synalign.data import SETS, Data, files, simulated
from bench.synalign.judge import draw_per_class
from bench.synalign.markdown import POOL, tables

NAME = "bench.synalign"
EMBEDDERS = ("minilm", "tfidf")


def numbers(text: str) -> list[int]:
    """ "0..4" or "0,2" -> row of numbers."""
    first, dots, last = text.partition("..")
    return list(range(int(first), int(last) + 1)) if dots else [int(one) for one in text.split(",")]


def options() -> argparse.ArgumentParser:
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--data", type=command.folder, required=True)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--seeds", type=numbers, default=numbers("0..4"))
    parser.add_argument("--embedder", choices=EMBEDDERS, default="minilm")
    parser.add_argument("--out", type=Path, default=FIGURES / "synalign.json")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--again", default="", help="arms whose earlier figures are forgotten")
    return parser


def main() -> None:
    parser = options()
    args = parser.parse_args()
    sets, arms, again = args.sets.split(","), args.arms.split(","), set(filter(None, args.again.split(",")))
    command.chosen(parser, "set", sets, SETS)
    command.chosen(parser, "arm", [*arms, *again], ARMS)
    command.present(parser, [path for name in sets for path in files(args.data, name)])
    results: dict[str, Any] = {"runs": {}}
    if args.out.exists():
        results = json.loads(args.out.read_text())
    runs = results["runs"]
    results["machine"] = machine(args.threads)
    results["command"] = command.quoted(NAME, sys.argv[1:])

    def keep(key: str, entry: dict[str, Any]) -> None:
        runs[key] = entry
        args.out.write_text(json.dumps(results, indent=1))
        print(key, json.dumps(entry), flush=True)

    for name in sets:
        data = Data(args.data, name, args.embedder, args.threads)
        known = f"{args.embedder}/{name}"
        if f"{known}/all" not in runs:
            keep(f"{known}/all", data.judge.utility(data.judge.train, data.judge.train_labels))
        for seed in args.seeds:
            rows = draw_per_class(data.train, data.set.label, data.set.per_class, seed)
            real = data.train.loc[rows].reset_index(drop=True)
            corpus = data.train.drop(rows)
            pool = data.train.sample(POOL, random_state=seed)
            if f"{known}/real/{seed}" not in runs:
                keep(f"{known}/real/{seed}", yardsticks(data, real, seed))
            missing = [arm for arm in arms if arm in again or f"{known}/{arm}/{seed}" not in runs]
            server, url = simulated(corpus, data.set.label, seed) if missing else (None, "")
            try:
                for arm in missing:
                    keep(f"{known}/{arm}/{seed}", run(arm, data, real, pool, url, seed))
            finally:
                if server is not None:
                    server.kill()
    text = tables(results, sets, arms, args.seeds, args.embedder)
    text = f"{results['machine']}; `{results['command']}`.\n\n{text}"
    publish(text, args.results, NAME)
    print("\n" + text)


if __name__ == "__main__":
    main()
