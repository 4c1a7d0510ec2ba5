"""The command line: options, and one function per verb."""
