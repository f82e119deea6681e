"""A callback for LightGBM, for train, cv and the estimators::

    from xrun.integrations.lightgbm import callback

    lightgbm.train(params, train, 200, valid_sets=[val], valid_names=["val"], callbacks=[callback()])
"""

from __future__ import annotations

from typing import Any, Optional

from lightgbm.callback import CallbackEnv, EarlyStopException

from .._run import Run
from . import Training

__all__ = ["callback"]


class _Callback:
    order = 20  # before lightgbm.early_stopping, which may end the training in this round

    def __init__(self, run: Optional[Run]) -> None:
        self._training = Training(run)

    def __call__(self, env: CallbackEnv) -> None:
        if self._training.run is None or env.iteration == env.begin_iteration:
            self._training.begin()
        results: Any = env.evaluation_result_list or []
        self._training.log({f"{data}_{metric}": value for data, metric, value, *_ in results}, env.iteration + 1)
        stopped = self._training.stopped
        if stopped or env.iteration + 1 == env.end_iteration:
            self._training.end()
        if stopped:
            raise EarlyStopException(env.iteration, results)


def callback(run: Optional[Run] = None) -> _Callback:
    """Logs the evaluations of each round, from 1 on.

    Names are that of the data and that of the metric: val_binary_logloss of valid_names=["val"], valid_0_binary_logloss without names.
    Of cv it is the mean over the folds. A sweep's stop ends the training after the round, whose number becomes best_iteration.
    """
    return _Callback(run)
