"""A callback for PyTorch Lightning, as lightning or pytorch_lightning::

    from xrun.integrations.lightning import Callback

    lightning.Trainer(max_epochs=50, callbacks=[Callback()]).fit(model, train, val)
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any, Optional

from .._run import Run
from . import Training

if TYPE_CHECKING or "lightning.pytorch" in sys.modules or "pytorch_lightning" not in sys.modules:
    import lightning.pytorch as pl
else:  # the same library under its older name, with classes of its own
    import pytorch_lightning as pl

__all__ = ["Callback"]


class Callback(pl.Callback):
    """Logs trainer.callback_metrics, which self.log in the module fills, after each epoch with a validation, or after each epoch if there
    is no validation. Epochs count from 1.

    Names are those of self.log. What is logged by step and by epoch has both of Lightning's names, such as train_loss_step and
    train_loss_epoch. Of several validations in an epoch the last counts. A sweep's stop sets trainer.should_stop, which ends fit after
    the batch and no earlier than min_epochs.
    """

    def __init__(self, run: Optional[Run] = None) -> None:
        super().__init__()
        self._training = Training(run)
        self._epoch: Optional[int] = None  # what has ended and is not logged
        self._validated = False

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if stage == "fit":
            self._training.begin()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        listener = self._training.run and self._training.run._listener  # pyright: ignore[reportPrivateUsage]
        if listener:  # Lightning's own, which it has put before, ends the program, and puts this one back after fit
            signal.signal(signal.SIGTERM, listener)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._validated = not trainer.sanity_checking

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        self._stop(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._validated or not trainer.enable_validation:
            self._epoch = trainer.current_epoch + 1
        self._validated = False
        self._stop(trainer)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._log(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._log(trainer)
        self._training.end()

    def _log(self, trainer: pl.Trainer) -> None:
        """Logs the epoch that has ended. It is complete after the module's own on_train_epoch_end, which comes after that of callbacks."""
        if self._epoch is not None:
            self._training.log(trainer.callback_metrics, self._epoch)
            self._epoch = None
        self._stop(trainer)

    def _stop(self, trainer: pl.Trainer) -> None:
        if self._training.stopped:
            trainer.should_stop = True
