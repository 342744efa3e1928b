"""``python -m segwright``: the same as the command ``segwright``."""

import sys

from segwright.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
