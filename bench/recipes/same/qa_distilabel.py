"""The recipe qa by distilabel: URL ROWS OUT."""

import json
import random
import sys

from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration


def model(url: str, temperature: float) -> OpenAILLM:
    return OpenAILLM(
        model="m",
        base_url=url,
        api_key="x",
        generation_kwargs={"max_new_tokens": 100, "temperature": temperature},
    )


def score(reply: str) -> int | None:
    try:
        return int(json.loads(reply)["score"])
    except (TypeError, ValueError, KeyError):
        return None


if __name__ == "__main__":
    url, rows, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    topics = ["bees", "bread", "bridges", "the moon", "rivers", "clocks"]
    rng = random.Random(0)
    with Pipeline(name="qa") as pipeline:
        load = LoadDataFromDicts(data=[{"topic": rng.choice(topics)} for _ in range(rows)], batch_size=50)
        question = TextGeneration(
            name="question",
            llm=model(url, 1.0),
            template="Write a question about {{ topic }}.",
            columns=["topic"],
            output_mappings={"generation": "question"},
        )
        answer = TextGeneration(
            name="answer",
            llm=model(url, 1.0),
            template="Answer in one sentence: {{ question }}",
            columns=["question"],
            output_mappings={"generation": "answer"},
        )
        judge = TextGeneration(
            name="judge",
            llm=model(url, 0.0),
            template="How good is the answer to '{{ question }}'? {{ answer }}\n"
            'Answer as JSON {"reason": "...", "score": 1 to 5}.',
            columns=["question", "answer"],
            output_mappings={"generation": "verdict"},
        )
        load >> question >> answer >> judge
    table = pipeline.run(use_cache=False)["default"]["train"].to_pandas()
    table["score"] = table.verdict.map(score)
    table[["topic", "question", "answer", "score"]].to_json(out, orient="records", lines=True)
