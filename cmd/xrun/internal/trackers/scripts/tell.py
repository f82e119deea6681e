# Goes before each script that tells runs: a line of JSON for each thing that is told.
import sys

sys.path = [p for p in sys.path if p]  # the folder where xrun runs may have files with the names of packages

import json
import os

PAGE = 1000  # values a line

out = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
os.dup2(2, 1)  # what packages print is no line of this


def say(**line):
    out.write(json.dumps(line) + "\n")


def stop(error, help):
    say(error=error, help=help)
    out.flush()
    os._exit(1)


def lacking(package, error):
    stop(
        f"{sys.executable} has no package {package} that works: {error}",
        f"--python names an interpreter that has it, or: {sys.executable} -m pip install {package}",
    )


def plain(value):
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


