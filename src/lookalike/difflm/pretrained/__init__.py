"""The pretrained lane: around a Hugging Face causal language model."""
