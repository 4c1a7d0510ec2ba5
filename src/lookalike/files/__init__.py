"""Tables in files: read, sampled and written, whatever the suffix."""
