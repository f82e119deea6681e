"""The process of a trial whose task is a function: python -m xrun._worker NAME, in the function's folder."""

from __future__ import annotations

import importlib
import json
import linecache
import os
import sys
import traceback
import types
from collections.abc import Mapping
from typing import Any, cast

from ._command import Error
from ._function import PLACE, SENT, call, check_python, check_same, receive


def main() -> int:
    """Runs one trial. The exit code is 0 if the function came back."""
    name = sys.argv[1]
    with open(name, encoding="utf-8") as f:
        manifest = json.load(f)
    with open(PLACE, encoding="utf-8") as f:
        place = json.load(f)
    with open(SENT, "rb") as f:
        sent = f.read()
    for file, lines in place["sources"].items():
        linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
    if os.path.isdir(place["cwd"]):
        os.chdir(place["cwd"])
    sys.path[:] = place["path"]
    main_module = types.ModuleType("__main__")
    sys.modules["__main__"] = main_module
    from ._run import init  # after __main__: it may look for the program that called it

    run = init()
    try:
        check_python(manifest)
        for module in place["modules"]:
            importlib.import_module(module)
        function = receive(sent, main_module.__dict__)
        check_same(function, manifest)
        result = call(function, cast("Mapping[str, Any]", run.config), run)
        metrics = _metrics(result, name)
        if not metrics and not run.step:
            raise Error(f"{name} returned None, and has logged nothing", "return a number or a dict of metrics, or call run.log({…}) after each epoch")
        judged = _judged()
        if metrics and judged and judged not in metrics and not run.step:
            raise Error(f"{name} returned {', '.join(metrics)}, and is judged by {judged}", f"name what it returns: metrics={list(metrics)!r}")
    except Error as e:
        print(f"xrun: {e}", file=sys.stderr)
        return 1
    except Exception as e:
        _print(e)
        return 1
    if metrics:
        run.log(metrics)
    run.finish()
    return 0


def _metrics(result: Any, name: str) -> dict[str, Any]:
    """What a function has returned, as metrics of the last epoch: a number, a dict of numbers, or None."""
    if result is None:
        return {}
    if isinstance(result, Mapping):
        return {str(k): _number(v, f"{name}'s {k}") for k, v in cast("Mapping[Any, Any]", result).items()}
    return {_judged() or "value": _number(result, name)}


def _judged() -> str:
    """The metric by which the sweep judges its trials, which is the first of those that it declares."""
    declared: list[str] = json.loads(os.environ.get("XRUN_METRICS", "null") or "null") or [""]
    return declared[0]


def _number(value: Any, what: str) -> float:
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        raise Error(
            f"{what} returned {type(value).__name__}, which is no number",
            "return a number, a dict of metrics, or None after run.log(…)",
        ) from None


def _print(e: Exception) -> None:
    """Prints the traceback of the function, without the lines of this package above it."""
    here = os.path.dirname(os.path.abspath(__file__))
    at = e.__traceback__
    while at is not None and os.path.dirname(os.path.abspath(at.tb_frame.f_code.co_filename)) == here:
        at = at.tb_next
    traceback.print_exception(type(e), e, at or e.__traceback__)


if __name__ == "__main__":
    sys.exit(main())
