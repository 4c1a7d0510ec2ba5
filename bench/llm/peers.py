"""One run of one client, in the environment that bench/llm/__main__.py starts it in.

    python -m bench.llm.peers CLIENT URL CALLS AT_ONCE FOLDER

asks "Write a line about <i>." for i in range(CALLS), 10 s for each call, keeps what it keeps in FOLDER and
prints one line of JSON: the replies it has, the peak memory of its largest process in MB and its seconds of
CPU.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

from bench import command
from bench.environments import make

TIMEOUT = 10.0
CLIENTS: dict[str, list[str] | None] = {
    # client -> what pip is asked for in its environment; None: it runs where bench.llm runs
    "lookalike": None,
    "aiohttp": None,
    "openai": ["openai"],
    "curator": ["bespokelabs-curator==0.1.31"],
    "distilabel": ["distilabel[openai]==1.5.3", "requests"],  # it forgets to ask for requests
}


def environment(client: str) -> Path:
    """The Python of a client's environment, installed first if it is not there."""
    packages = CLIENTS[client]
    return Path(sys.executable) if packages is None else make(client, packages)


def prompts(calls: int) -> list[str]:
    return [f"Write a line about {at}." for at in range(calls)]


def lookalike(url: str, calls: int, at_once: int, folder: Path) -> int:
    from lookalike.llm import LLM, Reply, Request, ask_all, wait

    llm = LLM("m", url, ledger=folder / "ledger.sqlite", concurrency=at_once, timeout=TIMEOUT)
    replies = wait(ask_all(llm, [Request(one, max_tokens=100) for one in prompts(calls)]))
    return sum(isinstance(reply, Reply) for reply in replies)


def aiohttp(url: str, calls: int, at_once: int, folder: Path) -> int:
    """The least that can be done in Python: no ledger, no budget, no repetitions."""
    import aiohttp

    async def main() -> int:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        texts, replies = iter(prompts(calls)), []
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=at_once), timeout=timeout
        ) as session:

            async def work() -> None:
                for text in texts:
                    body = {"model": "m", "messages": [{"role": "user", "content": text}], "max_tokens": 100}
                    try:
                        async with session.post(url + "/chat/completions", json=body) as answer:
                            replies.append((await answer.json())["choices"][0]["message"]["content"])
                    except (aiohttp.ClientError, TimeoutError, KeyError, ValueError):
                        continue

            await asyncio.gather(*(work() for _ in range(at_once)))
        return len(replies)

    return asyncio.run(main())


def openai(url: str, calls: int, at_once: int, folder: Path) -> int:
    from openai import AsyncOpenAI, OpenAIError

    async def main() -> int:
        texts, replies = iter(prompts(calls)), []
        async with AsyncOpenAI(base_url=url, api_key="none", timeout=TIMEOUT, max_retries=5) as client:

            async def work() -> None:
                for text in texts:
                    message: Any = {"role": "user", "content": text}
                    try:
                        answer = await client.chat.completions.create(
                            model="m", messages=[message], max_tokens=100
                        )
                        replies.append(answer.choices[0].message.content)
                    except (OpenAIError, ValueError):
                        continue

            await asyncio.gather(*(work() for _ in range(at_once)))
        return len(replies)

    return asyncio.run(main())


def curator(url: str, calls: int, at_once: int, folder: Path) -> int:
    os.environ.update(CURATOR_CACHE_DIR=str(folder), TELEMETRY_ENABLED="false", CURATOR_VIEWER="false")
    os.environ.update(HOSTED_CURATOR_VIEWER="0", CURATOR_DISABLE_RICH_DISPLAY="1")
    import litellm  # brings the tokens that tiktoken would otherwise fetch

    words = Path(litellm.__file__).parent / "litellm_core_utils" / "tokenizers"
    os.environ["TIKTOKEN_CACHE_DIR"] = str(words)
    from bespokelabs import curator

    model = curator.LLM(
        model_name="m",
        backend="openai",
        backend_params={
            "base_url": url,
            "max_concurrent_requests": at_once,
            "max_requests_per_minute": 10**7,
            "max_tokens_per_minute": 10**10,
            "request_timeout": int(TIMEOUT),
            "max_retries": 10,
            "require_all_responses": False,
        },
        generation_params={"max_tokens": 100},
    )
    found = model(prompts(calls))
    return len(getattr(found, "dataset", found))


def distilabel(url: str, calls: int, at_once: int, folder: Path) -> int:
    from distilabel.models import OpenAILLM
    from distilabel.pipeline import Pipeline
    from distilabel.steps.tasks import TextGeneration

    with Pipeline(name="bench", cache_dir=folder) as pipeline:
        TextGeneration(
            llm=OpenAILLM(
                model="m",
                base_url=url,
                api_key="none",
                timeout=int(TIMEOUT),
                max_retries=10,
                generation_kwargs={"max_new_tokens": 100},
            ),
            input_batch_size=at_once,
        )
    from datasets import Dataset

    found = pipeline.run(dataset=Dataset.from_dict({"instruction": prompts(calls)}), use_cache=True)
    return sum(text is not None for text in found["default"]["train"]["generation"])


def main() -> None:
    parser = command.parser("bench.llm.peers", __doc__)
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("url")
    parser.add_argument("calls", type=int)
    parser.add_argument("at_once", type=int)
    parser.add_argument("folder", type=command.folder)
    args = parser.parse_args()
    clients = {
        "lookalike": lookalike,
        "aiohttp": aiohttp,
        "openai": openai,
        "curator": curator,
        "distilabel": distilabel,
    }
    replies = clients[args.client](args.url, args.calls, args.at_once, args.folder)
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    peak = max(one.ru_maxrss for one in used) / 1024  # of the largest process, where a client starts several
    print(json.dumps({"replies": replies, "peak_mb": round(peak, 1), "cpu": round(cpu, 2)}))


if __name__ == "__main__":
    main()
