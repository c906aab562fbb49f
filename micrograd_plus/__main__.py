"""The command line: python -m micrograd_plus."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
