"""Any language model behind an OpenAI-compatible endpoint: asked once, kept for good, within a budget.

from lookalike.llm import LLM, wait
llm = LLM("my-model", "http://127.0.0.1:8000/v1", ledger="run/ledger.sqlite")
print(wait(llm.ask("One line about rain.")).text)
"""

from lookalike.llm.batch import ask_all, status
from lookalike.llm.budget import Budget, Estimate
from lookalike.llm.client import LLM
from lookalike.llm.embeddings import embed, embedder
from lookalike.llm.ledger import Ledger
from lookalike.llm.request import Failure, Reply, Request
from lookalike.llm.sync import wait

__all__ = [
    "LLM",
    "Budget",
    "Estimate",
    "Failure",
    "Ledger",
    "Reply",
    "Request",
    "ask_all",
    "embed",
    "embedder",
    "status",
    "wait",
]
