import pytest

from bench.records import __main__ as records


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the benchmark with made-up figures; gives what was measured and the files."""
    asked: list[str] = []

    def alone(key, args):
        asked.append(key)
        if len(asked) == 2:
            return {"error": "line\nno memory", "max_time": args.max_time}
        if key.startswith("ablation"):
            gap = {"0": 0.1, "8": 0.05}.get(key.split(":")[3], 0.2)
            return {"max_time": args.max_time, "priors": {"diffusion": {"c2st": 0.5 + gap, "utility": 0.9}}}
        arms = {
            arm: {"accuracy": 0.5 + 0.1 * int(key[-1]), "c2st": 0.6} for arm in ("lookalike", "test rows")
        }
        return {"max_time": args.max_time, "arms": arms, "samples": ["a | b", "x" * 500]}

    monkeypatch.setattr(records, "alone", alone)

    def call(*options):
        asked.clear()
        files = [f"--{name}={tmp_path / name}" for name in ("out", "results")]
        monkeypatch.setattr(
            "sys.argv", ["records", f"--data={tmp_path}", "--sets=sms_spam", *files, *options]
        )
        records.main()
        return list(asked), (tmp_path / "results").read_text()

    return call


def test_it_goes_on_where_it_stopped_and_tries_again_what_failed(run):
    asked, text = run("--seeds=0,1")
    assert asked == ["records:sms_spam:0", "records:sms_spam:1"]
    assert "| sms_spam | lookalike | 50.0 | 0.600 |" in text and "records:sms_spam:1: no memory" in text
    assert "a | b\n" in text and "x" * 219 + "…" in text
    asked, text = run("--seeds=0,1")
    assert asked == ["records:sms_spam:1"]
    assert "| sms_spam | lookalike | 55.0 ± 7.1 |" in text and "no memory" not in text
    assert run("--seeds=0,1")[0] == []
    assert run("--seeds=0", "--again=sms_spam")[0] == ["records:sms_spam:0"]


def test_figures_of_another_time_limit_are_not_mixed_in(run, capsys):
    run("--seeds=0")
    with pytest.raises(SystemExit):
        run("--seeds=0", "--max-time=5m")
    assert "--again" in capsys.readouterr().err
    asked, text = run("--seeds=0", "--max-time=5m", "--again=sms_spam")
    assert len(asked) == 1 and "Limit on every fit: 5m" in text
    assert run("--seeds=0", "--report-only", "--max-time=1m")[0] == []


def test_rates_without_a_latent_are_one_way_of_injection(run):
    asked, _ = run("--seeds=0", "--ablation")  # of which one fails
    assert len(asked) == len(set(asked)) == 7
    assert [key for key in asked if ":0:0" in key] == ["ablation:sms_spam:soft_prompt:0:0"]
    _, text = run("--seeds=0", "--ablation")
    assert "| no latent | 0 | - | - | - | 0.600 | 0.900 | - |" in text
    better = text.split("the model without a latent is better than: ")[1].split("\n")[0]
    assert "soft_prompt at 25, " in better and "at 8" not in better and "input_embed at 25." in better
