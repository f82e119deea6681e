"""A callback for the Trainer of Hugging Face::

    from xrun.integrations.transformers import Callback

    Trainer(model, args, train_dataset=train, eval_dataset=val, callbacks=[Callback()]).train()
"""

from __future__ import annotations

from typing import Any, Dict, Optional

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from .._run import Run, in_sweep
from . import Training

__all__ = ["Callback"]


class Callback(TrainerCallback):
    """Logs what the Trainer logs while it trains. A step is its global step.

    Names are the Trainer's, with loss as train_loss and eval_ as val_: train_loss, grad_norm, learning_rate, val_loss. Times and speeds
    are left out, and so is the Trainer's summary at the end. Inside a sweep with evaluations a report is made at each evaluation, with
    the last values of training. A sweep's stop sets control.should_training_stop, which ends train after the step.
    """

    def __init__(self, run: Optional[Run] = None) -> None:
        self._training = Training(run)
        self._held: Dict[str, Any] = {}

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._training.begin()

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Optional[Dict[str, Any]] = None, **kwargs: Any
    ) -> None:
        logs = logs or {}
        if "train_runtime" in logs:
            return
        evaluated = any(k.startswith("eval_") for k in logs)
        values = {"val_" + k[5:] if k.startswith("eval_") else k: v for k, v in logs.items() if not k.endswith(("_runtime", "_per_second"))}
        if in_sweep() and args.eval_strategy != "no" and not evaluated:
            self._held = values
        else:
            self._training.log({**self._held, **values}, state.global_step)
            self._held = {}
        self._stop(control)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._stop(control)

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._training.end()

    def _stop(self, control: TrainerControl) -> None:
        if self._training.stopped:
            control.should_training_stop = True
