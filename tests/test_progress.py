import importlib
import io
import itertools
import sys
import threading
import types
import weakref
from pathlib import Path

import pytest

from lookalike import progress
from lookalike.errors import OptionError
from lookalike.progress import Watch, bar, parse_time, stage, watched, working

LOOK_AGAIN = Watch._look_again  # which tests/conftest.py stops


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (None, None),
        (90, 90),
        (0.5, 0.5),
        ("90", 90),
        ("90s", 90),
        ("5m", 300),
        ("1.5h", 5400),
        (" 2 M ", 120),
        ("1m30s", 90),
        ("2h15m", 8100),
        ("1h", 3600),
        ("1 min", 60),
        ("30 sec", 30),
        ("5 minutes", 300),
        ("1 hour and 30 minutes", 5400),
        ("1 h, 1.5 min 3s", 3693),
        (".5h", 1800),
        ("2d", 172800),
        ("1e3", 1000),
    ],
)
def test_times(written: str | float | None, seconds: float | None) -> None:
    assert parse_time(written) == seconds


@pytest.mark.parametrize(
    "written",
    [
        "",
        "soon",
        "0",
        0,
        "-5s",
        -1,
        "1.2.3s",
        "5 weeks",
        "inf",
        "30s1m",
        "1m1m",
        "1m30",
        "m",
        "1..m",
        "0m0s",
        "1m x",
    ],
)
def test_what_is_no_time(written: str | float) -> None:
    with pytest.raises(OptionError, match="not understood"):
        parse_time(written)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_shows_the_time_left_only_if_it_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with bar(3, "quick") as steps:
        steps.update(3)
    assert terminal.getvalue() == ""
    monkeypatch.setattr(progress, "SHOW_AFTER", 0.0)
    monkeypatch.setattr(progress, "EVERY", 0.0)
    with bar(1000, "slow") as steps:
        steps.set_postfix_str("loss 1.5")
        steps.update(400)
    assert "slow:  40%" in terminal.getvalue()
    assert "loss 1.5" in terminal.getvalue()


class Clock:
    """A clock that goes on as long as is waited for, and an event that is never set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, end: float) -> None:
        self.now, self.end, self.waited = 0.0, end, []
        monkeypatch.setattr(progress, "perf_counter", lambda: self.now)

    def wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        self.now += seconds
        return self.now > self.end


def test_a_log_file_gets_lines_from_the_first_seconds_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress.threading.Thread, "start", lambda self: None)  # it is run below
    clock = Clock(monkeypatch, 200)
    steps = bar(1000, "slow", unit="steps")
    clock.now = 60
    steps.update(100)
    steps.set_postfix_str("loss 1.5")
    progress._write_lines(weakref.ref(steps), clock)
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert lines[0] == "slow: 10%, 62 s, about 9 min 18 s left (loss 1.5)"
    assert lines[-1] == "slow: 10%, 3 min 12 s (loss 1.5)"  # this step has taken longer than all before it
    steps.update(880)
    clock.now += 10  # longer than what seems to be left
    assert steps.line() == "slow: 98%, 3 min 32 s (loss 1.5)"
    assert max(clock.waited) == 10
    steps = bar(None, "reading")
    assert steps.line() == "reading: 0.0 s"
    steps.update(1234)
    assert steps.line() == "reading: 1,234 rows, 0.0 s"


def test_the_first_lines_come_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress.threading.Thread, "start", lambda self: None)
    clock = Clock(monkeypatch, 60)
    progress._write_lines(weakref.ref(bar_ := bar(1000, "slow", unit="steps")), clock)
    assert clock.waited == [2, 2, 4, 8, 10, 10, 10, 10, 10] and bar_.n == 0
    clock.now = 100.0
    bar_.update(0.5)  # too little of it to say how long it will take
    assert bar_.line() == "slow: 0%, 1 min 40 s"
    bar_.update(0.5)
    assert "left" in bar_.line()


def test_a_day_of_work_gets_a_line_a_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress.threading.Thread, "start", lambda self: None)
    clock = Clock(monkeypatch, 86_400)
    steps = bar(1000, "slow", unit="steps")
    progress._write_lines(weakref.ref(steps), clock)
    assert clock.waited[-1] == 60 and len(capsys.readouterr().err.splitlines()) < 1_800


def test_a_block_of_unknown_length_says_what_it_does_on_a_terminal_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr(progress.threading.Thread, "start", lambda self: None)
    clock = Clock(monkeypatch, 3)
    with working("reading real.csv") as one:
        progress._write_lines(weakref.ref(one), clock)
    assert terminal.getvalue() == "reading real.csv: 2.0 s\n"
    with working("reading real.csv", progress=False) as nothing:
        assert nothing is None


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """No thread looks; a clock that a test moves; nothing was said yet."""
    monkeypatch.setattr(progress.threading.Thread, "start", lambda self: None)
    monkeypatch.setattr(progress, "_said", -1.0)
    return Clock(monkeypatch, 1e9)


def test_what_has_no_line_of_its_own_is_not_silent(still: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """For 90 seconds with nothing but one late bar, no 12 seconds are without a line."""
    with watched("generate") as one:
        said = []
        for second in range(90):
            still.now = float(second)
            one.look()
            if second in (40, 41):
                progress.say("a line of a bar")
            said += [second] * len(capsys.readouterr().err.splitlines())
    assert said[0] == 3 and max(b - a for a, b in itertools.pairwise([*said, 90])) <= 11
    assert 42 not in said and len(said) < 12


def test_the_innermost_block_says_what_is_done(still: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with watched("generate") as whole:
        still.now = 10
        with stage("learning 90 rows", part="1 of 3"):
            (inner,) = progress._watched[1:]
            still.now = 25
            assert whole.look() > 0 and capsys.readouterr().err == "1 of 3: learning 90 rows\n"
            inner.look()
            assert capsys.readouterr().err == "1 of 3: learning 90 rows: still at work, 15 s\n"
            assert whole.look() == inner.look() == 11
        capsys.readouterr()
        still.now = 60
        whole.look()
        assert capsys.readouterr().err == "generate: still at work, 60 s\n"
    assert progress._watched == []
    with watched("generate", progress=False) as nothing:
        assert nothing is None
    with watched("review") as one, progress.waiting():  # people look at the page
        still.now = 1e6
        one.look()
    assert capsys.readouterr().err == ""


def test_a_long_import_is_told_as_such(
    still: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a_large_package.py").write_text("import a_watch\na_watch.one.look()\n")
    monkeypatch.syspath_prepend(tmp_path)
    with watched("evaluate") as one:
        monkeypatch.setitem(sys.modules, "a_watch", types.SimpleNamespace(one=one))
        still.now = 3
        importlib.import_module("a_large_package")
    assert capsys.readouterr().err == "evaluate: loading packages, 3.0 s\n"


def test_a_bar_on_a_terminal_is_line_enough(still: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr(progress, "_drawn", lambda: [types.SimpleNamespace(clear=int, refresh=int)])
    with watched("fit") as one:
        still.now = 100
        one.look()
    assert terminal.getvalue() == ""


def test_a_line_is_said_while_another_thread_imports_tqdm(
    still: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", types.ModuleType("tqdm"))  # begun, and empty until it is done
    progress.say("fit")
    assert capsys.readouterr().err == "fit\n"


def test_the_thread_of_a_watch_looks_until_its_block_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = threading.Event()
    monkeypatch.setattr(Watch, "_look_again", LOOK_AGAIN)
    monkeypatch.setattr(progress, "SHOW_AFTER", -1.0)
    monkeypatch.setattr(Watch, "look", lambda self: looked.set() or 0.0)
    with watched("fit"):
        assert looked.wait(60)


def test_lines_end_with_their_block_and_with_what_is_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    before = set(threading.enumerate())
    with pytest.raises(ValueError), bar(3, "failing"):
        raise ValueError
    with bar(3, "silent", progress=False) as steps:
        steps.update(3)
    for one in set(threading.enumerate()) - before:
        one.join(10)
        assert not one.is_alive()
    gone = weakref.ref(bar(3, "forgotten"))
    assert gone() is None
    progress._write_lines(gone, Endless.__new__(Endless))
    assert capsys.readouterr() == ("", "")


class Endless(Clock):
    def wait(self, seconds: float) -> bool:
        return False


def test_a_notebook_gets_no_red_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(progress, "perf_counter", lambda: 0.0)
    with stage("counted", doing="counting"):
        assert isinstance(bar(3, "counting"), progress.Lines)
    shown = capsys.readouterr()
    assert shown.err == "" and shown.out.split() == ["counted", "0.0", "s"]


def test_a_stage_says_what_was_done_unless_it_failed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "perf_counter", lambda: 0.0)
    with stage("counted"):
        pass
    assert capsys.readouterr().err.split() == ["counted", "0.0", "s"]
    with stage("counted", progress=False):
        pass
    with pytest.raises(ValueError), stage("counted"):
        raise ValueError
    assert capsys.readouterr().err == ""


def test_lines_take_what_a_training_asks_of_a_bar() -> None:
    with bar(10, "training") as shown:
        assert isinstance(shown, progress.Lines)
        shown.update(2)
        shown.total = 4  # as when a time limit leaves fewer steps
        shown.refresh()
        assert "training: 50%" in shown.line()


def test_nothing_is_silent_unless_asked() -> None:
    """Every public function that takes `progress` shows it by default."""
    import inspect

    import lookalike

    quiet = []
    for name in lookalike.__all__:
        found = getattr(lookalike, name)
        whole = inspect.isclass(found) and not issubclass(found, Exception)
        if not whole and not inspect.isfunction(found):
            continue
        if asked := inspect.signature(found).parameters.get("progress"):
            quiet += [] if asked.default is True else [name]
    assert not quiet, f"silent by default: {quiet}"
    assert "progress" in inspect.signature(lookalike.read_table).parameters
