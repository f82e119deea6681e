"""xrun: which optimizer, which learning rate, which λ, and how sure are we?

The command line is `xrun`, or `python -m xrun`; `xrun.binary()` is the program behind both. `from xrun import plugin` is the
module for optimizers, regularizers and objectives in Python. A script records itself by init, log and finish.
sweep trains a sweep, and open gives the results of a database.
"""

from ._binary import __version__, binary
from ._run import Run, Stopped, config, current, in_sweep, init

__all__ = ["Run", "Stopped", "__version__", "binary", "config", "current", "in_sweep", "init"]

# Sweeps and their results.
from ._command import Error
from ._results import Best, Comparison, Database, Records
from ._results import open_database as open
from ._sweep import Result, sweep

__all__ += ["Best", "Comparison", "Database", "Error", "Records", "Result", "open", "sweep"]


def __getattr__(name: str) -> object:
    if name in ("log", "finish"):
        raise AttributeError(f"module 'xrun' has no {name}: run = xrun.init(…) returns the run, and run.{name}(…) is what is meant")
    raise AttributeError(f"module 'xrun' has no attribute {name!r}")
