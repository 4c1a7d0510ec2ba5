"""The command called in the process of somebody else."""

from __future__ import annotations

import argparse
import signal

import pytest

from lookalike import progress
from lookalike.cli.main import main
from lookalike.cli.verbs import VERBS


def test_without_a_verb_the_help_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 0 and "lookalike generate real.csv" in capsys.readouterr().out


@pytest.mark.parametrize("how", [["--version"], ["schema", "nowhere.csv"], ["schema", "real.csv"]])
def test_a_caller_keeps_its_handlers_of_signals(how: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    if how[-1] == "real.csv":
        monkeypatch.setitem(main.__globals__["VERBS"], "schema", stopped)
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    if how == ["--version"]:
        with pytest.raises(SystemExit):
            main(how)
    else:
        assert main(how) == (130 if how[-1] == "real.csv" else 2)
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize("verb", sorted({*VERBS} - {"resume"}))
def test_no_verb_is_silent_for_long(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch is over all that a verb does, unless --quiet was said."""
    seen: list[list[str]] = []

    def looked(args: argparse.Namespace) -> int:
        seen.append([one.doing for one in progress._watched])
        return 0

    parsed = argparse.Namespace(verb=verb, out=None, quiet=False)
    monkeypatch.setitem(main.__globals__["VERBS"], verb, looked)
    for quiet in (False, True):
        parsed.quiet = quiet
        assert main.__globals__["_run"](parsed) == 0
    assert seen == [[verb], []] and not progress._watched
