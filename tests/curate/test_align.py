"""`align` on points of known clusters: what it corrects, what it reports, what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lookalike.curate import METHODS, align
from lookalike.errors import DataError, OptionError

Draw = Callable[..., tuple[np.ndarray, np.ndarray]]


@pytest.mark.parametrize("method", METHODS)
def test_a_biased_table_is_corrected_on_rows_held_out(mixture: Draw, method: str) -> None:
    real, (synthetic, of) = mixture(4000, [0.5, 0.5], 0)[0], mixture(3000, [0.8, 0.2], 1)
    found = align(real, synthetic, 2000, method=method)
    assert not found.notes and found.mmd2["before"] > 0.02 and found.p["before"] < 0.01
    assert found.mmd2["after"] < found.mmd2["before"] / 10
    assert found.p["after"] > 0.01 and found.p["real"] > 0.01
    assert 0.45 < (of[found.rows] == 1).mean() < 0.55
    assert found.held_out == 800 and found.tested == {
        "holdout": 800,
        "before": 2000,
        "after": 2000,
        "real": 2000,
    }
    assert found.effective == pytest.approx(1 / (found.weights**2).sum())
    counts = np.bincount(found.rows)
    assert found.most_repeated == counts.max() <= 5
    assert found.repeats == pytest.approx(1 - (counts > 0).sum() / 2000)


def test_nothing_is_made_worse_where_nothing_is_wrong(mixture: Draw) -> None:
    real, synthetic = mixture(3000, [0.5, 0.5], 0)[0], mixture(3000, [0.5, 0.5], 1)[0]
    found = align(real, synthetic, 1500)
    assert found.p["before"] > 0.01 and found.p["after"] > 0.01
    assert found.mmd2["after"] < 0.002


def test_what_speaks_against_the_aligned_rows_is_said() -> None:
    rng = np.random.default_rng(0)
    wide = rng.standard_normal((1000, 20)).astype(np.float32)
    found = align(rng.standard_normal((240, 20)).astype(np.float32), wide, 500, holdout=wide)
    assert found.cap == 0 and found.effective == pytest.approx(1000) and found.repeats == 0
    assert "note: no weights brought the rows nearer to real rows that were not matched" in repr(found)


def test_few_real_rows_weigh_nothing_and_no_row_comes_twice(mixture: Draw) -> None:
    real, of_real = mixture(40, [0.5, 0.5], 0)
    synthetic, of = mixture(60, [0.8, 0.2], 1)
    labels = (["ab"[one] for one in of_real], ["ab"[one] for one in of])
    whole = align(real, synthetic, 60, labels=labels)
    assert sorted(whole.rows) == list(range(60)) and whole.repeats == 0  # as they were written
    some = align(real, synthetic, 20, labels=labels)
    aimed = 20 * np.bincount(of_real) / 40
    assert some.repeats == 0 and (np.abs(np.bincount(of[some.rows]) - aimed) <= 1).all()
    assert some.few and "note: fewer than 200 real rows" in repr(some) and "its real share" in repr(some)
    rare = int((of == 1).sum())
    most = align(real, synthetic, 40, labels=labels)  # all that there are of the rare class, and others
    assert most.classes["b"]["aligned"] == min(rare, round(40 * (of_real == 1).mean())) and most.repeats == 0
    more = align(real, synthetic, 100, labels=labels)
    assert more.repeats >= 0.4 and (np.abs(np.bincount(of[more.rows]) - 5 * aimed) <= 1).all()
    assert not align(mixture(200, [0.5, 0.5], 0)[0], synthetic, 20).few


def test_a_given_holdout_is_used_and_all_real_rows_are_matched(mixture: Draw) -> None:
    real, held = mixture(500, [0.5, 0.5], 0)[0], mixture(333, [0.5, 0.5], 1)[0]
    found = align(real, mixture(300, [0.8, 0.2], 2)[0], 200, holdout=held)
    assert found.held_out == 333 and found.tested["real"] == 500


def test_class_shares_are_the_real_ones_and_strange_classes_get_nothing(mixture: Draw) -> None:
    real, of_real = mixture(1000, [0.6, 0.3, 0.1], 0)
    synthetic, of = mixture(900, [0.2, 0.2, 0.3, 0.3], 1)
    names = np.array(["a", "b", "c", "strange"])
    found = align(real, synthetic, 501, labels=(names[of_real], names[of]))
    exact = 501 * np.bincount(of_real) / 1000
    counts = np.bincount(of[found.rows], minlength=4)
    assert counts.sum() == 501 and (np.abs(counts[:3] - exact) < 1).all() and counts[3] == 0
    for code in range(3):
        assert found.weights[of == code].sum() == pytest.approx((of_real == code).mean())
        assert found.classes[names[code]]["aligned"] == counts[code]
    assert not found.weights[of == 3].any()


def test_within_a_class_the_clusters_are_weighed_back(mixture: Draw) -> None:
    real, of_real = mixture(2000, [0.25] * 4, 0)
    synthetic, of = mixture(2000, [0.4, 0.1, 0.1, 0.4], 1)
    found = align(real, synthetic, 1000, labels=((of_real // 2).tolist(), (of // 2).tolist()))
    shares = np.bincount(of[found.rows]) / 1000
    assert found.cap == 1 and found.repeats == 0  # 200 of 250 rows of a rare cluster are all there are
    assert (np.abs(shares - 0.25) < 0.06).all() and found.mmd2["after"] < found.mmd2["before"] / 5


@pytest.mark.parametrize("cap", [1, 2, 20])
def test_the_cap_on_repeats(mixture: Draw, cap: int) -> None:
    real, synthetic = mixture(500, [0.05, 0.95], 0)[0], mixture(300, [0.95, 0.05], 1)[0]
    found = align(real, synthetic, 250, most_repeats=cap)
    assert len(found.rows) == 250 and found.most_repeated <= cap
    if cap == 1:
        assert found.repeats == 0


def test_same_seed_same_rows(mixture: Draw) -> None:
    real, synthetic = mixture(300, [0.5, 0.5], 0)[0], mixture(200, [0.8, 0.2], 1)[0]
    one, same, other = (align(real, synthetic, 100, seed=seed) for seed in (1, 1, 2))
    assert one.rows.tolist() == same.rows.tolist() != other.rows.tolist()
    assert one.mmd2 == same.mmd2 and one.p == same.p


def test_figures_as_text_and_json(mixture: Draw, tmp_path: Path) -> None:
    real, synthetic = mixture(300, [0.5, 0.5], 0), mixture(200, [0.8, 0.2], 1)
    found = align(real[0], synthetic[0], 100, labels=(real[1].tolist(), synthetic[1].tolist()))
    found.save(tmp_path / "align.json")
    figures = json.loads((tmp_path / "align.json").read_text())
    assert figures == json.loads(json.dumps(found.to_dict())) and figures["mmd2"] == found.mmd2
    text = repr(found)
    assert (
        f"{found.mmd2['after']:.5f}" in text
        and "of 200 rows" in text
        and max(map(len, text.split("\n"))) < 80
    )
    with pytest.raises(DataError, match="does not exist"):
        found.save(tmp_path / "nowhere" / "align.json")


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"n": 1}, OptionError, "at least 2"),
        ({"most_repeats": 0}, OptionError, "at least 2 rows, and let each"),
        ({"method": "best"}, OptionError, "choose one of exact, linear"),
        ({"n": 501}, OptionError, "501 rows cannot be made of 100 synthetic rows"),
        ({"real": np.zeros((9, 4))}, DataError, "there are 9 real rows"),
        ({"synthetic": np.zeros((1, 4))}, DataError, "fewer than 2 rows"),
        ({"synthetic": np.zeros((9, 5))}, DataError, "do not have the 4 dimensions"),
        ({"synthetic": np.full((9, 4), np.nan)}, DataError, "synthetic points hold nan"),
        ({"holdout": np.full((9, 4), np.inf)}, DataError, "holdout points hold nan"),
        (
            {"labels": (["a"] * 50 + ["b"] * 50, ["c"] * 100)},
            DataError,
            "no synthetic row has a label of the real ones, such as 'a', 'b'",
        ),
        ({"labels": (["a"] * 99 + [None], ["a"] * 100)}, DataError, "1 real rows have no label"),
        ({"labels": (["a"] * 100, ["a"] * 99)}, DataError, "99 labels of 100 synthetic rows"),
        (
            {"real": np.eye(200, 4), "labels": (["a", "b"] * 100, ["a"] + ["b"] * 99), "n": 40},
            OptionError,
            "20 rows cannot be made of 1 synthetic rows of 'a'",
        ),
        ({"labels": (list(range(100)), list(range(100)))}, DataError, "give a holdout"),
    ],
)
def test_mistakes_are_one_sentence(changes: dict[str, object], error: type, sentence: str) -> None:
    rng = np.random.default_rng(0)
    arguments = {"real": rng.random((100, 4)), "synthetic": rng.random((100, 4)), "n": 50} | changes
    with pytest.raises(error, match=sentence):
        align(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", METHODS)
def test_constant_points(method: str) -> None:
    found = align(np.ones((50, 3)), np.ones((50, 3)), 20, method=method)
    assert abs(found.mmd2["after"]) < 1e-9 and found.effective == pytest.approx(50)


def test_a_class_of_one_real_row(mixture: Draw) -> None:
    real, synthetic = mixture(101, [1.0], 0)[0], mixture(100, [1.0], 1)[0]
    found = align(real, synthetic, 101, labels=(["a"] * 100 + ["rare"], ["a", "rare"] * 50))
    assert found.classes["rare"]["aligned"] == 1


def test_classes_without_synthetic_rows_are_named_and_their_share_goes_to_the_others(mixture: Draw) -> None:
    real, synthetic = mixture(200, [1.0], 0)[0], mixture(200, [1.0], 1)[0]
    labels = ["a"] * 120 + ["b"] * 60 + ["rare"] * 13 + [f"r{i}" for i in range(7)]
    found = align(real, synthetic, 90, labels=(labels, ["a", "b"] * 100))
    assert found.classes["a"] == {"real": 120, "synthetic": 100, "aligned": 60}
    assert found.classes["b"]["aligned"] == 30 and found.classes["rare"] == {
        "real": 13,
        "synthetic": 0,
        "aligned": 0,
    }
    assert found.weights.sum() == pytest.approx(1) and len(found.rows) == 90
    note = next(note for note in found.notes if "8 of 10 classes" in note)
    assert "'rare' (13), 'r0' (1), 'r1' (1), 'r2' (1), 'r3' (1) and 3 more" in note and "10.0%" in note
    assert note in repr(found)
    full = align(real, synthetic, 90, labels=(["a", "b"] * 100, ["a", "b"] * 100))
    assert not any("classes" in note for note in full.notes)
