"""What session.py has logged, as another server says it."""
import math
import sys

import mlflow
from mlflow import MlflowClient

client = MlflowClient()
id, child = sys.argv[1:]
read = client.get_run(id)
assert read.info.status == "FINISHED" and read.info.run_name == "one", read.info
assert read.data.params == {"lr": "0.1", "depth": "3", "opt": "adam", "seed": "7", "none": "None", "text": "a 'b' \"c\"", "late": "yes"}, read.data.params
assert read.data.tags["team"] == "a b"
assert read.data.metrics["val_loss"] == 0.05 and math.isnan(read.data.metrics["nan"]) and read.data.metrics["inf"] == math.inf
history = client.get_metric_history(id, "val_loss")
assert [(m.step, m.value) for m in history] == [(step, 1 / (step + 1)) for step in range(20)], history
assert [m.timestamp for m in history] == sorted(m.timestamp for m in history) and history[0].timestamp >= read.info.start_time
assert len(client.get_metric_history(id, "acc")) == 21
assert [m.value for m in client.get_metric_history(child, "m")] == [1.5, 2.5]
experiment = mlflow.get_experiment_by_name("first")
assert experiment.tags["a"] == "b"
assert [r.info.run_id for r in client.search_runs([experiment.experiment_id], "metrics.val_loss < 0.5")] == [id]
client.log_metric(id, "later", 4.0, step=1)
