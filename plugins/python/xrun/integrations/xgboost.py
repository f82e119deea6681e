"""A callback for XGBoost, for train, cv and the estimators::

    from xrun.integrations.xgboost import Callback

    xgboost.train(params, train, 200, evals=[(train, "train"), (val, "val")], callbacks=[Callback()])
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from xgboost.callback import TrainingCallback

from .._run import Run
from . import Training

__all__ = ["Callback"]


class Callback(TrainingCallback):
    """Logs the evaluations of each round, from 1 on.

    Names are that of the data and that of the metric: val_logloss of evals=[(val, "val")], validation_0_logloss of an estimator's
    eval_set. Of cv it is the mean over the folds. A sweep's stop ends the training after the round.
    """

    def __init__(self, run: Optional[Run] = None) -> None:
        super().__init__()
        self._training = Training(run)

    def before_training(self, model: Any) -> Any:
        self._training.begin()
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, List[Any]]]) -> bool:
        last: Dict[str, Any] = {f"{data}_{metric}": values[-1] for data, metrics in evals_log.items() for metric, values in metrics.items()}
        self._training.log({k: v[0] if isinstance(v, tuple) else v for k, v in last.items()}, epoch + 1)
        return self._training.stopped

    def after_training(self, model: Any) -> Any:
        self._training.end()
        return model
