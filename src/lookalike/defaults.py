"""Choices and defaults that Python and the command line share.

They stand in a file of their own, without imports, so that `lookalike --help` needs none of the packages
behind them. Where there are several choices the first is the default.
"""

DEVICES = ("auto", "cpu", "cuda")
LORA_RANK = 8  # of the adapters of a backbone, for lora=True
STRENGTH = 0.3  # of variations: how far from the rows given, 0 to 1
METHODS = (  # see prompting/arms.py
    *("auto", "synalign", "steered", "few-shot", "nearest", "zero-shot", "attributes"),
)
GROW = ("real", "even", "coverage", "errors", "novelty")  # see prompting/growth/growing.py
DEMONSTRATIONS = 200  # real rows that a language model is shown, at most
GEN_SIZE = 10  # records a request
CONCURRENCY = 32  # calls in flight
TIMEOUT = 120.0  # seconds of silence after which a call is given up
THEN = ("difflm",)  # what learns the rows that a language model wrote
ALIGN_METHODS = ("exact", "linear")  # see curate/weights.py
MOST_REPEATS = 5  # how often a row of an aligned table may come
CHECKS = (  # of curate, in their order; see curate/curating.py
    *("missing", "length", "repetition", "symbols", "encoding", "language", "refusal", "meta"),
    *("parses", "range", "unknown", "rules", "copy", "exact", "near", "semantic", "labels", "outlier"),
)
ASKED_CHECKS = ("semantic", "outlier")  # of these, those that have to be asked for
USUAL_CHECKS = tuple(name for name in CHECKS if name not in ASKED_CHECKS)
LABEL_METHODS = ("auto", "drop", "weigh", "relabel")  # what is done with wrong labels; see curate/gate.py
DOUBTS = (
    "audit",
    "neighbours",
    "dynamics",
    "margin",
    "influence",
    "steps",
)  # of labels; see curate/doubting.py
SELECT_METHODS = ("k-means", "explore", "vote-k", "random", "entropy", "confidence")  # see curate/select.py
NEAR = 0.67  # Jaccard similarity from which texts are near-duplicates: equally long ones share 80%
QUEUE = 200  # items of a review
ERRORS = 0.05  # the error rate below which a review says that it is enough
JUDGED_PAIRS = 400  # of each table with real rows, which a judge compares
JUDGED_ROWS = 100  # of each table, which a judge rates
