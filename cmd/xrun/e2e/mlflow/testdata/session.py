"""A whole session of a client: everything that it says is read back."""
import math
import os
import sys
import tempfile

import mlflow
from mlflow import MlflowClient

client = MlflowClient()
experiment = mlflow.set_experiment("first").experiment_id
with mlflow.start_run(run_name="one") as run:
    mlflow.log_params({"lr": 0.1, "depth": 3, "opt": "adam", "seed": 7, "none": None, "text": "a 'b' \"c\""})
    mlflow.log_param("depth", 3)  # the same again
    for step in range(20):
        mlflow.log_metrics({"val_loss": 1 / (step + 1), "acc": step / 20}, step=step)
    for name, value in {"nan": math.nan, "inf": math.inf, "ninf": -math.inf}.items():
        mlflow.log_metric(name, value)
    mlflow.set_tags({"team": "a b", "x": "1"})
    mlflow.delete_tag("x")
    with mlflow.start_run(nested=True, run_name="child") as child:
        mlflow.log_param("opt", "sgd")
        mlflow.log_metric("m", 1.5)
        mlflow.log_metric("m", 2.5)
    with open(os.path.join(tempfile.mkdtemp(), "a.txt"), "w") as f:
        f.write("hello")
    mlflow.log_artifact(f.name, "sub")
    mlflow.log_text("abc", "b.txt")
id = run.info.run_id

try:
    client.log_param(id, "lr", 0.2)
    sys.exit("a param was changed")
except mlflow.exceptions.MlflowException as e:
    assert "INVALID_PARAMETER_VALUE" in str(e), e

assert [a.path for a in client.list_artifacts(id)] == ["b.txt", "sub"]
assert [(a.path, a.file_size) for a in client.list_artifacts(id, "sub")] == [("sub/a.txt", 5)]
assert mlflow.artifacts.load_text(run.info.artifact_uri + "/b.txt") == "abc"

read = client.get_run(id)
assert read.info.status == "FINISHED" and read.info.run_name == "one" and read.info.end_time >= read.info.start_time > 0
assert read.data.params == {"lr": "0.1", "depth": "3", "opt": "adam", "seed": "7", "none": "None", "text": "a 'b' \"c\""}, read.data.params
assert read.data.tags["team"] == "a b" and "x" not in read.data.tags
assert read.data.metrics["val_loss"] == 0.05 and math.isnan(read.data.metrics["nan"]) and read.data.metrics["ninf"] == -math.inf
assert client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == id

history = client.get_metric_history(id, "val_loss")
assert [(m.step, m.value) for m in history] == [(step, 1 / (step + 1)) for step in range(20)]
assert [m.value for m in client.get_metric_history(child.info.run_id, "m")] == [1.5, 2.5]


def found(filter, **more):
    return [r.info.run_name for r in client.search_runs([experiment], filter, **more)]


assert found("metrics.val_loss < 0.5 and params.opt = 'adam' AND tags.team LIKE 'a%' and attributes.status = 'FINISHED'") == ["one"]
assert found("params.opt IN ('sgd', 'rmsprop')" if not mlflow.__version__.startswith("2") else "params.opt ILIKE 'S_D'") == ["child"]
assert found("metrics.val_loss > 0.5") == []
assert sorted(found("", order_by=["metrics.m DESC"])) == ["child", "one"]
assert found("", order_by=["params.opt DESC"]) == ["child", "one"]
assert found("", order_by=["attributes.start_time ASC"]) == ["one", "child"]
page = client.search_runs([experiment], max_results=1)
assert len(page) == 1 and page.token
assert len(client.search_runs([experiment], max_results=1, page_token=page.token)) == 1
assert [e.name for e in client.search_experiments(filter_string="name LIKE 'fir%'")] == ["first"]

client.rename_experiment(experiment, "second")
assert mlflow.get_experiment_by_name("first") is None
client.rename_experiment(experiment, "first")
client.set_experiment_tag(experiment, "a", "b")
assert client.get_experiment(experiment).tags["a"] == "b"
client.delete_run(id)
assert client.get_run(id).info.lifecycle_stage == "deleted" and found("") == ["child"]
client.restore_run(id)
other = client.create_experiment("gone", tags={"k": "v"})
client.delete_experiment(other)
assert mlflow.get_experiment_by_name("gone").lifecycle_stage == "deleted"
client.restore_experiment(other)

with mlflow.start_run(run_id=id):  # it goes on
    mlflow.log_metric("acc", 0.99, step=2)
    mlflow.log_param("late", "yes")
print(id, child.info.run_id)
