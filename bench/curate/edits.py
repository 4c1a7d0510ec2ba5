"""Near-duplicates where the truth is known: planted edits, a chain, very short texts; and a million texts."""

from __future__ import annotations

import hashlib
import os
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import lookalike
from bench.curate.noise import SETS
from lookalike.seed import child
from lookalike.texts.near import leaders

PLANTED = 600
LINKS, WORDS = 200, 8  # of the chain: each text is the one before, a word further
ROWS = 1_000_000
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def replaced(text: str, rng: Any, words: list[str]) -> str:
    own = text.split()
    own[int(rng.integers(len(own)))] = words[int(rng.integers(len(words)))]
    return " ".join(own)


def typo(text: str, rng: Any, words: list[str]) -> str:
    del words
    at = int(rng.integers(len(text)))
    return text[:at] + LETTERS[int(rng.integers(26))] + text[at + 1 :]


def case(text: str, rng: Any, words: list[str]) -> str:
    del rng, words
    return text.upper().rstrip(".?! ") + " !!"


EDITS = {"a word replaced": replaced, "a typo": typo, "case and punctuation": case}


def planted(folder: Path, seed: int) -> list[dict[str, Any]]:
    """Share of 600 edited copies that are found beside the rows of BANKING77 and SST-2, and how many of them
    follow a row of another label.
    """
    found = []
    for name in ("banking77", "sst2"):
        file, label = SETS[name]
        table = pd.read_csv(folder / f"{file}_train.csv.gz", dtype=str, keep_default_na=False)
        texts, labels = table.text.tolist(), table[label].to_numpy()
        words = sorted({word for text in texts for word in text.split()})
        for title, edit in EDITS.items():
            rng = child(seed, name, title)
            some = rng.permutation(len(texts))[:PLANTED]
            copies = [edit(texts[row], rng, words) for row in some]
            followed, _ = leaders(copies, against=texts)
            hit = np.flatnonzero(followed >= PLANTED)
            other = int((labels[some[hit]] != labels[followed[hit] - PLANTED]).sum())
            found.append(
                {
                    **{"set": name, "edit": title, "seed": seed, "found": len(hit) / PLANTED},
                    **{"another label": other},
                }
            )
    return found


def chain(seed: int) -> list[dict[str, Any]]:
    """A chain of texts each near the next, whose ends share nothing, and texts of no to four words."""
    rng = child(seed, "chain")
    words = ["".join(LETTERS[at] for at in rng.integers(26, size=7)) for _ in range(LINKS + WORDS)]
    texts = [" ".join(words[at : at + WORDS]) for at in range(LINKS)]
    followed, _ = leaders(texts)
    short = pd.DataFrame({"text": ["", "no", "oh no", "no way", "why not now", "what is it now"] * 2})
    kept, _ = lookalike.curate(short, text="text", progress=False)
    return [{"seed": seed, "kept of 200": int((followed < 0).sum()), "kept of 12 short": len(kept)}]


def million(folder: Path, seed: int, rows: int = ROWS) -> list[dict[str, Any]]:
    """All checks but those of labels on short texts that are made of pieces of BANKING77: what it takes in as
    many processes as there are cores, theirs included, and a print of the rows that are kept.
    """
    table = pd.read_csv(folder / "banking77_train.csv.gz", dtype=str, keep_default_na=False)
    rng = child(seed, "million")
    pieces = [text.split() for text in table.text]
    pick = rng.integers(len(pieces), size=(rows, 2))
    texts = []
    for one, other in pick.tolist():
        head, tail = pieces[one], pieces[other]
        texts.append(" ".join(head[: len(head) // 2 + 1] + tail[len(tail) // 2 :]))
    made, real = pd.DataFrame({"text": texts}), table[["text"]]
    begun, before = time.perf_counter(), os.times()
    kept, _ = lookalike.curate(made, real, text="text", progress=False)
    wall, after = time.perf_counter() - begun, os.times()
    own, theirs = ([at(one) for one in (before, after)] for at in (_own, _children))
    peaks = [
        resource.getrusage(who).ru_maxrss / 1e6 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    return [
        {
            **{"rows": rows, "kept": len(kept), "wall s": round(wall, 1), "CPU s": round(own[1] - own[0], 1)},
            **{"CPU s of workers": round(theirs[1] - theirs[0], 1), "peak GB": round(peaks[0], 2)},
            **{"peak GB of a worker": round(peaks[1], 2)},
            "print": hashlib.sha256("\n".join(kept.text).encode()).hexdigest()[:16],
        }
    ]


def _own(times: os.times_result) -> float:
    return times.user + times.system


def _children(times: os.times_result) -> float:
    return times.children_user + times.children_system
