"""SynAlign beside other ways to ask a language model, judged in the space of an embedder."""
