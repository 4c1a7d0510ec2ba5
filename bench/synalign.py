"""SynAlign and what it is compared with, writing through the simulated LLM of tests/llm/corpus.py.

    python bench/synalign.py --data FOLDER [--sets sst2,banking77] [--seeds 0..4] [--embedder minilm]

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
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

import minilm
import numpy as np
import pandas as pd
from synalign_judge import CLUSTERS, Embed, Judge, draw_per_class, remembering
from tables import machine, mean, publish

import lookalike
from lookalike.embed import embedder
from lookalike.errors import UserError
from lookalike.explore.explore import CRITERIA, explore
from lookalike.llm import LLM, Budget

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent / "tests" / "llm"
ARMS = ("zero-shot", "few-shot", "nearest", "attributes", "synalign")
EMBEDDERS = ("minilm", "tfidf")
GEN_SIZE = 10
PICKS = 200  # demonstrations whose coverage is compared
POOL = 1000  # real rows of the larger alignment
PICKED = {
    "mean": "explored: least mean variance",
    "largest": "explored: largest variance",
    "random": "random",
}
MARKS = ("<!-- bench/synalign.py: begin -->", "<!-- bench/synalign.py: end -->")


class Set(NamedTuple):
    """file: how its files begin; per_class: real rows of each class; rows: that every arm writes."""

    file: str
    label: str
    per_class: int
    rows: int


SETS = {
    "sst2": Set("sst2_sentences", "label", 10, 1000),
    "banking77": Set("banking77", "category", 5, 1540),
    "sst2-500": Set("sst2_sentences", "label", 500, 1000),  # more real rows than are shown: picking matters
}


class Data:
    """A set as tables of strings, and its judge."""

    def __init__(self, folder: Path, name: str, embedder_name: str, threads: int) -> None:
        self.name, self.set = name, SETS[name]
        self.train, self.test = (
            pd.read_csv(folder / f"{self.set.file}_{part}.csv.gz", dtype=str, keep_default_na=False)
            for part in ("train", "test")
        )
        self.embed: Embed | None = None  # the pipeline's; None is its own
        if embedder_name == "minilm":
            both = self.train.text.tolist() + self.test.text.tolist()
            path = HERE / "work" / f"{self.set.file}-minilm.npy"
            self.embed = remembering(minilm.embedder(threads), both, path)
        judged = self.embed or embedder(None, self.train.text.tolist())
        pairs = [(t.text.tolist(), t[self.set.label].tolist()) for t in (self.train, self.test)]
        self.judge = Judge(pairs[0], pairs[1], judged)


def serve(corpus: pd.DataFrame, label: str, seed: int) -> tuple[subprocess.Popen[str], str]:
    """The simulated model that knows the corpus, and its URL."""
    path = HERE / "work" / f"corpus-{os.getpid()}.csv"
    path.parent.mkdir(exist_ok=True)
    corpus[["text", label]].to_csv(path, index=False)
    variables = {
        **os.environ,
        "LOOKALIKE_CORPUS": str(path),
        "LOOKALIKE_LABEL": label,
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, str(TESTS / "server.py"), "--sampling", "--seed", str(seed)]
    command += ["--writer", f"{TESTS / 'corpus.py'}:write"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables)
    assert server.stdout is not None
    url = server.stdout.readline().strip()  # it has read the corpus by then
    path.unlink()
    return server, url


def calls(url: str) -> int:
    with urllib.request.urlopen(url.removesuffix("/v1") + "/stats") as answer:
        return int(json.load(answer)["calls"])


def run(arm: str, data: Data, real: pd.DataFrame, pool: pd.DataFrame, url: str, seed: int) -> dict[str, Any]:
    """The figures of one arm."""
    label, rows, judge = data.set.label, data.set.rows, data.judge
    shown = min(len(real), rows // GEN_SIZE)  # one call for records each, where there are real rows enough
    classes = real[label].nunique()
    beside = {"synalign": shown, "attributes": classes}.get(arm, 0)  # calls that bring no records
    budget = Budget(max_calls=2 * -(-rows // GEN_SIZE) + beside)
    llm = LLM(
        "simulated", url, key="none", budget=budget, concurrency=1
    )  # one by one: the same answers each time
    before, started = calls(url), time.perf_counter()
    model = lookalike.SynAlign(
        llm,
        "text",
        label,
        method=arm,
        demonstrations=shown,
        gen_size=GEN_SIZE,
        embed=data.embed,
        seed=seed,
        progress=False,
    )
    made = model.fit(real).sample(rows)
    found: dict[str, Any] = {
        "seconds": time.perf_counter() - started,
        "rows": len(made),
        "calls": calls(url) - before,
        "rejected": len(model.rejected),
        "reasons": model.summary()["rejected"],
    }
    points, labels = judge.embed(made["text"].tolist()), made[label].astype(str).to_numpy()
    few = judge.embed(real.text.tolist())
    found["coverage"], found["misplaced"] = judge.coverage(points), judge.misplaced(points)
    found["mmd2"] = {"before": judge.mmd2(points)}
    both = np.concatenate([points, few]), np.concatenate([labels, real[label].to_numpy()])
    found["utility"] = {"synthetic": judge.utility(points, labels), "with real": judge.utility(*both)}
    for name, some in (("aligned", real), ("aligned to pool", pool)):
        some = some[some[label].isin(set(labels))]
        try:
            _, how = lookalike.align(
                some,
                made,
                len(made),
                text="text",
                label=label,
                embed=data.embed,
                holdout=data.test,
                seed=seed,
                progress=False,
            )
        except UserError as error:
            found.setdefault("not aligned", {})[name] = str(error)
            continue
        found["mmd2"][name] = judge.mmd2(points[how.rows])
        found["utility"][name] = judge.utility(points[how.rows], labels[how.rows])
        found.setdefault("effective", {})[name] = how.effective
    return found


def yardsticks(data: Data, real: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Real rows in place of synthetic ones, and the coverage of demonstrations."""
    judge, label, draw = data.judge, data.set.label, np.random.default_rng(seed)
    some = draw.permutation(len(judge.train))[: data.set.rows]
    few = judge.embed(real.text.tolist())
    picked = {
        name: explore(judge.train, PICKS, judge.train_labels, criterion=name, group=1, seed=seed).picks
        for name in CRITERIA
    }
    picked["random"] = draw.permutation(len(judge.train))[:PICKS]
    return {
        "real": {
            "rows": len(some),
            "coverage": judge.coverage(judge.train[some]),
            "misplaced": judge.misplaced(judge.train[some]),
            "mmd2": judge.mmd2(judge.train[some]),
            "utility": judge.utility(judge.train[some], judge.train_labels[some]),
        },
        "few": {
            "rows": len(real),
            "coverage": judge.coverage(few),
            "misplaced": judge.misplaced(few),
            "mmd2": judge.mmd2(few),
            "utility": judge.utility(few, real[label].to_numpy()),
        },
        "picked": {
            name: {
                "coverage": judge.coverage(judge.train[rows]),
                "utility": judge.utility(judge.train[rows], judge.train_labels[rows]),
            }
            for name, rows in picked.items()
        },
    }


def shown(runs: list[dict[str, Any]], *path: str, scale: float = 1.0, digits: int = 1) -> str:
    """Mean and standard deviation of one figure over the seeds that have it."""
    values: list[float] = []
    for run_ in runs:
        found: Any = run_
        for name in path:
            found = found.get(name, {})
        if isinstance(found, int | float):
            values.append(scale * found)
    return mean(values, digits) if values else "-"


def tables(results: dict[str, Any], sets: list[str], arms: list[str], seeds: list[int], known: str) -> str:
    """Markdown: how the rows are distributed, what a classifier learns from them, and what was explored."""
    titles = "set,arm,rows,calls,rejected,clusters hit %,misplaced %,MMD² x 1000,aligned,aligned to pool"
    far = ["| " + titles.replace(",", " | ") + " |", "|---" * 10 + "|"]
    learned = [
        "| set | arm | accuracy % | aligned | aligned to pool | with real rows | macro-F1 % | aligned |"
    ]
    learned.append("|---|---|---|---|---|---|---|---|")
    picked = [
        f"| set | {PICKS} rows of train | clusters hit % | accuracy of a classifier of them % |",
        "|---|---|---|---|",
    ]
    notes = []
    for name in sets:
        found = {
            arm: [r for seed in seeds if (r := results["runs"].get(f"{known}/{name}/{arm}/{seed}"))]
            for arm in [*arms, "real"]
        }
        for arm in arms:
            runs = found[arm]
            if not runs:
                continue
            head = [shown(runs, key, digits=0) for key in ("rows", "calls", "rejected")]
            head += [shown(runs, key, scale=100) for key in ("coverage", "misplaced")]
            head += [shown(runs, "mmd2", key, scale=1000) for key in ("before", "aligned", "aligned to pool")]
            far.append(f"| {name} | {arm} | " + " | ".join(head) + " |")
            ways = ("synthetic", "aligned", "aligned to pool", "with real")
            cells = [shown(runs, "utility", way, "accuracy", scale=100) for way in ways]
            cells += [shown(runs, "utility", way, "f1", scale=100) for way in ways[:2]]
            learned.append(f"| {name} | {arm} | " + " | ".join(cells) + " |")
            failed = [text for r in runs for text in r.get("not aligned", {}).values()]
            if failed:
                notes.append(f"{name}, {arm}: {len(failed)} alignments were refused ({failed[0]})")
        for key, title in (("few", "the real rows given"), ("real", "as many rows of train")):
            runs = [r[key] for r in found["real"]]
            if not runs:
                continue
            head = [shown(runs, "rows", digits=0), "-", "-"]
            head += [shown(runs, key, scale=100) for key in ("coverage", "misplaced")]
            head += [shown(runs, "mmd2", scale=1000), "-", "-"]
            far.append(f"| {name} | {title} | " + " | ".join(head) + " |")
            cells = [shown(runs, "utility", "accuracy", scale=100), "-", "-", "-"]
            cells += [shown(runs, "utility", "f1", scale=100), "-"]
            learned.append(f"| {name} | {title} | " + " | ".join(cells) + " |")
        ceiling = results["runs"].get(f"{known}/{name}/all")
        if ceiling:
            cells = [f"{100 * ceiling['accuracy']:.1f}", "-", "-", "-", f"{100 * ceiling['f1']:.1f}", "-"]
            learned.append(f"| {name} | all of train | " + " | ".join(cells) + " |")
        if found["real"]:
            for key, title in PICKED.items():
                hit = shown(found["real"], "picked", key, "coverage", scale=100)
                right = shown(found["real"], "picked", key, "utility", "accuracy", scale=100)
                picked.append(f"| {name} | {title} | {hit} | {right} |")
    return "\n\n".join([NOTE, *map("\n".join, (far, learned, picked)), *notes, LIMITS])


NOTE = f"""Means ± standard deviation over the seeds, which draw the real rows given (10 a class of sst2, 5
of banking77, 500 of sst2-500). Each arm: the same model, rows wanted, gen_size {GEN_SIZE} and most calls
(twice those that the rows need; synalign and attributes have their calls without records on top); few-shot
shows 5 random real rows of the class. Clusters: {CLUSTERS} by k-means of train; misplaced: the share of
rows that would have to move to another cluster for all shares to be those of train. MMD²: unbiased, to the
test rows, in the space of the embedder; "aligned" to the real rows given, "to pool" to {POOL:,} random rows
of train. Accuracy, macro-F1: on test, of a logistic regression on the embeddings of the synthetic rows."""

LIMITS = """**What a simulated model can show, and what not.** The model that writes here is
`tests/llm/corpus.py`: it draws rows of a hidden part of the same train set, prefers popular ones, drops,
replaces and mixes words, gives 5% of the texts a wrong label, names another class in 2%, ignores the prompt
in 5% and copies in 5%. So the figures show that the machinery works (prompts that are followed steer what
is written; what is not accepted is asked for again; weights undo a known preference; exploring can be
compared with random rows) and compare the arms for a model with exactly these habits. They do not show how
good a real model's rows are, nor which arm is best with one: here every text is nearly a real one of the
right domain, so that accuracy is flattered for all arms; a description is key words, so that attributes
lose no more than the habits say; and how far a description or demonstration moves the model is a constant
that was chosen. An arm's lead here is a reason to try it with a real model, not a result about it."""


def numbers(text: str) -> list[int]:
    """ "0..4" or "0,2" -> row of numbers."""
    first, dots, last = text.partition("..")
    return list(range(int(first), int(last) + 1)) if dots else [int(one) for one in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--seeds", type=numbers, default=numbers("0..4"))
    parser.add_argument("--embedder", choices=EMBEDDERS, default="minilm")
    parser.add_argument("--out", type=Path, default=HERE / "synalign.json")
    parser.add_argument("--results", type=Path, default=HERE / "RESULTS.md")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--again", default="", help="arms whose earlier figures are forgotten")
    args = parser.parse_args()
    sets, arms, again = args.sets.split(","), args.arms.split(","), set(filter(None, args.again.split(",")))
    for kind, names, choices in (("set", sets, SETS), ("arm", [*arms, *again], ARMS)):
        for wrong in set(names) - set(choices):
            parser.error(f"there is no {kind} {wrong!r}: choose from {', '.join(choices)}")
    results: dict[str, Any] = {"runs": {}}
    if args.out.exists():
        results = json.loads(args.out.read_text())
    runs = results["runs"]
    results["machine"] = machine(args.threads)
    results["command"] = "python bench/synalign.py " + " ".join(
        "FOLDER" if before == "--data" else word for before, word in zip(sys.argv, sys.argv[1:], strict=False)
    )

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
            server, url = serve(corpus, data.set.label, seed) if missing else (None, "")
            try:
                for arm in missing:
                    keep(f"{known}/{arm}/{seed}", run(arm, data, real, pool, url, seed))
            finally:
                if server is not None:
                    server.kill()
    text = tables(results, sets, arms, args.seeds, args.embedder)
    text = f"{results['machine']}; `{results['command']}`.\n\n{text}"
    publish(text, args.results, MARKS)
    print("\n" + text)


if __name__ == "__main__":
    main()
