"""Runs a script as a twin: every generator seeded alike, then the script as if it had been started by itself."""

import os
import random
import runpy
import sys
from pathlib import Path

import numpy as np

from ergoscope.twins.asked import VARIABLE, Asked


def main(arguments: list[str]) -> None:
    """Seed Python, numpy and torch, and run the script that is named first with the other arguments.

    Raises:
        SystemExit: the process is no twin.
    """
    asked = Asked.read(os.environ)
    if asked is None:
        raise SystemExit(f"{VARIABLE} is not set; start twins by `ergoscope twins {' '.join(arguments)}`")
    random.seed(asked.seed)
    np.random.seed(asked.seed % 2**32)  # the script may draw from the global generator
    try:
        import torch
    except ImportError:  # the script will say so better
        pass
    else:
        torch.manual_seed(asked.seed)
    sys.argv = arguments
    sys.path[0] = str(Path(arguments[0]).resolve().parent)
    runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
