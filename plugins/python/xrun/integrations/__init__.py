"""Callbacks of training libraries: Keras, PyTorch Lightning, Hugging Face Trainer, scikit-learn, XGBoost and LightGBM.

Each library has a module here, which alone imports it::

    from xrun.integrations.keras import Callback

    model.fit(x, y, validation_data=(x_val, y_val), epochs=50, callbacks=[Callback()])

A callback logs to the run that it is given, else to the newest that the script has begun. Without any it begins one, which ends with
the training. Inside a sweep it reports to the sweep, and when that has seen enough, the library ends the training in its own way: fit
returns, and the script goes on. What is computed is the same with a callback and without.

The names of metrics are the library's, as name() spells them.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, Optional

from .. import _run  # pyright: ignore[reportPrivateUsage]
from .._run import Run

__all__ = ["Training", "name"]

_begun: Optional[Run] = None
"""The run that a callback has begun by itself, until it ends it."""


def name(metric: str) -> str:
    """The name of a metric in xrun: what is no letter, digit or _ becomes _, so that val/f1@5 is val_f1_5; loss becomes train_loss."""
    metric = re.sub(r"\W+", "_", metric)
    return "train_loss" if metric == "loss" else metric


class Training:
    """One training, as a callback sees it: begin, log after each epoch, look at stopped, end."""

    def __init__(self, run: Optional[Run] = None) -> None:
        self._given = run
        self.run: Optional[Run] = None

    def begin(self) -> Run:
        """Takes the run that was given, or the newest, or begins one."""
        global _begun
        if self._given is None and _begun is not None:
            _begun.finish()  # its training never said that it ended
            _begun = None
        begins = self._given is None and not _run._runs  # pyright: ignore[reportPrivateUsage]
        self.run = self._given or _run.current()
        if begins:
            _begun = self.run
        self.run.on_stop = "flag"
        return self.run

    def log(self, metrics: Mapping[str, Any], step: int) -> None:
        """Logs those values that are numbers. What comes after a request to stop belongs to an epoch that was cut off, and is left out."""
        run = self.run
        if run is None or run.stopped:
            return
        values: Dict[str, float] = {}
        for key, value in metrics.items():
            if key == "epoch":  # is the step, in a report to the sweep
                continue
            try:
                values[name(key)] = _run._number(key, value)  # pyright: ignore[reportPrivateUsage]
            except TypeError:
                pass  # a text or a table, which has no place in a curve
        if values:
            run.log(values, step=step)

    @property
    def stopped(self) -> bool:
        """Whether the sweep asks the training to end."""
        return self.run is not None and self.run.stopped

    def end(self) -> None:
        """Ends the run if begin() has begun it."""
        global _begun
        if self.run is not None and self.run is _begun:
            _begun = None
            self.run.finish()
        self.run = None
