"""`python -m lookalike` is the command `lookalike`."""

import sys

from lookalike.cli import main

sys.exit(main())
