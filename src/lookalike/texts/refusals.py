"""What a model says that refuses to write; and which such phrases are no habit of the real texts."""

from __future__ import annotations

import re
from collections.abc import Sequence

HABIT = 0.001  # share of the real texts that sound like a refusal, above which a phrase is a habit
REFUSALS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bas an? (ai|artificial intelligence|large language model|language model|assistant)\b",
        r"\bi('m| am) (just )?an? (ai|language model|virtual assistant)\b",
        r"\bi('m| am) (sorry|afraid),? (but )?i (can't|cannot|can not|won't|am unable|am not able)",
        r"\bi (can't|cannot|can not|won't|am unable to|am not able to|must decline to) "
        r"(assist|help|fulfil|provide|comply|create|generate|write|produce|continue|engage|do that)",
        r"^\W*(sure|certainly|of course)\W+here (is|are)\b",
        r"\bals (ki|sprachmodell)\b",
        r"\ben tant qu'(ia|intelligence artificielle|assistant)\b",
        r"\bcomo (una? )?(ia|modelo de lenguaje|modelo de linguagem)\b",
        r"作为(一个|一名)?(ai|人工智能|语言模型)",
    )
)


def refusals_of(texts: Sequence[str]) -> list[re.Pattern[str]]:
    """The patterns of `REFUSALS` that are no habit of the real texts."""
    return unusual(REFUSALS, texts)


def unusual(patterns: Sequence[re.Pattern[str]], texts: Sequence[str]) -> list[re.Pattern[str]]:
    """Those that at most one in 1,000 real texts holds; the others are a habit there."""
    most = HABIT * len(texts)
    return [one for one in patterns if sum(one.search(text) is not None for text in texts) <= most]
