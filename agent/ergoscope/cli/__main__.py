"""python -m ergoscope.cli: the `ergoscope` command where the script is not on the path."""

import sys

from ergoscope.cli import main

if __name__ == "__main__":
    sys.exit(main())
