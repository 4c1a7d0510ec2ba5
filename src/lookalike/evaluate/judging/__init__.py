"""A language model as the judge of synthetic rows: pairs, ratings, controls, Elo, calibration by people."""
