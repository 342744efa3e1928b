"""``python -m segwright``: the same as the command ``segwright``."""

import sys

from segwright.cli.main import main

sys.exit(main())
