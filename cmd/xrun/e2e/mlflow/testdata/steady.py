"""Logs one value after the other, and notes each that was answered."""
import random
import sys
import time

from mlflow import MlflowClient
from mlflow.entities import Metric

client = MlflowClient()
name, count, noted = sys.argv[1], int(sys.argv[2]), open(sys.argv[3], "a")
found = client.get_experiment_by_name(name)
run = client.create_run(found.experiment_id if found else client.create_experiment(name)).info.run_id
draw = random.Random(name)
for step in range(count):
    value = draw.gauss(0, 1)
    if step % 5 == 0:
        client.log_batch(run, [Metric("val_loss", value, int(time.time() * 1000), step), Metric("twice", 2 * value, 1, step)])
    else:
        client.log_metric(run, "val_loss", value, step=step)
    noted.write(f"{run} {step} {value.hex()}\n")
    noted.flush()
    time.sleep(0.01)
client.set_terminated(run)
