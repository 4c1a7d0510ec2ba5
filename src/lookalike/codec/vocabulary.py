"""The vocabulary of the texts of a table: sub-words, and phrases of them.

Sub-words are a byte-level BPE, so that no word is unknown. A second BPE over the sub-words makes one token of
what recurs across words of code, queries and JSON (Liu et al., SuperBPE: Space Travel for Language Models,
2025), which take a fraction of the tokens then: in Advising a question and its query 27, else 124. Prose
gains nothing (BANKING77: 51 nats a text for 49). Only what is frequent is a phrase: a name or a value keeps
the same sub-words wherever it stands, and can be copied from one text to another.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from lookalike.errors import MissingDependency

MOST, MOST_WORDS = 8192, 6144  # sub-words and phrases, sub-words
BYTES_A_WORD = 120  # of the texts for each sub-word: what is rarer is not learned well
LONGEST_WORD, LONGEST_PHRASE = 32, 32  # bytes, sub-words; llguidance takes tokens of up to 1,024 bytes
PHRASE = 30  # times that a phrase has to occur
_TRAINED_ON = 100_000  # strings; more do not change a vocabulary of this size
_LETTERS = 0x10000  # sub-words are letters to the second BPE, from here on: nothing in the way up to the last


def _tokenizers() -> Any:
    try:
        import tokenizers
    except ImportError:
        raise MissingDependency("tokenizers") from None
    return tokenizers


class Vocabulary:
    """Texts <-> tokens, 0 to `size` - 1. pieces: the bytes of every token."""

    def __init__(self, words: str, phrases: str) -> None:
        """words, phrases: JSON of the two tokenizers."""
        self.text = json.dumps([words, phrases])
        tk = _tokenizers()
        self._words, self._phrases = tk.Tokenizer.from_str(words), tk.Tokenizer.from_str(phrases)
        short = _pieces(self._words)
        found = self._phrases.get_vocab()
        self.pieces = [b""] * len(found)
        for letters, token in found.items():
            self.pieces[token] = b"".join(short[ord(letter) - _LETTERS] for letter in letters)
        self.size = len(self.pieces)

    @classmethod
    def learn(cls, columns: Sequence[list[str]], formal: Sequence[bool], rare: int) -> Vocabulary:
        """That of these columns of texts.

        formal: which of them are code or JSON, that phrases are learned from; rare: what occurs less often
        is no sub-word.
        """
        kept = [own[:: max(1, len(own) // _TRAINED_ON)] for own in columns]
        strings = [text for own in kept for text in own]
        tk = _tokenizers()
        words = tk.Tokenizer(tk.models.BPE())
        # names and the like are not split at spaces: frequent ones become one token, and records stay short
        prose = sum(text.count(" ") for text in strings) > 4 * len(strings)
        words.pre_tokenizer = tk.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=prose)
        size = sum(map(len, strings)) // BYTES_A_WORD
        trainer = tk.trainers.BpeTrainer(
            vocab_size=max(300, min(MOST_WORDS, 256 + size)),
            min_frequency=max(2, rare),
            show_progress=False,
            initial_alphabet=tk.pre_tokenizers.ByteLevel.alphabet(),
            max_token_length=LONGEST_WORD,
        )
        words.train_from_iterator(strings, trainer)
        phrases = tk.Tokenizer(tk.models.BPE())
        letters = [chr(_LETTERS + token) for token in range(words.get_vocab_size())]
        trainer = tk.trainers.BpeTrainer(
            vocab_size=MOST,
            min_frequency=PHRASE,
            show_progress=False,
            initial_alphabet=letters,
            max_token_length=LONGEST_PHRASE,
        )
        recurring = [text for own, is_formal in zip(kept, formal, strict=True) if is_formal for text in own]
        phrases.train_from_iterator(_spelled(words, recurring), trainer)
        return cls(words.to_str(), phrases.to_str())

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, text: str) -> Vocabulary:
        """The one of this `text`."""
        return cls(*json.loads(text))

    def encode(self, strings: list[str]) -> list[list[int]]:
        return [own.ids for own in self._phrases.encode_batch_fast(_spelled(self._words, strings))]


def _spelled(words: Any, strings: list[str]) -> list[str]:
    """The sub-words of every text as letters."""
    return ["".join(chr(_LETTERS + i) for i in own.ids) for own in words.encode_batch_fast(strings)]


def _pieces(words: Any) -> list[bytes]:
    """The bytes of every sub-word. Byte-level vocabularies are written in stand-in letters, one per byte."""
    stand_in = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in stand_in]
    table = {chr(byte): byte for byte in stand_in} | {chr(256 + i): byte for i, byte in enumerate(others)}
    vocabulary = words.get_vocab()
    pieces = [b""] * len(vocabulary)
    for piece, token in vocabulary.items():
        pieces[token] = bytes(table[letter] for letter in piece)
    return pieces
