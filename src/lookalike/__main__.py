"""`python -m lookalike` is the command `lookalike`."""

import sys

from lookalike.cli.main import main

sys.exit(main())
