"""Topics that say what a sibling says are pruned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookalike.prompting.growth.topics import pruned_topics

ANGLE = {"dogs": 0.0, "hounds": 20.0, "puppies": 40.0, "cats": 90.0, "stones": 180.0}


def embed(topics: Sequence[str]) -> np.ndarray:
    angles = np.deg2rad([ANGLE[topic] for topic in topics])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_a_topic_near_one_that_is_kept_goes() -> None:
    topics = ["dogs", "hounds", "puppies", "cats", "stones"]
    assert pruned_topics(topics, embed) == ["dogs", "puppies", "cats", "stones"]  # cos 20 = .94, cos 40 = .77
    assert pruned_topics(topics, embed, 0.7) == ["dogs", "cats", "stones"]
    assert pruned_topics(topics, embed, siblings=["cats"]) == ["dogs", "puppies", "stones"]


def test_without_an_embedder_letters_decide() -> None:
    topics = ["Organic Chemistry", "organic  chemistry", "Inorganic chemistry", "Law", " ", "Law."]
    assert pruned_topics(topics) == ["Organic Chemistry", "Inorganic chemistry", "Law"]
    assert pruned_topics([]) == [] and pruned_topics(["one"]) == ["one"]
