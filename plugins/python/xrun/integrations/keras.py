"""A callback for Keras 3::

    from xrun.integrations.keras import Callback

    model.fit(x, y, validation_data=(x_val, y_val), epochs=50, callbacks=[Callback()])
"""

from __future__ import annotations

from typing import Any, Mapping, Optional, cast

import keras  # pyright: ignore[reportMissingTypeStubs]

from .._run import Run
from . import Training

__all__ = ["Callback"]


class Callback(keras.callbacks.Callback):
    """Logs the metrics of each epoch, from 1 on.

    Names are those of Keras's History, with train_ before those of training: train_loss, train_accuracy, val_loss, val_accuracy.
    learning_rate keeps its name. A sweep's stop sets model.stop_training, which ends fit after the batch.
    """

    def __init__(self, run: Optional[Run] = None) -> None:
        super().__init__()
        self._training = Training(run)

    def on_train_begin(self, logs: Optional[Mapping[str, Any]] = None) -> None:
        self._training.begin()

    def on_epoch_end(self, epoch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        plain = ("val_", "learning_rate")
        self._training.log({k if k.startswith(plain) else "train_" + k: v for k, v in (logs or {}).items()}, epoch + 1)
        self._stop()

    def on_train_batch_end(self, batch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        self._stop()

    def on_train_end(self, logs: Optional[Mapping[str, Any]] = None) -> None:
        self._training.end()

    def _stop(self) -> None:
        if self._training.stopped:
            cast(Any, self).model.stop_training = True
