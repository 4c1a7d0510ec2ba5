"""Tables of numbers and categories: one scorer for lookalike and its peers, and what a fit costs."""
