import sys

from tests.forks import Forked


def spoken(size: int) -> int:
    for pipe in (sys.stdout, sys.stderr):
        pipe.write("x" * size)
    return 3


def test_what_is_printed_may_be_more_than_a_pipe_holds() -> None:
    process = Forked(spoken, 300_000)
    assert [len(one) for one in process.communicate(timeout=60)] == [300_000, 300_000]
    assert process.returncode == 3
