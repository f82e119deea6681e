"""Tests of the callbacks with the libraries themselves, on the CPU: python -m unittest. XRUN_BINARY names the program xrun."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import unittest

import xrun
from xrun.integrations import Training, name

# Each script defines train(callback, pause), which trains the same model each time: with the callback or with None, pausing for seconds
# in each epoch. It returns the library's own history as {metric: {step: value}}, bytes of what was learned, and the epochs trained.
SCRIPTS = {
    "keras": """
import keras
from xrun.integrations.keras import Callback as callback

class Pause(keras.callbacks.Callback):
    def __init__(self, pause):
        super().__init__()
        self.pause = pause
    def on_epoch_begin(self, epoch, logs=None):
        time.sleep(self.pause)

def train(callback, pause):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1, "sigmoid")])
    model.compile(keras.optimizers.SGD(0.5), "binary_crossentropy", metrics=["accuracy"])
    callbacks = [Pause(pause)] + [callback] * (callback is not None)
    done = model.fit(x[:40], y[:40], batch_size=10, epochs=EPOCHS, validation_data=(x[40:], y[40:]), callbacks=callbacks, verbose=0)
    history = {("" if k.startswith("val_") else "train_") + k: {i + 1: v for i, v in enumerate(vs)} for k, vs in done.history.items()}
    return history, b"".join(w.tobytes() for w in model.get_weights()), len(done.epoch)
""",
    "lightning": """
import logging, warnings
warnings.simplefilter("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, TensorDataset
from xrun.integrations.lightning import Callback as callback

class Model(pl.LightningModule):
    def __init__(self, pause):
        super().__init__()
        self.pause, self.layer, self.history = pause, torch.nn.Linear(3, 1), {"train_loss": {}, "val_loss": {}, "late": {}}
    def loss(self, batch):
        return torch.nn.functional.binary_cross_entropy_with_logits(self.layer(batch[0]).ravel(), batch[1])
    def training_step(self, batch, index):
        loss = self.loss(batch)
        self.log("train/loss", loss, on_step=False, on_epoch=True)
        return loss
    def validation_step(self, batch, index):
        self.log("val/loss", self.loss(batch))
    def on_train_epoch_start(self):
        time.sleep(self.pause)
    def on_train_epoch_end(self):
        self.log("late", float(self.current_epoch) ** 0.5)  # after on_train_epoch_end of callbacks
        for name in "train/loss", "val/loss", "late":
            self.history[name.replace("/", "_")][self.current_epoch + 1] = float(self.trainer.callback_metrics[name])
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.5)

def train(callback, pause):
    pl.seed_everything(1, verbose=False)
    data = TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32))
    model, parts = Model(pause), torch.utils.data.random_split(data, [40, 20])
    trainer = pl.Trainer(max_epochs=EPOCHS, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False, enable_progress_bar=False,
                         enable_model_summary=False, callbacks=[callback] if callback else [])
    trainer.fit(model, DataLoader(parts[0], 10, shuffle=True), DataLoader(parts[1], 10))
    return model.history, b"".join(p.detach().numpy().tobytes() for p in model.parameters()), trainer.current_epoch
""",
    "transformers": """
import tempfile
import torch
from transformers import PretrainedConfig, PreTrainedModel, Trainer, TrainerCallback, TrainingArguments
from transformers.modeling_outputs import SequenceClassifierOutput
from xrun.integrations.transformers import Callback as callback

class Model(PreTrainedModel):
    config_class = PretrainedConfig
    def __init__(self, config):
        super().__init__(config)
        self.layer = torch.nn.Linear(3, 2)
        self.post_init()
    def _init_weights(self, module):
        pass
    def forward(self, x, labels):
        logits = self.layer(x)
        return SequenceClassifierOutput(loss=torch.nn.functional.cross_entropy(logits, labels), logits=logits)

class Pause(TrainerCallback):
    def __init__(self, pause):
        self.pause = pause
    def on_epoch_begin(self, args, state, control, **kwargs):
        time.sleep(self.pause)

def train(callback, pause):
    torch.manual_seed(1)
    rows = [{"x": torch.tensor(a, dtype=torch.float32), "labels": int(b)} for a, b in zip(x, y)]
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(folder, num_train_epochs=EPOCHS, per_device_train_batch_size=10, eval_strategy="epoch", logging_steps=2, logging_first_step=True,
                                 save_strategy="no", learning_rate=0.3, report_to="none", disable_tqdm=True, use_cpu=True, seed=1)
        trainer = Trainer(Model(PretrainedConfig()), args, train_dataset=rows[:40], eval_dataset=rows[40:], callbacks=[Pause(pause)] + [callback] * (callback is not None))
        trainer.train()
    history = {}
    for logs in trainer.state.log_history:
        if "train_runtime" not in logs:
            for k, v in logs.items():
                if k not in ("epoch", "step") and not k.endswith(("_runtime", "_per_second")):
                    history.setdefault({"loss": "train_loss", "eval_loss": "val_loss"}.get(k, k), {})[logs["step"]] = v
    return history, b"".join(p.detach().numpy().tobytes() for p in trainer.model.parameters()), trainer.state.epoch
""",
    "sklearn": """
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from xrun.integrations.sklearn import fit

callback = lambda run=None: run or "the newest"

class Batches(list):
    pause = epochs = 0
    def __iter__(self):
        time.sleep(self.pause)
        self.epochs += 1
        return super().__iter__()

def train(callback, pause):
    model, history, batches = SGDClassifier(loss="log_loss", random_state=1), {}, Batches([(x[:20], y[:20]), (x[20:40], y[20:40])])
    if callback is not None:
        batches.pause = pause
        fit(model, batches, epochs=EPOCHS, validation=(x[40:], y[40:]), classes=[0, 1], run=None if isinstance(callback, str) else callback)
    else:
        for epoch in range(1, EPOCHS + 1):
            for a, b in batches:
                model.partial_fit(a, b, classes=[0, 1])
            for of, rows in ("train", slice(0, 40)), ("val", slice(40, 60)):
                history.setdefault(of + "_accuracy", {})[epoch] = model.score(x[rows], y[rows])
                history.setdefault(of + "_loss", {})[epoch] = log_loss(y[rows], model.predict_proba(x[rows]))
    return history, model.coef_.tobytes() + model.intercept_.tobytes(), (batches.epochs + 1) // 2
""",
    "xgboost": """
import xgboost
from xrun.integrations.xgboost import Callback as callback

class Pause(xgboost.callback.TrainingCallback):
    def __init__(self, pause):
        super().__init__()
        self.pause = pause
    def before_iteration(self, model, epoch, evals_log):
        time.sleep(self.pause)
        return False

def train(callback, pause):
    parts, result = [xgboost.DMatrix(x[rows], y[rows]) for rows in (slice(0, 40), slice(40, 60))], {}
    model = xgboost.train({"objective": "binary:logistic", "eval_metric": ["auc", "logloss"], "max_depth": 2, "subsample": 0.5, "seed": 1, "nthread": 1}, parts[0], EPOCHS,
                          evals=[(parts[0], "train"), (parts[1], "val")], evals_result=result, verbose_eval=False, callbacks=[Pause(pause)] + [callback] * (callback is not None))
    history = {f"{data}_{metric}": {i + 1: v for i, v in enumerate(vs)} for data, metrics in result.items() for metric, vs in metrics.items()}
    return history, bytes(model.save_raw("ubj")), model.num_boosted_rounds()
""",
    "lightgbm": """
import lightgbm
from xrun.integrations.lightgbm import callback

def train(callback, pause):
    data, result = lightgbm.Dataset(x[:40], y[:40], params={"verbose": -1}), {}
    params = {"objective": "binary", "metric": ["auc", "binary_logloss"], "num_leaves": 3, "min_data_in_leaf": 2, "bagging_fraction": 0.5, "bagging_freq": 1,
              "seed": 1, "deterministic": True, "num_threads": 1, "verbose": -1}
    callbacks = [lambda env: time.sleep(pause), lightgbm.record_evaluation(result)] + [callback] * (callback is not None)
    model = lightgbm.train(params, data, EPOCHS, valid_sets=[data.create_valid(x[40:], y[40:])], callbacks=callbacks)
    history = {f"{of}_{metric}": {i + 1: v for i, v in enumerate(vs)} for of, metrics in result.items() for metric, vs in metrics.items()}
    return history, model.model_to_string().encode(), model.current_iteration()
""",
}
DATA = """
import json, os, sys, time
import numpy
import xrun
x = numpy.random.RandomState(0).randn(60, 3)
y = (x[:, 0] + numpy.random.RandomState(1).randn(60) > 0).astype(int)
EPOCHS = int(sys.argv[1])
begun, init = [], xrun._run.init
def noted(*args, **more):
    begun.append(init(*args, **more))
    return begun[-1]
xrun._run.init = noted
"""
RECORDED = """
plain, learned, _ = train(None, 0)
said = []
for how in "none", "newest", "given":  # run the callback takes
    runs = []
    if how != "none":
        runs.append(xrun.init("mine", system=None, config={"how": how}))
    if how == "given":
        runs.append(xrun.init("other", system=None))
    history, same, epochs = train(callback(runs[0]) if how == "given" else callback(), 0)
    if not runs:
        runs.append(begun[-1])
        assert runs[0].id, "the run that the callback has begun has not ended"
    for run in runs:
        assert how == "none" or run.id is None, "a run that the callback has not begun has ended"
        run.finish()
    said.append({"id": runs[0].id, "same": same == learned, "history": history or plain, "plain": plain})
print(json.dumps(said))
"""
SWEPT = """
history, learned, epochs = train(callback(), 0.05)
with open("after.json", "w") as f:
    json.dump({"epochs": epochs, "stopped": begun[-1].stopped}, f)
"""
METRICS = {  # what a sweep is told, the monitored one first
    "keras": ("val_loss", "val_accuracy", "train_loss", "train_accuracy"),
    "lightning": ("val_loss", "train_loss", "late"),
    "transformers": ("val_loss", "train_loss", "grad_norm", "learning_rate"),
    "sklearn": ("val_loss", "val_accuracy", "train_loss", "train_accuracy"),
    "xgboost": ("val_logloss", "val_auc", "train_logloss", "train_auc"),
    "lightgbm": ("valid_0_binary_logloss", "valid_0_auc"),
}
MODULES = {"keras": ("tensorflow", "keras"), "lightning": ("torch", "lightning"), "transformers": ("torch", "accelerate", "transformers")}


class Callbacks(unittest.TestCase):
    """The tests, which subclasses below run with one library each."""

    library = ""
    maxDiff = None

    def setUp(self):
        missing = [m for m in MODULES.get(self.library, (self.library,)) if importlib.util.find_spec(m) is None]
        if missing:
            reason = f"{', '.join(missing)} cannot be imported, so the callback for {self.library} is not tested"
            print(reason)
            self.skipTest(reason)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_in(self, *command):
        env = {k: v for k, v in os.environ.items() if k != "XRUN_STORE"}
        env.update(KERAS_BACKEND="tensorflow", CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3", HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1")
        done = subprocess.run(command, cwd=self.folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stdout[-4000:] + done.stderr[-4000:])
        return done.stdout

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(text)

    def xrun(self, *arguments):
        return self.run_in(os.environ["XRUN_BINARY"], *arguments)

    def shown(self, run):
        """A run, and its curves as {metric: {step: value}}, without those of the machine, which a slow one measures."""
        history = {}
        for row in json.loads(self.xrun("sql", "--json", f"SELECT metric, step, value FROM curves WHERE run_id = {run} AND metric NOT LIKE 'system_%'"))["rows"]:
            history.setdefault(row["metric"], {})[row["step"]] = row["value"]
        return json.loads(self.xrun("show", str(run), "--json"))["run"], history

    # The values are the library's own to the bit, and what is learned is the same as without.
    def test_a_script_is_recorded(self):
        self.write("script.py", DATA + SCRIPTS[self.library] + RECORDED)
        said = json.loads(self.run_in(sys.executable, "script.py", "4").splitlines()[-1])
        for one, sweep in zip(said, ("script", "mine", "mine")):
            run, recorded = self.shown(one["id"])
            self.assertTrue(one["same"], "the callback has changed what is learned")
            self.assertEqual((run["status"], run["sweep"]), ("finished", sweep))
            self.assertEqual(bits(recorded), bits(one["history"]))
            self.assertEqual(bits(one["history"]), bits(one["plain"]))
            self.assertTrue(recorded)

    # A sweep's stop ends the training before its last epoch, and the script goes on.
    def test_a_sweep_stops_a_trial(self):
        metric = METRICS[self.library][0]
        self.write("script.py", DATA + SCRIPTS[self.library] + SWEPT)
        self.write("sweep.toml", f"""
            [task]
            command = {json.dumps([sys.executable, "script.py", "400"])}
            metrics = ["{metric}"]
            grace = "1h"
            [metric]
            name = "{metric}"
            goal = "min"
            [early_stop]
            patience = 2
            min_delta = 1000
            [grid]
            lr = [0.1]
        """)
        self.xrun("sweep", "sweep.toml", "--workers", "1")
        run, recorded = self.shown(1)
        self.assertEqual(run["status"], "stopped")
        for values in recorded.values():
            self.assertEqual(len(values), 3, recorded)
        self.assertEqual(set(recorded), set(METRICS[self.library]))
        with open(os.path.join(self.folder, "after.json")) as f:
            after = json.load(f)
        self.assertTrue(after["stopped"])
        self.assertLess(after["epochs"], 400)


class Shared(unittest.TestCase):
    """What all callbacks share, for which no library is needed."""

    def test_names(self):
        for metric, want in {"loss": "train_loss", "val_loss": "val_loss", "val/f1@5": "val_f1_5", "valid_0-logloss": "valid_0_logloss", "λ max": "λ_max"}.items():
            self.assertEqual(name(metric), want)

    def test_the_package_imports_no_library(self):
        code = f"import sys, xrun, xrun.integrations; print(*[m for m in {sorted(SCRIPTS) + ['torch', 'tensorflow', 'numpy']} if m in sys.modules])"
        self.assertEqual(subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True).stdout, "\n")

    def test_what_is_no_number_is_left_out(self):
        with tempfile.TemporaryDirectory() as folder:
            run = xrun.init("shared", store=os.path.join(folder, "xrun.db"), system=None, output=False)
            training = Training()
            self.assertIs(training.begin(), run)
            training.log({"loss": 1.5, "epoch": 0.5, "report": "precision 0.5", "matrix": [[1, 2]]}, step=1)
            training.log({"report": "a text alone"}, step=2)
            run.stopped = True
            training.log({"loss": 9.0}, step=3)  # of an epoch that was cut off
            self.assertTrue(training.stopped)
            training.end()
            self.assertIsNone(run.id, "a run that the callback has not begun has ended")
            run.finish()
            rows = subprocess.run([os.environ["XRUN_BINARY"], "sql", "--json", "--store", os.path.join(folder, "xrun.db"), "SELECT metric, step, value FROM curves"],
                                  stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertEqual(json.loads(rows)["rows"], [{"metric": "train_loss", "step": 1, "value": 1.5}])

    # One that never said that it ended, as LightGBM's with early stopping, does not go on in the next.
    def test_each_training_begins_a_run_of_its_own(self):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["XRUN_STORE"] = os.path.join(folder, "xrun.db")
            self.addCleanup(os.environ.pop, "XRUN_STORE")
            first, second = Training(), Training()
            runs = [first.begin(), second.begin()]
            second.end()
        self.assertEqual([run.id for run in runs], [1, 2])


def bits(history):
    return {metric: {int(step): float(value).hex() for step, value in values.items()} for metric, values in history.items()}


for _library in SCRIPTS:
    globals()[_library.title()] = type(_library.title(), (Callbacks,), {"library": _library})
del Callbacks

if __name__ == "__main__":
    unittest.main()
