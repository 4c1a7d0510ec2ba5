"""The chapters of a report: formulas and sources stand at the top of each."""
