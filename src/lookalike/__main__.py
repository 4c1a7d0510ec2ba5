"""`python -m lookalike` is the command `lookalike`."""

import sys

from lookalike.cli.parser import main

sys.exit(main())
