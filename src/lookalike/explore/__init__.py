"""Which real rows are worth showing: the tracker of a Gaussian process."""
