"""The client of language models beside its peers; and what a real model writes, arm by arm (arms.py)."""
