"""python -m xrun is xrun."""

import os
import subprocess
import sys

from ._binary import binary


def main() -> int:
    arguments = [binary(), *sys.argv[1:]]
    if os.name != "nt":
        os.execv(arguments[0], arguments)
    return subprocess.call(arguments)


if __name__ == "__main__":
    sys.exit(main())
