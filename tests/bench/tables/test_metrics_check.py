import pytest

from bench.tables import metrics_check
from bench.tables.columns import is_number, read
from bench.tables.score import shapes, trends


def test_the_report_has_the_scorers_shapes_and_pairs_of_numbers(small_csv, monkeypatch):
    """The scorer stands in for SDMetrics: shapes and pairs of two numbers are the same figures."""
    whole = read(small_csv)
    real, made = (whole.iloc[rows].reset_index(drop=True) for rows in (slice(0, 150), slice(150, 300)))

    def sdmetrics(real, made):
        kinds = {name: is_number(real[name]) for name in real}
        pairs = [
            (
                *pair,
                "CorrelationSimilarity" if all(kinds[one] for one in pair) else "ContingencySimilarity",
                1 - e,
            )
            for pair, e in trends(real, made, own_edges=True).items()
        ]
        return {"shapes": {name: 1 - e for name, e in shapes(real, made).items()}, "pairs": pairs}

    monkeypatch.setattr(metrics_check, "sdmetrics", sdmetrics)
    lines = {name: (own, other) for name, own, other in metrics_check.fidelity(real, real, made)}
    assert len([name for name in lines if name.startswith("shape of")]) == len(real.columns)
    # pairs with a category differ: lookalike cuts both tables at the edges of the real one
    for name in set(lines) - {"pairs by ContingencySimilarity"}:
        assert lines[name][0] == pytest.approx(lines[name][1], abs=1e-4), name
    assert 0 < lines["pairs by CorrelationSimilarity"][0] < 0.5
