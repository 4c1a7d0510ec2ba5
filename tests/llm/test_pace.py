"""How long a silence is borne follows what the server has shown."""

from __future__ import annotations

from lookalike.llm.pace import Pace


def test_a_silence_is_borne_by_what_was_seen() -> None:
    pace = Pace(silence=120.0, longest=600.0)
    assert pace.borne(1000.0) == 120.0
    pace.last = 950.0  # it is writing other replies: a call may wait in its queue
    assert pace.borne(1000.0) == 600.0
    for _ in range(19):
        pace.first(2.0)
    assert pace.borne(1000.0) == 600.0
    pace.first(3.0)
    assert pace.borne(1000.0) == 30.0  # ten times the longest wait that there was
    for _ in range(300):
        pace.first(0.1)
    assert pace.borne(1000.0) == 10.0
    assert Pace(0.5, 600.0).borne(1000.0) == 0.5


def test_a_queue_is_noticed_by_the_shortest_wait() -> None:
    pace = Pace(120.0, 600.0)
    assert not pace.queued(50.0)
    pace.first(1.0)
    assert pace.queued(5.0) and not pace.queued(3.9)
    pace.first(0.1)
    assert not pace.queued(1.9)
