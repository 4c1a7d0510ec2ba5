"""A model that lies in a GGUF file, as a Hugging Face folder: for `bench.llm.serve`, and as a backbone.

    python -m bench.llm.hf_folder MODEL.gguf FOLDER

needs the packages transformers and gguf. Quantised weights are unpacked and written as bfloat16, tied as the
model ties them; the tokenizer goes along with its chat template. Nothing is fetched.
"""

from __future__ import annotations

from pathlib import Path

from bench import command

NAME = "bench.llm.hf_folder"


def convert(source: Path, folder: Path) -> int:
    """Writes the folder; the number of parameters."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place = {"gguf_file": source.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(source.parent, **place)
    read = AutoModelForCausalLM.from_pretrained(source.parent, dtype=torch.float32, **place)
    config = read.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config  # the weights are unpacked: a folder that says otherwise is not loaded
    config.dtype = torch.bfloat16
    weights = {name: weight.to(torch.bfloat16) for name, weight in read.state_dict().items()}
    del read
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.load_state_dict(weights)
    model.tie_weights()
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return sum(weight.numel() for weight in model.parameters())


def main() -> None:
    parser = command.parser(NAME, __doc__)
    parser.add_argument("source", type=command.file, metavar="MODEL.gguf")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    args = parser.parse_args()
    count = convert(args.source.resolve(), args.folder)
    print(f"{args.folder}: {count / 1e6:.0f} million parameters")


if __name__ == "__main__":
    main()
