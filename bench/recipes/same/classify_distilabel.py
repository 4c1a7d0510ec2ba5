"""The recipe classify by distilabel: URL ROWS OUT."""

import random
import sys

from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration

if __name__ == "__main__":
    url, rows, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    rng = random.Random(0)
    shares = {"lost card": 0.4, "transfer": 0.3, "fees": 0.3}
    data = [
        {
            "label": rng.choices(list(shares), list(shares.values()))[0],
            "tone": rng.choice(["polite", "in a hurry", "angry"]),
        }
        for _ in range(rows)
    ]
    with Pipeline(name="classify") as pipeline:
        load = LoadDataFromDicts(data=data, batch_size=50)
        text = TextGeneration(
            llm=OpenAILLM(
                model="m",
                base_url=url,
                api_key="x",
                generation_kwargs={"max_new_tokens": 100, "temperature": 1.0},
            ),
            template="Write a message to a bank about {{ label }}. Tone: {{ tone }}.",
            columns=["label", "tone"],
            output_mappings={"generation": "text"},
        )
        load >> text
    table = pipeline.run(use_cache=False)["default"]["train"].to_pandas()
    table[["label", "tone", "text"]].to_json(out, orient="records", lines=True)
