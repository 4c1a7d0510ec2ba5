"""Plans of SynAlign that grow beside the fixed plan, through the simulated LLM of tests/llm/corpus.py.

    python -m bench.growth --data FOLDER --minilm FOLDER [--cases coverage,errors] [--seeds 0..4]

coverage  2,000 rows of SST-2 from 2,000 real rows, by a model that prefers what is popular (e^2 times for one
          standard deviation of popularity); how far the rows are from the shares of train, and the calls
errors    rows of TREC from 300 real rows, all arms with the same number of calls; accuracy on test, none of
          whose rows steered, of a logistic regression that learned from the rows; "cleaned" asks at the
          places of the fixed plan, and rejects doubtful rows as growth by errors does: that tells steering
          apart from cleaning

--data holds sst2_sentences_{train,test}.csv.gz and trec_{train,test}.csv.gz; --minilm all-MiniLM-L6-v2, which
the pipeline and the judge use. Figures go to growth-CASE.json after each arm, so that an interrupted one
goes on where it stopped; the tables go between the marks of bench/RESULTS.md.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from bench import command
from bench.growth.arms import ARMS, CASES, Case, files, run
from bench.growth.markdown import tables
from bench.places import FIGURES, RESULTS
from bench.publish import machine, publish
from bench.synalign.__main__ import numbers

NAME = "bench.growth"


def main() -> None:
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--data", type=command.folder, required=True)
    parser.add_argument("--minilm", type=command.folder, required=True)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--arms", default=",".join(ARMS), help="arms of the cases")
    parser.add_argument("--seeds", type=numbers, default=numbers("0..4"))
    parser.add_argument("--out", type=command.folder, default=FIGURES, help="folder of the figures")
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    cases, arms = args.cases.split(","), args.arms.split(",")
    command.chosen(parser, "case", cases, CASES)
    command.chosen(parser, "arm", arms, ARMS)
    command.present(parser, [path for name in cases for path in files(args.data, name)])
    os.environ["OMP_NUM_THREADS"] = "1"
    runs: dict[str, Any] = {}
    for name in CASES:
        path = args.out / f"growth-{name}.json"
        known = json.loads(path.read_text())["runs"] if path.exists() else {}
        case = Case(name, args.data, args.minilm) if name in cases else None
        for seed in args.seeds if case is not None else ():
            assert case is not None
            for arm in (one for one in CASES[name].arms if one in arms):
                key = f"{name}/{arm}/{seed}"
                if key not in known:
                    known[key] = run(case, arm, seed)
                    path.write_text(json.dumps({"machine": machine(1), "runs": known}, indent=1) + "\n")
                    print(key, json.dumps(known[key]), flush=True)
        runs |= known
    text = f"{machine(1)}; `{command.quoted(NAME, sys.argv[1:])}`.\n\n{tables(runs)}"
    publish(text, args.results, NAME)
    print("\n" + text)


if __name__ == "__main__":
    main()
