"""The recipe qa by DataDesigner: URL ROWS OUT."""

import sys

import data_designer.config as dd
from data_designer.interface import DataDesigner

url, rows, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
models = [
    dd.ModelConfig(
        alias=name,
        model="m",
        provider="here",
        inference_parameters=dd.ChatCompletionInferenceParams(
            temperature=temperature, max_tokens=100, max_parallel_requests=32
        ),
    )
    for name, temperature in (("writer", 1.0), ("judge", 0.0))
]
provider = dd.ModelProvider(name="here", endpoint=url, provider_type="openai", api_key="x")
config = dd.DataDesignerConfigBuilder(model_configs=models)
config.add_column(
    dd.SamplerColumnConfig(
        name="topic",
        sampler_type=dd.SamplerType.CATEGORY,
        params=dd.CategorySamplerParams(values=["bees", "bread", "bridges", "the moon", "rivers", "clocks"]),
    )
)
config.add_column(
    dd.LLMTextColumnConfig(
        name="question", model_alias="writer", prompt="Write a question about {{ topic }}."
    )
)
config.add_column(
    dd.LLMTextColumnConfig(
        name="answer", model_alias="writer", prompt="Answer in one sentence: {{ question }}"
    )
)
config.add_column(
    dd.LLMJudgeColumnConfig(
        name="verdict",
        model_alias="judge",
        prompt="How good is the answer to '{{ question }}'? {{ answer }}",
        scores=[
            dd.Score(
                name="quality",
                description="How good the answer is",
                options={1: "useless", 2: "bad", 3: "acceptable", 4: "good", 5: "excellent"},
            )
        ],
    )
)
designer = DataDesigner(artifact_path="artifacts", model_providers=[provider])
table = designer.create(config, num_records=rows).load_dataset()
table["score"] = table.verdict.map(lambda one: one["quality"]["score"])
table[["topic", "question", "answer", "score"]].to_json(out, orient="records", lines=True)
