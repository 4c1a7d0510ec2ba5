import json
import subprocess
import sys

import pytest

from bench.environments import variables


@pytest.mark.parametrize("client", ["lookalike", "aiohttp"])
def test_a_client_started_anywhere_has_all_replies(client, serve, tmp_path):
    served = serve()
    words = [client, served.url, "5", "2", tmp_path]
    found = variables() | {"OPENAI_API_KEY": "none"}
    done = subprocess.run(
        [sys.executable, "-m", "bench.llm.peers", *words],
        capture_output=True, text=True, cwd=tmp_path, env=found,
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[-1])["replies"] == 5, done.stderr
    assert served.stats()["calls"] == 5
