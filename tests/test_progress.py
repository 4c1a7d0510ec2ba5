import pytest

from lookalike import progress
from lookalike.errors import OptionError
from lookalike.progress import bar, parse_time, stage


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


def test_a_bar_shows_the_time_left_only_if_it_takes_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with bar(3, "quick") as steps:
        steps.update(3)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "SHOW_AFTER", 0.0)
    monkeypatch.setattr(progress, "EVERY_IN_LOG", 0.0)
    with bar(1000, "slow") as steps:
        steps.set_postfix_str("loss 1.5")
        steps.update(400)
    shown = capsys.readouterr()
    assert "slow:  40%" in shown.err
    assert "loss 1.5" in shown.err
    assert shown.out == ""


def test_a_bar_in_a_log_file_is_drawn_seldom(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SHOW_AFTER", 0.0)
    with bar(1000, "slow") as steps:
        for i in range(1000):
            steps.update(1)
            steps.set_postfix_str(f"loss {i}")
    assert capsys.readouterr().err.count("slow") <= 3


def test_a_stage_says_what_was_done_unless_it_failed(capsys: pytest.CaptureFixture[str]) -> None:
    with stage("counted"):
        pass
    assert capsys.readouterr().err.split() == ["counted", "0.0", "s"]
    with stage("counted", progress=False):
        pass
    with pytest.raises(ValueError), stage("counted"):
        raise ValueError
    assert capsys.readouterr().err == ""
