"""What the figures of README.md and bench/RESULTS.md come from. Each room is a command, and so are its files.

    python -m bench.tables     lookalike beside its peers on tables of numbers and categories
    python -m bench.records    texts, code, tool specifications and mixed tables
    python -m bench.synalign   SynAlign and what it is compared with, through a simulated language model
    python -m bench.llm        the client of language models beside its peers

Run them in the root of the repository; `--help` names the files and folders that a command needs. The
`__init__.py` of a room imports nothing, as some files run in the environments of the peers.
"""
