"""DiffLM around a pretrained language model, beside the same model without a latent, at equal time.

    python -m bench.records.backbone FOLDER --backbone MODEL --minutes 10 [--sets banking77,sst2] -o OUT.json
    python -m bench.records.backbone FOLDER -o OUT.json --score-only
    python -m bench.records.backbone FOLDER --backbone MODEL --speed

FOLDER holds the folders text, code and tools (see sets.py); MODEL is a folder of a Hugging Face model, or a
GGUF file. Every cell (set, arm, seed) runs in a process of its own, --jobs at once, and its rows go to
OUT.rows.json when it is done: an interrupted benchmark goes on where it stopped, and a cell that failed is
tried again. --score-only measures the kept rows, later or on another machine. The tables are printed. Arms:

- ours: DiffLM(backbone=MODEL), as it is; scratch: DiffLM without a backbone;
- plain: MODEL fine-tuned by LoRA without a latent (plain.py), few-shot: MODEL prompted with real rows;
- of the first set, with --ablation: frozen, the other injections, rates, ours with other priors, and
  "as drawn", ours without refining;
- "epochs 12", "plain epochs 12": ours and plain with more passes than by default, where they are named.

--also: rows of ours and plain that are drawn in another way, beside the others ("1,1": temperature, top p).
--minutes: of every fit, all that it loads included. A set with classes is also asked for its rarest
classes (where), and for variations of test rows (like). --speed: tokens a second of training on the first
set, ours and plain in turns in one process, as the machine may be busy.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import lookalike
from bench import command
from bench.environments import variables
from bench.records.backbone_figures import scored, tables
from bench.records.families import _kinds as kinds_of
from bench.records.plain import Plain, Rows, longest, prompted, table_of
from bench.records.sets import SETS, Set, load
from bench.tables.ablation import by_prior, facts
from lookalike import DiffLM
from lookalike.difflm.settings import pick_device

NAME = "bench.records.backbone"
ARMS = ("ours", "plain", "few-shot", "scratch")
ABLATION: dict[str, dict[str, Any]] = {
    "frozen": {"lora": 0},
    "prefix_soft_prompt": {"injection": "prefix_soft_prompt"},
    "kv_memory": {"injection": "kv_memory"},
    "input_embed": {"injection": "input_embed"},
    "rate 0": {"rate": 0.0},
    "rate 2": {"rate": 2.0},
    "rate 24": {"rate": 24.0},
    "as drawn": {"refine": False},
}
EPOCHS = {"epochs 12": 12.0, "plain epochs 12": 12.0}
ALIAS = {"bfcl": "simple_python"}
ROWS = {"text": 1_000, "code": 300, "tools": 100}  # synthetic rows of an arm
MANY = {"banking77": 10_003}  # of 77 classes: as many as there are real ones
FEW_SHOT = 400  # rows of an arm that is not trained, at most: it is slow, and shows what it can
ALSO = 600  # rows of another way of drawing, at most
RARE, ASIDE = 5, 100  # classes, and rows of each; variations of test rows
Table = pd.DataFrame


@dataclass(frozen=True)
class Trial:
    """How every cell is measured: places, minutes of a fit, device, rows of an arm (0: as ROWS says)."""

    data: Path
    backbone: str
    minutes: float
    device: str
    rows: int
    temperature: float | None
    top_p: float | None
    also: str

    @property
    def drawing(self) -> dict[str, float]:
        own = {"temperature": self.temperature, "top_p": self.top_p}
        return {name: value for name, value in own.items() if value is not None}

    @property
    def other(self) -> dict[str, float]:
        """The other way of drawing, empty where none is asked for."""
        return (
            dict(zip(("temperature", "top_p"), map(float, self.also.split(",")), strict=True))
            if self.also
            else {}
        )


def schema_of(train: Table, set_: Set) -> lookalike.Schema:
    """The schema that every arm gets: JSON is JSON, with the schema that it is known to have."""
    found = kinds_of(train, set_)
    for column, shape in (set_.given or {}).items():
        found[column].json_schema = shape
    return found


def rarest(train: Table, label: str) -> list[str]:
    """The rarest classes, at most half of them."""
    shares = train[label].astype(str).value_counts()
    return [str(one) for one in shares.index[::-1][: min(RARE, len(shares) // 2)]]


def aside(test: Table, seed: int) -> Table:
    """The test rows that are varied."""
    return test.sample(min(ASIDE, len(test)), random_state=seed).reset_index(drop=True)


def lines(table: Table) -> dict[str, Any]:
    return {
        "columns": list(table.columns),
        "rows": table.astype(object).where(table.notna(), None).values.tolist(),
    }


def cell(key: str, trial: Trial) -> dict[str, Any]:
    """One arm of one set: {"facts": {figure: number}, "tables": {name: rows}}."""
    name, arm, seed = key.split(":")
    set_ = SETS[ALIAS.get(name, name)]
    train, test = load(trial.data, ALIAS.get(name, name))
    n = trial.rows or min(len(train), MANY.get(name, ROWS[set_.family]))
    own = {"plain": rival, "plain epochs 12": rival, "few-shot": shown}.get(arm, latent)
    return own(arm, set_, train, test, n, int(seed), trial)


def latent(arm: str, set_: Set, train: Table, test: Table, n: int, seed: int, trial: Trial) -> dict[str, Any]:
    """DiffLM, around the backbone or from scratch."""
    options: dict[str, Any] = {"max_time": 60 * trial.minutes, "seed": seed, "device": trial.device}
    if arm != "scratch":
        options |= {"backbone": trial.backbone} | ABLATION.get(arm, {})
        options |= {"epochs": EPOCHS[arm]} if arm in EPOCHS else {}
    started = time.perf_counter()
    model = DiffLM(progress=False, **options).fit(train, schema_of(train, set_))
    fit_s = time.perf_counter() - started
    started = time.perf_counter()
    made = model.sample(n, seed=seed, **trial.drawing)
    sample_s = time.perf_counter() - started
    tables = {"made": made}
    if arm in ("ours", "scratch", "epochs 12") and set_.label:
        tables["where"] = pd.concat(
            model.sample(min(ASIDE, n), where={set_.label: one}, seed=seed, **trial.drawing)
            for one in rarest(train, set_.label)
        )
        tables["like"] = model.sample(like=aside(test, seed).head(n), seed=seed, **trial.drawing)
    if arm == "ours" and trial.other:
        tables["also"] = model.sample(min(ALSO, n), seed=seed, **trial.other)
    if arm == "rate 24":
        some = train.sample(min(n, 400), random_state=seed)
        priors = by_prior(model, some, seed, seed)
        tables |= {f"prior {k}": priors[k] for k in ("N(0, I)", "encoded rows")}
    ended = next((e for e in model.history if "ended" in e), {})
    tokens = [e["tokens"] for e in model.history if "tokens" in e]
    found = {"fit_s": fit_s, "sample_s": sample_s, "asked": n, "parsed": 1.0} | facts(model)
    found |= {k: ended[k] for k in ("steps", "planned") if k in ended}
    found |= {"train_tokens_s": tokens[-1]} if tokens else {}
    found |= {"refined": model.fitted.selector is not None}
    found |= {"twice": getattr(model.records.vae, "checkpointing", False)}  # layers are computed twice
    return {"facts": found, "tables": {k: lines(t) for k, t in tables.items()}, "history": model.history}


def rival(arm: str, set_: Set, train: Table, test: Table, n: int, seed: int, trial: Trial) -> dict[str, Any]:
    """The backbone as a plain language model, fine-tuned."""
    started = time.perf_counter()
    rows = Rows.of(train, schema_of(train, set_), seed)
    model = Plain(trial.backbone, pick_device(trial.device), seed)
    found = model.finetune(rows.texts, trial.minutes, started, EPOCHS.get(arm))
    found["fit_s"] = time.perf_counter() - started
    most, drawing = longest(rows, model), {"temperature": 1.0, "top_p": 1.0} | trial.drawing
    started = time.perf_counter()
    texts, tokens = model.write([""] * n, most, **drawing)
    found["sample_s"] = time.perf_counter() - started
    found["sample_tokens_s"] = tokens / found["sample_s"]
    made, found["parsed"] = table_of(rows, texts, list(train.columns))
    tables = {"made": made}
    if trial.other:
        texts, _ = model.write([""] * min(ALSO, n), most, **trial.other)
        tables["also"], found["also_parsed"] = table_of(rows, texts, list(train.columns))
    if set_.label:
        begun = [rows.begun({set_.label: one}) for one in rarest(train, set_.label)]
        begun = [one for one in begun for _ in range(min(ASIDE, n))]
        texts, _ = model.write(begun, most, **drawing)
        whole = [one + text for one, text in zip(begun, texts, strict=True)]
        tables["where"], _ = table_of(rows, whole, list(train.columns))
    return {"facts": found | {"asked": n}, "tables": {k: lines(t) for k, t in tables.items()}}


def shown(arm: str, set_: Set, train: Table, test: Table, n: int, seed: int, trial: Trial) -> dict[str, Any]:
    """The backbone as it is, shown a few rows in every prompt."""
    n = min(n, FEW_SHOT)
    rows = Rows.of(train, schema_of(train, set_), seed)
    model = Plain(trial.backbone, pick_device(trial.device), seed)
    drawing = {"temperature": 1.0, "top_p": 1.0} | trial.drawing
    started = time.perf_counter()
    texts, tokens = model.write(prompted(rows, n, seed, model), longest(rows, model), **drawing, stop="\n")
    took = time.perf_counter() - started
    made, parsed = table_of(rows, texts, list(train.columns))
    found = {"fit_s": 0.0, "sample_s": took, "sample_tokens_s": tokens / took, "parsed": parsed, "asked": n}
    return {"facts": found, "tables": {"made": lines(made)}}


def alone(key: str, args: argparse.Namespace) -> dict[str, Any]:
    """What `cell` gives, from a process of its own; {"error": the last lines} where it fails."""
    words = [sys.executable, "-m", NAME, str(args.data), "--one", key]
    for option in ("backbone", "minutes", "device", "rows", "temperature", "top_p", "also"):
        value = getattr(args, option)
        words += [] if value in (None, "") else [f"--{option.replace('_', '-')}", str(value)]
    threads = max(1, (os.cpu_count() or 1) // args.jobs)
    done = subprocess.run(words, capture_output=True, text=True, env=variables(threads))
    said = done.stdout.strip().splitlines()
    if done.returncode or not said:
        said = done.stderr.strip().splitlines()[-8:]
        return {"error": "\n".join(said) or f"ended with {done.returncode}: -9 is no memory, most often"}
    found: dict[str, Any] = json.loads(said[-1])
    return found


def written(path: Path, value: Any) -> None:
    """Whole or not at all: a benchmark may be killed at any time."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps(value, ensure_ascii=False, indent=1))
    beside.replace(path)


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def options() -> argparse.ArgumentParser:
    parser = command.parser(NAME, __doc__)
    parser.add_argument("data", type=command.folder)
    parser.add_argument("--backbone", default="", help="a folder or a GGUF file")
    parser.add_argument("--minutes", type=float, default=10.0, help="of every fit (default 10)")
    parser.add_argument("--sets", default="banking77,sst2,mbpp,advising,bfcl")
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--ablation", action="store_true", help="of the first set, too")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rows", type=int, default=0, help="synthetic rows of an arm, to try the benchmark")
    parser.add_argument("--temperature", type=float, help="of all arms (default: that of each)")
    parser.add_argument("--top-p", type=float)
    parser.add_argument("--also", default="", metavar="TEMPERATURE,TOP_P")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once (default 1)")
    parser.add_argument("--score-only", action="store_true")
    parser.add_argument("--no-score", action="store_true", help="keep the rows, and measure them later")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("-o", "--out", type=Path, default=Path("backbone.json"))
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    return parser


def keys_of(args: argparse.Namespace) -> list[str]:
    """SET:ARM:SEED, the arms of the paper's comparison first."""
    sets, seeds = args.sets.split(","), args.seeds.split(",")
    keys = [f"{name}:{arm}:{seed}" for seed in seeds for name in sets for arm in args.arms.split(",") if arm]
    return keys + ([f"{sets[0]}:{arm}:{seed}" for seed in seeds for arm in ABLATION] if args.ablation else [])


def main() -> None:
    parser = options()
    args = parser.parse_args()
    command.chosen(parser, "set", args.sets.split(","), [*SETS, *ALIAS])
    trial = Trial(
        args.data,
        args.backbone,
        args.minutes,
        args.device,
        args.rows,
        args.temperature,
        args.top_p,
        args.also,
    )
    if args.one:
        print(json.dumps(cell(args.one, trial), ensure_ascii=False))
        return
    if args.speed:
        from bench.records.paired import paired

        print(json.dumps(paired(trial.data, args.backbone, args.device, args.sets.split(",")[0]), indent=1))
        return
    kept = args.out.with_suffix(".rows.json")
    cells, results = read(kept), read(args.out)
    if not args.score_only:
        keys = keys_of(args)
        todo = [key for key in keys if "tables" not in cells.get(key, {})]
        pool = ThreadPoolExecutor(args.jobs)
        futures = {pool.submit(alone, key, args): key for key in todo}
        try:
            for future in as_completed(futures):
                key = futures[future]
                cells[key] = future.result() | {"minutes": args.minutes}
                written(kept, cells)
                print(key, json.dumps(cells[key].get("facts", cells[key])), flush=True)
        finally:
            pool.shutdown(cancel_futures=True)
    for key, found in cells.items():
        if "tables" in found and not args.no_score and "figures" not in results.get(key, {}):
            results[key] = scored(key, found, args.data)
            written(args.out, results)
            print(key, json.dumps(results[key]["figures"]), flush=True)
    if results:
        print("\n" + tables(results))


if __name__ == "__main__":
    main()
