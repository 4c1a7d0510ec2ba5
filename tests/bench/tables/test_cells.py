import json
import math

import pytest

from bench.tables.cells import kept, run_all


@pytest.mark.parametrize("jobs", [1, 2])
def test_cells_are_in_the_file_as_they_are_done(tmp_path, jobs):
    path, cells = tmp_path / "new" / "figures.json", {"a": (2, 3), "b": (3, 2)}
    results = kept(path)
    seen = []
    for key, entry in run_all(results, path, cells, math.pow, jobs):
        assert json.loads(path.read_text())["runs"][key] == entry
        seen.append(key)
    assert sorted(seen) == ["a", "b"] and kept(path)["runs"] == {"a": 8.0, "b": 9.0}
    assert [p.name for p in path.parent.iterdir()] == [path.name]
