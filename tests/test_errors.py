"""What has no room is said with its fix: a full disk, and the limit of the system on a file."""

from pathlib import Path

import pytest

from tests.forks import Forked, script

pytest.importorskip("resource")
LIMITED = r"the system's limit on the size of a file is reached: raise it (ulimit -f)"
DOES = {
    "table": "lookalike.write_table(pd.DataFrame({'a': ['x' * 99] * 9999}), 'a.csv')",
    "parquet": "lookalike.write_table(pd.DataFrame({'a': map(str, range(99999))}), 'a.parquet')",
    "ledger": "from lookalike.llm import Ledger; Ledger('l.sqlite')",
    "budget": "from lookalike.llm import Budget; from lookalike.llm.shared import SharedBudget as S\n"
    "b = S('b.sqlite', Budget(max_calls=1))\n"
    "for i in range(9999): b.count('x' * 200 + str(i), (1, 1, 1, 1.0))",
    "review": "from lookalike.review.store import Store, Answer; s = Store('r.review')\n"
    "for i in range(9999): s.add(Answer(i, 1, 'ann', 'edit', {'text': 'x' * 500}, key=str(i)))",
}


@pytest.mark.parametrize("what", DOES)
def test_a_limit_on_the_size_of_files_is_a_sentence(what: str, tmp_path: Path) -> None:
    text = (
        "import resource, pandas as pd, lookalike\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))\n"
        f"try:\n{''.join(f'    {line}' + chr(10) for line in DOES[what].splitlines())}"
        "except lookalike.LookalikeError as error: print(error)"
    )
    out, errors = Forked(script, text, folder=tmp_path).communicate()
    assert LIMITED in out, out + errors
    assert not list(tmp_path.glob("a.*")) and not list(tmp_path.glob(".a.*"))
