import pytest

from bench.tables.markdown import tables


def run(scale: float, c2st: float, mle: float) -> dict:
    figures = dict.fromkeys(
        ("shape", "trend", "trend_sdmetrics", "shape_matched", "trend_matched"), 0.01 * scale
    )
    score = figures | {
        "mle_kind": "auc",
        "rows": 100,
        "c2st": c2st,
        "c2st_test": 0.6,
        "mle": mle,
        "copies": 0.0,
        "closer": 0.52,
    }
    return {"fit_s": 10 * scale, "sample_s": 2.0, "rows": 100, "rss_mb": 500.0, "score": score}


RUNS = {
    "adult/lookalike/0": run(1, 0.55, 0.9),
    "adult/lookalike/1": run(3, 0.55, 0.9),
    "adult/tabularargn/0": run(4, 0.9, 0.8),
    "adult/real holdout/0": {"score": run(5, 0.5, 0.95)["score"]},
    "adult/tvae/0": {"error": "Traceback\nno memory"},
}


def test_means_spreads_and_ratios_of_known_runs():
    text = tables({"runs": RUNS}, ["adult"], ["lookalike", "tabularargn", "tvae"], [0, 1])
    lines = text.splitlines()
    ours = next(line for line in lines if line.startswith("| adult | lookalike |"))
    assert ours == (
        "| adult | lookalike | 20 ± 14 | 50 | 500 | 2.00 ± 1.41 | 2.00 ± 1.41 | 2.00 ± 1.41 "
        "| 0.550 ± 0.000 | 0.600 ± 0.000 | 0.900 ± 0.000 | 0.00 ± 0.00 | 52.0 ± 0.0 |"
    )
    assert "| adult | tvae | failed: no memory |" in text
    assert (
        "| adult | real holdout | - | - | - | 5.00 | 5.00 | 5.00 | 0.500 | 0.600 | 0.950 | 0.00 | 52.0 |"
        in lines
    )
    ratios = [float(cell) for cell in lines[-1].split("|")[2:-1]]
    # fit, C2ST gap, shape and trend against the peer; utility; shape and trend against the holdout
    assert ratios == pytest.approx([0.5, 0.125, 0.5, 0.5, 0.1, 0.9 / 0.95, 0.4, 0.4], abs=5e-4)


def test_without_the_peer_there_are_no_ratios():
    assert "against the targets" not in tables({"runs": RUNS}, ["adult"], ["lookalike"], [0])
