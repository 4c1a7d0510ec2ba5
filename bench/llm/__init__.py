"""The client of language models beside its peers."""
