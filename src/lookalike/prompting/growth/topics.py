"""Trees of topics (GLAN, Li et al. 2024; Nemotron-4): children that say what a sibling says are pruned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookalike.embed import Embed, fit_tfidf
from lookalike.texts.words import words_of

LIMIT = 0.9  # cosine above which two siblings are one topic
DIMS = 128


def pruned_topics(
    topics: Sequence[str], embed: Embed | None = None, limit: float = LIMIT, siblings: Sequence[str] = ()
) -> list[str]:
    """The topics without those that repeat an earlier one or one of `siblings`, in their order, each on one
    line.

    Two topics are alike when their words are the same, or when the cosine of their vectors is above the
    limit. embed: texts -> unit vectors; None: by pieces of letters, of the topics themselves.
    """
    plain = [" ".join(topic.split()) for topic in (*siblings, *topics)]
    if not any(plain[len(siblings) :]):
        return []
    said = [" ".join(words_of(topic)) for topic in plain]
    points = embed(plain) if embed is not None else fit_tfidf(said, DIMS, letters=True)(said)
    kept = list(range(len(siblings)))
    known = {said[at] for at in kept}
    for at in range(len(siblings), len(plain)):
        if not plain[at] or said[at] in known:
            continue
        if kept and float(np.max(points[kept] @ points[at])) > limit:
            continue
        kept.append(at)
        known.add(said[at])
    return [plain[at] for at in kept[len(siblings) :]]
