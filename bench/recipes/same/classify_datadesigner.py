"""The recipe classify by DataDesigner: URL ROWS OUT."""

import sys

import data_designer.config as dd
from data_designer.interface import DataDesigner

url, rows, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
parameters = dd.ChatCompletionInferenceParams(temperature=1.0, max_tokens=100, max_parallel_requests=32)
model = dd.ModelConfig(alias="writer", model="m", provider="here", inference_parameters=parameters)
provider = dd.ModelProvider(name="here", endpoint=url, provider_type="openai", api_key="x")
config = dd.DataDesignerConfigBuilder(model_configs=[model])
config.add_column(
    dd.SamplerColumnConfig(
        name="label",
        sampler_type=dd.SamplerType.CATEGORY,
        params=dd.CategorySamplerParams(values=["lost card", "transfer", "fees"], weights=[0.4, 0.3, 0.3]),
    )
)
config.add_column(
    dd.SamplerColumnConfig(
        name="tone",
        sampler_type=dd.SamplerType.CATEGORY,
        params=dd.CategorySamplerParams(values=["polite", "in a hurry", "angry"]),
    )
)
config.add_column(
    dd.LLMTextColumnConfig(
        name="text",
        model_alias="writer",
        prompt="Write a message to a bank about {{ label }}. Tone: {{ tone }}.",
    )
)
designer = DataDesigner(artifact_path="artifacts", model_providers=[provider])
table = designer.create(config, num_records=rows).load_dataset()
table[["label", "tone", "text"]].to_json(out, orient="records", lines=True)
