"""Many programs that log at once: processes of one interpreter, which has imported MLflow once."""
import os
import random
import sys
import time

import mlflow
from mlflow.entities import Metric, Param

count, values = int(sys.argv[1]), int(sys.argv[2])
mlflow.set_experiment("crowd")
children = []
for number in range(count):
    child = os.fork()
    if child == 0:
        draw = random.Random(number)
        with mlflow.start_run(run_name=f"program {number}") as run:
            client = mlflow.MlflowClient()
            client.log_batch(run.info.run_id, params=[Param("lr", str(0.01 * (1 + number))), Param("seed", "1")])
            for step in range(values):
                mlflow.log_metric("val_loss", draw.gauss(0, 1), step=step)
            now = int(time.time() * 1000)
            client.log_batch(run.info.run_id, [Metric("many", draw.gauss(0, 1), now, step) for step in range(500)])
        os._exit(0)
    children.append(child)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
