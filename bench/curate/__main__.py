"""Wrong labels found, changed, asked about again, and rows chosen to be labelled, where the truth is known.

    python -m bench.curate FOLDER [--checks audit,...] [--seeds 0,1] [--rows N] [--sets trec,...]
        [--methods k-means,...] [--embedder minilm] [--adult FOLDER] [--written TABLE] [-o OUT]

FOLDER holds sst2_sentences, trec and banking77 as <name>_{train,test}.csv.gz, the folder of --adult those of
Adult (for "cllm"); --written is a table or a run folder of rows that a language model wrote (written.py).
cleanlab (2.8 or later, which is Apache-2.0) is asked beside the check "audit", on the same probabilities,
where it is installed. The file OUT is written anew after each figure.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from bench import command
from bench.curate.edits import ROWS, chain, million, planted
from bench.curate.noise import SETS, SETTINGS, Texts, flipped, kept_on_disk, read, split
from bench.curate.tilted import tilted
from bench.curate.worth import cllm, left_out
from bench.curate.written import written
from lookalike.curate.gate import decide, trust
from lookalike.curate.influence import fit, reweigh
from lookalike.curate.labels import audit, confident, prune
from lookalike.curate.relabel import relabel
from lookalike.curate.select import METHODS, NEED_LABELS, select
from lookalike.curate.views import Committee, out_of_fold
from lookalike.learn import classifier

Read = Callable[[str], Texts]
Figures = dict[str, Any]
NAME = "bench.curate"
chosen = list(SETS)  # of `SETS`, those that are measured
ways = list(METHODS)  # of selecting, the same


def settings() -> list[tuple[str, str, float]]:
    return [one for one in SETTINGS if one[0] in chosen]


def accuracy(texts: Texts, points: Any, codes: Any, weights: Any) -> float:
    """Percent of the test rows that a classifier of weighed rows tells right."""
    kept = weights > 0
    model = classifier().fit(points[kept], codes[kept], sample_weight=weights[kept])
    return 100 * float(model.score(texts.test, texts.test_codes))


def _auroc(right: Any, bad: Any) -> float | None:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(bad, -right)) if bad.any() else None


def audited(read_set: Read, seed: int, rows: int | None) -> Iterator[Figures]:
    """F1 of the suspected labels without real rows, and AUROC with 20 trusted rows a class."""
    from sklearn.metrics import f1_score

    for name, noise, share in settings():
        texts, rng = read_set(name), np.random.default_rng(seed)
        trusted, others = split(texts, rng, rows)
        points, true = texts.points[others], texts.codes[others]
        codes = flipped(points, true, noise, share, rng)
        bad = codes != true
        views, real = texts.views(others), (texts.views(trusted), texts.codes[trusted])
        chances = out_of_fold(views, codes, 5, seed)
        seen = Committee().fit(views, codes).predict_proba(real[0])
        said = audit(chances, codes, trust(views, *real, seen, seed))
        one: dict[str, Any] = {"set": name, "noise": noise, "share": share, "seed": seed}
        one |= {"posterior": said.posterior, "estimated": said.share, "auroc": _auroc(said.right, bad)}
        one["auroc of P"] = _auroc(chances[np.arange(len(codes)), codes], bad)
        one["f1"] = float(f1_score(bad, prune(chances, codes), zero_division=0))
        if find_spec("cleanlab"):
            from cleanlab.count import compute_confident_joint
            from cleanlab.filter import find_label_issues

            peer = find_label_issues(codes, chances, n_jobs=1)
            one["f1 of cleanlab"] = float(f1_score(bad, peer, zero_division=0))
            one["equal counts"] = bool(
                (compute_confident_joint(codes, chances) == confident(chances, codes)).all()
            )
        yield one


def gated(read_set: Read, seed: int, rows: int | None) -> Iterator[Figures]:
    """Test accuracy before and after what the gate decides; the trusted rows are learned from in both."""
    for name, noise, share in settings():
        texts, rng = read_set(name), np.random.default_rng(seed)
        trusted, others = split(texts, rng, rows)
        points, true = texts.points[others], texts.codes[others]
        codes, real = flipped(points, true, noise, share, rng), (texts.points[trusted], texts.codes[trusted])
        said = decide(texts.views(others), codes, texts.views(trusted), real[1], seed=seed)
        both, ones = np.concatenate([points, real[0]]), np.ones(len(trusted))
        before = accuracy(texts, both, np.append(codes, real[1]), np.ones(len(both)))
        after = accuracy(texts, both, np.append(said.codes, real[1]), np.append(said.weights, ones))
        yield {
            **{"set": name, "noise": noise, "share": share, "seed": seed, "before": before},
            **{"after": after, "method": said.method, "part": said.part, "skill": said.audit.skill},
        }


def reweighed(read_set: Read, seed: int, rows: int | None) -> Iterator[Figures]:
    """Test accuracy with the weights of SunGen's steps, stopped on real rows."""
    for name, noise, share in settings():
        if (name, share) not in (("sst2", 0.2), ("sst2", 0.4), ("sst2", 0.0), ("trec", 0.2)):
            continue
        texts, rng = read_set(name), np.random.default_rng(seed)
        trusted, others = split(texts, rng, rows)
        points, real = texts.points[others], (texts.points[trusted], texts.codes[trusted])
        codes = flipped(points, texts.codes[others], noise, share, rng)
        said = reweigh(points, codes, *real, texts.classes, seed=seed)
        both, told = np.concatenate([points, real[0]]), np.append(codes, real[1])
        one: dict[str, Any] = {"set": name, "noise": noise, "seed": seed, "outer": said.outer}
        for title, weights in (("before", np.ones(len(codes))), ("after", said.weights)):
            model = fit(both, told, texts.classes, np.append(weights, np.ones(len(trusted))))
            one[title] = 100 * float((model.predict(texts.test).argmax(1) == texts.test_codes).mean())
        yield one | {"steps": said.steps}


def relabelled(read_set: Read, seed: int, rows: int | None) -> Iterator[Figures]:
    """TREC by a simulated annotator: 25% of its labels are wrong, 15% where 8 of 10 demonstrations are of the
    true class; two rounds.
    """
    texts, rng = read_set("trec"), np.random.default_rng(seed)
    some = rng.permutation(len(texts.codes))[:rows]
    true = texts.codes[some]

    def ask(asked: Any, near: Any, labels: Any) -> Any:
        helped = (labels == true[asked][:, None]).sum(1) >= 8
        wrong = rng.random(len(asked)) < np.where(helped, 0.15, 0.25)
        other = (true[asked] + rng.integers(1, texts.classes, len(asked))) % texts.classes
        return np.where(wrong, other, true[asked])

    said = relabel(texts.points[some], ask, texts.classes, seed=seed)
    errors = float((said.codes != true).mean())
    yield {"set": "trec", "seed": seed, "errors": errors, "calls a row": float(said.asked.mean())}


def selected(read_set: Read, seed: int, rows: int | None) -> Iterator[Figures]:
    """Test accuracy of what 100 rows teach, of 3,000 that could be labelled."""
    for name in (one for one in ("banking77", "trec") if one in chosen):
        texts = read_set(name)
        some = np.random.default_rng(seed).permutation(len(texts.codes))[: rows or 3000]
        points, codes, words = texts.points[some], texts.codes[some], texts.words[some]
        for method in ways:
            first = select(points, 50, seed=seed) if method in NEED_LABELS else np.empty(0, dtype=np.int64)
            labelled = (first, codes[first]) if len(first) else None
            own = select(points, 100 - len(first), method, labelled=labelled, words=words, seed=seed)
            own = np.append(first, own)
            taught = accuracy(texts, points[own], codes[own], np.ones(len(own)))
            yield {"set": name, "seed": seed, "method": method, "accuracy": taught}


def worth(read_set: Read, seed: int, rows: int | None) -> Iterator[Figures]:
    """Influence against refitting without each of 200 rows."""
    del rows
    for name in ("sst2", "trec"):
        if name in chosen:
            yield left_out(name, read_set(name), seed)


def aligned(read_set: Read, seed: int, rows: int | None) -> Iterator[Figures]:
    """What `align` brings in an embedding that it has not seen."""
    del rows
    for name in chosen:
        texts = read_set(name)
        yield from tilted(texts, name, seed)


OF_FILES = ("edits", "chain", "cllm", "written", "million")  # checks that need no points of the sets
MORE = ("cllm", "written", "million", "align")  # not by default: they need another file, or minutes
CHECKS = {
    "audit": audited,
    "gate": gated,
    "reweigh": reweighed,
    "relabel": relabelled,
    "select": selected,
    "influence": worth,
    "align": aligned,
}
EVERY = [*CHECKS, *OF_FILES]


def options() -> argparse.ArgumentParser:
    asked = command.parser(NAME, __doc__)
    asked.add_argument("folder", type=command.folder)
    usual = [one for one in EVERY if one not in MORE]
    asked.add_argument("--checks", default=",".join(usual), help="of " + ", ".join(EVERY))
    asked.add_argument("--seeds", default="0", help="with commas between them (default 0)")
    asked.add_argument("--sets", default=",".join(SETS), help="of " + ", ".join(SETS))
    asked.add_argument("--methods", default=",".join(METHODS), help="of select: " + ", ".join(METHODS))
    asked.add_argument("--adult", type=command.folder, help="holds train.csv.gz and test.csv.gz, for cllm")
    asked.add_argument("--written", type=Path, metavar="TABLE", help="rows of a language model, for written")
    asked.add_argument("--rows", type=int, help="rows of a set, at most (default: all)")
    asked.add_argument("--embedder", choices=("tfidf", "minilm"), default="tfidf")
    asked.add_argument("-o", "--out", type=Path, help="write the figures to this .json file")
    return asked


def main() -> None:
    asked = options()
    args = asked.parse_args()
    names = args.checks.split(",")
    command.chosen(asked, "check", names, EVERY)
    for name, given in (("cllm", args.adult), ("written", args.written)):
        if name in names and given is None:
            option = "--adult" if name == "cllm" else "--written"
            asked.error(f"the check {name!r} needs {option}")
    if args.written is not None and not args.written.exists():
        asked.error(f"there is no table or run folder {str(args.written)!r}")
    chosen[:] = args.sets.split(",")
    command.chosen(asked, "set", chosen, SETS)
    ways[:] = args.methods.split(",")
    command.chosen(asked, "method", ways, METHODS)
    files = [f"{file}_{part}.csv.gz" for file, _ in SETS.values() for part in ("train", "test")]
    command.present(asked, [args.folder / file for file in files])
    embed = None
    if args.embedder == "minilm":
        from bench.synalign.minilm import embedder

        embed = kept_on_disk(lambda: embedder(1))

    kept: dict[str, Texts] = {}

    def read_set(name: str) -> Texts:
        if name not in kept:
            kept[name] = read(args.folder, name, embed)
        return kept[name]

    def figures(name: str, seed: int) -> Iterable[Figures]:
        if name in CHECKS:
            return CHECKS[name](read_set, seed, args.rows)
        return {
            "edits": lambda: planted(args.folder, seed),
            "chain": lambda: chain(seed),
            "cllm": lambda: [cllm(args.adult, seed)],
            "written": lambda: written(args.folder, args.written, seed, embed),
            "million": lambda: million(args.folder, seed, args.rows or ROWS),
        }[name]()

    results: dict[str, list[Figures]] = {name: [] for name in names}
    for name, seed in product(names, map(int, args.seeds.split(","))):
        for one in figures(name, seed):
            results[name].append(one)
            shown = (f"{key} {v:.3f}" if isinstance(v, float) else f"{key} {v}" for key, v in one.items())
            print(name, *shown, flush=True)
            if args.out is not None:
                args.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
