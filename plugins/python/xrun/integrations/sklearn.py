"""Epochs of scikit-learn's partial_fit::

    from xrun.integrations.sklearn import fit

    fit(SGDClassifier(loss="log_loss"), [(x, y)], epochs=50, validation=(x_val, y_val))
"""

# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any, Dict, Iterable, Iterator, Optional, Tuple, TypeVar

import numpy
from sklearn.base import is_classifier, is_regressor
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score

from .._run import Run
from . import Training

__all__ = ["fit"]

_Model = TypeVar("_Model")


def fit(
    model: _Model,
    batches: Iterable[Tuple[Any, Any]],
    *,
    epochs: int,
    validation: Optional[Tuple[Any, Any]] = None,
    classes: Optional[Any] = None,
    train_metrics: bool = True,
    run: Optional[Run] = None,
) -> _Model:
    """Trains a classifier or a regressor by its partial_fit, and returns it.

    batches        pairs (X, y) of an epoch, each for one call of partial_fit; X has shape (rows, features), y (rows,). It is gone through
                   anew in each epoch: a list, a DataLoader, an object of yours with __iter__, and no generator.
    validation     a pair (X, y)
    classes        all labels; those of the batches by default
    train_metrics  compute those of training too, which takes one more pass over the batches

    After each epoch, from 1 on, it logs for classifiers val_accuracy and, if the model has predict_proba, val_loss, the mean negative
    log-likelihood; for regressors val_loss, the mean squared error, and val_r2. train_accuracy, train_loss and train_r2 are those of the
    batches, at the same parameters. A sweep's stop ends it after the batch.
    """
    if isinstance(batches, Iterator):
        raise TypeError("batches can be gone through only once, and each epoch goes through them: give a list, or an object with __iter__")
    estimator: Any = model
    if not is_classifier(estimator) and not is_regressor(estimator):
        raise TypeError(f"fit wants a classifier or a regressor, got {type(model).__name__}")
    more: Dict[str, Any] = {}
    if is_classifier(estimator):
        labels = classes if classes is not None else numpy.unique(numpy.concatenate([numpy.unique(y) for _, y in batches]))
        more["classes"] = labels
    training = Training(run)
    training.begin()
    for epoch in range(1, epochs + 1):
        for x, y in batches:
            estimator.partial_fit(x, y, **more)
            if training.stopped:
                break
        if training.stopped:
            break
        values = _metrics("val", estimator, [validation]) if validation is not None else {}
        if train_metrics:
            values.update(_metrics("train", estimator, batches))
        training.log(values, epoch)
    training.end()
    return model


def _metrics(of: str, model: Any, batches: Iterable[Tuple[Any, Any]]) -> Dict[str, float]:
    """The metrics of rows that come in batches."""
    pairs = [(model.predict(x), _probabilities(model, x), y) for x, y in batches]
    predicted = numpy.concatenate([p for p, _, _ in pairs])
    truth = numpy.concatenate([numpy.asarray(y) for _, _, y in pairs])
    if is_regressor(model):
        return {of + "_loss": mean_squared_error(truth, predicted), of + "_r2": r2_score(truth, predicted)}
    values = {of + "_accuracy": accuracy_score(truth, predicted)}
    if pairs[0][1] is not None:
        values[of + "_loss"] = log_loss(truth, numpy.concatenate([p for _, p, _ in pairs]), labels=model.classes_)
    return values


def _probabilities(model: Any, x: Any) -> Any:
    """Of the classes, of shape (rows, classes), or None."""
    return model.predict_proba(x) if is_classifier(model) and hasattr(model, "predict_proba") else None
